// SPDX-License-Identifier: Apache-2.0
//! Remembers the previous sample, numbers tasks by arrival, and derives the rates.

use super::{NodeUsage, Stalls, TaskUsage, Usage, rate, share};
use crate::sample::{NodeSample, Sample, TaskCounters, TaskId, TaskSample};
use crate::units::{Amount, Bytes, Ratio, Span, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
struct Seen {
    id: TaskId,
    counters: TaskCounters,
    arrival: u64,
    since: Timestamp,
    cpu_latest: Option<f64>,
    working_set_latest: Option<Bytes>,
}

/// One task that has been seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTask {
    /// Who.
    pub id: TaskId,
    /// Its arrival number.
    pub arrival: u64,
    /// When it started, or was first seen.
    pub since: Timestamp,
}

/// Who has been seen, and the last arrival number given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The last arrival number given.
    pub arrivals: u64,
    /// Tasks of the last sample.
    pub tasks: Vec<KnownTask>,
}

/// Remembers the previous sample and turns the next one into rates. Allocates nothing once warm.
#[derive(Clone, Debug, Default)]
pub struct UsageTracker {
    previous: Option<(Timestamp, NodeSample)>,
    seen: Vec<Seen>,
    next: Vec<Seen>,
    arrivals: u64,
    usage: Usage,
}

impl UsageTracker {
    /// Forgets the counters but not who has been seen: after a gap no rate may span it.
    pub fn forget_counters(&mut self) {
        self.previous = None;
    }

    /// Derives the rates since the previous sample. `None` for the first one, or when time did not advance.
    ///
    /// The sample must be valid ([`Sample::validate`]). Arrival numbers are given to new tasks either way.
    pub fn update(&mut self, sample: &Sample) -> Option<&Usage> {
        let span = self.previous.and_then(|(at, _)| sample.at.since(at));
        self.usage.span = span.unwrap_or_default();
        self.usage.tasks.clear();
        let mut old = 0;
        for task in &sample.tasks {
            while self.seen.get(old).is_some_and(|s| s.id < task.task.id) {
                old += 1;
            }
            let before = self.seen.get(old).filter(|s| s.id == task.task.id);
            let usage = match before {
                Some(seen) => task_usage(task, seen, span),
                None => {
                    self.arrivals += 1;
                    first_sight(task, self.arrivals, sample.at, span)
                }
            };
            self.usage.tasks.push(usage);
            self.next.push(Seen {
                id: task.task.id.clone(),
                counters: task.counters,
                arrival: usage.arrival,
                since: usage.since,
                cpu_latest: usage.cpu_latest,
                working_set_latest: usage.working_set_latest,
            });
        }
        std::mem::swap(&mut self.seen, &mut self.next);
        self.next.clear();
        let before = self.previous.replace((sample.at, sample.node));
        let span = span?;
        self.usage.node = node_usage(&sample.node, &before?.1, span);
        Some(&self.usage)
    }

    /// Who has been seen, so that another run continues the arrival numbers.
    #[must_use]
    pub fn known(&self) -> Known {
        let one = |s: &Seen| KnownTask { id: s.id.clone(), arrival: s.arrival, since: s.since };
        Known { arrivals: self.arrivals, tasks: self.seen.iter().map(one).collect() }
    }

    /// A tracker that remembers who has been seen, and no counters.
    #[must_use]
    pub fn recall(known: Known) -> Self {
        let one = |task: KnownTask| Seen {
            id: task.id,
            counters: TaskCounters::default(),
            arrival: task.arrival,
            since: task.since,
            cpu_latest: None,
            working_set_latest: None,
        };
        let mut seen: Vec<Seen> = known.tasks.into_iter().map(one).collect();
        seen.sort_by(|a, b| a.id.cmp(&b.id));
        let arrivals = seen.iter().map(|s| s.arrival).fold(known.arrivals, u64::max);
        Self { seen, arrivals, ..Self::default() }
    }

    /// The rates of the last update.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }
}

/// A task that started after the previous sample has used what its counter says, for it began at 0. Of
/// any other newcomer the rate is unknown.
fn first_sight(now: &TaskSample, arrival: u64, at: Timestamp, span: Option<Span>) -> TaskUsage {
    let since = now.task.started.unwrap_or(at).min(at);
    let newborn = span.filter(|span| now.task.started.is_some() && since.plus(*span) >= at);
    let cpu = newborn.and_then(|span| share(now.counters.cpu_usage_usec, Some(0), span));
    TaskUsage {
        arrival,
        since,
        cpu: cpu.map(Ratio::get),
        cpu_latest: cpu.map(Ratio::get),
        working_set: now.counters.working_set,
        working_set_latest: now.counters.working_set,
        file_cache: now.counters.file_cache,
        ..TaskUsage::default()
    }
}

fn task_usage(now: &TaskSample, seen: &Seen, span: Option<Span>) -> TaskUsage {
    let (c, b) = (&now.counters, &seen.counters);
    let levels = TaskUsage {
        arrival: seen.arrival,
        since: seen.since,
        cpu_latest: seen.cpu_latest,
        working_set: c.working_set,
        working_set_latest: c.working_set.or(seen.working_set_latest),
        file_cache: c.file_cache,
        ..TaskUsage::default()
    };
    let Some(span) = span else { return levels };
    let cpu = share(c.cpu_usage_usec, b.cpu_usage_usec, span).map(Ratio::get);
    let wait = rate(c.run_wait_ns, b.run_wait_ns, span);
    let ran = rate(c.run_cpu_ns, b.run_cpu_ns, span);
    TaskUsage {
        cpu,
        cpu_latest: cpu.or(seen.cpu_latest),
        throttled: share(c.throttled_usec, b.throttled_usec, span),
        wait_per_cpu: wait.zip(ran).and_then(|(w, r)| Ratio::of(w, r)).map(Ratio::get),
        major_faults: rate(c.major_faults, b.major_faults, span),
        stalls: Stalls::between(&c.psi, &b.psi, span),
        ..levels
    }
}

fn node_usage(now: &NodeSample, before: &NodeSample, span: Span) -> NodeUsage {
    let busy = share(now.cpu.map(|c| c.busy_usec), before.cpu.map(|c| c.busy_usec), span);
    let steal = rate(now.cpu.map(|c| c.steal_usec), before.cpu.map(|c| c.steal_usec), span);
    let idle = rate(now.cpu.map(|c| c.idle_usec), before.cpu.map(|c| c.idle_usec), span);
    let all = busy.zip(steal).zip(idle).map(|((b, s), i)| b.get() * 1e6 + s + i);
    NodeUsage {
        busy: busy.map(Ratio::get),
        steal: steal.zip(all).and_then(|(s, all)| Ratio::of(s, all)),
        memory_used: now.memory.and_then(|m| m.available.map(|a| m.total.less(a))),
        stalls: Stalls::between(&now.psi, &before.psi, span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Allocation, Class, CpuTimes, Task};
    use std::sync::Arc;

    fn task(name: &str, inode: u64, usec: Option<u64>) -> TaskSample {
        let id = TaskId { name: name.into(), inode };
        let task = Task {
            id,
            class: Class::Guaranteed,
            why: String::new(),
            allocation: Allocation::default(),
            priority: 0,
            tenant: None,
            labels: Vec::new(),
            started: None,
        };
        let counters = TaskCounters { cpu_usage_usec: usec, ..TaskCounters::default() };
        TaskSample { task: Arc::new(task), counters }
    }

    fn sample(secs: u64, busy: u64, tasks: Vec<TaskSample>) -> Sample {
        let cpu = CpuTimes { busy_usec: busy, idle_usec: 10 * secs, steal_usec: 0 };
        Sample {
            at: Timestamp::default().plus(Span::from_secs(secs)),
            node: NodeSample { cpu: Some(cpu), ..NodeSample::default() },
            tasks,
            vanished: 0,
        }
    }

    #[test]
    fn rates_use_the_real_distance() {
        let mut t = UsageTracker::default();
        assert!(t.update(&sample(1, 0, vec![task("a", 1, Some(0))])).is_none());
        let later = sample(3, 4_000_000, vec![task("a", 1, Some(3_000_000))]);
        let u = t.update(&later).expect("second sample").clone();
        assert_eq!(u.tasks[0].cpu, Some(1.5));
        assert_eq!(u.node.busy, Some(2.0));
        assert_eq!(u.cpu_of(&later, Class::System), Some(0.5));
    }

    #[test]
    fn a_reset_a_new_inode_and_a_first_sight_are_unknown() {
        let mut t = UsageTracker::default();
        t.update(&sample(1, 0, vec![task("a", 1, Some(9)), task("b", 2, Some(9))]));
        let later = sample(
            2,
            0,
            vec![task("a", 1, Some(3)), task("b", 7, Some(90)), task("c", 3, Some(1))],
        );
        let u = t.update(&later).expect("second sample");
        assert_eq!([u.tasks[0].cpu, u.tasks[1].cpu, u.tasks[2].cpu], [None; 3]);
        assert_eq!([u.tasks[0].arrival, u.tasks[1].arrival, u.tasks[2].arrival], [1, 3, 4]);
        assert_eq!(u.cpu_of(&later, Class::Guaranteed), None);
    }

    #[test]
    fn who_started_since_the_previous_sample_is_known_at_once() {
        let started = |secs: u64, usec: u64| {
            let mut newcomer = task("n", 1, Some(usec));
            let at = Some(Timestamp::default().plus(Span::from_secs(secs)));
            newcomer.task = Arc::new(Task { started: at, ..(*newcomer.task).clone() });
            newcomer
        };
        for (start, expected) in [(10, Some(0.5)), (14, Some(0.5)), (9, None)] {
            let mut t = UsageTracker::default();
            t.update(&sample(10, 0, vec![]));
            let u = t.update(&sample(20, 0, vec![started(start, 5_000_000)])).expect("second");
            assert_eq!((u.tasks[0].cpu, u.tasks[0].cpu_latest), (expected, expected), "{start}");
        }
        let mut t = UsageTracker::default();
        t.update(&sample(20, 0, vec![started(20, 5)]));
        assert_eq!(t.usage().tasks[0].cpu, None, "without a previous sample nothing is known");
    }

    #[test]
    fn a_gap_gives_no_rate_and_keeps_arrivals() {
        let mut t = UsageTracker::default();
        t.update(&sample(1, 0, vec![task("a", 1, Some(0))]));
        t.forget_counters();
        assert!(t.update(&sample(900, 0, vec![task("a", 1, Some(5))])).is_none());
        let u = t.update(&sample(901, 0, vec![task("a", 1, Some(1_000_005))])).expect("third");
        assert_eq!((u.tasks[0].arrival, u.tasks[0].cpu), (1, Some(1.0)));
    }
}
