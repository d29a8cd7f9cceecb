// SPDX-License-Identifier: Apache-2.0
//! A world in which any number may be missing, go back or jump, for the safety properties.
#![allow(unreachable_pub, reason = "a module of a test binary")]

mod steps;

pub use steps::{Step, steps};

use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, LoadAverage, MemoryEvents, MemoryInfo, NodeSample, Psi, PsiSet,
    Sample, Task, TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
use gleaner_estimator::usage::UsageTracker;
use gleaner_qos::Controller;
use gleaner_qos::assessment::Assessment;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::config::QosConfig;
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::{Action, Mode, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use steps::Shake;

const TASKS: usize = 6;
const MIB: u64 = 1 << 20;
const CLASSES: [Class; TASKS] = [
    Class::Guaranteed,
    Class::BestEffort,
    Class::BestEffort,
    Class::Guaranteed,
    Class::System,
    Class::BestEffort,
];

struct Job {
    task: Arc<Task>,
    c: TaskCounters,
    seen: bool,
    /// The newest sample showed it.
    shown: bool,
    carries: BTreeMap<Actuator, Action>,
}

/// One decision and what it was made from.
pub struct Tick {
    pub sample: Sample,
    pub now: Timestamp,
    pub assessment: Assessment,
    pub verdict: Verdict,
    /// Tasks whose eviction ended, or failed, since the previous tick.
    pub reported: Vec<TaskId>,
}

/// The world.
pub struct World {
    pub controller: Controller,
    pub mode: Mode,
    /// Nothing can be read at all.
    pub blind: bool,
    /// Guaranteed tasks never wait, stall or fault, and memory is ample.
    pub unharmed: bool,
    tracker: UsageTracker,
    jobs: Vec<Job>,
    now: Timestamp,
    newest: Timestamp,
    all: u64,
    steal: u64,
    best_effort: u64,
    leaving: Vec<TaskId>,
    reported: Vec<TaskId>,
}

fn task(name: &str, number: usize) -> Arc<Task> {
    let number = u64::try_from(number).expect("small");
    Arc::new(Task {
        id: TaskId { name: name.into(), inode: 100 + number },
        class: CLASSES[usize::try_from(number).expect("small")],
        why: String::new(),
        allocation: Allocation { cpu: Some(MilliCpus(1_000)), memory: Some(Bytes(512 * MIB)) },
        priority: i32::try_from(number % 2).expect("small"),
        tenant: (number > 1).then(|| format!("tenant-{}", number % 2)),
        labels: Vec::new(),
        // All different, so that no choice ends in a tie of names.
        started: Some(Timestamp(number)),
    })
}

fn counters() -> TaskCounters {
    let psi = Some(Psi::default());
    TaskCounters {
        cpu_usage_usec: Some(0),
        throttled_usec: Some(0),
        memory_current: Some(Bytes(300 * MIB)),
        working_set: Some(Bytes(200 * MIB)),
        file_cache: Some(Bytes(100 * MIB)),
        major_faults: Some(0),
        memory_events: Some(MemoryEvents::default()),
        psi: PsiSet { cpu: psi, memory: psi, io: psi },
        run_wait_ns: Some(0),
        run_cpu_ns: Some(0),
        ..TaskCounters::default()
    }
}

fn grow(counter: &mut Option<u64>, by: u64) {
    *counter = counter.map(|c| c.saturating_add(by));
}

fn stall(psi: &mut Option<Psi>, by: u64) {
    if let Some(p) = psi {
        p.some_usec += by;
    }
}

impl World {
    pub fn new(config: QosConfig) -> Self {
        Self::named(config, ["a", "b", "c", "d", "e", "f"])
    }

    pub fn named(config: QosConfig, names: [&str; TASKS]) -> Self {
        let job = |(i, name): (usize, &&str)| Job {
            task: task(name, i),
            c: counters(),
            seen: true,
            shown: false,
            carries: BTreeMap::new(),
        };
        Self {
            controller: Controller::new(config),
            mode: Mode::Evict,
            blind: false,
            unharmed: false,
            tracker: UsageTracker::default(),
            jobs: names.iter().enumerate().map(job).collect(),
            now: Timestamp(1),
            newest: Timestamp(1),
            all: 0,
            steal: 0,
            best_effort: 0,
            leaving: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// Another promise for everybody.
    pub fn promise(&mut self, cpu: u64, share: u32) {
        for job in &mut self.jobs {
            let task = Arc::make_mut(&mut job.task);
            task.allocation.cpu = Some(MilliCpus(cpu));
            task.allocation.memory = Some(Bytes(u64::from(share) * 100 * MIB));
        }
    }

    /// Whether a step makes the clock jump.
    pub fn jumps(&self, step: &Step) -> bool {
        step.kind >= 12
    }

    /// What tasks carry beyond the standing class and weight.
    pub fn carried(&self) -> Vec<(String, Actuator)> {
        let lasting = |a: &Actuator| !matches!(a, Actuator::StandingClass | Actuator::IoWeight);
        let of = |j: &Job| -> Vec<_> {
            let name = j.task.id.name.to_string();
            j.carries.keys().copied().filter(lasting).map(|a| (name.clone(), a)).collect()
        };
        self.jobs.iter().flat_map(of).collect()
    }

    fn shake(&mut self, number: usize, s: Shake, ms: u64) {
        let unharmed = self.unharmed;
        let job = &mut self.jobs[number];
        let usec = ms * u64::from(s.busy);
        let bad = if unharmed { 0 } else { 1 };
        grow(&mut job.c.cpu_usage_usec, usec);
        grow(&mut job.c.run_cpu_ns, usec * 1_000);
        grow(&mut job.c.run_wait_ns, bad * ms * u64::from(s.wait) * 1_000);
        grow(&mut job.c.major_faults, bad * u64::from(s.stall) * ms / 10_000);
        let stalled = bad * ms * u64::from(s.stall.min(1_000));
        let psi = &mut job.c.psi;
        [&mut psi.cpu, &mut psi.memory, &mut psi.io].into_iter().for_each(|p| stall(p, stalled));
        let size = job.c.working_set.unwrap_or(Bytes(200 * MIB)).0;
        let change = MIB * u64::from(s.grow.unsigned_abs());
        let next = if s.grow < 0 { size.saturating_sub(change) } else { size + change };
        let next = if unharmed { size.min(300 * MIB) } else { next.min(4_000 * MIB) };
        job.c.working_set = Some(Bytes(next));
        job.c.memory_current = Some(Bytes(next + 100 * MIB));
        job.seen = true;
        match s.odd {
            0 => job.c = counters(),
            1 => job.c.run_wait_ns = None,
            2 => (job.c.working_set, job.c.psi.memory) = (None, None),
            3 => job.seen = false,
            4 => job.c = TaskCounters { run_wait_ns: job.c.run_wait_ns.or(Some(0)), ..counters() },
            _ => {}
        }
        if CLASSES[number] == Class::BestEffort {
            self.best_effort = self.best_effort.saturating_add(usec);
        }
    }

    fn cpu(&self) -> CpuTimes {
        CpuTimes { busy_usec: self.all - self.steal, idle_usec: self.all, steal_usec: self.steal }
    }

    fn available(&self) -> Bytes {
        let held: u64 = self.jobs.iter().map(|j| j.c.working_set.map_or(0, |b| b.0)).sum();
        Bytes((4_096 * MIB).saturating_sub(held))
    }

    fn sorted(&self) -> Vec<&Job> {
        let mut jobs: Vec<&Job> = self.jobs.iter().filter(|j| j.seen).collect();
        jobs.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        jobs
    }

    fn glance(&self) -> Glance {
        let of = |j: &&Job| GlanceTask {
            task: Arc::clone(&j.task),
            cpu_usage_usec: j.c.cpu_usage_usec,
            throttled_usec: j.c.throttled_usec,
            psi: j.c.psi,
            run_wait_ns: j.c.run_wait_ns,
            run_cpu_ns: j.c.run_cpu_ns,
            major_faults: j.c.major_faults,
        };
        let known = !self.blind;
        Glance {
            at: self.now,
            cpu: known.then(|| self.cpu()),
            memory_available: known.then(|| self.available()),
            best_effort_cpu_usec: known.then_some(self.best_effort),
            tasks: if known { self.sorted().iter().map(of).collect() } else { Vec::new() },
        }
    }

    fn sample(&self) -> Sample {
        let known = !self.blind;
        let of = |j: &&Job| TaskSample {
            task: Arc::clone(&j.task),
            counters: if known { j.c } else { TaskCounters::default() },
        };
        let memory = MemoryInfo {
            total: Bytes(4_096 * MIB),
            available: Some(self.available()),
            swap_free: Bytes(MIB),
            ..MemoryInfo::default()
        };
        Sample {
            at: self.now,
            node: NodeSample {
                capacity_cpu: MilliCpus(4_000),
                capacity_memory: Bytes(4_096 * MIB),
                cpu: known.then(|| self.cpu()),
                memory: known.then_some(memory),
                load: known.then_some(LoadAverage { one_milli: 99_000, ..LoadAverage::default() }),
                psi: PsiSet::default(),
            },
            tasks: self.sorted().iter().map(of).collect(),
            vanished: 0,
        }
    }

    /// One step; the decision if it was a sample.
    pub fn step(&mut self, step: &Step) -> Option<Tick> {
        self.now = match step.kind {
            13 => Timestamp(self.now.0 / 2 + 1),
            _ => self.now.plus(Span::from_millis(step.ms)),
        };
        for number in 0..TASKS {
            self.shake(number, step.shakes[number], step.ms);
        }
        let all = step.ms * 4_000;
        self.all += all;
        self.steal += if step.steal > 9 { all / 10 } else { 0 };
        if step.reborn < u8::try_from(TASKS).expect("small") {
            let job = &mut self.jobs[usize::from(step.reborn)];
            Arc::make_mut(&mut job.task).id.inode += 1_000;
            (job.c, job.carries) = (counters(), BTreeMap::new());
        }
        // A clock that jumps ends what it measured.
        self.thaw(step.kind >= 12);
        if step.kind >= 12 {
            self.controller.gap();
            self.tracker.forget_counters();
            self.newest = self.now;
            return None;
        }
        self.newest = self.newest.max(self.now);
        self.bury(step.gone);
        if step.kind >= 6 {
            let _ = self.controller.glance(&self.glance());
            return None;
        }
        Some(self.tick(step.host))
    }

    /// The host thaws by itself whose time is over, or everybody.
    fn thaw(&mut self, all: bool) {
        let now = self.now;
        for job in &mut self.jobs {
            let over = |a: &Action| matches!(a, Action::Freeze { until } if all || *until <= now);
            job.carries.retain(|_, action| !over(action));
        }
    }

    fn bury(&mut self, gone: bool) {
        let leaving = if gone { std::mem::take(&mut self.leaving) } else { Vec::new() };
        for id in leaving {
            // Somebody starts it again: the same name, another task.
            if let Some(job) = self.jobs.iter_mut().find(|j| j.task.id == id) {
                Arc::make_mut(&mut job.task).id.inode += 1_000;
                (job.c, job.carries) = (counters(), BTreeMap::new());
            }
            self.report(id, Action::Evict, Outcome::Gone);
        }
    }

    fn report(&mut self, task: TaskId, action: Action, outcome: Outcome) {
        if action == Action::Evict && outcome != Outcome::Acted {
            self.reported.push(task.clone());
        }
        let _ =
            self.controller.report(&Report { at: self.now, task, action, outcome, relief: None });
    }

    fn tick(&mut self, host: u8) -> Tick {
        let sample = self.sample();
        self.tracker.update(&sample);
        let usage = self.tracker.usage().clone();
        let assessment = self.controller.assess(&sample, &usage);
        let can =
            Actuator::ALL.iter().fold(Capabilities::none(), |c, a| c.with(*a, Ability::Works));
        let verdict = self.controller.decide(&sample, &usage, &assessment, self.mode, &can);
        let reported = std::mem::take(&mut self.reported);
        for c in &verdict.corrections {
            self.act(c.task(), c.action(), if c.is_would() { 8 } else { host });
        }
        self.tell_who_is_back();
        Tick { sample, now: self.newest, assessment, verdict, reported }
    }

    /// As the real host does: what is in force on a task that the sample before did not show is told again.
    fn tell_who_is_back(&mut self) {
        let mut back = Vec::new();
        for job in &mut self.jobs {
            if job.seen && !job.shown {
                back.extend(job.carries.values().map(|action| (job.task.id.clone(), *action)));
            }
            job.shown = job.seen;
        }
        back.into_iter().for_each(|(id, action)| self.report(id, action, Outcome::Acted));
    }

    fn act(&mut self, id: &TaskId, action: Action, host: u8) {
        let outcome = match host {
            0..=5 => Outcome::Acted,
            6 => Outcome::NoEffect,
            7 => Outcome::Failed,
            _ => return,
        };
        let actuator = action.actuator();
        let job = self.jobs.iter_mut().find(|j| j.task.id == *id);
        match (outcome, action.releases(), job) {
            (Outcome::Acted | Outcome::NoEffect, true, Some(job)) => {
                job.carries.remove(&actuator);
            }
            (Outcome::Acted, false, Some(job)) if action != Action::Evict => {
                job.carries.insert(actuator, action);
                job.carries.remove(&Actuator::Reclaim);
            }
            _ => {}
        }
        if action == Action::Evict && outcome == Outcome::Acted {
            self.leaving.push(id.clone());
        }
        self.report(id.clone(), action, outcome);
    }

    /// A calm time: nobody waits, memory is free, the host does what it is told.
    pub fn settle(&mut self, span: Span) {
        (self.unharmed, self.blind) = (true, false);
        for job in &mut self.jobs {
            (job.c, job.seen) = (counters(), true);
        }
        let end = self.now.plus(span);
        while self.now < end {
            self.now = self.now.plus(Span::from_millis(500));
            self.all += 2_000_000;
            for number in 0..TASKS {
                let calm = Shake { busy: 100, wait: 0, stall: 0, grow: 0, odd: 99 };
                self.shake(number, calm, 500);
            }
            self.bury(true);
            self.thaw(false);
            self.tick(0);
        }
    }
}
