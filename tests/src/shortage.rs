// SPDX-License-Identifier: Apache-2.0
//! Verdicts for real cgroups on a node that is made up: its memory falls as a test says, and the controller decides.

use gleaner_act::clock::Clock;
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, MemoryInfo, NodeSample, Psi, PsiSet, Sample, Task, TaskCounters,
    TaskId, TaskSample,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
use gleaner_estimator::usage::UsageTracker;
use gleaner_qos::Controller;
use gleaner_qos::capability::Capabilities;
use gleaner_qos::config::QosConfig;
use gleaner_qos::report::Report;
use gleaner_qos::verdict::{Mode, Verdict};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory of the node.
const TOTAL: Bytes = Bytes(1 << 30);

/// A clock that stands until a test moves it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(Span::from_secs(1_000_000).0)))
    }
}

impl ManualClock {
    /// Moves it on.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.0, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn wall_ms(&self) -> u64 {
        1_700_000_000_000 + self.now().0 / 1_000_000
    }
}

/// The node: one guaranteed task that is made up, and best-effort ones that may be real.
#[derive(Debug)]
pub struct Shortage {
    controller: Controller,
    usage: UsageTracker,
    clock: ManualClock,
    best_effort: Vec<TaskId>,
    seconds: u64,
    /// Seconds in which the guaranteed task waited for a processor four times as long as it ran.
    contended: u64,
    /// No reading shows the best-effort tasks.
    hidden: bool,
}

impl Shortage {
    /// A node on which nothing is short yet.
    #[must_use]
    pub fn new(clock: &ManualClock, best_effort: &[TaskId]) -> Self {
        Self {
            controller: Controller::new(QosConfig::default()),
            usage: UsageTracker::default(),
            clock: clock.clone(),
            best_effort: best_effort.to_vec(),
            seconds: 0,
            contended: 0,
            hidden: false,
        }
    }

    /// A second later, in which best-effort tasks took the processors from the guaranteed one.
    ///
    /// # Panics
    /// If no such sample can be.
    pub fn contended_second(&mut self, mode: Mode, can: &Capabilities) -> (Sample, Verdict) {
        self.contended += 1;
        self.second(900, mode, can)
    }

    /// A second later, with this much memory available; the first best-effort task took what is missing.
    ///
    /// # Panics
    /// If no such sample can be.
    pub fn second(&mut self, available: u64, mode: Mode, can: &Capabilities) -> (Sample, Verdict) {
        let sample = self.sample_after_a_second(available);
        self.decide(sample, mode, can)
    }

    /// The same, for somebody else to decide.
    pub fn sample_after_a_second(&mut self, available: u64) -> Sample {
        self.clock.advance(Span::from_secs(1));
        self.seconds += 1;
        self.sample(available << 20, Class::BestEffort)
    }

    /// The same, and what was best-effort is guaranteed now.
    pub fn promoted(
        &mut self,
        available: u64,
        mode: Mode,
        can: &Capabilities,
    ) -> (Sample, Verdict) {
        self.clock.advance(Span::from_secs(1));
        self.seconds += 1;
        let sample = self.sample(available << 20, Class::Guaranteed);
        self.decide(sample, mode, can)
    }

    /// From now on no reading shows the best-effort tasks, or each does again.
    pub fn hide(&mut self, hidden: bool) {
        self.hidden = hidden;
    }

    /// Tells the controller what was done.
    pub fn report(&mut self, reports: &[Report]) {
        for report in reports {
            self.controller.report(report);
        }
    }

    fn decide(&mut self, sample: Sample, mode: Mode, can: &Capabilities) -> (Sample, Verdict) {
        sample.validate(100).expect("a test's sample is valid");
        let usage = self.usage.update(&sample).cloned().unwrap_or_default();
        let assessment = self.controller.assess(&sample, &usage);
        let verdict = self.controller.decide(&sample, &usage, &assessment, mode, can);
        (sample, verdict)
    }

    fn sample(&self, available: u64, class: Class) -> Sample {
        let usec = self.seconds * 1_000_000;
        let node = NodeSample {
            capacity_cpu: MilliCpus(2000),
            capacity_memory: TOTAL,
            cpu: Some(CpuTimes { busy_usec: usec, idle_usec: usec, steal_usec: 0 }),
            memory: Some(MemoryInfo {
                total: TOTAL,
                available: Some(Bytes(available)),
                free: Bytes(available),
                ..MemoryInfo::default()
            }),
            ..NodeSample::default()
        };
        let taken = TOTAL.0.saturating_sub(available);
        let mut tasks: Vec<TaskSample> = self
            .best_effort
            .iter()
            .enumerate()
            .filter(|_| !self.hidden)
            .map(|(place, id)| self.task(id.clone(), class, if place == 0 { taken } else { 0 }))
            .collect();
        let web = TaskId { name: "made-up/web".into(), inode: 1 };
        tasks.push(self.task(web, Class::Guaranteed, 32 << 20));
        tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        Sample { at: self.clock.now(), node, tasks, vanished: 0 }
    }

    fn task(&self, id: TaskId, class: Class, working_set: u64) -> TaskSample {
        let task = Task {
            id,
            class,
            why: "a test says so".to_owned(),
            allocation: Allocation { cpu: Some(MilliCpus(1000)), memory: None },
            priority: 0,
            tenant: None,
            labels: Vec::new(),
            started: Some(self.clock.now()),
        };
        let psi = Some(Psi::default());
        let counters = TaskCounters {
            cpu_usage_usec: Some(self.seconds * 900_000),
            run_cpu_ns: Some(self.seconds * 900_000_000),
            run_wait_ns: Some(self.seconds * 90_000_000 + self.contended * 3_600_000_000),
            memory_current: Some(Bytes(working_set)),
            working_set: Some(Bytes(working_set)),
            file_cache: Some(Bytes(0)),
            major_faults: Some(0),
            psi: PsiSet { cpu: psi, memory: psi, io: psi },
            ..TaskCounters::default()
        };
        TaskSample { task: Arc::new(task), counters }
    }
}
