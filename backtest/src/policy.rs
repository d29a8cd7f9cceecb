// SPDX-License-Identifier: Apache-2.0
//! The policy around a predictor in a backtest, and what it would have offered.

use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::ResourceDecision;
use gleaner_estimator::offer::{OfferRule, OfferState};
use gleaner_estimator::reason::Bound;
use gleaner_estimator::slack::{Lend, SlackInput, slack};
use gleaner_estimator::units::{Amount, Span, Timestamp};

/// The default policy without its waiting times, so that what is judged is the predictor: lends both resources,
/// and of what guaranteed tasks were promised, for a trace knows of nothing else on the node.
#[must_use]
pub fn plain() -> EngineConfig {
    let mut policy = EngineConfig {
        warm_up: Span::default(),
        task_warm_up: Span::default(),
        lend: Lend::Allocated,
        // Traces have usage and no contention signals.
        lend_blind: true,
        ..EngineConfig::default()
    };
    policy.cpu.enabled = true;
    policy.memory.enabled = true;
    policy
}

/// What the engine would have offered from one horizon's peak, whichever horizon it uses, and how often that changed.
#[derive(Default)]
pub(crate) struct Offers<Q: Amount> {
    state: OfferState<Q>,
    last: Option<Q>,
}

impl<Q: Amount> Offers<Q> {
    /// Takes one decision; true where the offer differs from the one before.
    pub(crate) fn changed(
        &mut self,
        at: Timestamp,
        decision: &ResourceDecision<Q>,
        horizon: usize,
    ) -> bool {
        let peak = decision.peaks.get(horizon).copied().flatten();
        let formula = slack(&SlackInput {
            capacity: decision.capacity,
            reserve: decision.reserve,
            cap: decision.cap,
            lend: decision.lend,
            allocated_guaranteed: decision.allocated.guaranteed,
            peak_guaranteed: peak.map_or(decision.capacity, |p| p.guaranteed),
            peak_node: peak.map_or(decision.capacity, |p| p.node),
        });
        let rule = OfferRule {
            threshold: decision.threshold,
            quantum: decision.quantum,
            rise: decision.rise,
            rise_every: decision.rise_every,
        };
        let gate = Some(decision.offer.bound).filter(|bound| is_gate(*bound));
        let offer = self.state.update(at, &rule, &formula, decision.lent, gate).amount;
        let before = self.last.replace(offer);
        before.is_some_and(|before| before != offer)
    }
}

/// Whether a bound closes the offer whatever the slack is.
const fn is_gate(bound: Bound) -> bool {
    match bound {
        Bound::Off
        | Bound::Cold
        | Bound::Stale
        | Bound::NoSignal
        | Bound::Level
        | Bound::HoldOff => true,
        Bound::Threshold | Bound::Rise | Bound::Headroom | Bound::UsageSlack | Bound::Cap => false,
    }
}
