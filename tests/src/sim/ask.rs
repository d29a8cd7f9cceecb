// SPDX-License-Identifier: Apache-2.0
//! What one tick asked for and offered, as plain data: corrections cannot be forged, so the canaries need a copy.

use gleaner_engine::decision::{Decision, Health, ResourceDecision};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Amount;
use gleaner_qos::verdict::{Action, Reason};

/// One correction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) task: TaskId,
    pub(super) resource: Resource,
    pub(super) action: Action,
    pub(super) reason: Reason,
    /// The value of the signal that led.
    pub(super) value: Option<f64>,
    /// Only shown.
    pub(super) would: bool,
}

/// What one resource's offer came from, in raw units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offered {
    pub(super) amount: u64,
    pub(super) lent: u64,
    pub(super) slack: u64,
    pub(super) quantum: u64,
    pub(super) peak: u64,
    pub(super) reserve: u64,
    pub(super) capacity: u64,
    pub(super) held_off: bool,
    pub(super) calm: bool,
}

/// What one tick came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) asks: Vec<Ask>,
    pub(super) let_go: Vec<TaskId>,
    /// CPU, memory.
    pub(super) offers: [Offered; 2],
    pub(super) fresh: bool,
    /// Resources of which nothing can be known, in the order of [`Resource::ALL`].
    pub(super) unknown: [bool; 3],
    /// Resources that are calm, in the same order.
    pub(super) calm: [bool; 3],
}

fn offered<Q: Amount>(decision: &Decision, resource: Resource, r: &ResourceDecision<Q>) -> Offered {
    let standing = decision.assessment.as_ref().map(|a| a.of(resource));
    Offered {
        amount: r.offer.amount.raw(),
        lent: r.lent.raw(),
        slack: r.slack.raw(),
        quantum: r.quantum.raw(),
        peak: r.peak.map_or(r.capacity.raw(), |p| p.node.raw()),
        reserve: r.reserve.raw(),
        capacity: r.capacity.raw(),
        held_off: standing.is_none_or(|s| s.hold_off.is_some()),
        calm: standing.is_some_and(|s| s.level == gleaner_qos::level::Level::Calm),
    }
}

impl Asked {
    /// What a decision says.
    pub(super) fn of(decision: &Decision) -> Self {
        let asks = decision.verdict.corrections.iter().map(|c| Ask {
            task: c.task().clone(),
            resource: c.resource(),
            action: c.action(),
            reason: c.why().reason,
            value: c.why().value,
            would: c.is_would(),
        });
        Self {
            asks: asks.collect(),
            let_go: decision.verdict.let_go.clone(),
            offers: [
                offered(decision, Resource::Cpu, &decision.cpu),
                offered(decision, Resource::Memory, &decision.memory),
            ],
            fresh: decision.health == Health::Fresh,
            calm: Resource::ALL.map(|r| {
                let level = decision.assessment.as_ref().map(|a| a.of(r).level);
                level == Some(gleaner_qos::level::Level::Calm)
            }),
            unknown: Resource::ALL
                .map(|r| decision.assessment.as_ref().is_none_or(|a| a.of(r).no_signal)),
        }
    }
}

impl Ask {
    /// Whether it is a freeze of the ladder, not of a probe.
    pub(super) fn is_long_freeze(&self) -> bool {
        matches!(self.action, Action::Freeze { .. }) && self.reason != Reason::Probe
    }
}
