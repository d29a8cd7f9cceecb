// SPDX-License-Identifier: Apache-2.0
//! How bad it is for one resource: Calm, Strained, Critical.

use serde::{Deserialize, Serialize};

/// How much guaranteed tasks are harmed over one resource.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nobody guaranteed is harmed.
    #[default]
    Calm,
    /// Harm shows: nothing more is lent.
    Strained,
    /// Harm lasts or is gross: lent resource is taken back.
    Critical,
}

impl Level {
    /// All levels, mildest first; the index is the value of the metric.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Strained, Self::Critical];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Strained => "strained",
            Self::Critical => "critical",
        }
    }
}
