// SPDX-License-Identifier: Apache-2.0
//! The fast path: between two samples only what shows harm, 10 to 100 times a second.
//!
//! It lists nothing and discovers nothing: tasks are those of the latest sample, their threads those
//! listed then. Its counters are the same as the sample's, only fresher.

use crate::collector::Collector;
use crate::error::Error;
use crate::task::{Entry, Tools};
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::units::Timestamp;
use std::sync::Arc;

/// So many guaranteed tasks' major faults are read in one glance, in turn; the others hold their last
/// value. `memory.stat` costs five times what the rest of a task does.
const FAULTS: usize = 8;

/// So many best-effort tasks' CPU time is read in one glance, in turn: their total may lag where there
/// are more, but misses nothing.
const BEST_EFFORT: usize = 128;

impl Collector {
    /// Reads what shows harm into `into`, whose buffers are used again.
    ///
    /// A task that is gone is left out; the next sample will count it.
    ///
    /// # Errors
    /// `/proc/stat` or `/proc/meminfo` cannot be read or understood; `into` then has no tasks.
    pub fn glance(&mut self, at: Timestamp, into: &mut Glance) -> Result<(), Error> {
        into.at = at;
        let node = self.node.cpu_times(&mut self.reader).and_then(|cpu| {
            let memory = self.node.memory(&mut self.reader)?;
            Ok((cpu, memory))
        });
        let (cpu, memory) = node.inspect_err(|_| into.tasks.clear())?;
        (into.cpu, into.memory_available) = (Some(cpu), memory.available);
        self.glance_tasks(at, into);
        Ok(())
    }

    fn glance_tasks(&mut self, at: Timestamp, into: &mut Glance) {
        let Some(listing) = self.detected.listing else {
            into.tasks.clear();
            into.best_effort_cpu_usec = Some(0);
            return;
        };
        let mut tools = Tools {
            reader: &mut self.reader,
            trees: &self.trees,
            plan: &self.plan,
            listing,
            proc: self.node.proc(),
            at,
        };
        let roster = &mut self.roster;
        let turn = usize::try_from(self.glances).unwrap_or(usize::MAX);
        self.glances = self.glances.wrapping_add(1) % (1 << 31);
        let mut filled = 0;
        let faults = turns(roster.guaranteed.len(), turn, FAULTS);
        for (order, index) in roster.guaranteed.iter().enumerate() {
            let entry = &mut roster.entries[*index];
            if entry.glance(&mut tools, faults.has(order)) {
                put(into, filled, entry);
                filled += 1;
            }
        }
        into.tasks.truncate(filled);
        let due = turns(roster.best_effort.len(), turn, BEST_EFFORT);
        let mut known = roster.best_effort.is_empty();
        for (_, index) in roster.best_effort.iter().enumerate().filter(|(order, _)| due.has(*order))
        {
            let entry = &mut roster.entries[*index];
            entry.glance_cpu(&mut tools);
            entry.meter(&mut roster.best_effort_usec);
            known |= entry.counters.cpu_usage_usec.is_some();
        }
        into.best_effort_cpu_usec = known.then_some(roster.best_effort_usec);
    }
}

/// Whose turn it is: `most` of `count`, beginning where the turn before ended.
struct Turns {
    first: usize,
    most: usize,
    count: usize,
}

fn turns(count: usize, turn: usize, most: usize) -> Turns {
    Turns { first: turn.wrapping_mul(most) % count.max(1), most, count }
}

impl Turns {
    fn has(&self, order: usize) -> bool {
        (order + self.count - self.first) % self.count < self.most
    }
}

/// Puts a task into the glance at `index`, touching the task itself only where another stood there.
fn put(into: &mut Glance, index: usize, entry: &Entry) {
    let known = into.tasks.get(index).filter(|place| Arc::ptr_eq(&place.task, &entry.task));
    if known.is_none() {
        into.tasks.truncate(index);
        into.tasks.push(GlanceTask {
            task: Arc::clone(&entry.task),
            cpu_usage_usec: None,
            throttled_usec: None,
            psi: entry.counters.psi,
            run_wait_ns: None,
            run_cpu_ns: None,
            major_faults: None,
        });
    }
    let (place, counters) = (&mut into.tasks[index], &entry.counters);
    place.cpu_usage_usec = counters.cpu_usage_usec;
    place.throttled_usec = counters.throttled_usec;
    place.psi = counters.psi;
    place.run_wait_ns = counters.run_wait_ns;
    place.run_cpu_ns = counters.run_cpu_ns;
    place.major_faults = counters.major_faults;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn() {
        let members = |count, turn| -> Vec<usize> {
            let turns = turns(count, turn, 3);
            (0..count).filter(|order| turns.has(*order)).collect()
        };
        assert_eq!(members(2, 0), [0, 1]);
        assert_eq!(members(7, 0), [0, 1, 2]);
        assert_eq!(members(7, 1), [3, 4, 5]);
        assert_eq!(members(7, 2), [0, 1, 6]);
        assert!(members(0, 5).is_empty());
    }
}
