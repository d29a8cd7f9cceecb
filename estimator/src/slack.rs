// SPDX-License-Identifier: Apache-2.0
//! How much may be lent in all: the smallest of what is physically left, what owners leave unused, and the cap.
//!
//! * **Why**: lending more than the headroom takes from owners at their peak; lending more than the
//!   usage slack lends what the scheduler offers anyway (where somebody else offers the unallocated rest).
//! * **When it binds**: the term that is smallest is named as the [`Bound`].
//! * **Cold start**: not decided here; a cold predictor answers the limit, which leaves nothing.
//! * **Recovery**: none needed, the formula has no memory.

use crate::reason::Bound;
use crate::units::Amount;
use serde::{Deserialize, Serialize};

/// Which part of the node may be lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lend {
    /// Only what guaranteed tasks were promised and leave unused; a scheduler offers the rest itself.
    Allocated,
    /// Everything that guaranteed and system work leaves unused.
    Headroom,
}

impl Lend {
    /// Both rules.
    pub const ALL: [Self; 2] = [Self::Allocated, Self::Headroom];

    /// The word used in configuration and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allocated => "allocated",
            Self::Headroom => "headroom",
        }
    }
}

/// The numbers that the formula takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlackInput<Q> {
    /// What the node has.
    pub capacity: Q,
    /// What is never lent.
    pub reserve: Q,
    /// Most that may be lent in all.
    pub cap: Option<Q>,
    /// Which part may be lent.
    pub lend: Lend,
    /// Promised to guaranteed tasks.
    pub allocated_guaranteed: Q,
    /// Predicted peak of the guaranteed tasks.
    pub peak_guaranteed: Q,
    /// Predicted peak of guaranteed tasks and the system together.
    pub peak_node: Q,
}

/// What may be lent in all, and what bound it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Slack<Q> {
    /// capacity − reserve − predicted peak of guaranteed and system, never below zero.
    pub headroom: Q,
    /// allocation − predicted peak of the guaranteed tasks; `None` where the rule does not use it.
    pub usage_slack: Option<Q>,
    /// The smallest term.
    pub slack: Q,
    /// Its name.
    pub bound: Bound,
}

/// The formula of this module's title.
#[must_use]
pub fn slack<Q: Amount>(input: &SlackInput<Q>) -> Slack<Q> {
    let headroom = input.capacity.less(input.reserve).less(input.peak_node);
    let usage_slack = match input.lend {
        Lend::Allocated => Some(input.allocated_guaranteed.less(input.peak_guaranteed)),
        Lend::Headroom => None,
    };
    let terms = [
        Some((headroom, Bound::Headroom)),
        usage_slack.map(|q| (q, Bound::UsageSlack)),
        input.cap.map(|q| (q, Bound::Cap)),
    ];
    let (slack, bound) = terms
        .into_iter()
        .flatten()
        .min_by_key(|(q, bound)| (*q, *bound))
        .unwrap_or((headroom, Bound::Headroom));
    Slack { headroom, usage_slack, slack, bound }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MilliCpus;

    fn input(lend: Lend, cap: Option<u64>) -> SlackInput<MilliCpus> {
        SlackInput {
            capacity: MilliCpus(64_000),
            reserve: MilliCpus(3_200),
            cap: cap.map(MilliCpus),
            lend,
            allocated_guaranteed: MilliCpus(48_000),
            peak_guaranteed: MilliCpus(37_900),
            peak_node: MilliCpus(41_300),
        }
    }

    #[test]
    fn the_smallest_term_binds() {
        let s = slack(&input(Lend::Headroom, None));
        assert_eq!((s.slack, s.bound), (MilliCpus(19_500), Bound::Headroom));
        let s = slack(&input(Lend::Allocated, None));
        assert_eq!((s.slack, s.bound), (MilliCpus(10_100), Bound::UsageSlack));
        let s = slack(&input(Lend::Allocated, Some(4_000)));
        assert_eq!((s.slack, s.bound), (MilliCpus(4_000), Bound::Cap));
    }

    #[test]
    fn a_full_node_lends_nothing() {
        let full = SlackInput { peak_node: MilliCpus(90_000), ..input(Lend::Headroom, None) };
        assert_eq!(slack(&full).slack, MilliCpus(0));
    }
}
