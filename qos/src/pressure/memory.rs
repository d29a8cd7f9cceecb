// SPDX-License-Identifier: Apache-2.0
//! Memory: about to run out, or already missing.
//!
//! Pressure comes after the harm, so what counts first is headroom = MemAvailable − the guaranteed
//! tasks' hot cache, and how fast MemAvailable falls. Page cache does not move either: filling it
//! leaves MemAvailable where it is. Below a limit of the containers' root the same holds for what it leaves.

use super::pool::nearest;
use super::{Readings, Scene, put};
use crate::config::{Edges, MemoryConfig};
use crate::level::Level;
use crate::signal::{Ignored, Reading, Signal, Worst};
use crate::track::{Track, field};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use serde::Serialize;

/// The numbers behind the memory readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MemoryFacts {
    /// MemAvailable.
    pub available: Option<Bytes>,
    /// Page cache that guaranteed tasks cannot do without.
    pub hot_cache: Bytes,
    /// What is left before somebody guaranteed loses something; 0 when nothing is.
    pub headroom: Option<Bytes>,
    /// Available memory lost a second.
    pub growth: Option<Bytes>,
    /// Eviction is due below this headroom: `None` while nothing grows that fast.
    pub evict_below: Option<Bytes>,
    /// Headroom is below `evict_below`, or a slow leak has reached the floor.
    pub runs_out: bool,
}

pub(super) fn judge(scene: &mut Scene<'_>, readings: &mut Readings) -> MemoryFacts {
    let facts = headroom(scene, readings);
    let ample = facts.headroom.is_some_and(|h| {
        h.to_base() > scene.config.memory.ample * scene.node.capacity_memory.to_base()
    });
    let (mut stall, mut faults) = (Worst::default(), Worst::default());
    let mut kills = Worst::default();
    if scene.tracks.len() == 0 && facts.headroom.is_some() {
        // Nobody was promised anything, so nobody is harmed.
        for worst in [&mut stall, &mut faults, &mut kills] {
            worst.take(0.0, scene.now, None);
        }
    }
    let memory = &scene.config.memory;
    for track in scene.tracks.iter() {
        take_stall(&mut stall, memory, track, scene.now);
        take_faults(&mut faults, memory, track, scene.now);
        if let Some((count, at)) = track.oom_kills {
            kills.take(count as f64, at, Some(&track.task.id));
        }
    }
    let held = scene.best_effort.working_set.to_base();
    let nobody = held < memory.best_effort_min * scene.node.capacity_memory.to_base();
    // No shortage on the node, or nothing that could be given back: shown, and quiet as far as others go.
    let cause = match (ample, nobody) {
        (true, _) => Some(Ignored::Ample),
        (false, true) => Some(Ignored::NoBestEffort),
        (false, false) => None,
    };
    for (signal, worst) in
        [(Signal::MemoryStall, stall), (Signal::MajorFaults, faults), (Signal::OomKills, kills)]
    {
        let known = worst.value.is_some();
        let mut reading = Reading::judged(signal, worst, scene.config, cause);
        reading.at_once = true;
        // Another cause is a known absence of harm by best-effort, not an absence of knowledge.
        reading.calm |= known && cause.is_some();
        put(readings, reading);
    }
    memory_used(scene, readings);
    facts
}

fn take_stall(worst: &mut Worst, memory: &MemoryConfig, track: &Track, now: Timestamp) {
    let Some(d) = track.over(memory.stall_window, now, &[field::STALL_MEMORY]) else { return };
    // At its own limit it reclaims its own pages: nobody else's memory would help.
    let own = track.own_limit;
    if let Some(share) = d.stall(field::STALL_MEMORY) {
        worst.take(if own { 0.0 } else { share }, d.at(), Some(&track.task.id));
    }
}

/// Each major fault reads a page at least: no node reads 40 GB a second for one task.
const MOST_FAULTS: f64 = 1e7;

fn take_faults(worst: &mut Worst, memory: &MemoryConfig, track: &Track, now: Timestamp) {
    let Some(d) = track.over(memory.growth_window, now, &[field::FAULTS]) else { return };
    let age = now.since(track.first_seen).unwrap_or_default();
    let own = track.own_limit || age < memory.faults_after;
    if let Some(rate) = d.per_sec(field::FAULTS).filter(|rate| *rate <= MOST_FAULTS) {
        worst.take(if own { 0.0 } else { rate }, d.at(), Some(&track.task.id));
    }
}

/// The headroom reading, with the edges that the rate of fall puts it in.
fn headroom(scene: &Scene<'_>, readings: &mut Readings) -> MemoryFacts {
    let (config, node) = (scene.config, scene.node);
    let memory = &config.memory;
    let capacity = node.capacity_memory.to_base();
    let Some(pool) = nearest(scene).filter(|_| capacity > 0.0) else {
        return MemoryFacts { hot_cache: scene.tracks.hot_cache(), ..MemoryFacts::default() };
    };
    let fast = pool.growth.filter(|g| *g >= memory.min_growth * capacity);
    let slow = pool.lost.is_some_and(|lost| lost >= memory.trend * capacity);
    let ahead = |span: Span| fast.map_or(0.0, |g| g * (span.secs() + pool.behind.secs()));
    let kill = kill_time(memory, scene.best_effort.largest);
    let evict_below = fast.map(|g| ahead(memory.evict_ahead) + g * kill.secs());
    let floor = if slow { memory.floor * capacity } else { 0.0 };
    let strained = (memory.low * capacity).max(ahead(memory.strained_ahead));
    let line = evict_below.unwrap_or(0.0).max(floor);
    let critical = if pool.unclear { 0.0 } else { ahead(memory.critical_ahead).max(line) };
    let mut reading = Reading::unknown(Signal::Headroom, config);
    let share = |bytes: f64| bytes / capacity;
    (reading.value, reading.at, reading.at_once) =
        (Some(share(pool.headroom)), Some(pool.at), true);
    reading.strained =
        Some(Edges { enter: share(strained), leave: share(strained * memory.leave_factor) });
    reading.critical = Some(Edges { enter: share(critical), leave: share(strained) });
    reading.grade();
    put(readings, reading);
    MemoryFacts {
        available: node.available_since(scene.now, config.stale).map(|(_, available)| available),
        hot_cache: Bytes::from_base(pool.hot),
        headroom: Some(Bytes::from_base(pool.headroom)),
        growth: pool.growth.map(Bytes::from_base),
        evict_below: evict_below.map(Bytes::from_base),
        runs_out: !pool.unclear && pool.headroom < line,
    }
}

/// Time until the memory of a killed task of this size is back.
pub(crate) fn kill_time(memory: &MemoryConfig, size: Bytes) -> Span {
    Span::from_secs_f64(memory.kill_per_gib.secs() * size.to_base() / f64::from(1_u32 << 30))
}

fn memory_used(scene: &Scene<'_>, readings: &mut Readings) {
    let (Some(compat), Some((at, info))) = (scene.config.compat, scene.node.info) else { return };
    let (offer, evict) = (compat.offer.memory(&info), compat.evict.memory(&info));
    if offer.is_none() && evict.is_none() {
        return;
    }
    let none = (false, 0.0);
    let mut reading = Reading::unknown(Signal::MemoryUsed, scene.config);
    reading.compare(at, offer.unwrap_or(none), evict.unwrap_or(none));
    debug_assert!(
        reading.over != Some(Level::Calm),
        "a reading asks for a level above Calm or none"
    );
    put(readings, reading);
}
