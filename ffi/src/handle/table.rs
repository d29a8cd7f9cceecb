// SPDX-License-Identifier: Apache-2.0
//! The agent's tasks as they were last told: checked once, then shared.

use crate::abi::code::{GLEANER_CLASS_BEST_EFFORT, GLEANER_CLASS_GUARANTEED};
use crate::abi::table::{
    GLEANER_KNOWS_CPU_ALLOCATED, GLEANER_KNOWS_CPU_USAGE, GLEANER_KNOWS_MEMORY_ALLOCATED,
    GLEANER_KNOWS_MEMORY_LIMIT, GLEANER_KNOWS_MEMORY_RSS, GLEANER_KNOWS_MEMORY_USAGE,
    GLEANER_KNOWS_PERIODS, GLEANER_KNOWS_PROCESSES, GLEANER_KNOWS_THROTTLED, Task,
};
use crate::border::Row;
use gleaner_collector::{Said, Saying};
use gleaner_estimator::sample::{Allocation, Class, TaskCounters};
use gleaner_estimator::units::{Bytes, MilliCpus, Timestamp};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of tables, for all handles: two never have the same.
static NEXT: AtomicU64 = AtomicU64::new(1);

const KNOWN: u32 = (GLEANER_KNOWS_PROCESSES << 1) - 1;

/// One task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: Vec<u8>,
    /// The id as text; what is not UTF-8 is escaped.
    pub(crate) name: String,
    pub(crate) saying: Saying,
    /// What the agent measured.
    pub(crate) counters: TaskCounters,
}

impl Entry {
    pub(crate) fn is_best_effort(&self) -> bool {
        self.saying.class == Class::BestEffort
    }
}

/// All tasks of one moment, in the caller's order.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) generation: u64,
    pub(crate) at: Timestamp,
    pub(crate) entries: Vec<Entry>,
    places: BTreeMap<String, usize>,
}

impl Table {
    /// # Errors
    /// The first row that means nothing, and why.
    pub(crate) fn new(rows: Vec<Row>, most: usize, at: Timestamp) -> Result<Self, String> {
        if rows.len() > most {
            return Err(format!("{} tasks are more than limits.tasks = {most}", rows.len()));
        }
        let mut table = Self { generation: 0, at, entries: Vec::new(), places: BTreeMap::new() };
        for (index, row) in rows.into_iter().enumerate() {
            let entry = entry(row).map_err(|why| format!("task {index}: {why}"))?;
            if table.places.insert(entry.name.clone(), index).is_some() {
                return Err(format!("task {index}: the id {} is there twice", entry.name));
            }
            table.entries.push(entry);
        }
        table.generation = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(table)
    }

    /// Where the task of that name is.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// What is said of the tasks, for the collector.
    pub(crate) fn said(&self) -> Said {
        self.entries.iter().map(|e| (e.name.clone(), e.saying.clone())).collect()
    }
}

fn entry(row: Row) -> Result<Entry, String> {
    let Row { task, id, tenant } = row;
    if id.is_empty() {
        return Err("the id is empty".to_owned());
    }
    if task.reserved != 0 || task.known & !KNOWN != 0 {
        return Err("reserved is not 0, or known has an unknown bit".to_owned());
    }
    let class = match task.class_ {
        GLEANER_CLASS_GUARANTEED => Class::Guaranteed,
        GLEANER_CLASS_BEST_EFFORT => Class::BestEffort,
        other => return Err(format!("class {other} does not exist")),
    };
    let know = |bit: u32, value: u64| (task.known & bit != 0).then_some(value);
    let allocation = Allocation {
        cpu: know(GLEANER_KNOWS_CPU_ALLOCATED, task.cpu_allocated_millis).map(MilliCpus),
        memory: know(GLEANER_KNOWS_MEMORY_ALLOCATED, task.memory_allocated_bytes).map(Bytes),
    };
    let tenant = (!tenant.is_empty()).then(|| text(&tenant));
    let saying = Saying { class, allocation, priority: task.priority, tenant };
    Ok(Entry { name: text(&id), id, saying, counters: counters(&task) })
}

fn counters(task: &Task) -> TaskCounters {
    let know = |bit: u32, value: u64| (task.known & bit != 0).then_some(value);
    TaskCounters {
        cpu_usage_usec: know(GLEANER_KNOWS_CPU_USAGE, task.cpu_usage_usec),
        throttled_usec: know(GLEANER_KNOWS_THROTTLED, task.throttled_usec),
        periods: know(GLEANER_KNOWS_PERIODS, task.periods),
        throttled_periods: know(GLEANER_KNOWS_PERIODS, task.throttled_periods),
        memory_current: know(GLEANER_KNOWS_MEMORY_USAGE, task.memory_usage_bytes).map(Bytes),
        working_set: know(GLEANER_KNOWS_MEMORY_RSS, task.memory_rss_bytes).map(Bytes),
        memory_limit: know(GLEANER_KNOWS_MEMORY_LIMIT, task.memory_limit_bytes).map(Bytes),
        pids: know(GLEANER_KNOWS_PROCESSES, task.processes),
        ..TaskCounters::default()
    }
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}
