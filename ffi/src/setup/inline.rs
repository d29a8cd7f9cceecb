// SPDX-License-Identifier: Apache-2.0
//! Keys of the configuration, from a file or from parameters of the same names: `cpu.cap` = `50%`.

use super::Reading;
use gleaner_engine::config::{Config, Mistakes, is_key};
use std::collections::BTreeMap;

type Placed = (Config, BTreeMap<String, String>);

/// The configuration that is meant; the defaults where it has a mistake.
pub(super) fn config(reading: &mut Reading, file: Option<&str>) -> Placed {
    let given: Vec<(String, String)> =
        std::mem::take(&mut reading.parameters).into_iter().collect();
    let (keys, unknown): (Vec<_>, Vec<_>) = given.into_iter().partition(|(key, _)| is_key(key));
    if reading.threshold {
        let note =
            |(key, _): &(String, String)| format!("parameter {key}: no such key; it is ignored");
        reading.warnings.extend(unknown.iter().map(note));
    }
    match file {
        Some(path) => from_file(reading, path, &keys, &unknown),
        None if reading.threshold => from_keys(reading, &keys),
        // Unknown keys go along: the parser proposes what may have been meant.
        None => from_keys(reading, &[keys, unknown].concat()),
    }
}

fn from_file(
    reading: &mut Reading,
    path: &str,
    keys: &[(String, String)],
    unknown: &[(String, String)],
) -> Placed {
    for (key, _) in keys {
        reading.mistake(key, "with `config` it stands in the file", "write it there");
    }
    if !reading.threshold {
        for (key, _) in unknown {
            reading.mistake(key, "no such parameter", "the module's own are listed in docs/ffi.md");
        }
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            reading.mistake("config", &format!("{path}: {error}"), "name a file that can be read");
            return Placed::default();
        }
    };
    Config::parse_placed(&text, path).unwrap_or_else(|mistakes| {
        reading.mistakes.push(mistakes.to_string());
        Placed::default()
    })
}

fn from_keys(reading: &mut Reading, keys: &[(String, String)]) -> Placed {
    let (plain, odd): (Vec<_>, Vec<_>) = keys.iter().partition(|(key, _)| is_plain(key));
    for (key, _) in odd {
        reading.mistake(key, "no such key", "docs/config.md lists them");
    }
    let line = |(key, value): &&(String, String)| format!("{key} = {}\n", literal(value));
    let text: String = plain.iter().map(line).collect();
    match Config::parse(&text, "") {
        Ok(config) => {
            let place =
                |(key, _): &&(String, String)| (key.clone(), "module parameters".to_owned());
            (config, plain.iter().map(place).collect())
        }
        Err(Mistakes { list, .. }) => {
            for mistake in list {
                let line = plain.get(mistake.line.saturating_sub(1));
                let named = if mistake.key.is_empty() { line.map(|(key, _)| key) } else { None };
                let key = named.unwrap_or(&mistake.key).clone();
                reading.mistake(&key, &mistake.wrong, &mistake.instead);
            }
            Placed::default()
        }
    }
}

/// A dotted path that TOML takes without quotes.
fn is_plain(key: &str) -> bool {
    let name = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    key.split('.').all(name)
}

/// The value as TOML: numbers, truth values and lists as they are, everything else as text.
fn literal(value: &str) -> String {
    let is_value =
        format!("x = {value}").parse::<toml::Table>().is_ok_and(|table| table.len() == 1);
    match is_value && !value.contains(['\n', '\r']) {
        true => value.to_owned(),
        false => toml::Value::String(value.to_owned()).to_string(),
    }
}
