// SPDX-License-Identifier: Apache-2.0
//! What became of a correction, as it is counted: one word for every way it can end.

use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_qos::verdict::Action;
use serde::Serialize;

/// How a correction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Done, and it brought relief.
    Done,
    /// Done, and it brought none.
    NoRelief,
    /// Could not be done.
    Failed,
    /// Asked for, and not done by whoever should have (a Mesos agent).
    Ignored,
    /// The task was gone before.
    Vanished,
    /// Only shown, because the mode forbids it.
    Observed,
}

impl Ending {
    /// All endings.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::NoRelief, Self::Failed, Self::Ignored, Self::Vanished, Self::Observed];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NoRelief => "no_relief",
            Self::Failed => "failed",
            Self::Ignored => "ignored",
            Self::Vanished => "vanished",
            Self::Observed => "observed",
        }
    }
}

/// One correction that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Of which task.
    pub task: TaskId,
    /// What was done. The standing class and weight are no corrections, nor is giving back: both are passed over.
    pub action: Action,
    /// For which resource.
    pub resource: Resource,
    /// How it ended.
    pub ending: Ending,
    /// When, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
}

/// Actions that count as corrections, the mildest first, each with the resources that it serves.
pub(crate) const COUNTED: [(&str, &[Resource]); 6] = [
    ("cpu_quota", &[Resource::Cpu]),
    ("memory_high", &[Resource::Memory]),
    ("reclaim", &[Resource::Memory]),
    ("io_limit", &[Resource::Io]),
    ("freeze", &Resource::ALL),
    ("evict", &Resource::ALL),
];
