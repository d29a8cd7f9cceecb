// SPDX-License-Identifier: Apache-2.0
//! Who takes memory, whose cache goes for it, and when the kernel kills.
//!
//! Measured, and kept here: page cache goes first and costs nothing; when hot files of a service go, it stalls for
//! a fifth of the time and faults hundreds of times a second, all at once; memory comes back within the time of the kill,
//! and the service is well 0.6 s later; `memory.high` stops growth and returns nothing.

use super::kernel::Kernel;
use super::task::SimTask;

/// Share of the node that one task can fill in a second.
const FASTEST: f64 = 0.15;
/// The service is well this long after its files may be cached again, seconds.
const RECOVERS: f64 = 0.6;

/// One step of so many seconds.
pub(super) fn share(kernel: &mut Kernel, secs: f64) {
    let (now, whole) = (kernel.now(), kernel.size.memory);
    // What the dying give back does not slow down those who take.
    let mut grown = 0.0;
    for task in &mut kernel.tasks {
        if let Some(dying) = task.dying {
            task.held = (task.held - dying.returns * secs).max(0.0);
            (task.hot, task.cold) = (0.0, 0.0);
        } else if task.carried.frozen.is_none() {
            let before = task.held;
            take(task, now, secs, whole);
            grown += task.held - before;
        }
    }
    kernel.grown.push((now, grown));
    kernel.grown.retain(|(at, _)| now - at < 1.0);
    kernel.truth.growth = kernel.grown.iter().map(|(_, mib)| mib).sum::<f64>().max(0.0);
    kernel.batched = kernel.dice.about() * 0.0003 * whole;
    reclaim(kernel, secs);
}

/// What a running task takes in a step.
fn take(task: &mut SimTask, now: f64, secs: f64, whole: f64) {
    let w = task.workload;
    let step = whole * FASTEST * secs;
    let change = (w.memory_at(now - task.born) - task.held).clamp(-step, step);
    let high = task.carried.high.unwrap_or(f64::INFINITY);
    let limit = w.limit.unwrap_or(f64::INFINITY);
    let grows = task.held + change;
    if change < 0.0 || (grows + task.hot <= high && grows <= limit) {
        task.held = grows;
    } else {
        // It reclaims its own pages again and again.
        task.counters.stall_memory += 0.8 * secs;
        task.counters.pushed += if grows > limit { 20.0 * secs } else { 0.0 };
    }
    let below = (limit.min(high) - task.held - task.hot).max(0.0);
    task.cold = (task.cold + w.streams * secs).min(below);
    let missing = (w.hot - task.hot).max(0.0).min((limit - task.held - task.cold).max(0.0));
    task.hot += missing.min(whole * 0.5 * secs);
}

/// Drops cache until everything fits: cold first, hot when nothing else is left, then the kernel kills.
fn reclaim(kernel: &mut Kernel, secs: f64) {
    let whole = kernel.size.memory * 0.995;
    let held = kernel.held();
    let (hot, cold) = kernel.tasks.iter().fold((0.0, 0.0), |(h, c), t| (h + t.hot, c + t.cold));
    let over = (held + hot + cold - whole).max(0.0);
    let kept = 1.0 - (over / f64::max(cold, 1e-9)).min(1.0);
    kernel.tasks.iter_mut().for_each(|t| t.cold *= kept);
    let wanted: f64 =
        kernel.tasks.iter().filter(|t| t.is_guaranteed()).map(|t| t.workload.hot).sum();
    kernel.truth.room = whole - held - wanted;
    let short = (over - cold).max(0.0);
    let kept = 1.0 - (short / f64::max(hot, 1e-9)).min(1.0);
    let now = kernel.now();
    let (mut harmed, mut judged) = (false, false);
    for task in &mut kernel.tasks {
        let lost = task.hot * (1.0 - kept);
        task.hot -= lost;
        let hurts = lost > 0.002 * kernel.size.memory * secs;
        // What is read again while it is young, it reads for the first time.
        if hurts && task.is_guaranteed() && now - task.born > 1.0 {
            task.counters.stall_memory += 0.19 * secs;
            task.counters.faults += 400.0 * secs;
            harmed = true;
            // At its own limit it may be to blame itself.
            judged |= task.workload.limit.is_none();
        }
    }
    let lent: f64 = kernel.tasks.iter().filter(|t| t.is_best_effort()).map(|t| t.held).sum();
    // Best-effort is to blame where the files would fit without it.
    let to_blame = harmed && lent > 0.01 * kernel.size.memory;
    kernel.truth.memory.take(now, secs, (to_blame, to_blame && judged));
    linger(kernel, secs);
    if short > hot + 0.001 * kernel.size.memory {
        kernel_kills(kernel);
    }
}

/// A service that has lost hot files waits on for a moment when they may come back.
fn linger(kernel: &mut Kernel, secs: f64) {
    let ago = kernel.truth.memory.ago(kernel.now());
    if ago <= 0.0 || ago > RECOVERS {
        return;
    }
    for task in kernel.tasks.iter_mut().filter(|t| t.is_guaranteed() && t.workload.hot > 0.0) {
        task.counters.stall_memory += 0.1 * secs;
        task.counters.faults += 100.0 * secs;
    }
}

/// The kernel's OOM killer takes the largest; it starts over in the same cgroup.
fn kernel_kills(kernel: &mut Kernel) {
    let now = kernel.now();
    let alive = kernel.tasks.iter_mut().filter(|t| t.dying.is_none());
    if let Some(task) = alive.max_by(|a, b| a.held.total_cmp(&b.held)) {
        task.held = 0.0;
        task.born = now;
        task.counters.oom_kills += 1;
        kernel.truth.oom_kills += u64::from(task.is_guaranteed());
    }
}
