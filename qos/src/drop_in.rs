// SPDX-License-Identifier: Apache-2.0
//! The threshold modules for Mesos as a whole, for who puts this in their place: closed or open, and at most one victim.
//!
//! * **Why**: their operators chose thresholds, and expect no offer and no kill for another reason.
//! * **When it fires**: as [`Thresholds`] says; memory before load. A longer load average counts only
//!   while every shorter one exceeds the same number.
//! * **Better than they**: an unreadable file closes the offer and ends nobody; one victim is waited for
//!   until it is gone, and after load until the averages could show it; the victim is the best of the
//!   ranking, and theirs only where nothing is known to rank by.
//! * **Strict**: an unreadable file counts as exceeded, there is no wait, and the victim is theirs:
//!   for memory whoever holds most of it, page cache included, for load the first of the agent's list.

use crate::compat::Thresholds;
use crate::config::QosConfig;
use crate::rank::{Aim, Candidate, Past, rank};
use crate::verdict::BestEffort;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{NodeSample, Sample, TaskId};
use gleaner_estimator::units::{Bytes, Span, Timestamp};
use gleaner_estimator::usage::Usage;

/// How it is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// When they are exceeded.
    pub thresholds: Thresholds,
    /// Exactly like the module that it replaces.
    pub strict: bool,
    /// Wait after an eviction for load.
    pub wait: Span,
    /// A victim that is not gone by then may be named again.
    pub gone_within: Span,
}

/// One task as the agent lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Whether it holds anything revocable.
    pub best_effort: bool,
    /// What the agent says it holds in all, page cache included; 0 where it does not say.
    pub memory: Bytes,
    /// Where it is in the sample.
    pub id: &'a TaskId,
}

/// One victim, and over which resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Who.
    pub task: TaskId,
    /// Over what.
    pub resource: Resource,
}

/// What is remembered between two judgements.
#[derive(Clone, Debug)]
pub struct DropIn {
    rules: Rules,
    leaving: Option<(Victim, Timestamp)>,
    quiet_until: Option<Timestamp>,
}

impl DropIn {
    /// Nothing named yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, leaving: None, quiet_until: None }
    }

    /// Whether nothing is to be offered. What cannot be read, and is asked for, closes.
    #[must_use]
    pub fn is_closed(&self, node: &NodeSample) -> bool {
        self.memory(node).unwrap_or(true) || self.load(node).unwrap_or(true)
    }

    /// Whether used memory exceeds its threshold; `None` where that cannot be known.
    fn memory(&self, node: &NodeSample) -> Option<bool> {
        let thresholds = &self.rules.thresholds;
        let seen = node.memory.filter(|info| info.available.is_some());
        match (thresholds.memory, seen) {
            (None, None) if self.rules.strict => None,
            (None, _) => Some(false),
            (Some(_), info) => thresholds.memory(&info?).map(|(over, _)| over),
        }
    }

    /// Whether load exceeds one of its thresholds; `None` where that cannot be known.
    fn load(&self, node: &NodeSample) -> Option<bool> {
        match node.load {
            None if self.rules.strict || self.rules.thresholds.has_load() => None,
            None => Some(false),
            Some(load) => Some(self.rules.thresholds.load(&load).0),
        }
    }

    /// Whom to end now, if anybody. `list` is in the agent's order.
    pub fn victim(
        &mut self,
        sample: &Sample,
        usage: &Usage,
        list: &[Listed<'_>],
        config: &QosConfig,
    ) -> Option<Victim> {
        // Whatever a list says: only who is best-effort in the sample that is judged can be named.
        let is_best_effort =
            |v: &Victim| BestEffort::all(sample).any(|who| who.sample().task.id == v.task);
        if self.rules.strict {
            return self.theirs(&sample.node, list, true).filter(is_best_effort);
        }
        self.settle(sample);
        let waiting = self.leaving.is_some() || self.quiet_until.is_some_and(|t| sample.at < t);
        if waiting {
            return None;
        }
        let victim = self.ours(sample, usage, config);
        let victim = victim.or_else(|| self.theirs(&sample.node, list, false));
        let victim = victim.filter(is_best_effort)?;
        self.leaving = Some((victim.clone(), sample.at));
        Some(victim)
    }

    /// Notices that the last victim is gone, or has been asked in vain for too long.
    fn settle(&mut self, sample: &Sample) {
        let Some((victim, asked)) = &self.leaving else { return };
        let there = sample.tasks.iter().any(|task| task.task.id == victim.task);
        let overdue = sample.at.since(*asked).is_none_or(|span| span > self.rules.gone_within);
        if !there {
            let wait = match victim.resource {
                Resource::Cpu => self.rules.wait,
                // MemAvailable follows within a second; one more sample shows it.
                Resource::Memory | Resource::Io => Span::from_secs(2),
            };
            self.quiet_until = Some(sample.at.plus(wait));
        }
        if !there || overdue {
            self.leaving = None;
        }
    }

    /// The best of the ranking.
    fn ours(&self, sample: &Sample, usage: &Usage, config: &QosConfig) -> Option<Victim> {
        let exceeded = [
            (Resource::Memory, self.memory(&sample.node)),
            (Resource::Cpu, self.load(&sample.node)),
        ];
        exceeded.into_iter().filter(|(_, over)| *over == Some(true)).find_map(|(resource, _)| {
            let ranked = rank(sample, usage, resource, Aim::Evict, config, |_| Past::default());
            let best: &Candidate = ranked.iter().find(|one| one.excluded.is_none())?;
            Some(Victim { task: best.task.clone(), resource })
        })
    }

    /// Whom the module that this one replaces would have named.
    fn theirs(&self, node: &NodeSample, list: &[Listed<'_>], blind: bool) -> Option<Victim> {
        let victim = |task: &Listed<'_>, resource| Victim { task: task.id.clone(), resource };
        if self.memory(node).unwrap_or(blind) {
            // The first of equals; who is not revocable counts as 0 and, chosen, spares everybody.
            let held = |task: &Listed<'_>| if task.best_effort { task.memory } else { Bytes(0) };
            let most = list.iter().rev().max_by_key(|task| held(task));
            if let Some(most) = most.filter(|task| task.best_effort) {
                return Some(victim(most, Resource::Memory));
            }
        }
        let first = list.iter().find(|task| task.best_effort);
        first.filter(|_| self.load(node).unwrap_or(blind)).map(|task| victim(task, Resource::Cpu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::sample::{
        Allocation, Class, LoadAverage, MemoryInfo, Task, TaskCounters, TaskSample,
    };
    use gleaner_estimator::usage::TaskUsage;
    use std::sync::Arc;

    const GIB: u64 = 1 << 30;

    fn node(load: Option<u64>, used: Option<u64>) -> NodeSample {
        let memory = |used: u64| MemoryInfo {
            total: Bytes(100 * GIB),
            available: Some(Bytes((100 - used) * GIB)),
            ..MemoryInfo::default()
        };
        NodeSample {
            load: load.map(|one| LoadAverage { one_milli: one * 1000, ..LoadAverage::default() }),
            memory: used.map(memory),
            ..NodeSample::default()
        }
    }

    fn rules(strict: bool) -> Rules {
        let thresholds = Thresholds {
            load_1: Some(8.0),
            memory: Some(Bytes(50 * GIB)),
            ..Thresholds::default()
        };
        let wait = Span::from_secs(60);
        Rules { thresholds, strict, wait, gone_within: Span::from_secs(10) }
    }

    /// Tasks `(name, best-effort, CPU in cores)`; usage runs parallel.
    fn scene(at: u64, node: NodeSample, tasks: &[(&str, bool, Option<f64>)]) -> (Sample, Usage) {
        let task = |(name, best_effort, _): &(&str, bool, Option<f64>)| TaskSample {
            task: Arc::new(Task {
                id: TaskId { name: (*name).into(), inode: 0 },
                class: if *best_effort { Class::BestEffort } else { Class::Guaranteed },
                why: String::new(),
                allocation: Allocation::default(),
                priority: 0,
                tenant: None,
                labels: Vec::new(),
                started: None,
            }),
            counters: TaskCounters { cpu_usage_usec: Some(1_000_000), ..TaskCounters::default() },
        };
        let used = |(_, _, cpu): &(&str, bool, Option<f64>)| TaskUsage {
            cpu: *cpu,
            cpu_latest: *cpu,
            ..TaskUsage::default()
        };
        let at = Timestamp::default().plus(Span::from_secs(at));
        let sample =
            Sample { at, node, tasks: tasks.iter().map(task).collect(), ..Sample::default() };
        (sample, Usage { tasks: tasks.iter().map(used).collect(), ..Usage::default() })
    }

    fn list<'a>(sample: &'a Sample, memory: &[u64]) -> Vec<Listed<'a>> {
        let listed = |(task, memory): (&'a TaskSample, &u64)| Listed {
            best_effort: task.task.class == Class::BestEffort,
            memory: Bytes(*memory),
            id: &task.task.id,
        };
        sample.tasks.iter().zip(memory).map(listed).collect()
    }

    #[test]
    fn it_closes_at_a_threshold_and_on_what_cannot_be_read() {
        let open = |node| !DropIn::new(rules(false)).is_closed(&node);
        assert!(open(node(Some(7), Some(49))));
        assert!(!open(node(Some(8), Some(49))), "equal is exceeded");
        assert!(!open(node(Some(7), Some(50))));
        assert!(!open(node(None, Some(0))));
        assert!(!open(node(Some(0), None)));
        let unset = Rules { thresholds: Thresholds::default(), ..rules(false) };
        assert!(!DropIn::new(unset).is_closed(&node(None, None)), "nothing asked, nothing needed");
        let unset = Rules { strict: true, ..unset };
        assert!(DropIn::new(unset).is_closed(&node(None, None)), "as they do");
    }

    #[test]
    fn an_unreadable_file_ends_somebody_only_under_strict() {
        let (sample, usage) = scene(1, node(None, None), &[("be", true, Some(1.0))]);
        let list = list(&sample, &[5]);
        let config = QosConfig::default();
        let name = |strict| DropIn::new(rules(strict)).victim(&sample, &usage, &list, &config);
        assert_eq!(name(false), None);
        assert_eq!(name(true).map(|v| v.resource), Some(Resource::Memory));
    }

    #[test]
    fn strict_names_whom_they_named() {
        let config = QosConfig::default();
        let tasks = [("a", false, None), ("b", true, None), ("c", true, None)];
        let name = |load, used, memory: &[u64]| {
            let (sample, usage) = scene(1, node(Some(load), Some(used)), &tasks);
            let list = list(&sample, memory);
            let victim = DropIn::new(rules(true)).victim(&sample, &usage, &list, &config)?;
            Some((victim.task.name.to_string(), victim.resource))
        };
        assert_eq!(name(0, 60, &[9, 1, 2]), Some(("c".into(), Resource::Memory)));
        assert_eq!(
            name(0, 60, &[9, 2, 2]),
            Some(("b".into(), Resource::Memory)),
            "first of equals"
        );
        assert_eq!(name(0, 60, &[9, 0, 0]), None, "a guaranteed task stands first among zeros");
        assert_eq!(name(9, 60, &[9, 0, 0]), Some(("b".into(), Resource::Cpu)), "falls through");
        assert_eq!(name(9, 0, &[9, 1, 2]), Some(("b".into(), Resource::Cpu)));
        assert_eq!(name(7, 49, &[9, 1, 2]), None);
    }

    #[test]
    fn the_better_victim_is_named_once_and_waited_for() {
        let config = QosConfig::default();
        let mut drop_in = DropIn::new(rules(false));
        let both = [("a", true, Some(0.5)), ("b", true, Some(2.0))];
        let mut step = |at, tasks: &[(&str, bool, Option<f64>)]| {
            let (sample, usage) = scene(at, node(Some(9), Some(0)), tasks);
            let list = list(&sample, &[0, 0]);
            drop_in.victim(&sample, &usage, &list, &config).map(|v| v.task.name.to_string())
        };
        assert_eq!(step(1, &both).as_deref(), Some("b"), "who uses the CPU, not who is first");
        assert_eq!(step(2, &both), None, "it is leaving");
        assert_eq!(step(3, &both[..1]), None, "gone; the averages need time");
        assert_eq!(step(62, &both[..1]), None);
        assert_eq!(step(63, &both[..1]).as_deref(), Some("a"));
        assert_eq!(step(73, &both[..1]), None);
        assert_eq!(step(74, &both[..1]).as_deref(), Some("a"), "asked in vain: asked again");
    }

    #[test]
    fn where_nothing_is_known_it_is_theirs() {
        let config = QosConfig::default();
        let (sample, usage) =
            scene(1, node(Some(9), Some(0)), &[("a", false, None), ("b", true, None)]);
        let list = list(&sample, &[0, 0]);
        let victim = DropIn::new(rules(false)).victim(&sample, &usage, &list, &config);
        assert_eq!(victim.map(|v| v.task.name.to_string()).as_deref(), Some("b"));
    }
}
