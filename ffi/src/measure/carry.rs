// SPDX-License-Identifier: Apache-2.0
//! Tasks without a cgroup that can be read: their counters come from the agent's tables.
//!
//! Tables come every few seconds and samples every second. The CPU time of such a task therefore grows
//! at the rate between its last two tables, until the next one; a counter that went back says nothing.

use crate::handle::table::{Entry, Table};
use gleaner_estimator::sample::{Sample, Task, TaskCounters, TaskId, TaskSample};
use gleaner_estimator::units::Timestamp;
use gleaner_host::asked::container;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of one task from its tables.
struct Known {
    task: Arc<Task>,
    /// CPU time of the last table that had it, microseconds, and when that was.
    told: Option<(Timestamp, u64)>,
    /// Microseconds a nanosecond, between the last two.
    rate: Option<f64>,
    /// CPU time as it is reported, microseconds, and when it was last.
    counter: f64,
    counted: Timestamp,
}

/// The tasks of the tables.
#[derive(Default)]
pub(super) struct Carry {
    known: BTreeMap<String, Known>,
    generation: u64,
}

impl Carry {
    /// Completes a sample: tasks that have no cgroup are added, and values that no file told.
    pub(super) fn complete(&mut self, sample: &mut Sample, table: &Table) {
        if self.generation != table.generation {
            self.generation = table.generation;
            self.take(table);
        }
        let mut found = vec![false; table.entries.len()];
        for task in &mut sample.tasks {
            if let Some(index) = table.find(container(&task.task.id)) {
                found[index] = true;
                fill(&mut task.counters, &table.entries[index]);
            }
        }
        let missing = table.entries.iter().zip(found).filter(|(_, found)| !found);
        for (entry, _) in missing {
            if let Some(known) = self.known.get_mut(&entry.name) {
                let mut counters = entry.counters;
                counters.cpu_usage_usec = known.advance(sample.at);
                // Nobody watched it grow: only the CPU time is carried on between tables.
                (counters.throttled_usec, counters.periods) = (None, None);
                counters.throttled_periods = None;
                sample.tasks.push(TaskSample { task: Arc::clone(&known.task), counters });
            }
        }
        sample.tasks.sort_unstable_by(|a, b| a.task.id.cmp(&b.task.id));
    }

    fn take(&mut self, table: &Table) {
        self.known.retain(|name, _| table.find(name).is_some());
        for entry in &table.entries {
            match self.known.get_mut(&entry.name) {
                Some(known) => known.take(entry, table.at),
                None => {
                    self.known.insert(entry.name.clone(), Known::new(entry, table.at));
                }
            }
        }
    }
}

impl Known {
    fn new(entry: &Entry, at: Timestamp) -> Self {
        let told = entry.counters.cpu_usage_usec.map(|usec| (at, usec));
        Self { task: Arc::new(describe(entry)), told, rate: None, counter: 0.0, counted: at }
    }

    fn take(&mut self, entry: &Entry, at: Timestamp) {
        let task = describe(entry);
        if task != *self.task {
            self.task = Arc::new(task);
        }
        let told = entry.counters.cpu_usage_usec.map(|usec| (at, usec));
        self.rate = self.told.zip(told).and_then(|((before, old), (now, new))| {
            let span = now.since(before)?;
            Some(new.checked_sub(old)? as f64 / span.0 as f64)
        });
        self.told = told;
    }

    fn advance(&mut self, at: Timestamp) -> Option<u64> {
        let span = at.since(self.counted).unwrap_or_default();
        self.counted = at;
        self.counter += self.rate? * span.0 as f64;
        whole(self.counter)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be within the integers that a float holds exactly"
)]
fn whole(value: f64) -> Option<u64> {
    (0.0..9e15).contains(&value).then_some(value as u64)
}

/// What no file told, from the agent. CPU time is left as it is: two sources of one counter make jumps.
fn fill(counters: &mut TaskCounters, entry: &Entry) {
    let told = &entry.counters;
    counters.memory_current = counters.memory_current.or(told.memory_current);
    counters.working_set = counters.working_set.or(told.working_set);
    counters.memory_limit = counters.memory_limit.or(told.memory_limit);
    counters.pids = counters.pids.or(told.pids);
}

fn describe(entry: &Entry) -> Task {
    Task {
        id: TaskId { name: entry.name.as_str().into(), inode: 0 },
        class: entry.saying.class,
        why: "the agent says so; its cgroup cannot be found".to_owned(),
        allocation: entry.saying.allocation,
        priority: entry.saying.priority,
        tenant: entry.saying.tenant.clone(),
        labels: Vec::new(),
        started: None,
    }
}
