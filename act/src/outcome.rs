// SPDX-License-Identifier: Apache-2.0
//! What came of an act.

use crate::fault::{Fault, Lost};
use crate::protect::Objection;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// In force; the kernel confirms it.
    Done,
    /// The kernel took it, and nothing came of it.
    NoEffect {
        /// What was found instead of the effect.
        found: String,
    },
    /// The kernel refused.
    Failed {
        /// Its answer (errno).
        errno: i32,
        /// What was tried on which file, as one phrase.
        what: String,
    },
    /// The cgroup is gone, or another one has its name.
    Vanished,
    /// It is protected.
    Refused {
        /// By what.
        why: String,
    },
    /// Nothing was touched: the mode does not allow it.
    Observed,
}

impl Outcome {
    /// The word used in metrics and JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NoEffect { .. } => "no_effect",
            Self::Failed { .. } => "failed",
            Self::Vanished => "vanished",
            Self::Refused { .. } => "refused",
            Self::Observed => "observed",
        }
    }

    /// Whether it says that the means does not work, and not merely that there was nothing to work on.
    #[must_use]
    pub const fn blames_means(&self) -> bool {
        match self {
            Self::NoEffect { .. } | Self::Failed { .. } => true,
            Self::Done | Self::Vanished | Self::Refused { .. } | Self::Observed => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::NoEffect { found } => write!(f, "no effect: {found}"),
            Self::Failed { what, .. } => write!(f, "failed: {what}"),
            Self::Vanished => f.write_str("the cgroup is gone"),
            Self::Refused { why } => write!(f, "refused: {why}"),
            Self::Observed => f.write_str("observed only"),
        }
    }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        Self::Failed { errno: fault.errno.raw_os_error(), what: fault.to_string() }
    }
}

impl From<Lost> for Outcome {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Vanished => Self::Vanished,
            Lost::Unplaced(_) => Self::Failed {
                errno: rustix::io::Errno::OPNOTSUPP.raw_os_error(),
                what: lost.to_string(),
            },
            Lost::Fault(fault) => fault.into(),
        }
    }
}

impl From<Objection> for Outcome {
    fn from(objection: Objection) -> Self {
        match objection {
            Objection::Lost(lost) => lost.into(),
            Objection::Cgroup(_) | Objection::Process { .. } | Objection::Unseen => {
                Self::Refused { why: objection.to_string() }
            }
        }
    }
}
