// SPDX-License-Identifier: Apache-2.0
//! What the host tells after it acted: done, without effect, failed, gone; and what came back.

use crate::rank::Relief;
use crate::verdict::Action;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done and read back.
    Acted,
    /// It was done and changed nothing: the next rung is taken.
    NoEffect,
    /// It could not be done.
    Failed,
    /// The task is really gone: its cgroup is empty.
    Gone,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::Acted, Self::NoEffect, Self::Failed, Self::Gone];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Acted => "acted",
            Self::NoEffect => "no_effect",
            Self::Failed => "failed",
            Self::Gone => "gone",
        }
    }
}

/// One report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When it was known, on the same clock as samples.
    pub at: Timestamp,
    /// Whom it is about.
    pub task: TaskId,
    /// What was asked for.
    pub action: Action,
    /// What became of it.
    pub outcome: Outcome,
    /// What came back, where the host measured it.
    pub relief: Option<Relief>,
}

/// An eviction that is over: what was expected of it, and what it brought.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settlement {
    /// Who is gone.
    pub task: TaskId,
    /// For which resource.
    pub resource: Resource,
    /// When it was asked for.
    pub asked: Timestamp,
    /// When it was gone.
    pub gone: Timestamp,
    /// What was expected.
    pub expected: Option<Relief>,
    /// What the host measured.
    pub measured: Option<Relief>,
}
