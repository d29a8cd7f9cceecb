// SPDX-License-Identifier: Apache-2.0
//! Who gets CPU and who waits for it.
//!
//! Measured, and kept here: a service waits in itself the more the busier it is; best-effort in the lowest class takes
//! 95 % of what is idle and harms nobody; as an equal it lengthens every wait, and takes so much above half load that
//! work piles up; without it the wait per CPU falls at once, the stall only when the pile is gone.

use super::kernel::Kernel;
use super::task::SimTask;

/// Share of the idle CPU that the lowest class really gets.
const IDLE_USED: f64 = 0.95;
/// Seconds of its work that a service lets pile up before it turns work away.
const PATIENCE: f64 = 3.0;
/// Wait per CPU that a whole node of equals adds to a service that is a quarter busy or more.
const AMONG_EQUALS: f64 = 3.5;

/// What a service waits for itself, by how busy the node is: wait per CPU and share of time stalled (eight threads on
/// two cores at 20, 40, 60 and 80 %).
fn by_itself(busy: f64) -> (f64, f64) {
    let (wait, stall) = match busy {
        b if b < 0.4 => (0.75 * b, 0.3 * b),
        b if b < 0.8 => (0.3 + 3.2 * (b - 0.4), 0.12 + 1.2 * (b - 0.4)),
        b => (1.6 + 20.0 * (b.min(1.0) - 0.8), 0.6 + 2.0 * (b.min(1.0) - 0.8)),
    };
    (wait, stall.min(1.0))
}

/// Shares `capacity` by weight among wants; what one does not want goes to the others.
fn fill(wants: &[f64], weights: &[f64], capacity: f64) -> Vec<f64> {
    let mut got = vec![0.0; wants.len()];
    let mut left = capacity;
    loop {
        let hungry = |i: &usize| wants[*i] - got[*i] > 1e-9 && weights[*i] > 0.0;
        let open: Vec<usize> = (0..wants.len()).filter(hungry).collect();
        let all: f64 = open.iter().map(|i| weights[*i]).sum();
        if open.is_empty() || left <= 1e-9 {
            return got;
        }
        let step =
            open.iter().map(|i| (wants[*i] - got[*i]) / weights[*i]).fold(f64::MAX, f64::min);
        let step = step.min(left / all);
        for i in open {
            got[i] += step * weights[i];
        }
        left -= step * all;
    }
}

/// What a task would run now, and what it would without its own quota.
fn wants(task: &SimTask, now: f64) -> (f64, f64) {
    if task.stands_still() {
        return (0.0, 0.0);
    }
    let asked = task.workload.cores_at(now - task.born) + task.backlog / 0.3;
    let own = task.workload.quota.unwrap_or(f64::INFINITY);
    let ours = task.carried.quota.unwrap_or(f64::INFINITY);
    (asked.min(own).min(ours), asked)
}

fn weight(task: &SimTask) -> f64 {
    let promised = task.task.allocation.cpu.map_or(1.0, |c| c.0 as f64 / 1e3);
    if task.is_best_effort() && !task.is_loose() { 0.0 } else { promised.max(0.05) }
}

/// How much less than it wants a task gets, per CPU that it gets.
fn short(want: f64, got: f64) -> f64 {
    ((want - got) / got.max(0.05)).clamp(0.0, 15.0)
}

/// One step of so many seconds.
pub(super) fn share(kernel: &mut Kernel, secs: f64) {
    let (now, cores) = (kernel.now(), kernel.size.cores);
    let usable = cores * (1.0 - kernel.steal) * 0.998;
    let wanted: Vec<(f64, f64)> = kernel.tasks.iter().map(|t| wants(t, now)).collect();
    let want: Vec<f64> = wanted.iter().map(|w| w.0).collect();
    let weights: Vec<f64> = kernel.tasks.iter().map(weight).collect();
    let mut got = fill(&want, &weights, usable);
    let owners = |i: usize| if kernel.tasks[i].is_best_effort() { 0.0 } else { weights[i] };
    let without: Vec<f64> = (0..want.len()).map(owners).collect();
    let alone = fill(&want, &without, usable);
    let rest = (usable - got.iter().sum::<f64>()).max(0.0) * IDLE_USED;
    // Not quite equal: ties are broken by name, and who is frozen first must not depend on names here.
    let idles = |(i, w): (usize, &f64)| if *w > 0.0 { 0.0 } else { 1.0 + 0.01 * i as f64 };
    let idle_class: Vec<f64> = weights.iter().enumerate().map(idles).collect();
    for (g, more) in got.iter_mut().zip(fill(&want, &idle_class, rest)) {
        *g += more;
    }
    let scene = Scene { secs, usable, cores, steal: kernel.steal };
    serve(kernel, &scene, &wanted, &got, &alone);
    account(kernel, &scene, &got);
}

struct Scene {
    secs: f64,
    usable: f64,
    cores: f64,
    steal: f64,
}

/// Gives everybody its CPU and its waits.
fn serve(kernel: &mut Kernel, scene: &Scene, wanted: &[(f64, f64)], got: &[f64], alone: &[f64]) {
    let now = kernel.now();
    let sum = |of: &dyn Fn(&SimTask) -> bool| -> f64 {
        kernel.tasks.iter().zip(got).filter(|(t, _)| of(t)).map(|(_, g)| g).sum()
    };
    let loose = sum(&SimTask::is_loose);
    let hostile = sum(&|t| t.workload.hostile && t.is_best_effort() && !t.is_loose());
    let busy: f64 =
        kernel.tasks.iter().zip(alone).filter(|(t, _)| !t.is_best_effort()).map(|(_, a)| a).sum();
    let busy = busy / scene.usable.max(1e-9);
    let equals = AMONG_EQUALS * (loose + hostile) / scene.usable.max(1e-9) * (busy / 0.25).min(1.0);
    let (wait, stall) = by_itself(busy);
    let secs = scene.secs;
    for (i, task) in kernel.tasks.iter_mut().enumerate() {
        let ((want, asked), got) = (wanted[i], got[i]);
        // It wanders around 1 and forgets within about a second.
        let pull = (secs / 1.0).min(1.0);
        let noise = kernel.dice.about() * 0.45 * pull.sqrt();
        task.strays = (task.strays.ln() * (1.0 - pull) + noise).clamp(-1.2, 1.2).exp();
        task.cores = got;
        if !task.is_best_effort() && !task.stands_still() {
            let arrives = task.workload.cores_at(now - task.born);
            let most = PATIENCE * arrives;
            task.backlog = (task.backlog + (arrives - got) * secs).clamp(0.0, most);
        }
        let shed = short(want, got);
        let by_others = if task.is_best_effort() { 0.0 } else { equals };
        task.caused = by_others + (shed - short(want, alone[i])).max(0.0);
        let held = (1.0 - want / asked.max(1e-9)).max(0.0);
        let own = wait * task.strays * task.workload.queues + 4.0 * held + 4.0 * scene.steal;
        let c = &mut task.counters;
        c.cpu += got * secs;
        c.throttled += held * secs;
        c.wait += got * secs * (own + by_others + shed);
        let stalled = stall * task.strays * task.workload.queues + 0.25 * by_others + 0.5 * shed;
        c.stall_cpu += (stalled + held + scene.steal).min(1.0) * secs;
    }
}

/// Adds up the node's times, and says who was really harmed.
fn account(kernel: &mut Kernel, scene: &Scene, got: &[f64]) {
    let secs = scene.secs;
    let used: f64 = got.iter().sum();
    let lent: f64 = kernel.tasks.iter().filter(|t| t.is_best_effort()).map(|t| t.cores).sum();
    kernel.busy += used * secs;
    kernel.stolen += scene.cores * scene.steal * secs;
    kernel.truth.lent_used += lent * secs;
    kernel.truth.idle += (scene.usable - used).max(0.0) * secs;
    let harmed = |t: &&SimTask, much: f64| t.is_guaranteed() && t.cores > 0.02 && t.caused > much;
    let any = kernel.tasks.iter().any(|t| harmed(&t, 0.1));
    // So much that it is far above the entering edge, in a task whose wait can be judged.
    let d = |t: &SimTask| t.caused * lent * 2.0 / scene.cores;
    let judged = |t: &SimTask| t.cores > 0.1 && t.workload.quota.is_none();
    let gross = scene.steal < 0.01
        && kernel.tasks.iter().any(|t| harmed(&t, 0.5) && judged(t) && d(t) > 2.0);
    let now = kernel.now();
    kernel.truth.cpu.take(now, secs, (any, gross));
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn what_one_does_not_want_goes_to_the_others() {
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&fill(&[1.0, 8.0], &[1.0, 1.0], 4.0), &[1.0, 3.0]));
        assert!(near(&fill(&[4.0, 8.0], &[3.0, 1.0], 4.0), &[3.0, 1.0]));
        assert!(near(&fill(&[1.0, 1.0], &[1.0, 0.0], 4.0), &[1.0, 0.0]));
        assert!(near(&fill(&[], &[], 4.0), &[]));
    }
}
