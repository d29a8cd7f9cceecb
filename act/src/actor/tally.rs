// SPDX-License-Identifier: Apache-2.0
//! What was done, counted for metrics.

use crate::outcome::Outcome;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use gleaner_qos::verdict::Action;
use std::collections::BTreeMap;

/// How far a reaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The act is in force.
    Written,
    /// The victim is gone.
    Gone,
}

impl Stage {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Written, Self::Gone];

    /// The word used in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Gone => "gone",
        }
    }
}

/// One reaction, from the moment in which harm was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Until when.
    pub stage: Stage,
    /// How long.
    pub took: Span,
}

/// Most reactions kept until somebody fetches them.
const MOST: usize = 1024;

/// Counters since the start.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    corrections: BTreeMap<(&'static str, Resource, &'static str), u64>,
    reactions: Vec<Reaction>,
}

impl Tally {
    /// Corrections by action, resource and outcome, in the words of the metrics.
    pub fn corrections(&self) -> impl Iterator<Item = (&'static str, Resource, &'static str, u64)> {
        self.corrections.iter().map(|((action, r, outcome), n)| (*action, *r, *outcome, *n))
    }

    /// The reactions since the last call.
    pub fn take_reactions(&mut self) -> Vec<Reaction> {
        std::mem::take(&mut self.reactions)
    }

    pub(super) fn count(&mut self, action: Action, resource: Resource, outcome: &Outcome) {
        *self.corrections.entry((action.word(), resource, outcome.word())).or_default() += 1;
    }

    pub(super) fn react(&mut self, stage: Stage, took: Span) {
        if self.reactions.len() < MOST {
            self.reactions.push(Reaction { stage, took });
        }
    }
}
