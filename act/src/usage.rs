// SPDX-License-Identifier: Apache-2.0
//! What a target has used so far, read only to see whether an act had an effect.

use crate::fault::{Fault, Lost};
use crate::held::Held;
use crate::place::Version;
use crate::target::{Target, Tree};
use gleaner_collector::Controller;
use rustix::io::Errno;

/// CPU time used, microseconds.
///
/// # Errors
/// If the target has no CPU accounting or is gone.
pub fn cpu_usec(target: &Target) -> Result<u64, Lost> {
    let tree = Tree::Of(Controller::Cpuacct);
    match target.version(tree) {
        Some(Version::V1) => {
            let held = target.enter(tree)?;
            Ok(number(&held, "cpuacct.usage", None).map_err(|f| held.judge(f))? / 1000)
        }
        // `cpu.stat` of the unified hierarchy needs no controller.
        Some(Version::V2) | None => {
            let held = target.enter(Tree::Unified)?;
            number(&held, "cpu.stat", Some("usage_usec")).map_err(|f| held.judge(f))
        }
    }
}

/// Memory charged, bytes.
///
/// # Errors
/// If the target has no memory accounting or is gone.
pub fn memory_bytes(target: &Target) -> Result<u64, Lost> {
    let tree = Tree::Of(Controller::Memory);
    let held = target.enter(tree)?;
    let file = match target.version(tree) {
        Some(Version::V1) => "memory.usage_in_bytes",
        Some(Version::V2) | None => "memory.current",
    };
    number(&held, file, None).map_err(|fault| held.judge(fault))
}

/// A file of one number, or the value of one key in it.
fn number(held: &Held, file: &str, key: Option<&str>) -> Result<u64, Fault> {
    let text = held.read(file)?;
    let value = match key {
        None => Some(text.trim()),
        Some(key) => text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')),
    };
    let number = value.and_then(|value| value.parse().ok());
    number.ok_or_else(|| Fault::new(&held.path().join(file), "understand", Errno::INVAL))
}
