// SPDX-License-Identifier: Apache-2.0
//! Corrections that another policy than this one asks for: evictions, and only of best-effort tasks.

use crate::level::Level;
use crate::verdict::{Action, BestEffort, Correction, Reason, Why};
use gleaner_estimator::reason::Resource;

impl Correction {
    /// An eviction that another policy asks for. Like every correction it can name only a task that the
    /// sample being judged shows as best-effort.
    #[must_use]
    pub fn proposed(who: &BestEffort<'_>, resource: Resource, level: Level, would: bool) -> Self {
        let why = Why {
            reason: Reason::Policy,
            level,
            signal: None,
            value: None,
            threshold: None,
            harmed: None,
            proof: None,
        };
        Self::new(who, resource, Action::Evict, why).would(would)
    }
}
