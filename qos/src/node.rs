// SPDX-License-Identifier: Apache-2.0
//! What is remembered of the node: steal, the cores best-effort used, available memory and how fast it falls.

use crate::cache::CacheMark;
use crate::config::{CpuConfig, MemoryConfig};
use crate::pressure::room;
use crate::window::{Delta, Point, Window};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{Class, CpuTimes, LoadAverage, MemoryInfo, Sample};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use gleaner_estimator::usage::Usage;

/// Places of the counters in a point: all CPU time, steal, best-effort's CPU time, in µs.
const ALL: usize = 0;
const STEAL: usize = 1;
const BEST_EFFORT: usize = 2;

/// A window of glances that ended longer ago is judged no more.
const FAST_FRESH: Span = Span::from_millis(500);

/// What the CPUs did in one window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuView {
    /// Cores that best-effort used.
    pub(crate) best_effort: Option<f64>,
    /// Share of all CPU time that the hypervisor took.
    pub(crate) steal: Option<f64>,
}

/// The node.
#[derive(Clone, Debug)]
pub(crate) struct NodeWatch {
    fast: Window<3>,
    slow: Window<3>,
    /// MemAvailable is the same number in glances and samples, so this takes both.
    pub(crate) memory: Falling,
    /// What is left below the limit of the containers' root, from samples.
    pub(crate) below_root: Falling,
    /// CPU time of best-effort summed from rates: unlike the sum of counters it does not fall when a task leaves.
    best_effort_usec: u64,
    pub(crate) cores: f64,
    pub(crate) capacity_memory: Bytes,
    pub(crate) info: Option<(Timestamp, MemoryInfo)>,
    pub(crate) load: Option<(Timestamp, LoadAverage)>,
    pub(crate) available: Option<(Timestamp, Bytes)>,
    /// As last seen; `None` where the containers' root has no limit of its own.
    pub(crate) room: Option<(Timestamp, Bytes)>,
    pub(crate) cache: CacheMark,
}

impl Default for NodeWatch {
    fn default() -> Self {
        Self {
            fast: Window::new(24, Span::from_millis(50)),
            slow: Window::new(8, Span::from_millis(250)),
            memory: Falling::default(),
            below_root: Falling::default(),
            best_effort_usec: 0,
            cores: 0.0,
            capacity_memory: Bytes(0),
            info: None,
            load: None,
            available: None,
            room: None,
            cache: CacheMark::default(),
        }
    }
}

fn point(at: Timestamp, cpu: Option<CpuTimes>, best_effort: Option<u64>) -> Point<3> {
    let all = cpu.map(|c| c.busy_usec.saturating_add(c.idle_usec).saturating_add(c.steal_usec));
    let mut values = [None; 3];
    values[ALL] = all;
    values[STEAL] = cpu.map(|c| c.steal_usec);
    values[BEST_EFFORT] = best_effort;
    Point::new(at, values)
}

/// An amount of memory if this node can hold it; more is no reading.
pub(crate) fn possible(sample: &Sample, bytes: Option<Bytes>) -> Option<Bytes> {
    let node = &sample.node;
    let most = node.memory.map_or(node.capacity_memory, |m| m.total.max(node.capacity_memory));
    bytes.filter(|b| *b <= most)
}

impl NodeWatch {
    /// Forgets all windows.
    pub(crate) fn forget_windows(&mut self) {
        self.fast.clear();
        self.slow.clear();
        (self.memory, self.below_root) = Default::default();
        (self.available, self.room) = (None, None);
        self.info = None;
        self.load = None;
        self.cache = CacheMark::default();
    }

    /// Takes the guaranteed tasks' cache as the same sample showed it.
    pub(crate) fn take_cache(&mut self, cache: f64) {
        if let Some((_, MemoryInfo { available: Some(available), free, .. })) = self.info {
            self.cache.update(cache, available, free);
        }
    }

    pub(crate) fn take_glance(&mut self, glance: &Glance) {
        self.fast.push(point(glance.at, glance.cpu, glance.best_effort_cpu_usec));
        self.take_available(glance.at, glance.memory_available);
    }

    /// Takes a sample and the rates up to it.
    pub(crate) fn take_sample(&mut self, sample: &Sample, usage: &Usage) {
        self.cores = sample.node.capacity_cpu.to_base();
        self.capacity_memory = sample.node.capacity_memory;
        self.info = sample.node.memory.map(|m| (sample.at, m));
        self.load = sample.node.load.map(|l| (sample.at, l));
        let parallel = usage.tasks.len() == sample.tasks.len();
        let cores = parallel.then(|| usage.cpu_of(sample, Class::BestEffort)).flatten();
        match cores {
            Some(cores) => {
                let used = Span::from_secs_f64(cores * usage.span.secs()).0 / 1000;
                self.best_effort_usec = self.best_effort_usec.saturating_add(used);
            }
            // What was used in between is lost: no window may span it.
            None => self.slow.clear(),
        }
        self.slow.push(point(sample.at, sample.node.cpu, Some(self.best_effort_usec)));
        self.take_available(sample.at, sample.node.memory.and_then(|m| m.available));
        self.take_room(sample);
    }

    fn take_room(&mut self, sample: &Sample) {
        let held = sample.tasks.iter().map(|t| possible(sample, t.counters.working_set));
        let total = sample.node.memory.map(|m| m.total);
        let room = room(sample.node.capacity_memory, total, held.sum::<Option<Bytes>>());
        let before = std::mem::replace(&mut self.room, room.map(|room| (sample.at, room)));
        match (room, before) {
            (Some(room), _) => self.below_root.push(sample.at, room),
            // No window may span what was not seen.
            (None, Some(_)) => self.below_root = Falling::default(),
            (None, None) => {}
        }
    }

    fn take_available(&mut self, at: Timestamp, available: Option<Bytes>) {
        let possible = |b: &Bytes| self.info.is_none_or(|(_, info)| *b <= info.total);
        let Some(bytes) = available.filter(possible) else { return };
        if self.available.is_none_or(|(seen, _)| at.since(seen).is_some()) {
            self.available = Some((at, bytes));
            self.memory.push(at, bytes);
        }
    }

    /// The CPUs over this window; each number from glances where they know it.
    pub(crate) fn cpu(&self, span: Span, now: Timestamp) -> CpuView {
        let age = |d: &Delta<'_, 3>| now.since(d.at()).unwrap_or_default();
        let fast = self.fast.over(span).filter(|d| age(d) <= FAST_FRESH);
        let slow = self.slow.over(span).filter(|d| age(d) <= d.span);
        let first = |f: fn(&Delta<'_, 3>) -> Option<f64>| {
            fast.as_ref().and_then(f).or_else(|| slow.as_ref().and_then(f))
        };
        self.plausible(CpuView { best_effort: first(best_effort), steal: first(steal) })
    }

    /// As [`NodeWatch::cpu`], glances only.
    pub(crate) fn burst(&self, span: Span, now: Timestamp) -> CpuView {
        match self.fast.over(span) {
            Some(d) if now.since(d.at()).unwrap_or_default() <= FAST_FRESH => {
                self.plausible(CpuView { best_effort: best_effort(&d), steal: steal(&d) })
            }
            Some(_) | None => CpuView::default(),
        }
    }

    /// More cores than there are is no reading; the bound is generous, for counters are read one after another.
    fn plausible(&self, mut view: CpuView) -> CpuView {
        view.best_effort = view.best_effort.filter(|cores| *cores <= self.cores * 1.5);
        view
    }

    /// MemAvailable if it was read within this time.
    pub(crate) fn available_since(
        &self,
        now: Timestamp,
        fresh: Span,
    ) -> Option<(Timestamp, Bytes)> {
        self.available.filter(|(at, _)| now.since(*at).unwrap_or_default() <= fresh)
    }
}

/// An amount of memory that is left, and how fast it falls.
#[derive(Clone, Debug)]
pub(crate) struct Falling {
    short: Window<1>,
    long: Window<1>,
}

impl Default for Falling {
    fn default() -> Self {
        Self {
            short: Window::new(24, Span::from_millis(100)),
            long: Window::new(34, Span::from_secs(1)),
        }
    }
}

impl Falling {
    fn push(&mut self, at: Timestamp, left: Bytes) {
        self.short.push(Point::new(at, [Some(left.0)]));
        self.long.push(Point::new(at, [Some(left.0)]));
    }

    /// Bytes lost a second over the short window; never negative.
    pub(crate) fn growth(&self, config: &MemoryConfig) -> Option<f64> {
        self.short.over(config.growth_window)?.fall_per_sec(0).map(|f| f.max(0.0))
    }

    /// Bytes lost over the long window; never negative.
    pub(crate) fn lost(&self, config: &MemoryConfig) -> Option<f64> {
        let d = self.long.over(config.trend_window)?;
        // A window of minutes is scaled to the length that the threshold is about.
        d.fall_per_sec(0).map(|f| f.max(0.0) * config.trend_window.secs())
    }
}

fn best_effort(d: &Delta<'_, 3>) -> Option<f64> {
    d.share(BEST_EFFORT)
}

fn steal(d: &Delta<'_, 3>) -> Option<f64> {
    let all = d.of(ALL).filter(|all| *all > 0)?;
    Some(d.of(STEAL)? as f64 / all as f64)
}

impl CpuView {
    /// Whether the window says nothing: too much steal, or steal is unknown.
    pub(crate) fn stolen(&self, config: &CpuConfig) -> bool {
        self.steal.is_none_or(|s| s > config.steal)
    }
}
