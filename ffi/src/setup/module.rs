// SPDX-License-Identifier: Apache-2.0
//! Parameters of the module itself, beside the keys of the configuration.

use super::resources::{self, Amounts};
use super::{Paces, Reading};
use gleaner_engine::config::parse_time;
use gleaner_engine::decision::Mode;
use gleaner_estimator::units::{Bytes, Span};
use gleaner_qos::compat::Thresholds;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What they say.
pub(super) struct Own {
    pub(super) config: Option<String>,
    pub(super) mode: Option<Mode>,
    pub(super) resources: Option<Amounts>,
    pub(super) thresholds: Thresholds,
    pub(super) strict: bool,
    pub(super) paces: Paces,
    pub(super) metrics_listen: Option<SocketAddr>,
    pub(super) metrics_textfile: Option<PathBuf>,
    pub(super) socket: Option<PathBuf>,
}

/// Takes them out of the parameters; what is left are keys of the configuration.
pub(super) fn take(reading: &mut Reading) -> Own {
    let own = Own {
        config: reading.take("config"),
        mode: mode(reading),
        resources: resources(reading),
        thresholds: Thresholds {
            load_1: load(reading, "load_threshold_1min"),
            load_5: load(reading, "load_threshold_5min"),
            load_15: load(reading, "load_threshold_15min"),
            memory: memory(reading),
        },
        strict: strict(reading),
        paces: paces(reading),
        metrics_listen: listen(reading),
        metrics_textfile: path(reading, "metrics_textfile"),
        socket: path(reading, "socket"),
    };
    if own.socket.is_some() {
        // The threshold modules' own parameters may stay, so that going thin is one more line.
        let given = [
            ("config", own.config.is_some()),
            ("mode", own.mode.is_some()),
            ("metrics_listen", own.metrics_listen.is_some()),
            ("metrics_textfile", own.metrics_textfile.is_some()),
        ];
        let others: Vec<&str> =
            given.into_iter().filter_map(|(key, given)| given.then_some(key)).collect();
        decided_elsewhere(reading, &others);
    }
    own
}

/// With a sidecar deciding, policy is set there.
fn decided_elsewhere(reading: &mut Reading, others: &[&str]) {
    let mut keys: Vec<String> = reading.parameters.keys().cloned().collect();
    keys.extend(others.iter().map(|key| (*key).to_owned()));
    for key in keys {
        let wrong = "with `socket` the sidecar decides";
        match reading.threshold {
            true => reading.warnings.push(format!("parameter {key}: {wrong}; it is ignored")),
            false => reading.mistake(&key, wrong, "set it in the sidecar's configuration"),
        }
    }
    reading.parameters.clear();
}

fn mode(reading: &mut Reading) -> Option<Mode> {
    let word = reading.take("mode")?;
    let mode = Mode::ALL.into_iter().find(|mode| mode.word() == word);
    if mode.is_none() {
        reading.mistake("mode", &format!("{word:?} is no mode"), "write observe, squeeze or evict");
    }
    mode
}

fn resources(reading: &mut Reading) -> Option<Amounts> {
    let text = reading.take("resources")?;
    match resources::parse(&text) {
        Ok((amounts, others)) if others.is_empty() => Some(amounts),
        Ok((amounts, others)) => {
            let wrong = format!("{} cannot be measured", others.join(", "));
            match reading.threshold {
                true => reading.warnings.push(format!(
                    "parameter resources: {wrong}; lent as it is written while no threshold is exceeded"
                )),
                false => reading.mistake("resources", &wrong, "write cpus and mem, without roles"),
            }
            Some(amounts)
        }
        Err(wrong) if reading.threshold => {
            // The agent has a parser of its own, which knows more forms.
            reading.warnings.push(format!("parameter resources: {wrong}; left to the agent"));
            None
        }
        Err(wrong) => {
            reading.mistake("resources", &wrong, "write for example cpus:8;mem:16384");
            None
        }
    }
}

/// As `numify<double>` reads it: no space around it; `inf` and `nan` are numbers that are never reached.
fn load(reading: &mut Reading, key: &str) -> Option<f64> {
    let text = reading.take(key)?;
    let number = text.parse::<f64>();
    if number.is_err() {
        reading.mistake(key, &format!("{text:?} is no number"), "write for example 12.5");
    }
    number.ok()
}

/// As `Bytes::parse(value + "MB")` reads it: whole MiB in digits, without sign, unit or space.
fn memory(reading: &mut Reading) -> Option<Bytes> {
    let key = "mem_threshold";
    let text = reading.take(key)?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>().ok().filter(|_| digits) {
        Some(mib) => Some(Bytes(mib.saturating_mul(1 << 20))),
        None => {
            let instead = "write whole MiB, digits only";
            reading.mistake(key, &format!("{text:?} is no amount of memory"), instead);
            None
        }
    }
}

fn strict(reading: &mut Reading) -> bool {
    let key = "strict_compatibility";
    let value = reading.take(key);
    match value.as_deref() {
        None | Some("false") => false,
        Some("true") if reading.threshold => true,
        Some("true") => {
            let wrong = "only the threshold modules can be copied strictly";
            reading.mistake(key, wrong, "use the com_blue_yonder names, or leave it out");
            false
        }
        Some(other) => {
            reading.mistake(key, &format!("{other:?} is neither"), "write true or false");
            false
        }
    }
}

fn paces(reading: &mut Reading) -> Paces {
    let mut time = |key: &str, usual: Span, least: Span, most: Span| {
        let Some(text) = reading.take(key) else { return usual };
        match parse_time(&text) {
            Ok(span) if (least..=most).contains(&span) => span,
            Ok(span) => {
                let instead = format!("write a time from {least} to {most}");
                reading.mistake(key, &format!("{span} is out of range"), &instead);
                usual
            }
            Err(wrong) => {
                reading.mistake(key, &wrong, "write for example 5s");
                usual
            }
        }
    };
    let (second, minute) = (Span::from_secs(1), Span::from_secs(60));
    let paces = Paces {
        push_every: time("push_every", Span::from_secs(5), second, minute),
        push_timeout: time("push_timeout", Span::from_secs(5), Span::from_millis(100), minute),
        table_max_age: time("table_max_age", minute, second, Span::from_secs(3600)),
        poll_every: time("poll_every", Span::from_secs(15), second, Span::from_secs(3600)),
    };
    if paces.table_max_age <= paces.push_every {
        let wrong =
            format!("{} is not longer than push_every = {}", paces.table_max_age, paces.push_every);
        reading.mistake("table_max_age", &wrong, "write at least three times push_every");
    }
    paces
}

fn listen(reading: &mut Reading) -> Option<SocketAddr> {
    let key = "metrics_listen";
    let text = reading.take(key)?;
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Some(address),
        Ok(address) => {
            let wrong = format!("{address} can be reached from elsewhere");
            reading.mistake(key, &wrong, "write a loopback address, such as 127.0.0.1:9720");
            None
        }
        Err(_) => {
            let instead = "write address and port, such as 127.0.0.1:9720";
            reading.mistake(key, &format!("{text:?} is no address"), instead);
            None
        }
    }
}

/// Relative paths would depend on the host's directory, which is not ours.
fn path(reading: &mut Reading, key: &str) -> Option<PathBuf> {
    let path = PathBuf::from(reading.take(key)?);
    if !path.is_absolute() {
        let wrong = format!("{} is not absolute", path.display());
        reading.mistake(key, &wrong, "write the whole path from /");
    }
    Some(path)
}
