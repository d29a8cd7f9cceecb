// SPDX-License-Identifier: Apache-2.0
//! What is said: plain data, the same on both sides.

use serde::{Deserialize, Serialize};

/// What a module is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Says how much may be lent.
    Estimator,
    /// Says what is to be taken back.
    Controller,
    /// Both.
    Both,
}

impl Role {
    /// Whether it takes offers.
    #[must_use]
    pub const fn estimates(self) -> bool {
        matches!(self, Self::Estimator | Self::Both)
    }

    /// Whether it takes corrections.
    #[must_use]
    pub const fn corrects(self) -> bool {
        matches!(self, Self::Controller | Self::Both)
    }
}

/// One task as the agent knows it. What is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// The container's id; bytes that are no UTF-8 are escaped.
    pub name: String,
    /// Whether it holds anything revocable.
    pub best_effort: bool,
    /// Higher is more important.
    pub priority: i32,
    /// The owner.
    pub tenant: Option<String>,
    /// CPU that it was given, in thousandths; of a best-effort task only the revocable part.
    pub cpu_millis: Option<u64>,
    /// Memory that it was given; of a best-effort task only the revocable part.
    pub memory_bytes: Option<u64>,
}

/// All tasks of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// Its number at the module, which answers name.
    pub generation: u64,
    /// In the agent's order.
    pub tasks: Vec<Task>,
}

/// From the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The first frame.
    Hello {
        /// [`crate::VERSION`].
        version: u32,
        /// Its role.
        role: Role,
    },
    /// Every further one.
    Turn {
        /// The tasks; absent where they are as in the turn before.
        #[serde(default)]
        table: Option<Table>,
        /// Age of the module's last table, milliseconds.
        table_age_ms: u64,
        /// Containers whose correction the agent has taken since the turn before.
        #[serde(default)]
        taken: Vec<String>,
    },
}

/// What may be lent now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Offer {
    /// CPU, in thousandths.
    pub cpu_millis: u64,
    /// Memory.
    pub memory_bytes: u64,
    /// 0 calm, 1 strained, 2 critical, 3 unknown.
    pub level: u32,
    /// The table that it was decided from; 0 where there was none.
    pub generation: u64,
    /// How long it holds from now on, milliseconds.
    pub holds_ms: u64,
}

/// One best-effort container that is to be ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Correction {
    /// The container's id, as its task's name.
    pub name: String,
    /// 0 CPU, 1 memory, 2 IO.
    pub resource: u32,
    /// One line.
    pub reason: String,
}

/// From the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To a hello that fits.
    Welcome {
        /// [`crate::VERSION`].
        version: u32,
    },
    /// To one that does not; the connection ends.
    Refused {
        /// One sentence.
        why: String,
    },
    /// To a turn.
    Answer {
        /// Absent while nothing may be lent: cold, stale, no table.
        #[serde(default)]
        offer: Option<Offer>,
        /// Each is said once to each module that corrects.
        #[serde(default)]
        corrections: Vec<Correction>,
    },
}
