// SPDX-License-Identifier: Apache-2.0
//! CPU harm: what a guaranteed task waits for while best-effort runs.

use super::{Readings, Rung0, Scene, put};
use crate::baseline::Alone;
use crate::config::CpuConfig;
use crate::node::CpuView;
use crate::signal::{Ignored, Reading, Signal, Worst};
use crate::track::{Track, field};
use crate::window::Delta;

type Window<'a> = Delta<'a, { field::COUNT }>;

pub(super) fn judge(scene: &mut Scene<'_>, readings: &mut Readings) {
    let (config, now) = (scene.config, scene.now);
    let cpu = &config.cpu;
    let view = scene.node.cpu(cpu.window, now);
    let burst = match scene.best_effort.rung0 {
        Rung0::Held | Rung0::Open => cpu.burst_window,
        Rung0::Impossible => cpu.burst_window_exposed,
    };
    let burst_view = scene.node.burst(burst, now);
    // A task that cannot be harmed counts as 0, one that cannot be read not at all.
    let mut found: [Worst; 4] = std::array::from_fn(|_| Worst::default());
    if scene.tracks.len() == 0 {
        // Nobody was promised anything, so nobody is harmed: that is known, not guessed.
        found.iter_mut().for_each(|f| f.take(0.0, now, None));
    }
    let per_core = cpu.reference_cpus / scene.node.cores.max(1e-3);
    for track in scene.tracks.iter_mut() {
        if let Some(d) = track.over(cpu.window, now, &[field::RUN_WAIT, field::RUN_CPU]) {
            run_wait(&mut found[0], cpu, track, &d, view, per_core);
        }
        let stalled = track.over(cpu.window, now, &[field::STALL_CPU, field::CPU]);
        if let Some(seen) = stalled.as_ref().and_then(net_stall) {
            stall_excess(&mut found[1], cpu, track, seen, view, scene.node.cores);
        }
        if let Some(d) = track.burst(burst, now) {
            run_wait(&mut found[2], cpu, track, &d, burst_view, per_core);
            stall_burst(&mut found[3], cpu, track, &d, burst_view);
        }
    }
    let signals = [
        (Signal::RunWait, view),
        (Signal::StallExcess, view),
        (Signal::RunWaitBurst, burst_view),
        (Signal::StallBurst, burst_view),
    ];
    for ((signal, view), worst) in signals.into_iter().zip(found) {
        if view.steal.is_none() {
            // Without the guard a number means nothing.
            continue;
        }
        let mut ignored = view.stolen(cpu).then_some(Ignored::Steal);
        let burst = matches!(signal, Signal::RunWaitBurst | Signal::StallBurst);
        if burst && scene.best_effort.rung0 == Rung0::Held {
            ignored = Some(Ignored::StandingClass);
        }
        let mut reading = Reading::judged(signal, worst, config, ignored);
        reading.at_once = burst;
        put(readings, reading);
    }
    load_average(scene, readings);
}

/// Share of the window throttled by its own quota. Summed over CPUs by the kernel, so it may be
/// too much, which can only hide harm. Unknown where there is no CPU controller, thus no quota.
fn own_quota(d: &Window<'_>) -> f64 {
    d.share(field::THROTTLED).unwrap_or(0.0)
}

/// `D`: wait per CPU × the cores of best-effort, per guaranteed core.
fn run_wait(
    found: &mut Worst,
    cpu: &CpuConfig,
    track: &Track,
    d: &Window<'_>,
    view: CpuView,
    per_core: f64,
) {
    let (Some(wait), Some(ran)) = (d.of(field::RUN_WAIT), d.of(field::RUN_CPU)) else { return };
    let Some(best_effort) = view.best_effort else { return };
    let ran_cores = ran as f64 / 1e9 / d.span.secs();
    // More than the node has is no reading; generous, for counters are read one after another.
    if ran_cores * per_core > 1.5 * cpu.reference_cpus {
        return;
    }
    // The wait counter runs on while the task is throttled: then it says nothing about others.
    let throttled = own_quota(d) > cpu.own_quota;
    if throttled || ran_cores < cpu.min_cpu || best_effort < cpu.best_effort_min {
        return found.take(0.0, d.at(), None);
    }
    found.take(wait as f64 / ran as f64 * best_effort * per_core, d.at(), Some(&track.task.id));
}

/// CPU use and stall of a window, the stall of its own quota taken off.
fn net_stall(d: &Window<'_>) -> Option<Alone> {
    let (stall, cores) = (d.stall(field::STALL_CPU)?, d.share(field::CPU)?);
    Some(Alone { at: d.at(), span: d.span, cores, stall: (stall - own_quota(d)).max(0.0) })
}

/// `E`: stall beyond own quota and beyond what the task shows alone; learned while best-effort is away.
fn stall_excess(
    found: &mut Worst,
    cpu: &CpuConfig,
    track: &mut Track,
    seen: Alone,
    view: CpuView,
    cores: f64,
) {
    let Some(best_effort) = view.best_effort else { return };
    let scale = track.scale(cores);
    if best_effort < cpu.absent && !view.stolen(cpu) {
        track.cpu_alone.learn(seen, scale);
    }
    if best_effort < cpu.best_effort_min {
        return found.take(0.0, seen.at, None);
    }
    if let Some(alone) = track.cpu_alone.at(seen.cores, scale) {
        found.take((seen.stall - alone).max(0.0), seen.at, Some(&track.task.id));
    }
}

/// Gross stall in a tenth of a second, while best-effort runs.
fn stall_burst(found: &mut Worst, cpu: &CpuConfig, track: &Track, d: &Window<'_>, view: CpuView) {
    let Some((stall, best_effort)) = d.stall(field::STALL_CPU).zip(view.best_effort) else {
        return;
    };
    // Twice the least that can be the cause over a second: a tenth of a second is short.
    if best_effort < 2.0 * cpu.best_effort_min {
        return found.take(0.0, d.at(), None);
    }
    found.take((stall - own_quota(d)).clamp(0.0, 1.0), d.at(), Some(&track.task.id));
}

fn load_average(scene: &Scene<'_>, readings: &mut Readings) {
    let (Some(compat), Some((at, load))) = (scene.config.compat, scene.node.load) else { return };
    if !compat.offer.has_load() && !compat.evict.has_load() {
        return;
    }
    let mut reading = Reading::unknown(Signal::LoadAverage, scene.config);
    reading.compare(at, compat.offer.load(&load), compat.evict.load(&load));
    put(readings, reading);
}
