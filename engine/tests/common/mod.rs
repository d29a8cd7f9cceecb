// SPDX-License-Identifier: Apache-2.0
//! A scripted node: usage in, samples with cumulative counters out.

use gleaner_engine::Engine;
use gleaner_engine::config::{EngineConfig, LendRule, Quota};
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::predict::{Parameters, PredictorKind, PredictorSpec};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, MemoryInfo, NodeSample, Sample, Task, TaskCounters, TaskId,
    TaskSample,
};
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span, Timestamp};
use gleaner_qos::config::QosConfig;
use std::sync::Arc;

/// One task as a test states it.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) allocated_milli: Option<u64>,
    pub(crate) used_milli: u64,
}

/// A node of sixteen cores and 64 GiB whose counters grow as told.
pub(crate) struct Script {
    millis: u64,
    busy_usec: u64,
    cpu_usec: std::collections::BTreeMap<String, u64>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { millis: 100_000, busy_usec: 0, cpu_usec: std::collections::BTreeMap::new() }
    }

    /// Advances by `secs` during which each task and the system used what is stated.
    pub(crate) fn advance(&mut self, secs: u64, system_milli: u64, tasks: &[Scripted]) -> Sample {
        self.advance_millis(secs * 1000, system_milli, tasks)
    }

    /// As [`Script::advance`], in milliseconds.
    pub(crate) fn advance_millis(
        &mut self,
        millis: u64,
        system_milli: u64,
        tasks: &[Scripted],
    ) -> Sample {
        self.millis += millis;
        let mut busy = system_milli;
        for task in tasks {
            *self.cpu_usec.entry(task.name.clone()).or_default() += task.used_milli * millis;
            busy += task.used_milli;
        }
        self.busy_usec += busy * millis;
        let mut samples: Vec<TaskSample> = tasks.iter().map(|t| self.task(t)).collect();
        samples.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        Sample { at: self.now(), node: self.node(), tasks: samples, vanished: 0 }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::default().plus(Span::from_millis(self.millis))
    }

    fn node(&self) -> NodeSample {
        NodeSample {
            capacity_cpu: MilliCpus(16_000),
            capacity_memory: Bytes(64 << 30),
            cpu: Some(CpuTimes { busy_usec: self.busy_usec, idle_usec: 0, steal_usec: 0 }),
            memory: Some(MemoryInfo {
                total: Bytes(64 << 30),
                available: Some(Bytes(48 << 30)),
                free: Bytes(8 << 30),
                swap_total: Bytes(0),
                swap_free: Bytes(0),
            }),
            ..NodeSample::default()
        }
    }

    fn task(&self, scripted: &Scripted) -> TaskSample {
        let counters = TaskCounters {
            cpu_usage_usec: self.cpu_usec.get(&scripted.name).copied(),
            working_set: Some(Bytes(1 << 30)),
            ..TaskCounters::default()
        };
        let task = Task {
            id: TaskId { name: scripted.name.as_str().into(), inode: 1 },
            class: scripted.class,
            why: "scripted".to_owned(),
            allocation: Allocation {
                cpu: scripted.allocated_milli.map(MilliCpus),
                memory: Some(Bytes(2 << 30)),
            },
            priority: 0,
            tenant: None,
            labels: Vec::new(),
            started: Some(Timestamp(1)),
        };
        TaskSample { task: Arc::new(task), counters }
    }
}

/// Lends the headroom of CPU and memory at once, with nothing to wait for.
pub(crate) fn config(kind: PredictorKind) -> EngineConfig {
    EngineConfig {
        mode: Mode::Observe,
        interval: Span::from_secs(1),
        stale_after: Span::from_secs(30),
        warm_up: Span::from_secs(3),
        task_warm_up: Span::default(),
        max_tasks: 100,
        lend: Lend::Headroom,
        cpu: LendRule {
            enabled: true,
            reserve: Quota::Share(Ratio::from_milli(50)),
            cap: None,
            threshold: MilliCpus(100),
            quantum: MilliCpus(100),
            rise: None,
            rise_every: Span::default(),
            predictor: PredictorSpec { kind, ..PredictorSpec::default() },
        },
        memory: LendRule {
            enabled: true,
            reserve: Quota::Share(Ratio::from_milli(100)),
            cap: Some(Quota::Exactly(Bytes(16 << 30))),
            threshold: Bytes(1 << 20),
            quantum: Bytes(1 << 20),
            rise: None,
            rise_every: Span::default(),
            predictor: PredictorSpec {
                kind,
                parameters: Parameters::memory(),
                ..PredictorSpec::default()
            },
        },
        offer_horizon: 1,
        lend_blind: true,
        qos: QosConfig::default(),
    }
}

pub(crate) fn tick(engine: &mut Engine, sample: &Sample) -> Decision {
    engine.tick(Reading { at: sample.at, wall_ms: 0, body: Body::Fresh(sample) })
}

pub(crate) fn scripted(
    name: &str,
    class: Class,
    allocated_milli: impl Into<Option<u64>>,
    used_milli: u64,
) -> Scripted {
    Scripted { name: name.to_owned(), class, allocated_milli: allocated_milli.into(), used_milli }
}
