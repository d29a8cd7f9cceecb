// SPDX-License-Identifier: Apache-2.0
//! `resources` as the agent writes it: `cpus:16;mem:96000`, or the same as JSON. Memory in MiB.

use gleaner_estimator::units::{Bytes, MilliCpus};

/// What can be measured of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) cpu: Option<MilliCpus>,
    pub(crate) memory: Option<Bytes>,
}

/// The amounts, and the names of what is there besides.
pub(super) fn parse(text: &str) -> Result<(Amounts, Vec<String>), String> {
    let mut found = (Amounts::default(), Vec::new());
    match text.trim_start().starts_with(['[', '{']) {
        true => json(text, &mut found)?,
        false => {
            for item in text.split(';').map(str::trim).filter(|item| !item.is_empty()) {
                let (name, value) =
                    item.split_once(':').ok_or_else(|| format!("{item:?} has no colon"))?;
                add(name.trim(), value.trim().parse::<f64>().ok(), &mut found)?;
            }
        }
    }
    Ok(found)
}

fn json(text: &str, found: &mut (Amounts, Vec<String>)) -> Result<(), String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let list = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
    for item in list {
        let name = item["name"].as_str().ok_or("a resource has no name")?;
        let plain = item.get("reservations").is_none() && item["role"].as_str() != Some("");
        let role = item["role"].as_str().is_none_or(|role| role == "*");
        let scalar = item["scalar"]["value"].as_f64().filter(|_| plain && role);
        add(name, scalar, found)?;
    }
    Ok(())
}

/// Adds one resource; the same name twice adds up, as it does at the agent.
fn add(name: &str, value: Option<f64>, found: &mut (Amounts, Vec<String>)) -> Result<(), String> {
    let (name, star) = name.strip_suffix("(*)").map_or((name, false), |name| (name, true));
    let (amounts, others) = found;
    match (name, value) {
        ("cpus" | "mem", Some(value)) if !(0.0..1e15).contains(&value) => {
            return Err(format!("{name} is {value}"));
        }
        ("cpus", Some(value)) => {
            let millis = amounts.cpu.map_or(0, |cpu| cpu.0).saturating_add(whole(value * 1e3));
            amounts.cpu = Some(MilliCpus(millis));
        }
        ("mem", Some(value)) => {
            let mib = whole(value * 1024.0 * 1024.0);
            amounts.memory = Some(Bytes(amounts.memory.map_or(0, |m| m.0).saturating_add(mib)));
        }
        ("cpus" | "mem", None) => return Err(format!("the amount of {name} is no number")),
        ("", _) => return Err("a resource has no name".to_owned()),
        (other, _) => others.push(format!("{other}{}", if star { "(*)" } else { "" })),
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller has checked that it is between 0 and 1e15, times 2^20 saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_the_rest_is_named() {
        let read = |text: &str| {
            parse(text).map(|(amounts, others)| {
                (amounts.cpu.map(|c| c.0), amounts.memory.map(|m| m.0 >> 20), others.join(","))
            })
        };
        assert_eq!(read("cpus:16;mem:96000"), Ok((Some(16_000), Some(96_000), String::new())));
        assert_eq!(read(" cpus(*) : 0.5 ; cpus:0.001;"), Ok((Some(501), None, String::new())));
        assert_eq!(
            read("cpus:1;cpus(prod):2;gpus:1"),
            Ok((Some(1000), None, "cpus(prod),gpus".into()))
        );
        let json = r#"[{"name":"cpus","type":"SCALAR","scalar":{"value":2.5}},{"name":"ports"}]"#;
        assert_eq!(read(json), Ok((Some(2500), None, "ports".into())));
        assert_eq!(read(""), Ok((None, None, String::new())));
        for bad in ["cpus", "cpus:x", "cpus:-1", "cpus:nan", "cpus:inf", "[1", ":3", "[{}]"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
