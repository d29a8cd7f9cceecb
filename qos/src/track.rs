// SPDX-License-Identifier: Apache-2.0
//! What is remembered of each guaranteed task: its windows, what it shows alone, its hot cache.

use crate::baseline::Baseline;
use crate::cache::HotCache;
use crate::config::QosConfig;
use crate::node::possible;
use crate::window::{Delta, Point, Window};
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::sample::{
    Class, MemoryEvents, Sample, Task, TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use std::sync::Arc;

/// Places of the counters in a point.
pub(crate) mod field {
    /// CPU time, µs.
    pub(crate) const CPU: usize = 0;
    /// Time throttled by its own quota, µs.
    pub(crate) const THROTTLED: usize = 1;
    /// CPU PSI some, µs.
    pub(crate) const STALL_CPU: usize = 2;
    /// Memory PSI some, µs.
    pub(crate) const STALL_MEMORY: usize = 3;
    /// IO PSI some, µs.
    pub(crate) const STALL_IO: usize = 4;
    /// Run-queue wait, ns.
    pub(crate) const RUN_WAIT: usize = 5;
    /// CPU time of the same threads, ns.
    pub(crate) const RUN_CPU: usize = 6;
    /// Major faults.
    pub(crate) const FAULTS: usize = 7;
    /// How many there are.
    pub(crate) const COUNT: usize = 8;
}

/// Points kept of glances: one second at 50 ms apart, so that a burst of 100 ms is at most 150 ms.
const FAST: (usize, Span) = (24, Span::from_millis(50));
/// Points kept of samples.
const SLOW: (usize, Span) = (8, Span::from_millis(250));
/// A window of glances that ended longer ago is judged no more.
const FAST_FRESH: Span = Span::from_millis(500);

/// One guaranteed task.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) task: Arc<Task>,
    /// Glances and samples apart: they may count different threads, so their counters must not mix.
    fast: Window<{ field::COUNT }>,
    slow: Window<{ field::COUNT }>,
    pub(crate) cpu_alone: Baseline,
    pub(crate) io_alone: Baseline,
    pub(crate) cache: HotCache,
    pub(crate) first_seen: Timestamp,
    /// The first sample since it was last in one: time without samples is not absence.
    missing: Option<Timestamp>,
    /// It was in the current sample.
    present: bool,
    events: Option<MemoryEvents>,
    /// It is at its own memory limit, so its memory stall is its own.
    pub(crate) own_limit: bool,
    /// Processes killed by the kernel since the previous sample although it was below its own limit.
    pub(crate) oom_kills: Option<(u64, Timestamp)>,
}

impl Track {
    fn new(task: &Arc<Task>, at: Timestamp) -> Self {
        Self {
            task: Arc::clone(task),
            fast: Window::new(FAST.0, FAST.1),
            slow: Window::new(SLOW.0, SLOW.1),
            cpu_alone: Baseline::default(),
            io_alone: Baseline::default(),
            cache: HotCache::default(),
            first_seen: at,
            missing: None,
            present: true,
            events: None,
            own_limit: false,
            oom_kills: None,
        }
    }

    /// Cores at which it is expected to be full: its promise, or the whole node.
    pub(crate) fn scale(&self, capacity_cores: f64) -> f64 {
        self.task.allocation.cpu.map_or(capacity_cores, Amount::to_base)
    }

    /// The window of this length that knows the asked counters: glances first, they are fresher.
    pub(crate) fn over(
        &self,
        span: Span,
        now: Timestamp,
        needs: &[usize],
    ) -> Option<Delta<'_, { field::COUNT }>> {
        let knows = |d: &Delta<'_, _>| needs.iter().all(|f| d.of(*f).is_some());
        self.burst(span, now).filter(knows).or_else(|| {
            let fresh = |d: &Delta<'_, _>| now.since(d.at()).unwrap_or_default() <= d.span;
            self.slow.over(span).filter(fresh).filter(knows)
        })
    }

    /// As [`Track::over`], glances only.
    pub(crate) fn burst(&self, span: Span, now: Timestamp) -> Option<Delta<'_, { field::COUNT }>> {
        let newest = self.fast.newest_at()?;
        let fresh = now.since(newest).unwrap_or_default() <= FAST_FRESH;
        if fresh { self.fast.over(span) } else { None }
    }

    fn take_sample(&mut self, whole: &Sample, task: &TaskSample, config: &QosConfig) {
        let (at, c) = (whole.at, &task.counters);
        (self.present, self.missing) = (true, None);
        self.slow.push(sample_point(at, c));
        let before = std::mem::replace(&mut self.events, c.memory_events);
        let limit_share =
            c.memory_current.zip(c.memory_limit).map(|(m, l)| m.to_base() / l.to_base());
        let pushed =
            before.zip(c.memory_events).is_some_and(|(b, n)| n.high > b.high || n.max > b.max);
        self.own_limit = pushed || limit_share.is_some_and(|s| s >= config.memory.own_limit);
        self.oom_kills = before.zip(c.memory_events).and_then(|(b, n)| {
            let own = n.oom > b.oom || n.max > b.max;
            n.oom_kill
                .checked_sub(b.oom_kill)
                .map(|kills| if own { 0 } else { kills })
                .map(|kills| (kills, at))
        });
        let m = &config.memory;
        let stall = self
            .over(m.stall_window, at, &[field::STALL_MEMORY])
            .and_then(|d| d.stall(field::STALL_MEMORY));
        let room = self
            .task
            .allocation
            .memory
            .zip(possible(whole, c.working_set))
            .map(|(promised, used)| promised.less(used));
        self.cache.update(
            at,
            possible(whole, c.file_cache),
            room,
            stall.map(|s| s > m.stall.leave),
            m.cache_settles,
        );
    }
}

fn sample_point(at: Timestamp, c: &TaskCounters) -> Point<{ field::COUNT }> {
    let mut values = [None; field::COUNT];
    values[field::CPU] = c.cpu_usage_usec;
    values[field::THROTTLED] = c.throttled_usec;
    values[field::STALL_CPU] = c.psi.cpu.map(|p| p.some_usec);
    values[field::STALL_MEMORY] = c.psi.memory.map(|p| p.some_usec);
    values[field::STALL_IO] = c.psi.io.map(|p| p.some_usec);
    values[field::RUN_WAIT] = c.run_wait_ns;
    values[field::RUN_CPU] = c.run_cpu_ns;
    values[field::FAULTS] = c.major_faults;
    Point::new(at, values)
}

fn glance_point(at: Timestamp, g: &GlanceTask) -> Point<{ field::COUNT }> {
    sample_point(
        at,
        &TaskCounters {
            cpu_usage_usec: g.cpu_usage_usec,
            throttled_usec: g.throttled_usec,
            psi: g.psi,
            run_wait_ns: g.run_wait_ns,
            run_cpu_ns: g.run_cpu_ns,
            major_faults: g.major_faults,
            ..TaskCounters::default()
        },
    )
}

/// All guaranteed tasks, sorted by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracks {
    list: Vec<Track>,
}

impl Tracks {
    /// The tracks in order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Track> {
        self.list.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Track> {
        self.list.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The track of one task.
    pub(crate) fn get(&self, id: &TaskId) -> Option<&Track> {
        self.list.binary_search_by(|t| t.task.id.cmp(id)).ok().map(|i| &self.list[i])
    }

    /// Forgets all windows and keeps what was learned: after a gap no rate may span it.
    pub(crate) fn forget_windows(&mut self) {
        for track in &mut self.list {
            track.fast.clear();
            track.slow.clear();
            track.cpu_alone.forget_time();
            track.io_alone.forget_time();
            track.events = None;
            track.oom_kills = None;
        }
    }

    /// Bytes of page cache that guaranteed tasks cannot do without.
    pub(crate) fn hot_cache(&self) -> Bytes {
        Bytes::from_base(self.list.iter().map(|t| t.cache.bytes()).sum())
    }

    /// All their page cache, in bytes.
    pub(crate) fn file_cache(&self) -> f64 {
        self.list.iter().map(|t| t.cache.all()).sum()
    }

    /// Takes a sample. A task missing for longer than `forget` is dropped, one of another class at once.
    pub(crate) fn take_sample(&mut self, sample: &Sample, config: &QosConfig) {
        self.list.iter_mut().for_each(|t| t.present = false);
        let mut place = 0;
        for task in &sample.tasks {
            match task.task.class {
                Class::Guaranteed => {
                    place = self.reach(place, &task.task, sample.at);
                    self.list[place].take_sample(sample, task, config);
                    place += 1;
                }
                Class::BestEffort | Class::System => {}
            }
        }
        self.list.retain_mut(|t| {
            if t.present {
                return true;
            }
            let since = *t.missing.get_or_insert(sample.at);
            let absent = sample.at.since(since).unwrap_or_default();
            absent < config.forget && !reclassified(sample, &t.task.id)
        });
    }

    /// After a clock jump, nothing lies in the future.
    pub(crate) fn rebase(&mut self, now: Timestamp) {
        for track in &mut self.list {
            track.first_seen = track.first_seen.min(now);
            track.missing = track.missing.map(|at| at.min(now));
        }
    }

    /// Takes a glance; the tasks in it that are not guaranteed are left out.
    pub(crate) fn take_glance(&mut self, glance: &Glance) {
        let mut place = 0;
        for seen in glance.tasks.iter().filter(|t| t.task.class == Class::Guaranteed) {
            place = self.reach(place, &seen.task, glance.at);
            self.list[place].fast.push(glance_point(glance.at, seen));
            place += 1;
        }
    }

    /// The place of a task at or after `from`, where it is put if it is new.
    fn reach(&mut self, from: usize, task: &Arc<Task>, at: Timestamp) -> usize {
        let mut place = match from.checked_sub(1).and_then(|last| self.list.get(last)) {
            // Readings are sorted; one that is not must not break the order of this list.
            Some(last) if last.task.id >= task.id => 0,
            Some(_) | None => from,
        };
        while self.list.get(place).is_some_and(|t| t.task.id < task.id) {
            place += 1;
        }
        match self.list.get_mut(place) {
            Some(track) if track.task.id == task.id => track.task = Arc::clone(task),
            Some(_) | None => self.list.insert(place, Track::new(task, at)),
        }
        place
    }
}

/// Whether the sample has this id in another class.
fn reclassified(sample: &Sample, id: &TaskId) -> bool {
    sample
        .tasks
        .binary_search_by(|t| t.task.id.cmp(id))
        .is_ok_and(|i| sample.tasks[i].task.class != Class::Guaranteed)
}
