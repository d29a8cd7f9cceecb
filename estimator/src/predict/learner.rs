// SPDX-License-Identifier: Apache-2.0
//! A rule that learns: slots, tasks that come and go, bounds. What is left out is keeping score.

use super::intake::take_in;
use super::roster::{Group, Roster};
use super::rule::Rule;
use super::slot::{Beat, SlotClock, Turn};
use super::{Load, Observation};
use serde::{Deserialize, Serialize};

/// A rule and all that it is shown.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "R: Rule")]
pub(super) struct Learner<R: Rule> {
    pub(super) rule: R,
    clock: SlotClock,
    pub(super) roster: Roster<R::Memory>,
    pub(super) group: Group,
    #[serde(skip)]
    pub(super) loads: Vec<Load>,
}

/// What one observation was.
pub(super) struct Taken {
    pub(super) beat: Beat,
    pub(super) ceiling: f64,
    /// Whether peaks predicted before are still lower bounds.
    pub(super) holds: bool,
}

impl<R: Rule> Learner<R> {
    pub(super) fn new(rule: R) -> Self {
        Self {
            rule,
            clock: SlotClock::default(),
            roster: Roster::default(),
            group: Group::default(),
            loads: Vec::new(),
        }
    }

    /// Takes an observation in; `weigh` is still to come.
    pub(super) fn take(&mut self, seen: &Observation<'_>) -> Taken {
        let ceiling = take_in(&mut self.loads, seen);
        let beat = self.clock.read(seen.at, seen.calm);
        let limit_before = self.group.limit;
        let holds = self.align(&beat);
        self.roster.fold(&self.loads, ceiling, &mut self.group);
        let holds = holds && self.group.limit >= limit_before && (R::SLOTTED || !seen.calm);
        Taken { beat, ceiling, holds }
    }

    /// Lets tasks go, ends the open slot if it is over, takes tasks in; says whether held peaks still hold.
    fn align(&mut self, beat: &Beat) -> bool {
        let known = self.roster.matches(&self.loads);
        let rule = &mut self.rule;
        let left = !known && self.roster.retire(&self.loads, |gone| rule.leave(gone));
        if let Turn::Next(step) = beat.turn {
            rule.turn(self.roster.members_mut(), step);
            self.roster.open();
            self.group.slot = self.group.slot.saturating_add(step);
        }
        if !known {
            self.roster.admit(&self.loads, self.group.slot, |memory| rule.admit(memory));
        }
        !left && beat.turn == Turn::Same
    }

    pub(super) fn weigh(&mut self, seen: &Observation<'_>) {
        self.rule.weigh(&self.group, self.roster.members_mut(), &seen.node);
    }

    /// The peak within the bounds, and not below the one `held` from before.
    pub(super) fn peak(&self, horizon: usize, held: Option<f64>) -> f64 {
        let Group { total, limit, .. } = self.group;
        let peak = self.rule.peak(horizon, &self.group);
        let peak = if peak.is_nan() { limit } else { peak.max(total) };
        held.map_or(peak, |held| peak.max(held)).min(limit)
    }
}
