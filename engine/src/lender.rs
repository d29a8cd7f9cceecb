// SPDX-License-Identifier: Apache-2.0
//! One resource from usage to offer: loads → predicted peaks → slack → offer.

use crate::config::{EngineConfig, LendRule};
use crate::decision::{MAX_HORIZONS, Peak, PerClass, ResourceDecision};
use crate::demand::{Demand, level};
use crate::view::View;
use gleaner_estimator::offer::{Offer, OfferRule, OfferState};
use gleaner_estimator::predict::{
    Load, NodeLoad, Observation, Predictor, PredictorSpec, StateError,
};
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::slack::{SlackInput, slack};
use gleaner_estimator::units::{Amount, Span};
use gleaner_estimator::usage::Usage;
use gleaner_qos::assessment::Assessment;
use gleaner_qos::level::Level;

/// Arrival number of what the node uses beyond its known tasks; those count from 1.
const SYSTEM_ARRIVAL: u64 = 0;

/// What one tick knows before this resource is looked at.
pub(crate) struct Tick<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) usage: &'a Usage,
    /// False until rates exist: the first sample after a start or a gap.
    pub(crate) rates: bool,
    /// An alarm asked for it before its time: its rates are over moments, and predictors learn nothing from them.
    pub(crate) early: bool,
    pub(crate) task_warm_up: Span,
    /// Enough has been seen since the start or the last gap.
    pub(crate) warm: bool,
    /// How resources stand.
    pub(crate) assessment: &'a Assessment,
    pub(crate) lend_blind: bool,
}

impl Tick<'_> {
    /// The resource's level, and what closes its offer.
    fn standing(&self, resource: Resource) -> (Level, Option<Bound>) {
        let level = level(self.assessment, resource, self.lend_blind);
        let blind = self.lend_blind && self.assessment.of(resource).no_signal;
        (level, if blind { None } else { self.assessment.gate(resource) })
    }
}

/// A predictor and what it is fed with.
struct Group {
    predictor: Box<dyn Predictor>,
    demand: Demand,
}

impl Clone for Group {
    fn clone(&self) -> Self {
        Self { predictor: self.predictor.duplicate(), demand: self.demand.clone() }
    }
}

impl Group {
    fn new(spec: &PredictorSpec) -> Self {
        Self { predictor: spec.build(), demand: Demand::default() }
    }

    fn observe(&mut self, tick: &Tick<'_>, calm: bool, ceiling: f64) {
        self.predictor.observe(&Observation {
            at: tick.sample.at,
            loads: &self.demand.loads,
            ceiling,
            calm,
            node: NodeLoad {
                load: tick.sample.node.load,
                memory_used: tick.usage.node.memory_used,
            },
        });
    }

    fn peak<Q: Amount>(&self, horizon: usize, capacity: Q) -> Option<Q> {
        Some(self.demand.peak(self.predictor.peak(horizon)?, capacity))
    }
}

/// Everything remembered about one resource.
#[derive(Clone)]
pub(crate) struct Lender<Q> {
    rule: LendRule<Q>,
    node: Group,
    guaranteed: Group,
    offer_horizon: usize,
    offer: OfferState<Q>,
}

impl<Q: Amount> Lender<Q> {
    pub(crate) fn new(rule: LendRule<Q>, config: &EngineConfig) -> Self {
        Self {
            node: Group::new(&rule.predictor),
            guaranteed: Group::new(&rule.predictor),
            rule,
            offer_horizon: config.offer_horizon,
            offer: OfferState::default(),
        }
    }

    /// Folds one sample in and decides what of this resource is lent.
    pub(crate) fn decide(
        &mut self,
        tick: &Tick<'_>,
        view: &impl View<Q>,
        config: &EngineConfig,
    ) -> ResourceDecision<Q> {
        let capacity = view.capacity(tick.sample);
        let (level, closed) = tick.standing(view.resource());
        if tick.rates && !tick.early {
            self.gather(tick, view);
            let calm = level == Level::Calm;
            self.node.observe(tick, calm, capacity.to_base());
            self.guaranteed.observe(tick, calm, capacity.to_base());
        }
        let peaks = self.peaks(capacity);
        let peak = peaks.get(self.offer_horizon).copied().flatten();
        let allocated = allocated(tick.sample, view);
        let lent = lent(tick, view);
        let formula = slack(&SlackInput {
            capacity,
            reserve: self.rule.reserve.of(capacity),
            cap: self.rule.cap.map(|cap| cap.of(capacity)),
            lend: config.lend,
            allocated_guaranteed: allocated.guaranteed,
            // Nothing predicted leaves nothing to lend.
            peak_guaranteed: peak.map_or(capacity, |p| p.guaranteed),
            peak_node: peak.map_or(capacity, |p| p.node),
        });
        let warm = tick.warm && tick.rates && peak.is_some();
        let gate = self.gate(warm, closed);
        let rule = self.offer_rule(capacity);
        ResourceDecision {
            capacity,
            reserve: self.rule.reserve.of(capacity),
            cap: self.rule.cap.map(|cap| cap.of(capacity)),
            threshold: rule.threshold,
            quantum: rule.quantum,
            rise: rule.rise,
            rise_every: rule.rise_every,
            lend: config.lend,
            risk: self.rule.predictor.risk,
            allocated,
            usage: PerClass::from_fn(|c| view.of_class(tick.sample, tick.usage, c)),
            peak,
            peaks,
            scores: std::array::from_fn(|h| self.node.predictor.score(h)),
            headroom: formula.headroom,
            usage_slack: formula.usage_slack,
            slack: formula.slack,
            slack_bound: formula.bound,
            lent,
            offer: self.offer.update(tick.sample.at, &rule, &formula, lent, gate),
            level,
        }
    }

    /// What the two groups' predictors learned.
    pub(crate) fn save(&self) -> [Vec<u8>; 2] {
        [self.node.predictor.save(), self.guaranteed.predictor.save()]
    }

    /// Continues with what was learned; on an error everything stays as it was.
    pub(crate) fn restore(&mut self, saved: [&[u8]; 2]) -> Result<(), StateError> {
        let node = self.rule.predictor.restore(saved[0])?;
        self.guaranteed.predictor = self.rule.predictor.restore(saved[1])?;
        self.node.predictor = node;
        Ok(())
    }

    /// The decision when there is no usable reading: what was last known, and nothing offered.
    pub(crate) fn abstain(&mut self, last: &ResourceDecision<Q>) -> ResourceDecision<Q> {
        self.offer = OfferState::default();
        let bound = if self.rule.enabled { Bound::Stale } else { Bound::Off };
        ResourceDecision { offer: Offer { amount: Q::ZERO, target: Q::ZERO, bound }, ..*last }
    }

    /// What is known before the first reading.
    pub(crate) fn unknown(&self, config: &EngineConfig) -> ResourceDecision<Q> {
        ResourceDecision {
            capacity: Q::ZERO,
            reserve: Q::ZERO,
            cap: None,
            threshold: self.rule.threshold,
            quantum: self.rule.quantum,
            rise: None,
            rise_every: self.rule.rise_every,
            lend: config.lend,
            risk: self.rule.predictor.risk,
            allocated: PerClass::from_fn(|_| Q::ZERO),
            usage: PerClass::from_fn(|_| None),
            peak: None,
            peaks: [None; MAX_HORIZONS],
            scores: [None; MAX_HORIZONS],
            headroom: Q::ZERO,
            usage_slack: None,
            slack: Q::ZERO,
            slack_bound: Bound::Headroom,
            lent: Q::ZERO,
            offer: Offer { amount: Q::ZERO, target: Q::ZERO, bound: Bound::Cold },
            level: Level::Calm,
        }
    }

    fn offer_rule(&self, capacity: Q) -> OfferRule<Q> {
        OfferRule {
            threshold: self.rule.threshold,
            quantum: self.rule.quantum,
            rise: self.rule.rise.map(|rise| rise.of(capacity)),
            rise_every: self.rule.rise_every,
        }
    }

    fn gate(&self, warm: bool, closed: Option<Bound>) -> Option<Bound> {
        match (self.rule.enabled, warm) {
            (false, _) => Some(Bound::Off),
            (true, false) => Some(Bound::Cold),
            (true, true) => closed,
        }
    }

    fn gather(&mut self, tick: &Tick<'_>, view: &impl View<Q>) {
        let demand = &mut self.guaranteed.demand;
        let whole = demand.gather(tick.sample, tick.usage, tick.task_warm_up, view).to_base();
        // Without the node's own counter nothing bounds what the system uses: it counts at everything.
        let system = view
            .of_class(tick.sample, tick.usage, Class::System)
            .map_or(whole, |q| q.to_base().min(whole));
        let node = &mut self.node.demand;
        node.unproven = demand.unproven;
        node.loads.clear();
        node.loads.push(Load { arrival: SYSTEM_ARRIVAL, usage: system, limit: whole });
        node.loads.extend_from_slice(&demand.loads);
    }

    fn peaks(&self, capacity: Q) -> [Option<Peak<Q>>; MAX_HORIZONS] {
        std::array::from_fn(|h| {
            let horizon = *self.node.predictor.horizons().get(h)?;
            let guaranteed = self.guaranteed.peak(h, capacity)?;
            // More is never needed by a part than by the whole.
            let node = self.node.peak(h, capacity)?.max(guaranteed);
            Some(Peak { horizon, guaranteed, node })
        })
    }
}

fn allocated<Q: Amount>(sample: &Sample, view: &impl View<Q>) -> PerClass<Q> {
    let mut sums = PerClass::from_fn(|_| Q::ZERO);
    for (i, task) in sample.tasks.iter().enumerate() {
        let amount = view.allocation(sample, i).unwrap_or(Q::ZERO);
        let sum = match task.task.class {
            Class::Guaranteed => &mut sums.guaranteed,
            Class::BestEffort => &mut sums.best_effort,
            Class::System => &mut sums.system,
        };
        *sum = *sum + amount;
    }
    sums
}

/// What best-effort tasks hold: what they were given, or what they use where nobody said.
fn lent<Q: Amount>(tick: &Tick<'_>, view: &impl View<Q>) -> Q {
    let mut sum = Q::ZERO;
    for (i, task) in tick.sample.tasks.iter().enumerate() {
        if task.task.class == Class::BestEffort {
            let used = || view.latest(tick.usage, i).map(Q::from_base_up);
            sum = sum + view.allocation(tick.sample, i).or_else(used).unwrap_or(Q::ZERO);
        }
    }
    sum
}
