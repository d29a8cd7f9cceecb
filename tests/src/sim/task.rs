// SPDX-License-Identifier: Apache-2.0
//! A task of the simulated node: its state, what of ours it carries, and the counters that are read of it.

use super::workload::Workload;
use gleaner_estimator::glance::GlanceTask;
use gleaner_estimator::sample::{
    Class, MemoryEvents, Psi, PsiSet, Task, TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Amount, Bytes, Timestamp};
use std::sync::Arc;

/// One MiB in bytes.
pub(super) const MIB: f64 = 1_048_576.0;

/// Cumulative counters in seconds and events; they are cut to whole numbers when read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) cpu: f64,
    pub(super) throttled: f64,
    pub(super) stall_cpu: f64,
    pub(super) stall_memory: f64,
    pub(super) stall_io: f64,
    pub(super) wait: f64,
    pub(super) faults: f64,
    pub(super) oom_kills: u64,
    pub(super) pushed: f64,
}

/// What of ours is on a task.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Carried {
    pub(super) standing: bool,
    pub(super) io_weight: bool,
    /// Cores.
    pub(super) quota: Option<f64>,
    /// MiB.
    pub(super) high: Option<f64>,
    /// Share of its throughput.
    pub(super) io_keep: Option<f64>,
    /// When its freeze ends, on the clock of readings.
    pub(super) frozen: Option<Timestamp>,
}

impl Carried {
    /// Whether anything is.
    pub(super) fn anything(&self) -> bool {
        self.standing || self.io_weight || self.limits() || self.frozen.is_some()
    }

    /// Whether a limit is: the standing class is none.
    pub(super) fn limits(&self) -> bool {
        self.quota.is_some() || self.high.is_some() || self.io_keep.is_some()
    }
}

/// A task that is being killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dying {
    /// When it is gone, seconds, and MiB of it that come back a second until then.
    pub(super) gone: f64,
    pub(super) returns: f64,
}

/// One task.
#[derive(Clone, Debug)]
pub(super) struct SimTask {
    pub(super) task: Arc<Task>,
    pub(super) workload: Workload,
    /// When it started, seconds.
    pub(super) born: f64,
    /// MiB: what it cannot drop, its files that are cached now, and cache that it will not read again.
    pub(super) held: f64,
    pub(super) hot: f64,
    pub(super) cold: f64,
    /// Core-seconds of work that has arrived and was not done.
    pub(super) backlog: f64,
    /// Cores it gets now.
    pub(super) cores: f64,
    /// Wait per CPU that best-effort causes it now.
    pub(super) caused: f64,
    /// How its own queueing strays from the mean: a factor that wanders.
    pub(super) strays: f64,
    /// Seconds that it has run without best-effort.
    pub(super) alone: f64,
    pub(super) carried: Carried,
    pub(super) dying: Option<Dying>,
    pub(super) counters: Counters,
    /// `memory.stat` as it was last read: when (seconds), working set, cache.
    pub(super) stat: Option<(f64, f64, f64)>,
    /// A sample has shown it as guaranteed: from then on glances look at it.
    listed: bool,
}

pub(super) fn whole(value: f64) -> u64 {
    Bytes::from_base(value).0
}

fn psi(secs: f64) -> Option<Psi> {
    Some(Psi { some_usec: whole(secs * 1e6), full_usec: None })
}

impl SimTask {
    /// A task that starts now.
    pub(super) fn new(task: Task, workload: Workload, now: f64) -> Self {
        Self {
            task: Arc::new(task),
            workload,
            born: now,
            held: 0.0,
            hot: 0.0,
            cold: 0.0,
            backlog: 0.0,
            cores: 0.0,
            caused: 0.0,
            strays: 1.0,
            alone: 0.0,
            carried: Carried::default(),
            dying: None,
            counters: Counters::default(),
            stat: None,
            listed: false,
        }
    }

    pub(super) fn id(&self) -> &TaskId {
        &self.task.id
    }

    pub(super) fn is_best_effort(&self) -> bool {
        self.task.class == Class::BestEffort
    }

    pub(super) fn is_guaranteed(&self) -> bool {
        self.task.class == Class::Guaranteed
    }

    /// Whether it does nothing now.
    pub(super) fn stands_still(&self) -> bool {
        self.carried.frozen.is_some() || self.dying.is_some()
    }

    /// Best-effort outside the lowest class: it competes with guaranteed tasks as an equal.
    pub(super) fn is_loose(&self) -> bool {
        self.is_best_effort() && !self.carried.standing
    }

    fn counters(&self) -> TaskCounters {
        let c = &self.counters;
        TaskCounters {
            cpu_usage_usec: Some(whole(c.cpu * 1e6)),
            throttled_usec: Some(whole(c.throttled * 1e6)),
            major_faults: Some(whole(c.faults)),
            psi: PsiSet { cpu: psi(c.stall_cpu), memory: psi(c.stall_memory), io: psi(c.stall_io) },
            run_wait_ns: Some(whole(c.wait * 1e9)),
            run_cpu_ns: Some(whole(c.cpu * 1e9)),
            ..TaskCounters::default()
        }
    }

    /// What a sample shows of it. Its `memory.stat` is read anew only after `stat_every` seconds.
    pub(super) fn sample(&mut self, now: f64, stat_every: f64) -> TaskSample {
        self.listed = self.is_guaranteed();
        let cache = self.hot + self.cold;
        let due = self.stat.is_none_or(|(at, ..)| now - at >= stat_every - 0.01);
        if due {
            self.stat = Some((now, self.held, cache));
        }
        let (_, held, read_cache) = self.stat.unwrap_or((now, self.held, cache));
        let bytes = |mib: f64| Some(Bytes::from_base(mib * MIB));
        let events = MemoryEvents {
            max: whole(self.counters.pushed),
            oom_kill: self.counters.oom_kills,
            ..MemoryEvents::default()
        };
        let counters = TaskCounters {
            memory_current: bytes(self.held + cache),
            working_set: bytes(held),
            file_cache: bytes(read_cache),
            memory_limit: self.workload.limit.and_then(bytes),
            memory_events: Some(events),
            ..self.counters()
        };
        TaskSample { task: Arc::clone(&self.task), counters }
    }

    /// What a glance shows of it; `None` unless the last sample showed it as guaranteed.
    pub(super) fn glance(&self) -> Option<GlanceTask> {
        let c = self.counters();
        self.listed.then(|| GlanceTask {
            task: Arc::clone(&self.task),
            cpu_usage_usec: c.cpu_usage_usec,
            throttled_usec: c.throttled_usec,
            psi: c.psi,
            run_wait_ns: c.run_wait_ns,
            run_cpu_ns: c.run_cpu_ns,
            major_faults: c.major_faults,
        })
    }
}
