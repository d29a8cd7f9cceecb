// SPDX-License-Identifier: Apache-2.0
//! The policy around a predictor in a backtest, and what it would have offered.

use gleaner_engine::config::{EngineConfig, LendRule, Quota};
use gleaner_engine::decision::{Mode, ResourceDecision};
use gleaner_estimator::offer::{OfferRule, OfferState};
use gleaner_estimator::predict::{Parameters, PredictorSpec};
use gleaner_estimator::reason::Bound;
use gleaner_estimator::slack::{Lend, SlackInput, slack};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span, Timestamp};
use gleaner_qos::config::QosConfig;

/// Lends what guaranteed tasks leave unused, as soon as it is known: offers show the predictor's own
/// restlessness, in steps of a tenth of a core and of 64 MiB.
#[must_use]
pub fn plain() -> EngineConfig {
    EngineConfig {
        mode: Mode::Observe,
        interval: Span::from_secs(300),
        stale_after: Span::from_secs(900),
        warm_up: Span::default(),
        task_warm_up: Span::default(),
        max_tasks: usize::MAX,
        lend: Lend::Allocated,
        cpu: lend(MilliCpus(100), Parameters::cpu()),
        memory: lend(Bytes(64 << 20), Parameters::memory()),
        offer_horizon: 0,
        // Traces have usage and no contention signals.
        lend_blind: true,
        qos: QosConfig::default(),
    }
}

fn lend<Q: Amount>(quantum: Q, parameters: Parameters) -> LendRule<Q> {
    LendRule {
        enabled: true,
        reserve: Quota::Exactly(Q::ZERO),
        cap: None,
        threshold: quantum,
        quantum,
        rise: None,
        rise_every: Span::default(),
        predictor: PredictorSpec { parameters, ..PredictorSpec::default() },
    }
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
