// SPDX-License-Identifier: Apache-2.0
//! One word for how a resource, or the whole node, stands.

use crate::snapshot::Snapshot;
use gleaner_engine::decision::{Decision, Health, ResourceDecision};
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::units::Amount;
use gleaner_qos::level::Level;
use serde::Serialize;
use std::time::Instant;

/// How it stands, the mildest first: of several the last one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody guaranteed is harmed.
    Calm,
    /// Not enough has been seen yet.
    Cold,
    /// Works, but something of it does not.
    Degraded,
    /// Harm shows: nothing more is lent.
    Strained,
    /// No contention signal: it can never be known to be calm.
    Blind,
    /// Harm lasts: lent resource is taken back.
    Critical,
    /// No good reading, or no decision, for too long.
    Stale,
    /// Stopped itself after a bug; lends nothing.
    Poisoned,
}

impl State {
    /// All states, the mildest first.
    pub const ALL: [Self; 8] = [
        Self::Calm,
        Self::Cold,
        Self::Degraded,
        Self::Strained,
        Self::Blind,
        Self::Critical,
        Self::Stale,
        Self::Poisoned,
    ];

    /// The word used in JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Cold => "cold",
            Self::Degraded => "degraded",
            Self::Strained => "strained",
            Self::Blind => "blind",
            Self::Critical => "critical",
            Self::Stale => "stale",
            Self::Poisoned => "poisoned",
        }
    }

    /// Of one resource.
    #[must_use]
    pub fn of_resource<Q: Amount>(decision: &Decision, resource: &ResourceDecision<Q>) -> Self {
        let level = Self::of_level(resource.level);
        let blind = resource.offer.bound == Bound::NoSignal;
        match decision.health {
            Health::Failed { .. } => Self::Stale,
            Health::Cold { .. } => level.max(Self::Cold),
            Health::Fresh if blind => level.max(Self::Blind),
            Health::Fresh => level,
        }
    }

    /// Of IO, which is never lent; `None` where nobody judges it.
    #[must_use]
    pub fn of_io(decision: &Decision) -> Option<Self> {
        let this = decision.assessment.as_ref()?.of(Resource::Io);
        Some(match this.no_signal {
            true => Self::Blind,
            false => Self::of_level(this.level),
        })
    }

    const fn of_level(level: Level) -> Self {
        match level {
            Level::Calm => Self::Calm,
            Level::Strained => Self::Strained,
            Level::Critical => Self::Critical,
        }
    }

    /// Of the node: the worst of its resources and of the host itself.
    #[must_use]
    pub fn of_node(snapshot: &Snapshot, now: Instant) -> Self {
        let decision = snapshot.decision_at(now);
        let host = match (snapshot.host.poisoned, snapshot.host.troubles.is_empty()) {
            (true, _) => Self::Poisoned,
            (false, false) => Self::Degraded,
            (false, true) => Self::Calm,
        };
        host.max(Self::of_resource(&decision, &decision.cpu))
            .max(Self::of_resource(&decision, &decision.memory))
    }
}
