// SPDX-License-Identifier: Apache-2.0
//! What a target has used so far, read only to see whether an act had an effect.

use crate::fault::{Fault, Lost};
use crate::held::Held;
use crate::place::Version;
use crate::target::{Target, Tree};
use gleaner_collector::Controller;
use gleaner_collector::parse::{memory_stat_v1, memory_stat_v2};
use gleaner_estimator::units::{Amount as _, Bytes};
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

/// Memory charged beside page cache.
///
/// Kernel quirk: `memory.stat` alone may be two seconds old for what was taken just now (seen on 6.1); what is charged
/// is counted at once.
///
/// # Errors
/// If the target has no memory accounting, is gone, or says something that cannot be understood.
pub fn beside_cache(target: &Target) -> Result<Bytes, Lost> {
    let charged = memory_bytes(target)?;
    let tree = Tree::Of(Controller::Memory);
    let held = target.enter(tree)?;
    let text = held.read("memory.stat").map_err(|fault| held.judge(fault))?;
    let stat = match target.version(tree) {
        Some(Version::V1) => memory_stat_v1(text.as_bytes()),
        Some(Version::V2) | None => memory_stat_v2(text.as_bytes()),
    };
    let path = held.path().join("memory.stat");
    let unknown = |_| Lost::from(Fault::new(&path, "understand", Errno::INVAL));
    stat.map(|stat| Bytes(charged).less(stat.file_cache)).map_err(unknown)
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
