// SPDX-License-Identifier: Apache-2.0
//! From parameters to what is meant: every mistake is noted, none stops the search for more.

mod inline;
mod module;
mod resources;

pub(crate) use resources::Amounts;

use crate::abi::code::{
    GLEANER_DIALECT_GLEANER, GLEANER_DIALECT_THRESHOLD, GLEANER_ROLE_BOTH, GLEANER_ROLE_CONTROLLER,
    GLEANER_ROLE_ESTIMATOR,
};
use crate::abi::{GLEANER_ABI_MAJOR, GLEANER_ABI_MINOR, GLEANER_ABI_VERSION};
use crate::border::{Asked, Failure};
use gleaner_engine::config::{Config, OrAuto, Preset, Quota};
use gleaner_engine::decision::Mode;
use gleaner_estimator::units::Span;
use gleaner_qos::compat::{Compat, Thresholds};
use gleaner_qos::drop_in::Rules;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a handle is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Estimator,
    Controller,
    Both,
}

impl Role {
    pub(crate) const fn estimates(self) -> bool {
        matches!(self, Self::Estimator | Self::Both)
    }

    pub(crate) const fn corrects(self) -> bool {
        matches!(self, Self::Controller | Self::Both)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Estimator => "estimator",
            Self::Controller => "controller",
            Self::Both => "both",
        }
    }
}

/// What a threshold module is put in the place of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stand {
    pub(crate) rules: Rules,
    /// What it may lend in all.
    pub(crate) amounts: Amounts,
}

/// How the host should call; see `Pace`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paces {
    pub(crate) push_every: Span,
    pub(crate) push_timeout: Span,
    pub(crate) table_max_age: Span,
    pub(crate) poll_every: Span,
}

/// All that the parameters mean.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) config: Config,
    /// Where each key that was written stands.
    pub(crate) places: BTreeMap<String, String>,
    /// Set in the threshold dialect: thresholds decide, and nothing else.
    pub(crate) stand: Option<Stand>,
    pub(crate) paces: Paces,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) metrics_textfile: Option<PathBuf>,
    /// The socket of the sidecar that decides instead.
    pub(crate) socket: Option<PathBuf>,
    /// What was taken, and yet is worth a word.
    pub(crate) warnings: Vec<String>,
}

/// The parameters being read, and what is wrong with them.
struct Reading {
    parameters: BTreeMap<String, String>,
    mistakes: Vec<String>,
    warnings: Vec<String>,
    /// Threshold dialect.
    threshold: bool,
}

impl Reading {
    fn new(asked: &Asked, threshold: bool) -> Self {
        let mut reading = Self {
            parameters: BTreeMap::new(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
            threshold,
        };
        for (key, value) in &asked.parameters {
            match (std::str::from_utf8(key), std::str::from_utf8(value)) {
                (Ok(key), Ok(value)) => {
                    reading.parameters.insert(key.to_owned(), value.to_owned());
                }
                (_, _) => {
                    let key = String::from_utf8_lossy(key).into_owned();
                    reading.mistake(&key, "key or value is not UTF-8", "write plain text");
                }
            }
        }
        reading
    }

    fn mistake(&mut self, key: &str, wrong: &str, instead: &str) {
        self.mistakes.push(format!("parameter {key}: {wrong}; {instead}"));
    }

    /// The value of a module's own parameter, which is then done with.
    fn take(&mut self, key: &str) -> Option<String> {
        self.parameters.remove(key)
    }
}

/// Reads the options of an opening.
pub(crate) fn read(asked: &Asked) -> Result<Setup, Failure> {
    check_version(asked.abi_version)?;
    let role = match asked.role {
        GLEANER_ROLE_ESTIMATOR => Role::Estimator,
        GLEANER_ROLE_CONTROLLER => Role::Controller,
        GLEANER_ROLE_BOTH => Role::Both,
        other => return Err(Failure::BadValue(format!("options.role is {other}: no such role"))),
    };
    let threshold = match asked.dialect {
        GLEANER_DIALECT_GLEANER => false,
        GLEANER_DIALECT_THRESHOLD => true,
        other => {
            return Err(Failure::BadValue(format!("options.dialect is {other}: no such dialect")));
        }
    };
    let mut reading = Reading::new(asked, threshold);
    let setup = gather(role, &mut reading);
    match reading.mistakes.is_empty() {
        true => Ok(setup),
        false => Err(Failure::BadConfig(reading.mistakes.join("\n"))),
    }
}

fn check_version(asked: u32) -> Result<(), Failure> {
    let (major, minor) = (asked >> 16, asked & 0xffff);
    if major == GLEANER_ABI_MAJOR && (0..=GLEANER_ABI_MINOR).contains(&minor) {
        return Ok(());
    }
    let (ours, at_least) = (GLEANER_ABI_VERSION >> 16, GLEANER_ABI_VERSION & 0xffff);
    Err(Failure::BadVersion(format!(
        "the program was built against version {major}.{minor} of the interface, \
         libgleaner has {ours}.{at_least}: install a libgleaner of at least the program's version"
    )))
}

fn gather(role: Role, reading: &mut Reading) -> Setup {
    let own = module::take(reading);
    let (mut config, places) = inline::config(reading, own.config.as_deref());
    let layout = &mut config.host.layout;
    if layout.preset == OrAuto::Auto {
        layout.preset = OrAuto::Given(Preset::Mesos);
    }
    config.engine.mode = match (role, own.mode) {
        // Who cannot take anything back only shows what would be.
        (Role::Estimator, _) => Mode::Observe,
        (_, Some(mode)) => mode,
        (_, None) if places.contains_key("mode") => config.engine.mode,
        (_, None) => Mode::Evict,
    };
    let stand = reading.threshold.then(|| Stand {
        rules: Rules {
            thresholds: own.thresholds,
            strict: own.strict,
            wait: config.engine.qos.compat.unwrap_or_default().wait,
            gone_within: config.engine.qos.budget.gone_within,
        },
        amounts: own.resources.unwrap_or_default(),
    });
    if !reading.threshold {
        take_over(&mut config, &own);
    }
    if let Some(listen) = config.host.http.listen.filter(|_| places.contains_key("http.listen")) {
        let text = format!("http.listen = {listen} is not served here: set metrics_listen");
        reading.warnings.push(text);
    }
    Setup {
        role,
        config,
        places,
        stand,
        paces: own.paces,
        metrics_listen: own.metrics_listen,
        metrics_textfile: own.metrics_textfile,
        socket: own.socket,
        warnings: std::mem::take(&mut reading.warnings),
    }
}

/// Parameters of the threshold modules in our own dialect: limits beside everything else.
fn take_over(config: &mut Config, own: &module::Own) {
    if let Some(amounts) = own.resources {
        config.engine.cpu.enabled = amounts.cpu.is_some();
        config.engine.cpu.cap = amounts.cpu.map(Quota::Exactly);
        config.engine.memory.enabled = amounts.memory.is_some();
        config.engine.memory.cap = amounts.memory.map(Quota::Exactly);
    }
    if own.thresholds != Thresholds::default() {
        let before = config.engine.qos.compat.unwrap_or_default();
        config.engine.qos.compat =
            Some(Compat { offer: own.thresholds, evict: own.thresholds, ..before });
    }
}

#[cfg(test)]
mod tests;
