// SPDX-License-Identifier: Apache-2.0
//! What was done, kept for metrics until the host fetches it.

use crate::means::Means;
use crate::outcome::Outcome;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Span;
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::{Action, Correction, Reason};

/// Most facts of one kind that are kept; nobody who looks once a second misses any.
const MOST: usize = 4096;

/// A correction that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// Whom it was about.
    pub task: TaskId,
    /// What was to be done.
    pub action: Action,
    /// For which resource.
    pub resource: Resource,
    /// Why.
    pub reason: Reason,
    /// What came of it.
    pub outcome: Outcome,
    /// When, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
    /// The tick whose decision asked for it.
    pub tick: u64,
    /// How; `None` where it did not come to that.
    pub means: Option<Means>,
    /// From the beginning of the act.
    pub took: Span,
    /// What came back, where it was measured.
    pub relief: Option<Relief>,
    /// From the first sign of the harm that it answers until it was written; `None` where it answers none.
    pub reacted: Option<Span>,
}

/// How far a reaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The act is in force.
    Written,
    /// The victim is gone.
    Gone,
}

impl Stage {
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

/// Facts since the last call of [`Actor::take_tally`](super::Actor::take_tally).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Corrections that have ended, oldest first.
    pub endings: Vec<Ending>,
    /// Reactions to harm, oldest first.
    pub reactions: Vec<Reaction>,
}

impl Tally {
    pub(super) fn end(&mut self, ending: Ending) {
        if self.endings.len() < MOST {
            self.endings.push(ending);
        }
    }

    /// A correction that the mode forbids: nothing is touched.
    pub(super) fn observe(&mut self, tick: u64, correction: &Correction, wall_ms: u64) {
        self.end(Ending {
            task: correction.task().clone(),
            action: correction.action(),
            resource: correction.resource(),
            reason: correction.why().reason,
            outcome: Outcome::Observed,
            wall_ms,
            tick,
            means: None,
            took: Span::default(),
            relief: None,
            reacted: None,
        });
    }

    pub(super) fn react(&mut self, stage: Stage, took: Span) {
        if self.reactions.len() < MOST {
            self.reactions.push(Reaction { stage, took });
        }
    }
}

/// Best-effort tasks that are held back now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// By a quota or a limit; the standing class does not count.
    pub throttled: usize,
    /// By a freezer.
    pub frozen: usize,
}
