// SPDX-License-Identifier: Apache-2.0
//! The configuration file: read, parsed, and its mistakes told.

use crate::exit::{Exit, Failure};
use gleaner_engine::config::Config;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Largest file that is read. A thousand task rules are a tenth of it.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration, and where each key that was written stands: `cpu.cap` → `gleaner.toml:12`.
pub(crate) type Placed = (Config, BTreeMap<String, String>);

/// The configuration of a file, or the defaults without one.
pub(crate) fn load(path: Option<&Path>) -> Result<Placed, Failure> {
    let Some(path) = path else { return Ok((Config::default(), BTreeMap::new())) };
    let text = read(path)
        .map_err(|why| Failure::new(Exit::NoInput, format_args!("{}: {why}", path.display())))?;
    Config::parse_placed(&text, &path.display().to_string()).map_err(|mistakes| {
        let count = match mistakes.list.len() {
            1 => "1 mistake".to_owned(),
            n => format!("{n} mistakes"),
        };
        Failure::new(Exit::Config, format_args!("{count} in the configuration\n{mistakes}"))
    })
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| format!("cannot open the configuration: {e}"))?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("cannot read the configuration: {e}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("larger than {MAX_BYTES} bytes: this is no configuration"));
    }
    String::from_utf8(bytes)
        .map_err(|e| format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
}
