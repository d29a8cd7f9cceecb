// SPDX-License-Identifier: Apache-2.0
//! One task of the small node: rates that a test sets, counters that grow by them.

use super::MIB;
use gleaner_estimator::glance::GlanceTask;
use gleaner_estimator::sample::{
    Allocation, Class, MemoryEvents, Psi, PsiSet, Task, TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span, Timestamp};
use gleaner_qos::capability::Actuator;
use gleaner_qos::verdict::Action;
use std::sync::Arc;

/// Counters that a test may take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// All of them.
    #[default]
    All,
    /// None.
    Nothing,
}

/// A task and what it does.
#[derive(Clone, Debug)]
pub struct Job {
    pub task: Arc<Task>,
    pub known: Known,
    pub cores: f64,
    pub wait_per_cpu: f64,
    pub stall_cpu: f64,
    pub stall_memory: f64,
    pub stall_io: f64,
    pub throttled: f64,
    pub faults: f64,
    /// MiB, and MiB a second.
    pub working_set: f64,
    pub grows: f64,
    pub cache: f64,
    pub cache_grows: f64,
    /// What is read of the cache, where its statistics are read more rarely than samples.
    pub shown_cache: Option<f64>,
    pub limit: Option<f64>,
    pub events: MemoryEvents,
    pub frozen_until: Option<Timestamp>,
    /// What it carries of ours.
    pub carries: Vec<Actuator>,
    used: [f64; 8],
    last_cpu: f64,
}

fn job(name: &str, class: Class, cores: f64, working_set: f64) -> Job {
    Job {
        task: Arc::new(Task {
            id: TaskId { name: name.into(), inode: 7 },
            class,
            why: "a test says so".to_owned(),
            allocation: Allocation { cpu: Some(MilliCpus::from_base(2.0)), memory: None },
            priority: 0,
            tenant: None,
            labels: Vec::new(),
            started: None,
        }),
        known: Known::All,
        cores,
        wait_per_cpu: 0.1,
        stall_cpu: 0.02,
        stall_memory: 0.0,
        stall_io: 0.0,
        throttled: 0.0,
        faults: 0.0,
        working_set,
        grows: 0.0,
        cache: 0.0,
        cache_grows: 0.0,
        shown_cache: None,
        limit: None,
        events: MemoryEvents::default(),
        frozen_until: None,
        carries: Vec::new(),
        used: [0.0; 8],
        last_cpu: 0.0,
    }
}

/// A guaranteed task that uses so many cores and holds so many MiB.
pub fn guaranteed(name: &str, cores: f64, working_set: f64) -> Job {
    job(name, Class::Guaranteed, cores, working_set)
}

/// A best-effort task that uses so many cores and holds so many MiB.
pub fn best_effort(name: &str, cores: f64, working_set: f64) -> Job {
    job(name, Class::BestEffort, cores, working_set)
}

fn whole(value: f64) -> u64 {
    Bytes::from_base(value).0
}

/// A cumulative stall of so many microseconds.
pub fn psi(usec: f64) -> Option<Psi> {
    Some(Psi { some_usec: whole(usec), full_usec: None })
}

impl Job {
    /// Changes its lasting facts.
    pub fn task(mut self, change: impl FnOnce(&mut Task)) -> Self {
        change(Arc::make_mut(&mut self.task));
        self
    }

    pub fn is_frozen(&self) -> bool {
        self.frozen_until.is_some()
    }

    pub fn is_best_effort(&self) -> bool {
        self.task.class == Class::BestEffort
    }

    /// Cores it uses now.
    pub fn active(&self) -> f64 {
        if self.is_frozen() { 0.0 } else { self.cores }
    }

    pub fn last_cpu_usec(&self) -> f64 {
        if self.is_best_effort() { self.last_cpu } else { 0.0 }
    }

    pub fn advance(&mut self, now: Timestamp, secs: f64) {
        let runs = if self.is_frozen() { 0.0 } else { 1.0 };
        let cpu = runs * self.cores * secs;
        self.last_cpu = cpu * 1e6;
        let grown = [
            cpu * 1e6,
            self.throttled * secs * 1e6,
            self.stall_cpu * secs * 1e6,
            self.stall_memory * secs * 1e6,
            self.stall_io * secs * 1e6,
            cpu * self.wait_per_cpu * 1e9,
            cpu * 1e9,
            self.faults * secs,
        ];
        for (sum, more) in self.used.iter_mut().zip(grown) {
            *sum += more;
        }
        let held = self.carries.contains(&Actuator::MemoryHigh);
        let grows = if held { 0.0 } else { runs * self.grows };
        self.working_set = (self.working_set + grows * secs).max(0.0);
        self.cache = (self.cache + runs * self.cache_grows * secs).max(0.0);
        // The host thaws at the end by itself.
        self.frozen_until.take_if(|until| *until <= now);
    }

    /// What the host does to it.
    pub fn carry(&mut self, action: Action) {
        match action {
            Action::Freeze { until } => self.frozen_until = Some(until),
            Action::Thaw => self.frozen_until = None,
            Action::Undo { actuator } => self.carries.retain(|a| *a != actuator),
            Action::StandingClass
            | Action::IoWeight
            | Action::CpuQuota { .. }
            | Action::MemoryHigh { .. }
            | Action::IoLimit { .. } => self.carries.push(action.actuator()),
            Action::Reclaim { amount } => {
                self.working_set = (self.working_set - amount.to_base() / MIB).max(0.0);
            }
            Action::Evict => {}
        }
    }

    pub fn sample(&self) -> TaskSample {
        let u = &self.used;
        let bytes = |mib: f64| Some(Bytes::from_base(mib * MIB));
        let counters = match self.known {
            Known::Nothing => TaskCounters::default(),
            Known::All => TaskCounters {
                cpu_usage_usec: Some(whole(u[0])),
                throttled_usec: Some(whole(u[1])),
                memory_current: bytes(self.working_set + self.cache),
                working_set: bytes(self.working_set),
                file_cache: bytes(self.shown_cache.unwrap_or(self.cache)),
                memory_limit: self.limit.and_then(bytes),
                major_faults: Some(whole(u[7])),
                memory_events: Some(self.events),
                psi: PsiSet { cpu: psi(u[2]), memory: psi(u[3]), io: psi(u[4]) },
                run_wait_ns: Some(whole(u[5])),
                run_cpu_ns: Some(whole(u[6])),
                ..TaskCounters::default()
            },
        };
        TaskSample { task: Arc::clone(&self.task), counters }
    }

    pub fn glance(&self) -> Option<GlanceTask> {
        let c = self.sample().counters;
        (self.task.class == Class::Guaranteed).then(|| GlanceTask {
            task: Arc::clone(&self.task),
            cpu_usage_usec: c.cpu_usage_usec,
            throttled_usec: c.throttled_usec,
            psi: c.psi,
            run_wait_ns: c.run_wait_ns,
            run_cpu_ns: c.run_cpu_ns,
            major_faults: c.major_faults,
        })
    }

    /// Another task under the same name.
    pub fn reborn(&self, inode: u64) -> Self {
        let mut other = self.clone();
        Arc::make_mut(&mut other.task).id.inode = inode;
        (other.carries, other.frozen_until) = (Vec::new(), None);
        other.used = [0.0; 8];
        other
    }

    /// Seconds as a span, for starts.
    pub fn started(self, secs: u64) -> Self {
        self.task(|t| t.started = Some(Timestamp::default().plus(Span::from_secs(secs))))
    }
}
