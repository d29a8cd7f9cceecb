// SPDX-License-Identifier: Apache-2.0
//! Samples as rows of optional numbers, with the columns' names: a recording says which columns it has,
//! so that an older one can be read by a program that knows more of them, and the other way round.

use super::layer::Row;
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::sample::{
    CpuTimes, LoadAverage, MemoryEvents, MemoryInfo, NodeSample, Psi, PsiSet, Task, TaskCounters,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Timestamp};
use std::sync::Arc;

/// Columns of one task in one sample.
pub(super) const TASK: [&str; 22] = [
    "cpu_usage_usec",
    "throttled_usec",
    "periods",
    "throttled_periods",
    "memory_current",
    "working_set",
    "file_cache",
    "memory_limit",
    "major_faults",
    "memory_events_high",
    "memory_events_max",
    "memory_events_oom",
    "memory_events_oom_kill",
    "psi_cpu_some_usec",
    "psi_cpu_full_usec",
    "psi_memory_some_usec",
    "psi_memory_full_usec",
    "psi_io_some_usec",
    "psi_io_full_usec",
    "pids",
    "run_wait_ns",
    "run_cpu_ns",
];

/// Columns of the node in one sample.
pub(super) const NODE: [&str; 19] = [
    "capacity_cpu_milli",
    "capacity_memory",
    "cpu_busy_usec",
    "cpu_idle_usec",
    "cpu_steal_usec",
    "memory_total",
    "memory_available",
    "memory_free",
    "swap_total",
    "swap_free",
    "load_one_milli",
    "load_five_milli",
    "load_fifteen_milli",
    "psi_cpu_some_usec",
    "psi_cpu_full_usec",
    "psi_memory_some_usec",
    "psi_memory_full_usec",
    "psi_io_some_usec",
    "psi_io_full_usec",
];

/// Columns of one task in one glance.
pub(super) const GLANCE_TASK: [&str; 11] = [
    "cpu_usage_usec",
    "throttled_usec",
    "psi_cpu_some_usec",
    "psi_cpu_full_usec",
    "psi_memory_some_usec",
    "psi_memory_full_usec",
    "psi_io_some_usec",
    "psi_io_full_usec",
    "run_wait_ns",
    "run_cpu_ns",
    "major_faults",
];

/// Columns of the node in one glance.
pub(super) const GLANCE_NODE: [&str; 5] = [
    "cpu_busy_usec",
    "cpu_idle_usec",
    "cpu_steal_usec",
    "memory_available",
    "best_effort_cpu_usec",
];

/// One sample's values of one task.
pub(super) type TaskRow = Row<{ TASK.len() }>;
/// One sample's values of the node.
pub(super) type NodeRow = Row<{ NODE.len() }>;
/// One glance's values of one task.
pub(super) type GlanceTaskRow = Row<{ GLANCE_TASK.len() }>;
/// One glance's values of the node.
pub(super) type GlanceNodeRow = Row<{ GLANCE_NODE.len() }>;

/// Every field is named: a new one does not compile until it has a column.
pub(super) fn task_row(counters: &TaskCounters) -> TaskRow {
    let TaskCounters {
        cpu_usage_usec,
        throttled_usec,
        periods,
        throttled_periods,
        memory_current,
        working_set,
        file_cache,
        memory_limit,
        major_faults,
        memory_events,
        psi,
        pids,
        run_wait_ns,
        run_cpu_ns,
    } = *counters;
    let bytes = |b: Option<Bytes>| b.map(|b| b.0);
    let [cpu_some, cpu_full, mem_some, mem_full, io_some, io_full] = psi_row(&psi);
    [
        cpu_usage_usec,
        throttled_usec,
        periods,
        throttled_periods,
        bytes(memory_current),
        bytes(working_set),
        bytes(file_cache),
        bytes(memory_limit),
        major_faults,
        memory_events.map(|e| e.high),
        memory_events.map(|e| e.max),
        memory_events.map(|e| e.oom),
        memory_events.map(|e| e.oom_kill),
        cpu_some,
        cpu_full,
        mem_some,
        mem_full,
        io_some,
        io_full,
        pids,
        run_wait_ns,
        run_cpu_ns,
    ]
}

/// The counters that a row stands for.
pub(super) fn task_counters(row: &TaskRow) -> TaskCounters {
    let bytes = |i: usize| row[i].map(Bytes);
    TaskCounters {
        cpu_usage_usec: row[0],
        throttled_usec: row[1],
        periods: row[2],
        throttled_periods: row[3],
        memory_current: bytes(4),
        working_set: bytes(5),
        file_cache: bytes(6),
        memory_limit: bytes(7),
        major_faults: row[8],
        memory_events: row[9].map(|high| MemoryEvents {
            high,
            max: row[10].unwrap_or(0),
            oom: row[11].unwrap_or(0),
            oom_kill: row[12].unwrap_or(0),
        }),
        psi: psi(&row[13..19]),
        pids: row[19],
        run_wait_ns: row[20],
        run_cpu_ns: row[21],
    }
}

/// The same for the node.
pub(super) fn node_row(node: &NodeSample) -> NodeRow {
    let NodeSample { capacity_cpu, capacity_memory, cpu, memory, load, psi } = *node;
    let [cpu_some, cpu_full, mem_some, mem_full, io_some, io_full] = psi_row(&psi);
    [
        Some(capacity_cpu.0),
        Some(capacity_memory.0),
        cpu.map(|c| c.busy_usec),
        cpu.map(|c| c.idle_usec),
        cpu.map(|c| c.steal_usec),
        memory.map(|m| m.total.0),
        memory.and_then(|m| m.available).map(|b| b.0),
        memory.map(|m| m.free.0),
        memory.map(|m| m.swap_total.0),
        memory.map(|m| m.swap_free.0),
        load.map(|l| l.one_milli),
        load.map(|l| l.five_milli),
        load.map(|l| l.fifteen_milli),
        cpu_some,
        cpu_full,
        mem_some,
        mem_full,
        io_some,
        io_full,
    ]
}

/// The node that a row stands for.
pub(super) fn node_sample(row: &NodeRow) -> NodeSample {
    let bytes = |i: usize| Bytes(row[i].unwrap_or(0));
    NodeSample {
        capacity_cpu: MilliCpus(row[0].unwrap_or(0)),
        capacity_memory: bytes(1),
        cpu: cpu_times(row[2], row[3], row[4]),
        memory: row[5].map(|total| MemoryInfo {
            total: Bytes(total),
            available: row[6].map(Bytes),
            free: bytes(7),
            swap_total: bytes(8),
            swap_free: bytes(9),
        }),
        load: row[10].map(|one_milli| LoadAverage {
            one_milli,
            five_milli: row[11].unwrap_or(0),
            fifteen_milli: row[12].unwrap_or(0),
        }),
        psi: psi(&row[13..19]),
    }
}

/// The same for a task in a glance.
pub(super) fn glance_task_row(task: &GlanceTask) -> GlanceTaskRow {
    let GlanceTask {
        task: _,
        cpu_usage_usec,
        throttled_usec,
        psi,
        run_wait_ns,
        run_cpu_ns,
        major_faults,
    } = task;
    let [cpu_some, cpu_full, mem_some, mem_full, io_some, io_full] = psi_row(psi);
    [
        *cpu_usage_usec,
        *throttled_usec,
        cpu_some,
        cpu_full,
        mem_some,
        mem_full,
        io_some,
        io_full,
        *run_wait_ns,
        *run_cpu_ns,
        *major_faults,
    ]
}

/// The task's part of a glance that a row stands for.
pub(super) fn glance_task(task: Arc<Task>, row: &GlanceTaskRow) -> GlanceTask {
    GlanceTask {
        task,
        cpu_usage_usec: row[0],
        throttled_usec: row[1],
        psi: psi(&row[2..8]),
        run_wait_ns: row[8],
        run_cpu_ns: row[9],
        major_faults: row[10],
    }
}

/// The same for the node in a glance.
pub(super) fn glance_node_row(glance: &Glance) -> GlanceNodeRow {
    let Glance { at: _, cpu, memory_available, best_effort_cpu_usec, tasks: _ } = glance;
    [
        cpu.map(|c| c.busy_usec),
        cpu.map(|c| c.idle_usec),
        cpu.map(|c| c.steal_usec),
        memory_available.map(|b| b.0),
        *best_effort_cpu_usec,
    ]
}

/// The glance without its tasks that a row stands for.
pub(super) fn glance(at: Timestamp, row: &GlanceNodeRow) -> Glance {
    Glance {
        at,
        cpu: cpu_times(row[0], row[1], row[2]),
        memory_available: row[3].map(Bytes),
        best_effort_cpu_usec: row[4],
        tasks: Vec::new(),
    }
}

fn cpu_times(busy: Option<u64>, idle: Option<u64>, steal: Option<u64>) -> Option<CpuTimes> {
    busy.map(|busy_usec| CpuTimes {
        busy_usec,
        idle_usec: idle.unwrap_or(0),
        steal_usec: steal.unwrap_or(0),
    })
}

fn psi_row(psi: &PsiSet) -> [Option<u64>; 6] {
    let PsiSet { cpu, memory, io } = *psi;
    let some = |p: Option<Psi>| p.map(|p| p.some_usec);
    let full = |p: Option<Psi>| p.and_then(|p| p.full_usec);
    [some(cpu), full(cpu), some(memory), full(memory), some(io), full(io)]
}

fn psi(row: &[Option<u64>]) -> PsiSet {
    let one = |i: usize| row[i].map(|some_usec| Psi { some_usec, full_usec: row[i + 1] });
    PsiSet { cpu: one(0), memory: one(2), io: one(4) }
}
