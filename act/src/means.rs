// SPDX-License-Identifier: Apache-2.0
//! The means of acting on a cgroup, and which of them are known not to work on this node.

use crate::outcome::Outcome;
use crate::target::{Target, Tree};
use gleaner_collector::Controller;
use gleaner_estimator::units::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A means of acting on a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// `cpu.idle` (5.15).
    CpuIdle,
    /// `cpu.weight`; v1 `cpu.shares`.
    CpuWeight,
    /// `cpu.max`; v1 `cpu.cfs_quota_us`.
    CpuQuota,
    /// `memory.high`; none on v1.
    MemoryHigh,
    /// `memory.reclaim` (5.19); none on v1.
    MemoryReclaim,
    /// `io.weight`, `io.bfq.weight`; v1 `blkio.bfq.weight`, `blkio.weight`.
    IoWeight,
    /// `io.max`; v1 `blkio.throttle.*`.
    IoLimit,
    /// `cgroup.freeze` (5.2).
    FreezerV2,
    /// `freezer.state`.
    FreezerV1,
    /// SIGTERM to each process.
    Terminate,
    /// `cgroup.kill` (5.14).
    KillCgroup,
    /// SIGKILL to each process, held still by a freezer where there is one.
    KillEach,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::CpuIdle,
        Self::CpuWeight,
        Self::CpuQuota,
        Self::MemoryHigh,
        Self::MemoryReclaim,
        Self::IoWeight,
        Self::IoLimit,
        Self::FreezerV2,
        Self::FreezerV1,
        Self::Terminate,
        Self::KillCgroup,
        Self::KillEach,
    ];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CpuIdle => "cpu_idle",
            Self::CpuWeight => "cpu_weight",
            Self::CpuQuota => "cpu_quota",
            Self::MemoryHigh => "memory_high",
            Self::MemoryReclaim => "memory_reclaim",
            Self::IoWeight => "io_weight",
            Self::IoLimit => "io_limit",
            Self::FreezerV2 => "freezer_v2",
            Self::FreezerV1 => "freezer_v1",
            Self::Terminate => "terminate",
            Self::KillCgroup => "kill_cgroup",
            Self::KillEach => "kill_each",
        }
    }

    /// The file or call that it uses on a target; `None` where the target has none.
    #[must_use]
    pub fn file(self, target: &Target) -> Option<&'static str> {
        let (tree, files): (Tree, &[&'static str]) = match self {
            Self::CpuIdle => (Tree::Of(Controller::Cpu), &["cpu.idle"]),
            Self::CpuWeight => (Tree::Of(Controller::Cpu), &["cpu.weight", "cpu.shares"]),
            Self::CpuQuota => (Tree::Of(Controller::Cpu), &["cpu.max", "cpu.cfs_quota_us"]),
            Self::MemoryHigh => (Tree::Of(Controller::Memory), &["memory.high"]),
            Self::MemoryReclaim => (Tree::Of(Controller::Memory), &["memory.reclaim"]),
            Self::IoWeight => (
                Tree::Of(Controller::Blkio),
                &["io.bfq.weight", "io.weight", "blkio.bfq.weight", "blkio.weight"],
            ),
            Self::IoLimit => {
                (Tree::Of(Controller::Blkio), &["io.max", "blkio.throttle.read_bps_device"])
            }
            Self::FreezerV2 => (Tree::Unified, &["cgroup.freeze"]),
            Self::FreezerV1 => (Tree::Of(Controller::Freezer), &["freezer.state"]),
            Self::KillCgroup => (Tree::Unified, &["cgroup.kill"]),
            Self::Terminate => return Some("SIGTERM"),
            Self::KillEach => return Some("SIGKILL"),
        };
        let held = target.enter(tree).ok()?;
        files.iter().find(|file| held.has(file)).copied()
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// What is known of one means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Times it did what it should.
    pub worked: u64,
    /// Times in a row that it did not.
    pub failures: u32,
    /// What came of it the last time it did not.
    pub last_failure: Option<Outcome>,
    /// Since when it counts as broken; tried again after a while.
    pub broken_since: Option<Timestamp>,
}

/// Failures in a row that make it broken: one may be a matter of one cgroup.
const BROKEN_AFTER: u32 = 2;
/// A broken one gets another try after this long: a kernel does not change, but what it was tried on may have been odd.
const RETRY: Span = Span::from_secs(60);

/// What is known of every means on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MeansTable {
    conditions: [Condition; Means::ALL.len()],
}

impl MeansTable {
    /// Takes what came of a use.
    pub fn note(&mut self, means: Means, outcome: &Outcome, now: Timestamp) {
        let condition = &mut self.conditions[means.index()];
        if *outcome == Outcome::Done {
            condition.worked += 1;
            condition.failures = 0;
            condition.broken_since = None;
        } else if outcome.blames_means() {
            condition.failures = condition.failures.saturating_add(1);
            condition.last_failure = Some(outcome.clone());
            if condition.failures >= BROKEN_AFTER {
                condition.broken_since = Some(now);
            }
        }
    }

    /// Makes one unusable for now.
    pub fn rule_out(&mut self, means: Means, now: Timestamp) {
        self.conditions[means.index()].broken_since = Some(now);
    }

    /// What is known of one.
    #[must_use]
    pub fn of(&self, means: Means) -> &Condition {
        &self.conditions[means.index()]
    }

    /// Whether it is worth a try now.
    #[must_use]
    pub fn usable(&self, means: Means, now: Timestamp) -> bool {
        match self.of(means).broken_since {
            None => true,
            Some(since) => now.since(since).is_some_and(|passed| passed >= RETRY),
        }
    }

    /// Those that are broken.
    pub fn broken(&self) -> impl Iterator<Item = Means> {
        Means::ALL.into_iter().filter(|means| self.of(*means).broken_since.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_000_000_000);

    #[test]
    fn two_failures_in_a_row_break_it_and_one_success_heals_it() {
        let mut table = MeansTable::default();
        let nothing = Outcome::NoEffect { found: "as before".into() };
        for outcome in [&nothing, &Outcome::Done, &nothing, &Outcome::Vanished] {
            table.note(Means::CpuIdle, outcome, T);
        }
        assert!(table.usable(Means::CpuIdle, T), "never twice in a row");
        table.note(Means::CpuIdle, &nothing, T);
        assert!(!table.usable(Means::CpuIdle, T));
        assert_eq!(table.broken().collect::<Vec<_>>(), [Means::CpuIdle]);
        assert!(table.usable(Means::CpuIdle, T.plus(RETRY)), "another try later");
        table.note(Means::CpuIdle, &Outcome::Done, T);
        assert_eq!(table.broken().count(), 0);
    }

    #[test]
    fn each_has_its_own_place_and_word() {
        for (index, means) in Means::ALL.into_iter().enumerate() {
            assert_eq!(means.index(), index);
            assert_eq!(serde_json::to_value(means).expect("a word"), means.word());
        }
    }
}
