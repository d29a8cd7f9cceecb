// SPDX-License-Identifier: Apache-2.0
//! A scripted node behind the real engine and the real publisher.

use gleaner_engine::Engine;
use gleaner_engine::config::{EngineConfig, LendRule, Quota};
use gleaner_engine::decision::Mode;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::predict::{Parameters, PredictorKind, PredictorSpec};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, MemoryEvents, MemoryInfo, NodeSample, Psi, PsiSet, Sample, Task,
    TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span, Timestamp};
use gleaner_watch::about::About;
use gleaner_watch::publisher::{Publisher, Told};
use gleaner_watch::snapshot::HostState;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A task name that would be a script if anybody took it for HTML.
pub(crate) const EVIL: &str = "be/<img src=x onerror=alert(1)>";

/// Sixteen cores, 64 GiB, and as many tasks as asked for.
pub(crate) struct Node {
    engine: Engine,
    pub(crate) publisher: Publisher,
    pub(crate) host: HostState,
    /// How long the threads of each guaranteed task wait for a CPU in the coming second, in all.
    pub(crate) waits: Duration,
    waited: Duration,
    secs: u64,
    /// When the clock of the node was 0, milliseconds since 1970-01-01 UTC.
    pub(crate) epoch_ms: u64,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::with(about())
    }

    pub(crate) fn with(about: About) -> Self {
        Self::configured(about, config())
    }

    pub(crate) fn configured(about: About, config: EngineConfig) -> Self {
        Self {
            engine: Engine::new(config),
            publisher: Publisher::new(about).expect("the list of metrics is well formed"),
            host: HostState::default(),
            waits: Duration::from_millis(1),
            waited: Duration::ZERO,
            secs: 100,
            epoch_ms: 1_700_000_000_000,
        }
    }

    /// Reads, decides and tells as often as it takes to be warm.
    pub(crate) fn warm(tasks: usize) -> Self {
        let mut node = Self::new();
        for _ in 0..6 {
            node.tick(tasks);
        }
        node
    }

    /// One second later: every task used a tenth of a core, the system half of one.
    pub(crate) fn tick(&mut self, tasks: usize) {
        let _ = self.timed_tick(tasks);
    }

    /// The same, and how long deciding and telling took.
    pub(crate) fn timed_tick(&mut self, tasks: usize) -> Duration {
        self.secs += 1;
        self.waited += self.waits;
        let sample = sample(self.secs, self.waited, tasks);
        let reading =
            Reading { at: sample.at, wall_ms: self.wall_ms(), body: Body::Fresh(&sample) };
        let begun = Instant::now();
        let decision = self.engine.tick(reading);
        self.publisher.tell(Told {
            decision: &decision,
            seen: Some((&sample, self.engine.usage())),
            weights: Some(&Arc::new(self.engine.weigh(&sample))),
            sample_took: Some(Duration::from_micros(700)),
            tick_took: Duration::from_micros(15),
            host: &self.host,
        });
        begun.elapsed()
    }

    /// One second later nothing could be read.
    pub(crate) fn fail(&mut self, why: &str) {
        self.secs += 1;
        let at = Timestamp::default().plus(Span::from_secs(self.secs));
        let reading = Reading { at, wall_ms: self.wall_ms(), body: Body::Failed(why) };
        let decision = self.engine.tick(reading);
        self.publisher.tell(Told {
            decision: &decision,
            seen: None,
            weights: None,
            sample_took: None,
            tick_took: Duration::from_micros(2),
            host: &self.host,
        });
    }

    fn wall_ms(&self) -> u64 {
        self.epoch_ms + self.secs * 1000
    }
}

/// A decision of this host stays good for an hour: tests may be slow.
pub(crate) fn about() -> About {
    About {
        node: "node-0417".to_owned(),
        version: "0.1.0".to_owned(),
        revision: "abc1234".to_owned(),
        started_ms: 1_700_000_000_000,
        interval: Span::from_secs(1),
        stale_after: Span::from_secs(3600),
        horizons: PredictorSpec::default().horizons,
        policy: "calibrated".to_owned(),
        shadows: Vec::new(),
        places: [("memory.enabled".to_owned(), "gleaner.toml:31".to_owned())].into(),
        layout: serde_json::json!({ "preset": "globs" }),
    }
}

pub(crate) fn config() -> EngineConfig {
    EngineConfig {
        mode: Mode::Observe,
        interval: Span::from_secs(1),
        stale_after: Span::from_secs(30),
        warm_up: Span::from_secs(3),
        task_warm_up: Span::default(),
        max_tasks: 10_000,
        lend: Lend::Headroom,
        cpu: LendRule {
            enabled: true,
            reserve: Quota::Share(Ratio::from_milli(50)),
            cap: None,
            threshold: MilliCpus(100),
            quantum: MilliCpus(100),
            rise: None,
            rise_every: Span::default(),
            predictor: PredictorSpec { kind: PredictorKind::Ema, ..PredictorSpec::default() },
        },
        memory: LendRule {
            enabled: false,
            reserve: Quota::Share(Ratio::from_milli(100)),
            cap: None,
            threshold: Bytes(1 << 20),
            quantum: Bytes(1 << 20),
            rise: None,
            rise_every: Span::default(),
            predictor: PredictorSpec {
                parameters: Parameters::memory(),
                ..PredictorSpec::default()
            },
        },
        offer_horizon: 1,
        lend_blind: true,
        qos: gleaner_qos::config::QosConfig::default(),
    }
}

fn sample(secs: u64, waited: Duration, tasks: usize) -> Sample {
    // A tenth of a core each, as far as sixteen cores go.
    let count = u64::try_from(tasks).expect("few");
    let usec = 100_000 * 150 / count.max(150);
    let mut all: Vec<TaskSample> =
        (0..tasks).map(|index| task(secs, waited, index, usec)).collect();
    all.sort_by(|a, b| a.task.id.cmp(&b.task.id));
    let used = count * usec + 500_000;
    let memory = MemoryInfo {
        total: Bytes(64 << 30),
        available: Some(Bytes(48 << 30)),
        ..MemoryInfo::default()
    };
    Sample {
        at: Timestamp::default().plus(Span::from_secs(secs)),
        node: NodeSample {
            capacity_cpu: MilliCpus(16_000),
            capacity_memory: Bytes(64 << 30),
            cpu: Some(CpuTimes { busy_usec: used * secs, idle_usec: secs, steal_usec: 0 }),
            memory: Some(memory),
            ..NodeSample::default()
        },
        tasks: all,
        vanished: 1,
    }
}

/// Every third task is best-effort, and the first of those has a name to beware of.
fn task(secs: u64, waited: Duration, index: usize, usec: u64) -> TaskSample {
    let best_effort = index % 3 == 2;
    let name = match (best_effort, index) {
        (true, 2) => EVIL.to_owned(),
        (true, _) => format!("be/spark-exec-{index}"),
        (false, _) => format!("web/task-{index}"),
    };
    let psi = Psi { some_usec: 1000 * secs, full_usec: None };
    TaskSample {
        task: Arc::new(Task {
            id: TaskId { name: name.into(), inode: 7 },
            class: if best_effort { Class::BestEffort } else { Class::Guaranteed },
            why: "scripted".to_owned(),
            allocation: Allocation { cpu: Some(MilliCpus(500)), memory: Some(Bytes(64 << 20)) },
            priority: 0,
            tenant: best_effort.then(|| "analytics".to_owned()),
            labels: Vec::new(),
            started: Some(Timestamp(1)),
        }),
        counters: TaskCounters {
            cpu_usage_usec: Some(usec * secs),
            working_set: Some(Bytes(1 << 20)),
            psi: PsiSet { cpu: Some(psi), memory: Some(psi), io: Some(psi) },
            run_wait_ns: u64::try_from(waited.as_nanos()).ok(),
            run_cpu_ns: Some(usec * 1000 * secs),
            throttled_usec: Some(0),
            major_faults: Some(0),
            memory_events: Some(MemoryEvents::default()),
            file_cache: Some(Bytes(1 << 20)),
            pids: Some(3),
            ..TaskCounters::default()
        },
    }
}
