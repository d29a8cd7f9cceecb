// SPDX-License-Identifier: Apache-2.0
//! A machine of a trace as the engine would have seen it: a sample at the end of every interval.
//!
//! * Counters are cumulative, so that the rates which the engine derives are the trace's mean usages.
//! * A task is listed in the samples that end its intervals, and started when its first interval did.
//!   So the tasks of sample `t` are exactly `S(t)` of the [score](crate::score).
//! * Every task is guaranteed and its limit is its allocation: the peak predicted for the guaranteed group
//!   is what the predictor says of the trace. Nothing else runs on the node.
//! * Nothing waits or stalls: a trace says nothing of contention, so the node is calm throughout.
//! * The node has what was asked for, else the largest sum of limits that the machine ever had: enough.

use crate::trace::{Machine, TaskRun};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, MemoryInfo, NodeSample, Psi, PsiSet, Sample, Task, TaskCounters,
    TaskId, TaskSample,
};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span, Timestamp};
use std::sync::Arc;

/// What a node has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// CPU; `None` for the largest sum of limits.
    pub cpu: Option<MilliCpus>,
    /// Memory; `None` for the largest sum of limits.
    pub memory: Option<Bytes>,
}

/// The memory of a node whose trace has none; only that it is not zero matters.
const SOME_MEMORY: Bytes = Bytes(1 << 30);

/// A present task.
struct Present {
    run: usize,
    task: Arc<Task>,
    cpu_usage_usec: u64,
}

/// Turns a machine into samples, one after the other.
pub struct Replay<'a> {
    machine: &'a Machine,
    /// Sorted by task id, like the sample's tasks.
    present: Vec<Present>,
    next_run: usize,
    step: usize,
    busy_usec: u64,
    sample: Sample,
}

impl<'a> Replay<'a> {
    /// Before the first interval: its [`Replay::sample`] is that of an empty node.
    #[must_use]
    pub fn new(machine: &'a Machine, capacity: Capacity) -> Self {
        let cpu = capacity
            .cpu
            .unwrap_or_else(|| MilliCpus::from_base_up(machine.largest_limit(&machine.cpu)));
        let memory = capacity.memory.or_else(|| {
            machine.memory.as_ref().map(|m| Bytes::from_base_up(machine.largest_limit(m)))
        });
        let node = NodeSample {
            capacity_cpu: cpu.max(MilliCpus(1)),
            capacity_memory: memory.unwrap_or(SOME_MEMORY).max(Bytes(1)),
            psi: CALM,
            ..NodeSample::default()
        };
        let sample = Sample { at: instant(machine, 0), node, ..Sample::default() };
        let mut replay =
            Self { machine, present: Vec::new(), next_run: 0, step: 0, busy_usec: 0, sample };
        replay.node(0.0);
        replay
    }

    /// The sample at the end of the last interval.
    #[must_use]
    pub fn sample(&self) -> &Sample {
        &self.sample
    }

    /// Goes on by one interval and returns its step; `None` after the last.
    pub fn advance(&mut self) -> Option<usize> {
        let step = (self.step < self.machine.steps).then_some(self.step)?;
        self.step += 1;
        self.sample.at = instant(self.machine, self.step);
        self.come_and_go(step);
        let (mut memory_used, mut tasks) = (0.0, std::mem::take(&mut self.sample.tasks));
        tasks.clear();
        for present in &mut self.present {
            let Some(row) = self.machine.runs[present.run].row_at(step) else { continue };
            let usec = usage_usec(self.machine.cpu.used[row], self.machine.step_s);
            present.cpu_usage_usec = present.cpu_usage_usec.saturating_add(usec);
            self.busy_usec = self.busy_usec.saturating_add(usec);
            let working_set = self.machine.memory.as_ref().map(|m| m.used[row]);
            memory_used += working_set.unwrap_or(0.0);
            let allocation = allocation(self.machine, row);
            if present.task.allocation != allocation {
                present.task = Arc::new(Task { allocation, ..(*present.task).clone() });
            }
            tasks.push(TaskSample {
                task: Arc::clone(&present.task),
                counters: counters(present.cpu_usage_usec, working_set),
            });
        }
        self.sample.tasks = tasks;
        self.node(memory_used);
        Some(step)
    }

    fn come_and_go(&mut self, step: usize) {
        let runs = &self.machine.runs;
        self.present.retain(|present| runs[present.run].end() > step);
        while runs.get(self.next_run).is_some_and(|run| run.first == step) {
            let task = task(self.machine, self.next_run);
            let at = self.present.partition_point(|present| present.task.id < task.id);
            let newcomer = Present { run: self.next_run, task: Arc::new(task), cpu_usage_usec: 0 };
            self.present.insert(at, newcomer);
            self.next_run += 1;
        }
    }

    fn node(&mut self, memory_used: f64) {
        let node = &mut self.sample.node;
        let passed = self.step as u64 * u64::from(self.machine.step_s);
        let all = node.capacity_cpu.0.saturating_mul(1000).saturating_mul(passed);
        node.cpu = Some(CpuTimes {
            busy_usec: self.busy_usec,
            idle_usec: all.saturating_sub(self.busy_usec),
            steal_usec: 0,
        });
        let free = node.capacity_memory.less(Bytes::from_base(memory_used));
        node.memory = Some(MemoryInfo {
            total: node.capacity_memory,
            available: Some(free),
            free,
            swap_total: Bytes::ZERO,
            swap_free: Bytes::ZERO,
        });
    }
}

/// Stall counters that never move.
const CALM: PsiSet = {
    let psi = Some(Psi { some_usec: 0, full_usec: Some(0) });
    PsiSet { cpu: psi, memory: psi, io: psi }
};

/// The start of a step. A trace may begin before zero; instants may not.
fn instant(machine: &Machine, step: usize) -> Timestamp {
    let start = u64::try_from(machine.start_s).unwrap_or(0);
    Timestamp::default().plus(Span::from_secs(start + step as u64 * u64::from(machine.step_s)))
}

fn usage_usec(cores: f64, step_s: u32) -> u64 {
    Bytes::from_base(cores * f64::from(step_s) * 1e6).0
}

fn allocation(machine: &Machine, row: usize) -> Allocation {
    Allocation {
        cpu: Some(MilliCpus::from_base(machine.cpu.limit[row])),
        memory: machine.memory.as_ref().map(|m| Bytes::from_base(m.limit[row])),
    }
}

fn counters(cpu_usage_usec: u64, working_set: Option<f64>) -> TaskCounters {
    let working_set = working_set.map(Bytes::from_base);
    TaskCounters {
        cpu_usage_usec: Some(cpu_usage_usec),
        throttled_usec: Some(0),
        memory_current: working_set,
        working_set,
        file_cache: working_set.map(|_| Bytes::ZERO),
        major_faults: Some(0),
        psi: CALM,
        run_wait_ns: Some(0),
        run_cpu_ns: Some(cpu_usage_usec.saturating_mul(1000)),
        ..TaskCounters::default()
    }
}

fn task(machine: &Machine, run: usize) -> Task {
    let TaskRun { id, first, rows } = &machine.runs[run];
    Task {
        // The arrival keeps two runs of one task apart.
        id: TaskId { name: format!("{id:012}").into(), inode: run as u64 },
        class: Class::Guaranteed,
        why: "a task of the trace".to_owned(),
        allocation: allocation(machine, rows.start),
        priority: 0,
        tenant: None,
        labels: Vec::new(),
        started: Some(instant(machine, *first)),
    }
}
