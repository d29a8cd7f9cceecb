// SPDX-License-Identifier: Apache-2.0
//! A small node for tests: tasks with rates, a physics that says who harms whom, and a host that acts and reports.
#![allow(dead_code, reason = "every test binary uses its own part of this file")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

pub mod job;

use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{CpuTimes, LoadAverage, MemoryInfo, NodeSample, Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span, Timestamp};
use gleaner_estimator::usage::UsageTracker;
use gleaner_qos::Controller;
use gleaner_qos::assessment::Assessment;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::config::QosConfig;
use gleaner_qos::report::{Outcome, Report, Settlement};
use gleaner_qos::verdict::{Action, Correction, Mode, Reason, Verdict};
pub use job::{Job, best_effort, guaranteed};
use std::collections::BTreeSet;

/// One MiB in bytes.
pub const MIB: f64 = 1_048_576.0;

/// What becomes of an eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The task is gone after this many milliseconds.
    Dies(u64),
    /// Nothing happens.
    Ignores,
    /// The host cannot kill it.
    Fails,
}

/// What a correction was, when.
#[derive(Clone, Debug)]
pub struct Entry {
    pub ms: u64,
    pub correction: Correction,
}

/// The node, its controller and its host.
pub struct Rig {
    pub ms: u64,
    pub jobs: Vec<Job>,
    pub controller: Controller,
    pub tracker: UsageTracker,
    pub mode: Mode,
    pub can: Capabilities,
    /// Cores, and steal as a share of all CPU time.
    pub cores: f64,
    pub steal: f64,
    /// Node memory and what the system holds, MiB.
    pub total: f64,
    /// What the containers' root may have of it, MiB.
    pub limit: f64,
    pub system: f64,
    pub swap_free: f64,
    pub load: Option<LoadAverage>,
    /// Stall of the whole node: shown, never a reason.
    pub node_stall: f64,
    /// Called before every advance: sets rates of guaranteed tasks from what best-effort does.
    pub physics: fn(&mut [Job]),
    pub fate: Fate,
    /// Actuators that report no effect.
    pub broken: BTreeSet<Actuator>,
    pub glances: bool,
    pub log: Vec<Entry>,
    pub settled: Vec<Settlement>,
    pub last: Option<(Assessment, Verdict)>,
    leaving: Vec<(u64, TaskId)>,
    all_usec: f64,
    steal_usec: f64,
    pub best_effort_usec: f64,
    node_stall_usec: f64,
}

/// Everything works.
pub fn everything() -> Capabilities {
    Actuator::ALL.iter().fold(Capabilities::none(), |c, a| c.with(*a, Ability::Works))
}

impl Rig {
    pub fn new(jobs: Vec<Job>) -> Self {
        Self::with(QosConfig::default(), jobs)
    }

    pub fn with(config: QosConfig, mut jobs: Vec<Job>) -> Self {
        jobs.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        Self {
            ms: 1_000,
            jobs,
            controller: Controller::new(config),
            tracker: UsageTracker::default(),
            mode: Mode::Evict,
            can: everything(),
            cores: 2.0,
            steal: 0.0,
            total: 4_096.0,
            limit: f64::INFINITY,
            system: 256.0,
            swap_free: 0.0,
            load: None,
            node_stall: 0.0,
            physics: |_| {},
            fate: Fate::Dies(50),
            broken: BTreeSet::new(),
            glances: true,
            log: Vec::new(),
            settled: Vec::new(),
            last: None,
            leaving: Vec::new(),
            all_usec: 0.0,
            steal_usec: 0.0,
            best_effort_usec: 0.0,
            node_stall_usec: 0.0,
        }
    }

    pub fn at(&self) -> Timestamp {
        Timestamp::default().plus(Span::from_millis(self.ms))
    }

    pub fn job(&mut self, name: &str) -> &mut Job {
        self.jobs.iter_mut().find(|j| *j.task.id.name == *name).expect("a task of this test")
    }

    pub fn has(&self, name: &str) -> bool {
        self.jobs.iter().any(|j| *j.task.id.name == *name)
    }

    pub fn add(&mut self, job: Job) {
        self.jobs.push(job);
        self.jobs.sort_by(|a, b| a.task.id.cmp(&b.task.id));
    }

    /// Lets time pass without reading anything.
    pub fn advance(&mut self, ms: u64) {
        (self.physics)(&mut self.jobs);
        self.ms += ms;
        let (now, secs) = (self.at(), ms as f64 / 1e3);
        for job in &mut self.jobs {
            job.advance(now, secs);
            self.best_effort_usec += job.last_cpu_usec();
        }
        self.all_usec += self.cores * secs * 1e6;
        self.steal_usec += self.cores * secs * 1e6 * self.steal;
        self.node_stall_usec += secs * 1e6 * self.node_stall;
        self.bury();
    }

    fn bury(&mut self) {
        let (ms, at) = (self.ms, self.at());
        let mut gone = Vec::new();
        self.leaving.retain(|(when, id)| {
            let due = *when <= ms;
            if due {
                gone.push(id.clone());
            }
            !due
        });
        for id in gone {
            let size = self.jobs.iter().find(|j| j.task.id == id).map(|j| j.working_set);
            self.jobs.retain(|j| j.task.id != id);
            let relief =
                size.map(|mib| gleaner_qos::rank::Relief::Memory(Bytes::from_base(mib * MIB)));
            let report =
                Report { at, task: id, action: Action::Evict, outcome: Outcome::Gone, relief };
            self.settled.extend(self.controller.report(&report));
        }
    }

    pub fn available(&self) -> f64 {
        let held: f64 = self.jobs.iter().map(|j| j.working_set).sum();
        (self.total - self.system - held).max(0.0)
    }

    fn cpu_times(&self) -> CpuTimes {
        let usec = |v: f64| Span::from_secs_f64(v / 1e6).0 / 1_000;
        CpuTimes {
            busy_usec: usec((self.all_usec - self.steal_usec) / 2.0),
            idle_usec: usec((self.all_usec - self.steal_usec) / 2.0),
            steal_usec: usec(self.steal_usec),
        }
    }

    pub fn glance(&self) -> Glance {
        let usec = Span::from_secs_f64(self.best_effort_usec / 1e6).0 / 1_000;
        Glance {
            at: self.at(),
            cpu: Some(self.cpu_times()),
            memory_available: Some(Bytes::from_base(self.available() * MIB)),
            best_effort_cpu_usec: Some(usec),
            tasks: self.jobs.iter().filter_map(Job::glance).collect(),
        }
    }

    pub fn sample(&self) -> Sample {
        let bytes = |mib: f64| Bytes::from_base(mib * MIB);
        let memory = MemoryInfo {
            total: bytes(self.total),
            available: Some(bytes(self.available())),
            free: bytes(
                (self.available() - self.jobs.iter().map(|j| j.cache).sum::<f64>()).max(0.0),
            ),
            swap_total: bytes(self.swap_free),
            swap_free: bytes(self.swap_free),
        };
        let stall = job::psi(self.node_stall_usec);
        Sample {
            at: self.at(),
            node: NodeSample {
                capacity_cpu: MilliCpus::from_base(self.cores),
                capacity_memory: bytes(self.total.min(self.limit)),
                cpu: Some(self.cpu_times()),
                memory: Some(memory),
                load: self.load,
                psi: gleaner_estimator::sample::PsiSet { cpu: stall, memory: stall, io: stall },
            },
            tasks: self.jobs.iter().map(Job::sample).collect(),
            vanished: 0,
        }
    }

    /// One whole tick from this sample; the host acts on what is decided.
    pub fn tick_on(&mut self, sample: &Sample) {
        self.tracker.update(sample);
        let usage = self.tracker.usage().clone();
        let assessment = self.controller.assess(sample, &usage);
        let verdict = self.controller.decide(sample, &usage, &assessment, self.mode, &self.can);
        for correction in &verdict.corrections {
            self.log.push(Entry { ms: self.ms, correction: correction.clone() });
            self.act(correction);
        }
        self.last = Some((assessment, verdict));
    }

    pub fn tick(&mut self) {
        let sample = self.sample();
        self.tick_on(&sample);
    }

    /// Glances every 100 ms, samples every second and whenever a glance rings.
    pub fn run(&mut self, ms: u64) {
        let end = self.ms + ms;
        while self.ms < end {
            self.advance(100);
            let rings = self.glances && {
                let glance = self.glance();
                self.controller.glance(&glance).rings()
            };
            if rings || self.ms.is_multiple_of(1_000) {
                self.tick();
            }
        }
    }

    /// Samples only, at this distance.
    pub fn run_slow(&mut self, step_ms: u64, steps: u64) {
        for _ in 0..steps {
            self.advance(step_ms);
            self.tick();
        }
    }

    /// Runs until this holds; a test that waits for what never comes fails.
    pub fn run_until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        let limit = self.ms + 120_000;
        while !holds(self) {
            self.run(100);
            assert!(self.ms < limit, "it never happened\n{}", self.story());
        }
    }

    /// Whether somebody was corrected for this reason.
    pub fn gave(&self, reason: Reason) -> bool {
        self.log.iter().any(|e| e.correction.why().reason == reason)
    }

    fn act(&mut self, correction: &Correction) {
        if correction.is_would() {
            return;
        }
        let (id, action, at) = (correction.task().clone(), correction.action(), self.at());
        let broken = self.broken.contains(&action.actuator()) && !action.releases();
        let mut outcome = if broken { Outcome::NoEffect } else { Outcome::Acted };
        if action == Action::Evict && !broken {
            match self.fate {
                Fate::Dies(after) => self.leaving.push((self.ms + after, id.clone())),
                Fate::Ignores => {}
                Fate::Fails => outcome = Outcome::Failed,
            }
        } else if !broken && let Some(job) = self.jobs.iter_mut().find(|j| j.task.id == id) {
            job.carry(action);
        }
        let report = Report { at, task: id, action, outcome, relief: None };
        self.settled.extend(self.controller.report(&report));
    }

    /// Names of the tasks that were asked to go, in order.
    pub fn evicted(&self) -> Vec<&str> {
        self.of(Actuator::Evict)
    }

    /// Names of the tasks on which this actuator was used (not undone), in order.
    pub fn of(&self, actuator: Actuator) -> Vec<&str> {
        self.log
            .iter()
            .filter(|e| e.correction.action().actuator() == actuator)
            .filter(|e| !e.correction.action().releases())
            .map(|e| &*e.correction.task().name)
            .collect()
    }

    pub fn assessment(&self) -> &Assessment {
        &self.last.as_ref().expect("a tick was made").0
    }

    pub fn verdict(&self) -> &Verdict {
        &self.last.as_ref().expect("a tick was made").1
    }
}

impl Rig {
    /// The log as text, one line a correction: what a failing test shows.
    pub fn story(&self) -> String {
        let line = |e: &Entry| {
            let (c, why) = (&e.correction, e.correction.why());
            format!(
                "{:>7} ms {} {} {:?} {} {:?}={:?}/{:?}",
                e.ms,
                c.task().name,
                c.resource().word(),
                c.action(),
                why.reason.word(),
                why.signal.map(|s| s.word()),
                why.value,
                why.threshold
            )
        };
        self.log.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
