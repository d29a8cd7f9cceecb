// SPDX-License-Identifier: Apache-2.0
//! What can be done on this node: the actuators, and whether each works.

use serde::{Deserialize, Serialize};

/// A way to take something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actuator {
    /// Lowest CPU class: `cpu.idle=1`, else the lowest weight or shares.
    StandingClass,
    /// CPU quota: v2 `cpu.max`, v1 CFS quota.
    CpuQuota,
    /// v2 `memory.high`; v1 has no usable squeeze.
    MemoryHigh,
    /// v2 `memory.reclaim`; only useful with swap.
    Reclaim,
    /// Lowest IO weight.
    IoWeight,
    /// v2 `io.max`, v1 throttle files.
    IoLimit,
    /// Freezer, v1 or v2.
    Freeze,
    /// Ending the task.
    Evict,
}

impl Actuator {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// All actuators; the index is [`Actuator::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::StandingClass,
        Self::CpuQuota,
        Self::MemoryHigh,
        Self::Reclaim,
        Self::IoWeight,
        Self::IoLimit,
        Self::Freeze,
        Self::Evict,
    ];

    /// Its place in [`Actuator::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StandingClass => "standing_class",
            Self::CpuQuota => "cpu_quota",
            Self::MemoryHigh => "memory_high",
            Self::Reclaim => "reclaim",
            Self::IoWeight => "io_weight",
            Self::IoLimit => "io_limit",
            Self::Freeze => "freeze",
            Self::Evict => "evict",
        }
    }
}

/// Whether an actuator can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// It is there and has an effect.
    Works,
    /// This kernel, hierarchy or host does not have it.
    #[default]
    Missing,
    /// It was tried and had no effect.
    Broken,
    /// The agent or the kubelet owns these files and rewrites them: ours would be overwritten, or a
    /// refused write of theirs would destroy the task.
    Foreign,
}

/// Every actuator's ability. Nothing is assumed: an actuator that was not named is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    abilities: [Ability; Actuator::COUNT],
    foreign_class_is_lowest: bool,
}

impl Capabilities {
    /// Nothing can be done.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same with this actuator in this state.
    #[must_use]
    pub fn with(mut self, actuator: Actuator, ability: Ability) -> Self {
        self.abilities[actuator.index()] = ability;
        self
    }

    /// CPU class files belong to the agent or the kubelet; `lowest` when the host has checked that
    /// they give best-effort at most a twentieth of the guaranteed weight (measured: 1/5 sufficed,
    /// 1/20 leaves margin).
    #[must_use]
    pub fn with_foreign_class(mut self, lowest: bool) -> Self {
        self.foreign_class_is_lowest = lowest;
        self.with(Actuator::StandingClass, Ability::Foreign)
    }

    /// The state of one actuator.
    #[must_use]
    pub fn ability(&self, actuator: Actuator) -> Ability {
        self.abilities[actuator.index()]
    }

    /// Whether it can be used.
    #[must_use]
    pub fn works(&self, actuator: Actuator) -> bool {
        self.ability(actuator) == Ability::Works
    }

    /// Whether somebody else keeps best-effort in a class that protects guaranteed tasks.
    #[must_use]
    pub fn lowest_elsewhere(&self) -> bool {
        self.ability(Actuator::StandingClass) == Ability::Foreign && self.foreign_class_is_lowest
    }
}
