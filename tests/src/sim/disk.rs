// SPDX-License-Identifier: Apache-2.0
//! Who waits for disks. A guess: the service of the measurements did no IO.

use super::kernel::Kernel;
use super::task::SimTask;

/// Share of best-effort's IO that a guaranteed task waits for, as equals and beside the lowest IO weight.
const EQUALS: f64 = 0.8;
const LOWEST: f64 = 0.3;

/// Seconds without best-effort at the disk after which a service's own IO is known; harm before cannot be told from it.
const KNOWN_AFTER: f64 = 15.0;

/// One step of so many seconds.
pub(super) fn share(kernel: &mut Kernel, secs: f64) {
    let load = |t: &SimTask| {
        let keep = t.carried.io_keep.unwrap_or(1.0);
        let weight = if t.carried.io_weight { LOWEST } else { EQUALS };
        if t.stands_still() { 0.0 } else { t.workload.io * keep * weight }
    };
    let lent: f64 = kernel.tasks.iter().filter(|t| t.is_best_effort()).map(load).sum();
    let (mut any, mut gross) = (false, false);
    let at_disk = |t: &SimTask| t.is_best_effort() && !t.stands_still() && t.workload.io > 0.0;
    let away = !kernel.tasks.iter().any(at_disk);
    for task in kernel.tasks.iter_mut().filter(|t| !t.stands_still()) {
        task.alone += if away { secs } else { 0.0 };
        let own = task.workload.io * task.strays.min(1.5);
        let theirs = if task.is_best_effort() || own <= 0.0 { 0.0 } else { lent.min(0.9) };
        let stalled = (own + theirs).min(1.0);
        task.counters.stall_io += stalled * secs;
        if task.is_guaranteed() {
            any |= theirs > 0.05;
            gross |= stalled - own > 0.35 && task.alone > KNOWN_AFTER;
        }
    }
    kernel.truth.io.take(kernel.now(), secs, (any, gross));
}
