// SPDX-License-Identifier: Apache-2.0
//! One node of the replayed fleet: real engine and real publisher; scripted owners, and borrowers who take what is offered.

use gleaner_engine::Engine;
use gleaner_engine::config::{EngineConfig, Quota};
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::predict::{Parameters, PredictorSpec};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, MemoryEvents, MemoryInfo, NodeSample, Psi, PsiSet, Sample, Task,
    TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio, Span, Timestamp};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::{Action, Correction};
use gleaner_watch::about::About;
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::publisher::{Publisher, Told};
use gleaner_watch::snapshot::{Held, HostState};
use gleaner_watch::story::End;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Cores and memory of every node.
const CORES: f64 = 32.0;
const GIB: u64 = 1 << 30;
/// Cores that a borrower asks for, and uses where it can.
const BORROWED: f64 = 2.0;

/// What distinguishes a node.
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) pool: &'static str,
    pub(crate) version: &'static str,
    pub(crate) mode: Mode,
    /// Cores that owners use at most and at least, over a wave of this many seconds.
    pub(crate) owners: (f64, f64, f64),
    /// Seconds of the replay at which borrowers begin to harm owners, for a while.
    pub(crate) harmed: &'static [u64],
    /// What the freezer can do.
    pub(crate) freezer: Ability,
    /// Nobody answers any more from this second on.
    pub(crate) gone_from: Option<u64>,
}

/// A task and its counters.
struct Job {
    task: Arc<Task>,
    used: f64,
    waited: f64,
    stalled: f64,
    frozen_until: Option<Timestamp>,
    /// Seconds after which a borrower has done its work.
    lasts: u64,
}

pub(crate) struct Node {
    pub(crate) plan: Plan,
    engine: Engine,
    pub(crate) publisher: Publisher,
    host: HostState,
    jobs: BTreeMap<String, Job>,
    can: Capabilities,
    secs: u64,
    busy: f64,
    idle: f64,
    made: u64,
    first_ms: u64,
}

impl Node {
    /// A node whose first reading is at this wall clock time.
    pub(crate) fn new(plan: Plan, first_ms: u64) -> Self {
        let mut engine = Engine::new(config(plan.mode));
        let all = Actuator::ALL.iter();
        let can = all.fold(Capabilities::none(), |can, a| can.with(*a, Ability::Works));
        let can = can.with(Actuator::Freeze, plan.freezer);
        engine.set_capabilities(can);
        let publisher = Publisher::new(about(&plan)).expect("the list of metrics is well formed");
        let host = HostState { abilities: can, ..HostState::default() };
        let jobs = (0..4).map(|index| owner(&plan, index)).collect();
        let (secs, busy, idle, made) = (0, 0.0, 0.0, 0);
        Self { plan, engine, publisher, host, jobs, can, secs, busy, idle, made, first_ms }
    }

    /// One second later.
    pub(crate) fn tick(&mut self) {
        self.secs += 1;
        self.use_cores();
        let sample = self.sample();
        // The next tick comes at its time, whatever the glance would hurry.
        let _ = self.engine.glance(&glance_of(&sample));
        let reading =
            Reading { at: sample.at, wall_ms: self.wall_ms(), body: Body::Fresh(&sample) };
        let decision = self.engine.tick(reading);
        let ended = self.act(&decision);
        self.place(&decision);
        self.host.abilities = self.can;
        self.publisher.tell(Told {
            decision: &decision,
            seen: Some((&sample, self.engine.usage())),
            weights: Some(&Arc::new(self.engine.weigh(&sample))),
            sample_took: Some(Duration::from_micros(600 + self.secs % 7 * 90)),
            tick_took: Duration::from_micros(18 + self.secs % 5 * 6),
            host: &self.host,
        });
        ended.iter().for_each(|ended| self.publisher.tell_ended(ended));
    }

    fn now(&self) -> Timestamp {
        Timestamp::default().plus(Span::from_secs(1000 + self.secs))
    }

    fn wall_ms(&self) -> u64 {
        self.first_ms + self.secs * 1000
    }

    /// Cores that owners want now: a wave, and bursts on top of it.
    fn wanted(&self) -> f64 {
        let (low, high, wave) = self.plan.owners;
        let phase = self.secs as f64 / wave * std::f64::consts::TAU;
        // Two incommensurable waves: no two minutes are alike, and every run is the same.
        let noise =
            0.04 * (self.secs as f64 * 0.37).sin() + 0.03 * (self.secs as f64 * 0.053).sin();
        let share = 0.5 - 0.5 * phase.cos() + noise;
        let calm = low + (high - low) * share;
        if self.is_harmed() { calm + 1.5 } else { calm }
    }

    /// Whether borrowers now get in the owners' way, whatever their class: caches, memory bandwidth.
    fn is_harmed(&self) -> bool {
        self.plan.harmed.iter().any(|at| (*at..*at + 100).contains(&self.secs))
    }

    /// Who gets which cores this second, and who waits for them.
    fn use_cores(&mut self) {
        let (wanted, now) = (self.wanted(), self.now());
        let system = 0.8;
        let free = |job: &Job| job.frozen_until.is_none_or(|until| until < now);
        let borrowers = |job: &&mut Job| job.task.class == Class::BestEffort && free(job);
        let count = self.jobs.values_mut().filter(borrowers).count();
        let asked = count as f64 * BORROWED * 0.95;
        let over = (wanted + system + asked - CORES).max(0.0);
        let left = (CORES - wanted - system).clamp(asked * 0.6, asked);
        let owned = wanted.min(CORES - system - left);
        let waits = if self.is_harmed() { left * 5.0 } else { over * 6.0 };
        for job in self.jobs.values_mut() {
            match job.task.class {
                Class::Guaranteed => {
                    job.used += owned / 4.0;
                    job.waited += 0.01 * owned / 4.0 + waits;
                    job.stalled += (0.02 + waits * 0.01).min(0.9);
                }
                Class::BestEffort if free(job) => job.used += left / count.max(1) as f64,
                Class::BestEffort | Class::System => {}
            }
        }
        self.busy += owned + system + left;
        self.idle += (CORES - owned - system - left).max(0.0);
    }

    /// Does what was decided, and tells the engine what came of it.
    fn act(&mut self, decision: &Decision) -> Vec<Ended> {
        let mut all = Vec::new();
        for correction in &decision.verdict.corrections {
            let ending = match correction.is_would() {
                true => Ending::Observed,
                false => self.carry_out(correction),
            };
            all.push(Ended {
                task: correction.task().clone(),
                action: correction.action(),
                resource: correction.resource(),
                reason: correction.why().reason,
                ending,
                wall_ms: self.wall_ms(),
                tick: Some(decision.tick),
                end: End {
                    outcome: ending.word().to_owned(),
                    took: Span::from_millis(35 + self.secs * 13 % 118),
                    ..End::default()
                },
            });
            let taken = matches!(correction.action(), Action::Freeze { .. } | Action::Evict);
            if ending != Ending::Observed && taken {
                self.publisher.tell_reaction(Duration::from_millis(35 + self.secs * 13 % 118));
            }
        }
        let now = self.now();
        let frozen = self.jobs.values().filter(|job| job.frozen_until.is_some_and(|at| at > now));
        let frozen = u32::try_from(frozen.count()).expect("few");
        self.host.held = Held { throttled: 0, frozen };
        self.host.holding = self.holding(now);
        all
    }

    /// Borrowers stand in the lowest class from their first second on; some are frozen.
    fn holding(&self, now: Timestamp) -> Arc<[(TaskId, Actuator)]> {
        let borrowed = self.jobs.values().filter(|job| job.task.class == Class::BestEffort);
        let on = |job: &Job| {
            let frozen = job.frozen_until.is_some_and(|until| until > now);
            let always = [Actuator::StandingClass, Actuator::IoWeight];
            let all = always.into_iter().chain(frozen.then_some(Actuator::Freeze));
            all.map(|actuator| (job.task.id.clone(), actuator)).collect::<Vec<_>>()
        };
        borrowed.flat_map(on).collect()
    }

    fn carry_out(&mut self, correction: &Correction) -> Ending {
        let name = correction.task().name.to_string();
        let (action, task) = (correction.action(), correction.task().clone());
        match action {
            Action::Freeze { until } => {
                self.jobs.entry(name).and_modify(|job| job.frozen_until = Some(until));
            }
            Action::Thaw => {
                self.jobs.entry(name).and_modify(|job| job.frozen_until = None);
            }
            Action::Evict => {
                self.jobs.remove(&name);
            }
            Action::StandingClass
            | Action::IoWeight
            | Action::CpuQuota { .. }
            | Action::MemoryHigh { .. }
            | Action::Reclaim { .. }
            | Action::IoLimit { .. }
            | Action::Undo { .. } => {}
        }
        let outcome = if action == Action::Evict { Outcome::Gone } else { Outcome::Acted };
        let report = Report { at: self.now(), task, action, outcome, relief: None };
        self.engine.report(&report);
        // Now and then what was frozen was not what harmed.
        if self.secs.is_multiple_of(5) { Ending::NoRelief } else { Ending::Done }
    }

    /// A scheduler that places a borrower every ten seconds, while enough is offered for one; they end in minutes.
    fn place(&mut self, decision: &Decision) {
        let now = self.now();
        self.jobs.retain(|_, job| {
            let age = job.task.started.and_then(|started| now.since(started)).unwrap_or_default();
            job.task.class != Class::BestEffort || age < Span::from_secs(job.lasts)
        });
        if !self.secs.is_multiple_of(10) || decision.cpu.offer.amount.to_base() < BORROWED {
            return;
        }
        self.made += 1;
        let name = format!("be/spark-exec-{:04}", self.made);
        let mut borrower = job(&name, Class::BestEffort, BORROWED, 2, now);
        borrower.lasts = 240 + self.made * 97 % 500;
        self.jobs.insert(name, borrower);
    }

    fn sample(&self) -> Sample {
        let seconds = |s: f64| u64::try_from(Duration::from_secs_f64(s).as_micros());
        let micros = |s: f64| seconds(s).expect("a few hours");
        let of = |job: &Job| {
            let psi = Psi { some_usec: micros(job.stalled), full_usec: None };
            let quiet = Psi { some_usec: 0, full_usec: None };
            let counters = TaskCounters {
                cpu_usage_usec: Some(micros(job.used)),
                working_set: job.task.allocation.memory.map(|bytes| Bytes(bytes.0 / 4 * 3)),
                psi: PsiSet { cpu: Some(psi), memory: Some(quiet), io: Some(quiet) },
                run_wait_ns: Some(micros(job.waited) * 1000),
                run_cpu_ns: Some(micros(job.used) * 1000),
                throttled_usec: Some(0),
                major_faults: Some(0),
                memory_events: Some(MemoryEvents::default()),
                file_cache: Some(Bytes(GIB / 2)),
                pids: Some(12),
                ..TaskCounters::default()
            };
            TaskSample { task: Arc::clone(&job.task), counters }
        };
        let memory = MemoryInfo {
            total: Bytes(128 * GIB),
            available: Some(Bytes(60 * GIB)),
            ..MemoryInfo::default()
        };
        let cpu =
            CpuTimes { busy_usec: micros(self.busy), idle_usec: micros(self.idle), steal_usec: 0 };
        Sample {
            at: self.now(),
            node: NodeSample {
                capacity_cpu: MilliCpus::from_base(CORES),
                capacity_memory: Bytes(128 * GIB),
                cpu: Some(cpu),
                memory: Some(memory),
                ..NodeSample::default()
            },
            tasks: self.jobs.values().map(of).collect(),
            vanished: u32::from(self.secs.is_multiple_of(97)),
        }
    }
}

/// What a fast reading would have shown at the same time.
fn glance_of(sample: &Sample) -> Glance {
    let task = |of: &TaskSample| GlanceTask {
        task: Arc::clone(&of.task),
        cpu_usage_usec: of.counters.cpu_usage_usec,
        throttled_usec: of.counters.throttled_usec,
        psi: of.counters.psi,
        run_wait_ns: of.counters.run_wait_ns,
        run_cpu_ns: of.counters.run_cpu_ns,
        major_faults: of.counters.major_faults,
    };
    let used = sample.of_class(Class::BestEffort).filter_map(|of| of.counters.cpu_usage_usec);
    Glance {
        at: sample.at,
        cpu: sample.node.cpu,
        memory_available: sample.node.memory.and_then(|memory| memory.available),
        best_effort_cpu_usec: Some(used.sum()),
        tasks: sample.of_class(Class::Guaranteed).map(task).collect(),
    }
}

fn job(name: &str, class: Class, cores: f64, gib: u64, started: Timestamp) -> Job {
    let task = Task {
        id: TaskId { name: name.into(), inode: 7 },
        class,
        why: "the replay says so".to_owned(),
        allocation: Allocation {
            cpu: Some(MilliCpus::from_base(cores)),
            memory: Some(Bytes(gib * GIB)),
        },
        priority: 0,
        tenant: (class == Class::BestEffort).then(|| "analytics".to_owned()),
        labels: Vec::new(),
        started: Some(started),
    };
    let (used, waited, stalled) = (0.0, 0.0, 0.0);
    Job { task: Arc::new(task), used, waited, stalled, frozen_until: None, lasts: 0 }
}

fn owner(plan: &Plan, index: u32) -> (String, Job) {
    let name = format!("{}/owner-{index}", plan.pool);
    let job = job(&name, Class::Guaranteed, 7.0, 14, Timestamp(1));
    (name, job)
}

fn about(plan: &Plan) -> About {
    About {
        node: plan.name.to_owned(),
        version: plan.version.to_owned(),
        revision: "abc1234".to_owned(),
        started_ms: 1_700_000_000_000,
        interval: Span::from_secs(1),
        stale_after: Span::from_secs(3600),
        horizons: PredictorSpec::default().horizons,
        policy: "calibrated".to_owned(),
        shadows: Vec::new(),
        places: BTreeMap::new(),
        layout: serde_json::json!({}),
    }
}

/// The defaults, but warm after a minute and down from what was promised at once: nobody wants to replay two hours.
fn config(mode: Mode) -> EngineConfig {
    let mut config = EngineConfig { mode, warm_up: Span::from_secs(60), ..EngineConfig::default() };
    config.task_warm_up = Span::default();
    config.lend = Lend::Headroom;
    config.cpu.cap = Some(Quota::Share(Ratio::from_milli(500)));
    // A replay glances once a tick: a probe lasts for three.
    config.qos.probe.length = Span::from_secs(3);
    config.cpu.predictor.parameters =
        Parameters { start_ramp: false, ..config.cpu.predictor.parameters };
    config
}
