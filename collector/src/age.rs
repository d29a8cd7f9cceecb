// SPDX-License-Identifier: Apache-2.0
//! When a task started: the start of the oldest process in its cgroup, on the clock of samples.
//!
//! Not the directory's times: kernfs sets them at the first lookup and moves them when children appear.

use crate::parse;
use crate::reader::Reader;
use crate::threads::below;
use crate::trees::Tree;
use gleaner_estimator::units::{Span, Timestamp};
use rustix::fd::BorrowedFd;

/// Cgroups below a task, and processes in them, that are looked at for the oldest. The first process of
/// a container, which is its oldest, is listed first on v1 and is among the first on v2.
const CGROUPS: usize = 64;
const PROCESSES: usize = 256;

/// When the task at `path` started; `None` while it has no process that can be seen.
///
/// Process starts count from boot, time asleep included, and so does `/proc/uptime`: their difference
/// is the age, whatever clock the caller's `at` is from. A start before that clock's zero becomes zero.
pub(crate) fn started(
    reader: &mut Reader,
    proc: BorrowedFd<'_>,
    tree: &Tree,
    path: &str,
    at: Timestamp,
) -> Option<Timestamp> {
    let mut pids = Vec::new();
    for cgroup in below(tree, path, CGROUPS, reader) {
        // A cgroup that is just going away has no processes to ask.
        let _ =
            reader.ids(tree.dir(), &[cgroup.as_bytes(), b"/cgroup.procs"], PROCESSES, &mut pids);
    }
    let oldest = pids.iter().filter_map(|pid| {
        let name = pid.to_string();
        reader.once(proc, &[name.as_bytes(), b"/stat"], parse::process_start).ok()
    });
    let start = oldest.min()?;
    let up = reader.once(proc, &[b"uptime"], parse::uptime).ok()?;
    let age = Span(up.0.saturating_sub(start.0));
    Some(Timestamp(at.0.saturating_sub(age.0)))
}
