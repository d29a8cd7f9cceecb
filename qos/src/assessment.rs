// SPDX-License-Identifier: Apache-2.0
//! How every resource stands at one tick: only what was measured, no estimate, no offer.

use crate::budget::index;
use crate::level::Level;
use crate::pressure::MemoryFacts;
use crate::probe::ProbeOutcome;
use crate::signal::{Reading, Signal};
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::units::{Ratio, Span, Timestamp};
use serde::Serialize;

/// How one resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ResourceAssessment {
    /// Which.
    pub resource: Resource,
    /// Its level; never Calm while nothing can be known.
    pub level: Level,
    /// When the level was entered, or when judging began after a gap.
    pub since: Timestamp,
    /// No signal of this resource can be known now.
    pub no_signal: bool,
    /// Quiet needed before a step down: doubled by relapses.
    pub dwell: Span,
    /// Something was taken back lately: nothing is lent until then.
    pub hold_off: Option<Timestamp>,
    /// The signal that asks for the highest level now.
    pub leading: Option<Signal>,
}

/// How all resources stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assessment {
    /// Time of the sample that was assessed.
    pub at: Timestamp,
    /// In the order of [`Resource::ALL`].
    pub resources: [ResourceAssessment; 3],
    /// In the order of [`Signal::ALL`].
    pub readings: [Reading; Signal::COUNT],
    /// The numbers behind the memory readings.
    pub memory: MemoryFacts,
    /// Cores that best-effort used in the judged window.
    pub best_effort_cores: Option<f64>,
    /// Share of CPU time that the hypervisor took in the judged window.
    pub steal: Option<Ratio>,
    /// The last probe of CPU or IO, while its proof stands.
    pub probe: Option<ProbeOutcome>,
}

impl Assessment {
    /// How this resource stands.
    #[must_use]
    pub fn of(&self, resource: Resource) -> &ResourceAssessment {
        &self.resources[index(resource)]
    }

    /// One signal's reading.
    #[must_use]
    pub fn reading(&self, signal: Signal) -> &Reading {
        &self.readings[signal.index()]
    }

    /// What closes the offer of this resource, the first in the order of precedence of [`Bound`].
    #[must_use]
    pub fn gate(&self, resource: Resource) -> Option<Bound> {
        let this = self.of(resource);
        if this.no_signal {
            Some(Bound::NoSignal)
        } else if this.level > Level::Calm {
            Some(Bound::Level)
        } else {
            this.hold_off.map(|_| Bound::HoldOff)
        }
    }

    /// Readings of one resource.
    pub fn readings_of(&self, resource: Resource) -> impl Iterator<Item = &Reading> {
        self.readings.iter().filter(move |r| r.signal.resource() == resource)
    }
}

/// The reading that asks for the highest level; the first of equals.
pub(crate) fn leading<'a>(readings: impl Iterator<Item = &'a Reading>) -> Option<&'a Reading> {
    readings.filter(|r| r.over.is_some()).fold(None, |best: Option<&Reading>, r| match best {
        Some(b) if b.over >= r.over => Some(b),
        Some(_) | None => Some(r),
    })
}
