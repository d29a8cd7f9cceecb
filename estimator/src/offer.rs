// SPDX-License-Identifier: Apache-2.0
//! How much *more* may be lent now: slack less what is lent, quantised, slow up and at once down.
//!
//! * **Why**: a scheduler rescinds outstanding offers whenever the number changes, and owners come
//!   back faster than borrowers can be found. So small changes are swallowed, rises are steps, falls are immediate.
//! * **When it is zero**: when a gate says so (cold, stale, no signal, not calm, just corrected, off),
//!   or when what is left is below the threshold.
//! * **Cold start**: the first offer is one step of `rise`.
//! * **Recovery**: after a gate opens the total rises again in steps from what is lent then.

use crate::reason::Bound;
use crate::slack::Slack;
use crate::units::{Amount, Span, Timestamp};
use serde::Serialize;

/// How an offer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferRule<Q> {
    /// Less than this is not worth offering.
    pub threshold: Q,
    /// Offers are multiples of this; zero switches quantising off.
    pub quantum: Q,
    /// Most that lent plus offer may rise in one step; `None` rises at once.
    pub rise: Option<Q>,
    /// The shortest time between two steps.
    pub rise_every: Span,
}

/// What is offered beside what is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Offer<Q> {
    /// How much more may be lent.
    pub amount: Q,
    /// What it would be without the limit on rising.
    pub target: Q,
    /// What kept it from being larger.
    pub bound: Bound,
}

/// The one thing remembered between offers: how far the total had risen, and when.
#[derive(Clone, Copy, Debug)]
pub struct OfferState<Q> {
    total: Q,
    rose_at: Option<Timestamp>,
}

impl<Q: Amount> Default for OfferState<Q> {
    fn default() -> Self {
        Self { total: Q::ZERO, rose_at: None }
    }
}

impl<Q: Amount> OfferState<Q> {
    /// The offer now. A gate closes it whatever the slack is.
    pub fn update(
        &mut self,
        at: Timestamp,
        rule: &OfferRule<Q>,
        slack: &Slack<Q>,
        lent: Q,
        gate: Option<Bound>,
    ) -> Offer<Q> {
        let free = slack.slack.less(lent);
        let closed = gate.or((free < rule.threshold || free.raw() == 0).then_some(
            // A slack of nothing is bound by the term that made it so, not by the threshold.
            if free.raw() == 0 { slack.bound } else { Bound::Threshold },
        ));
        if let Some(bound) = closed {
            self.total = lent;
            return Offer { amount: Q::ZERO, target: Q::ZERO, bound };
        }
        let target = free.quantise(rule.quantum);
        let allowed = self.risen(at, rule, lent + target).less(lent).quantise(rule.quantum);
        let amount = target.min(allowed);
        self.total = self.total.max(lent).min(lent + target);
        let bound = match (amount < target, target.raw()) {
            (true, _) => Bound::Rise,
            (false, 0) => Bound::Threshold,
            (false, _) => slack.bound,
        };
        Offer { amount, target, bound }
    }

    /// Moves the total towards `goal` by at most one step and returns it.
    fn risen(&mut self, at: Timestamp, rule: &OfferRule<Q>, goal: Q) -> Q {
        let Some(step) = rule.rise else {
            self.total = goal;
            return goal;
        };
        let due = self
            .rose_at
            .is_none_or(|rose| at.since(rose).is_some_and(|span| span >= rule.rise_every));
        if goal > self.total && due {
            self.total = goal.min(self.total + step);
            self.rose_at = Some(at);
        }
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MilliCpus;

    const RULE: OfferRule<MilliCpus> = OfferRule {
        threshold: MilliCpus(500),
        quantum: MilliCpus(100),
        rise: Some(MilliCpus(2_000)),
        rise_every: Span::from_secs(10),
    };

    fn slack_of(milli: u64) -> Slack<MilliCpus> {
        let slack = MilliCpus(milli);
        Slack { headroom: slack, usage_slack: None, slack, bound: Bound::Headroom }
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::default().plus(Span::from_secs(secs))
    }

    #[test]
    fn rises_in_steps_and_falls_at_once() {
        let mut state = OfferState::default();
        let mut offer = |t, slack, lent| {
            let o = state.update(at(t), &RULE, &slack_of(slack), MilliCpus(lent), None);
            (o.amount.0, o.bound)
        };
        assert_eq!(offer(1, 7_050, 0), (2_000, Bound::Rise));
        assert_eq!(offer(5, 7_050, 0), (2_000, Bound::Rise));
        assert_eq!(offer(11, 7_050, 0), (4_000, Bound::Rise));
        assert_eq!(
            offer(12, 7_050, 3_000),
            (1_000, Bound::Rise),
            "taken offers are not offered twice"
        );
        assert_eq!(offer(13, 1_234, 0), (1_200, Bound::Headroom));
        assert_eq!(offer(14, 7_050, 0), (1_200, Bound::Rise));
        assert_eq!(offer(31, 7_050, 0), (3_200, Bound::Rise));
    }

    #[test]
    fn below_the_threshold_or_behind_a_gate_nothing_is_offered() {
        let mut state = OfferState::default();
        let o = state.update(at(1), &RULE, &slack_of(499), MilliCpus(0), None);
        assert_eq!((o.amount, o.bound), (MilliCpus(0), Bound::Threshold));
        let o = state.update(at(2), &RULE, &slack_of(9_000), MilliCpus(0), Some(Bound::Level));
        assert_eq!((o.amount, o.bound), (MilliCpus(0), Bound::Level));
        let o = state.update(at(3), &RULE, &slack_of(0), MilliCpus(0), None);
        assert_eq!((o.amount, o.bound), (MilliCpus(0), Bound::Headroom));
        let o = state.update(at(4), &RULE, &slack_of(5_000), MilliCpus(6_000), None);
        assert_eq!((o.amount, o.bound), (MilliCpus(0), Bound::Headroom));
    }
}
