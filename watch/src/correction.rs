// SPDX-License-Identifier: Apache-2.0
//! What became of a correction, as it is counted: one word for every way it can end.

use crate::story::End;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_qos::verdict::{Action, Reason};
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
    /// Why, in the word of the verdict that asked for it.
    pub reason: Reason,
    /// How it ended.
    pub ending: Ending,
    /// When, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
    /// The decision that asked for it; `None` where the host does not say.
    pub tick: Option<u64>,
    /// What came of it, in more than a word.
    pub end: End,
}

/// An action that counts as a correction.
pub(crate) struct Counted {
    /// Its word.
    pub(crate) action: &'static str,
    /// The resources that it serves.
    pub(crate) resources: &'static [Resource],
    /// Why it is taken; a verdict knows no other reason for it.
    pub(crate) reasons: &'static [Reason],
}

/// Actions that count as corrections, the mildest first.
pub(crate) static COUNTED: [Counted; 6] = [
    counted("cpu_quota", &[Resource::Cpu], LIMITED),
    counted("memory_high", &[Resource::Memory], LIMITED),
    counted("reclaim", &[Resource::Memory], LIMITED),
    counted("io_limit", &[Resource::Io], LIMITED),
    counted("freeze", &Resource::ALL, &[Reason::Probe, Reason::Proved, Reason::Grows]),
    counted("evict", &Resource::ALL, EVICTED),
];
const LIMITED: &[Reason] = &[Reason::Strained];
const EVICTED: &[Reason] = &[
    Reason::Recurs,
    Reason::Starves,
    Reason::RunsOut,
    Reason::Stalls,
    Reason::OomKill,
    Reason::Threshold,
    Reason::Policy,
];

const fn counted(
    action: &'static str,
    resources: &'static [Resource],
    reasons: &'static [Reason],
) -> Counted {
    Counted { action, resources, reasons }
}

impl Counted {
    /// The entry of an action; `None` for what is no correction.
    pub(crate) fn of(action: &str) -> Option<&'static Self> {
        COUNTED.iter().find(|counted| counted.action == action)
    }

    /// Whether it can end so for that resource: only evicting is asked of others, who may ignore it.
    pub(crate) fn ends(&self, resource: &str, ending: &str) -> bool {
        let ignored = ending == Ending::Ignored.word();
        let serves = self.resources.iter().any(|served| served.word() == resource);
        serves && (!ignored || self.action == "evict")
    }
}
