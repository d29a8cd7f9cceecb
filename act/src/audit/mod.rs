// SPDX-License-Identifier: Apache-2.0
//! The audit file: what was decided, what was about to be done, and what came of it, one JSON object a line.
//!
//! Decisions stand in it as the engine renders them. Between them stand the entries of this module: an intent is written before its act and the outcome after it, so an intent without an outcome is an act during which
//! we died. Lines are appended with one `write` each: after a crash at most the last one is torn, and readers leave it
//! out. The file is bounded: it is rotated by size and the oldest is dropped. If the disk is full, lines are dropped and
//! counted, and everything else goes on.

mod reader;
mod writer;

pub use reader::{Line, Unread, read};
pub use writer::{AuditConfig, AuditFile};

use crate::means::Means;
use crate::outcome::Outcome;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::Action;
use serde::{Deserialize, Serialize};

/// One line that is not a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// Something is about to be done.
    Intent(Intent),
    /// What came of it.
    Outcome(Ended),
    /// What was put back: at the end, or at a start after we had been killed.
    Undone {
        /// When, milliseconds since 1970.
        wall_ms: u64,
        /// Every place, and what became of it.
        places: serde_json::Value,
    },
}

impl Entry {
    /// The entry as JSON without a line break.
    #[must_use]
    pub fn line(&self) -> String {
        // Plain data: no map with foreign keys, no float that is not finite.
        serde_json::to_string(self).expect("an entry is plain data")
    }
}

/// Where entries go: a file, or a queue in front of one.
pub trait AuditSink {
    /// Takes one entry. What cannot be kept is dropped and counted by whoever takes it.
    fn tell(&mut self, entry: &Entry);
}

impl AuditSink for AuditFile {
    fn tell(&mut self, entry: &Entry) {
        self.append(&entry.line());
    }
}

/// An act that is about to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Number of the act, from 1 at each start; its outcome has the same.
    pub act: u64,
    /// The tick whose decision asked for it.
    pub tick: u64,
    /// When, milliseconds since 1970.
    pub wall_ms: u64,
    /// Whom.
    pub task: TaskId,
    /// For which resource.
    pub resource: Resource,
    /// What.
    pub action: Action,
}

/// An act that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Number of the act.
    pub act: u64,
    /// The tick whose decision asked for it.
    pub tick: u64,
    /// When, milliseconds since 1970.
    pub wall_ms: u64,
    /// Whom.
    pub task: TaskId,
    /// For which resource.
    pub resource: Resource,
    /// What.
    pub action: Action,
    /// How.
    pub means: Option<Means>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When, on the clock of samples.
    pub at: Timestamp,
    /// From the beginning of the act.
    pub took: Span,
    /// What came back, where it was measured.
    pub relief: Option<Relief>,
}
