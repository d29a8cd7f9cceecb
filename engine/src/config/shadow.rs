// SPDX-License-Identifier: Apache-2.0
//! `[[shadow]]`: policies that decide beside the live one. Each is the live policy but for the keys that it writes.

use super::check;
use super::keys::{SHADOWS, keys};
use super::mistake::{Fault, Ledger};
use super::parse::{Places, Scope, walk};
use super::setting::Setting as _;
use super::{Config, EngineConfig};
use std::fmt::Write as _;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Most policies beside the live one: each costs as much as the live one does.
pub const MAX_SHADOWS: usize = 16;
/// Longest name, characters.
const LONGEST_NAME: usize = 40;
/// The key that only a shadow has.
pub(super) const NAME: &str = "name";

/// A policy that decides beside the live one and never acts.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowConfig {
    /// Its name in metrics and on the page: the `policy` label.
    pub name: String,
    /// All of its rules.
    pub engine: EngineConfig,
}

/// Whether a shadow may differ from the live policy in a key: in how it lends, predicts and judges harm, not in what is
/// read or where it is told, and not in the horizons, by which policies are compared.
fn permits(path: &str) -> bool {
    let first = path.split('.').next().unwrap_or_default();
    let horizons = ["predict.horizon", "predict.other_horizons"].contains(&path);
    ["cpu", "memory", "predict", "qos"].contains(&first) && !horizons
}

/// What to say of a key that every policy of a node shares.
pub(super) fn foreign() -> Fault {
    Fault::new(
        "all policies of a node share this".into(),
        "write it outside of [[shadow]]; a shadow has the keys of cpu, memory, predict and qos, but for the horizons"
            .into(),
    )
}

/// The shadows of a file whose other keys have been read into `live`.
pub(super) fn read(
    file: &DeTable<'_>,
    live: &Config,
    ledger: &mut Ledger<'_>,
) -> Vec<ShadowConfig> {
    let found = file.iter().find(|(name, _)| name.get_ref() == SHADOWS);
    let Some((_, value)) = found else { return Vec::new() };
    let list = "write [[shadow]]";
    let Some(tables) = value.get_ref().as_array() else {
        ledger.note(&value.span(), SHADOWS, fault("it is a list of tables", list));
        return Vec::new();
    };
    if tables.len() > MAX_SHADOWS {
        let wrong = format!("{} policies", tables.len());
        let instead = format!("write at most {MAX_SHADOWS}: each costs as much as the live one");
        ledger.note(&value.span(), SHADOWS, Fault::new(wrong, instead));
    }
    let mut shadows: Vec<ShadowConfig> = Vec::new();
    for (i, item) in tables.iter().enumerate() {
        let label = format!("{SHADOWS}[{i}]");
        match item.get_ref().as_table() {
            Some(table) => {
                let shadow = one(table, &item.span(), &label, (live, &shadows), ledger);
                shadows.push(shadow);
            }
            None => ledger.note(&item.span(), label, fault("it is not a table", list)),
        }
    }
    shadows
}

fn fault(wrong: &str, instead: &str) -> Fault {
    Fault::new(wrong.into(), instead.into())
}

fn one(
    table: &DeTable<'_>,
    at: &Range<usize>,
    label: &str,
    (live, before): (&Config, &[ShadowConfig]),
    ledger: &mut Ledger<'_>,
) -> ShadowConfig {
    let mut config = Config { shadows: Vec::new(), ..live.clone() };
    let mut places = Places::new();
    let scope = Scope { label: format!("{label}."), permits };
    walk(table, "", &scope, &mut config, &mut places, ledger);
    check::derive(&mut config, &places);
    check::cross_check(&config, &scope.label, &places, ledger);
    let written = table.iter().find(|(name, _)| name.get_ref() == NAME).map(|(_, value)| value);
    let place = written.map_or_else(|| at.clone(), toml::Spanned::span);
    let live_name = live.engine.cpu.predictor.kind.name();
    let name = match name(written.map(toml::Spanned::get_ref), live_name, before) {
        Ok(name) => name,
        Err(fault) => {
            ledger.note(&place, format!("{}{NAME}", scope.label), fault);
            String::new()
        }
    };
    ShadowConfig { name, engine: config.engine }
}

/// A name that tells the policy from all others.
fn name(
    written: Option<&DeValue<'_>>,
    live: &str,
    before: &[ShadowConfig],
) -> Result<String, Fault> {
    let proposal = "write a name such as \"careful\"";
    let written = written.ok_or_else(|| fault("it is missing", proposal))?;
    let name = String::read(written)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.%".contains(c);
    if !name.chars().all(plain) || name.len() > LONGEST_NAME {
        let form =
            format!("write up to {LONGEST_NAME} letters, digits, \"-\", \"_\", \".\" or \"%\"");
        return Err(Fault::new("it is no name".into(), form));
    }
    if name == live {
        let wrong = format!("{name} is what the live policy is called, by its predictor");
        return Err(Fault::new(wrong, "write another name".into()));
    }
    match before.iter().any(|shadow| shadow.name == name) {
        true => {
            Err(Fault::new(format!("two policies are called {name}"), "write another name".into()))
        }
        false => Ok(name),
    }
}

/// The shadows as TOML: of each its name and the keys in which it differs from the live policy.
pub(super) fn show(file: &mut String, config: &Config) {
    for shadow in &config.shadows {
        let own = Config { engine: shadow.engine.clone(), ..config.clone() };
        let mut text = format!("\n[[{SHADOWS}]]\n{NAME} = {}\n", shadow.name.show());
        for key in keys().filter(|key| permits(key.path)) {
            let value = (key.show)(&own);
            if value != (key.show)(config) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{} = {value}", key.path);
            }
        }
        file.push_str(&text);
    }
}
