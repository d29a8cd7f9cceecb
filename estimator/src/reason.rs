// SPDX-License-Identifier: Apache-2.0
//! The words for resources and for what bound an offer: one list for metrics, JSON, sentences and documentation anchors.

use serde::{Deserialize, Serialize};

/// What can be lent or harmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// CPU time; lent by default.
    Cpu,
    /// Memory; lent only when asked for.
    Memory,
    /// Block IO; never lent, only guarded.
    Io,
}

impl Resource {
    /// All resources, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Io];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Io => "io",
        }
    }
}

/// What kept the offer from being larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Lending this resource is switched off in the configuration.
    Off,
    /// Not enough has been seen yet since the start or since the last gap.
    Cold,
    /// The last reading is too old, or reading failed.
    Stale,
    /// No contention signal exists for this resource: it can never be known to be calm.
    NoSignal,
    /// The resource is Strained or Critical.
    Level,
    /// Something was just taken back: nothing is lent for a while.
    HoldOff,
    /// What is left is smaller than the threshold.
    Threshold,
    /// The offer rises slowly and has not arrived yet.
    Rise,
    /// Capacity less the reserve less the predicted peak of everything guaranteed.
    Headroom,
    /// What guaranteed tasks were promised less the peak predicted for them.
    UsageSlack,
    /// The cap in the configuration.
    Cap,
}

impl Bound {
    /// Every bound, in the order of precedence.
    pub const ALL: [Self; 11] = [
        Self::Off,
        Self::Cold,
        Self::Stale,
        Self::NoSignal,
        Self::Level,
        Self::HoldOff,
        Self::Threshold,
        Self::Rise,
        Self::Headroom,
        Self::UsageSlack,
        Self::Cap,
    ];

    /// The word used in metrics, JSON and documentation anchors.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Cold => "cold",
            Self::Stale => "stale",
            Self::NoSignal => "no_signal",
            Self::Level => "level",
            Self::HoldOff => "hold_off",
            Self::Threshold => "threshold",
            Self::Rise => "rise",
            Self::Headroom => "headroom",
            Self::UsageSlack => "usage_slack",
            Self::Cap => "cap",
        }
    }
}
