// SPDX-License-Identifier: Apache-2.0
//! The list of signals: the word of each, the resource it speaks of, its unit, its edges; and one reading of one.

use crate::config::{Edges, QosConfig};
use crate::level::Level;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Timestamp;
use serde::Serialize;

/// Something measured that can show harm to guaranteed tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Run-queue wait per CPU time of a guaranteed task × cores that best-effort used (`D`).
    RunWait,
    /// CPU PSI of a guaranteed task less its own quota's stall and less what it shows alone (`E`).
    StallExcess,
    /// As `RunWait`, over 100 ms; counts only where best-effort is not in its standing class.
    RunWaitBurst,
    /// CPU PSI less own quota over 100 ms; counts only where best-effort is not in its standing class.
    StallBurst,
    /// Load average ÷ its threshold; only where configured.
    LoadAverage,
    /// MemAvailable less the guaranteed tasks' hot cache, as share of the node.
    Headroom,
    /// Memory PSI of a guaranteed task.
    MemoryStall,
    /// Major faults a second of a guaranteed task.
    MajorFaults,
    /// Processes of guaranteed tasks that the kernel killed for want of node memory.
    OomKills,
    /// (MemTotal − MemAvailable) ÷ its threshold; only where configured.
    MemoryUsed,
    /// IO PSI of a guaranteed task less what it shows alone.
    IoStallExcess,
}

/// What the number of a signal counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share or a multiple, no dimension.
    Ratio,
    /// Events a second.
    PerSecond,
    /// Events since the previous sample.
    Count,
}

impl Signal {
    /// How many there are.
    pub const COUNT: usize = 11;

    /// All signals; the index is [`Signal::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::RunWait,
        Self::StallExcess,
        Self::RunWaitBurst,
        Self::StallBurst,
        Self::LoadAverage,
        Self::Headroom,
        Self::MemoryStall,
        Self::MajorFaults,
        Self::OomKills,
        Self::MemoryUsed,
        Self::IoStallExcess,
    ];

    /// Its place in [`Signal::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word used in metrics, JSON and text; unique over all resources.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RunWait => "run_wait",
            Self::StallExcess => "stall_excess",
            Self::RunWaitBurst => "run_wait_burst",
            Self::StallBurst => "stall_burst",
            Self::LoadAverage => "load_average",
            Self::Headroom => "headroom",
            Self::MemoryStall => "memory_stall",
            Self::MajorFaults => "major_faults",
            Self::OomKills => "oom_kills",
            Self::MemoryUsed => "memory_used",
            Self::IoStallExcess => "io_stall_excess",
        }
    }

    /// The resource whose level it moves.
    #[must_use]
    pub const fn resource(self) -> Resource {
        match self {
            Self::RunWait
            | Self::StallExcess
            | Self::RunWaitBurst
            | Self::StallBurst
            | Self::LoadAverage => Resource::Cpu,
            Self::Headroom
            | Self::MemoryStall
            | Self::MajorFaults
            | Self::OomKills
            | Self::MemoryUsed => Resource::Memory,
            Self::IoStallExcess => Resource::Io,
        }
    }

    /// What its number counts.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::MajorFaults => Unit::PerSecond,
            Self::OomKills => Unit::Count,
            Self::RunWait
            | Self::StallExcess
            | Self::RunWaitBurst
            | Self::StallBurst
            | Self::LoadAverage
            | Self::Headroom
            | Self::MemoryStall
            | Self::MemoryUsed
            | Self::IoStallExcess => Unit::Ratio,
        }
    }

    /// Whether low values are the bad ones.
    #[must_use]
    pub const fn harms_below(self) -> bool {
        matches!(self, Self::Headroom)
    }

    /// Its edges for a level while nothing moves; `None` where it has no say in that level.
    ///
    /// The edges of `headroom` grow with the rate of fall: a [`Reading`] has those in force.
    #[must_use]
    pub fn edges(self, config: &QosConfig, level: Level) -> Option<Edges> {
        let gross = |e: Edges, factor: f64| Edges { enter: e.enter * factor, leave: e.enter };
        let (strained, critical) = match self {
            Self::RunWait => {
                let e = config.cpu.run_wait;
                (Some(e), Some(gross(e, config.cpu.gross)))
            }
            Self::StallExcess => {
                let e = config.cpu.stall_excess;
                (Some(e), Some(gross(e, config.cpu.gross)))
            }
            Self::RunWaitBurst => (Some(config.cpu.run_wait_burst), None),
            Self::StallBurst => (Some(config.cpu.stall_burst), None),
            Self::LoadAverage | Self::MemoryUsed => {
                let one = config.compat.map(|_| Edges { enter: 1.0, leave: 1.0 });
                (one, one)
            }
            Self::Headroom => {
                let m = &config.memory;
                let low = Edges { enter: m.low, leave: m.low * m.leave_factor };
                (Some(low), Some(Edges { enter: m.floor, leave: m.low }))
            }
            Self::MemoryStall => (None, Some(config.memory.stall)),
            Self::MajorFaults => (None, Some(config.memory.major_faults)),
            // One is too many.
            Self::OomKills => (None, Some(Edges { enter: 0.5, leave: 0.5 })),
            Self::IoStallExcess => {
                let e = config.io.stall_excess;
                (Some(e), Some(gross(e, config.io.gross)))
            }
        };
        match level {
            Level::Calm => None,
            Level::Strained => strained,
            Level::Critical => critical,
        }
    }
}

/// Why a reading is shown and not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// The hypervisor took more than the guard allows in this window.
    Steal,
    /// The task is at its own memory limit.
    OwnLimit,
    /// The node has ample memory: the stall has another cause.
    Ample,
    /// Best-effort holds or does nothing that could be the cause.
    NoBestEffort,
    /// The task is still starting.
    Young,
    /// Best-effort is in its standing class: a burst of 100 ms is noise.
    StandingClass,
}

/// One signal at one judgement, with the edges in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Which.
    pub signal: Signal,
    /// Its value in its unit; `None` when it cannot be known now.
    pub value: Option<f64>,
    /// End of the window that the value stands for.
    pub at: Option<Timestamp>,
    /// The guaranteed task that it is worst for, where it is about one.
    pub task: Option<TaskId>,
    /// Edges of Strained in force.
    pub strained: Option<Edges>,
    /// Edges of Critical in force.
    pub critical: Option<Edges>,
    /// The level it asks for; `None` when it asks for none.
    pub over: Option<Level>,
    /// Whether one judgement is enough.
    pub at_once: bool,
    /// Whether it is on the far side of the leaving edges.
    pub calm: bool,
    /// Why it is not counted.
    pub ignored: Option<Ignored>,
}

/// One worst value among tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Worst {
    pub(crate) value: Option<f64>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) task: Option<TaskId>,
}

impl Worst {
    /// Takes the value if it is worse than what is held; of equals the fresher, so that names do not say how old it is.
    pub(crate) fn take(&mut self, value: f64, at: Timestamp, task: Option<&TaskId>) {
        let worse = |v: f64| value > v || (value >= v && Some(at) > self.at);
        if value.is_finite() && self.value.is_none_or(worse) {
            *self = Self { value: Some(value), at: Some(at), task: task.cloned() };
        }
    }
}

impl Reading {
    /// A signal that cannot be known now.
    #[must_use]
    pub(crate) fn unknown(signal: Signal, config: &QosConfig) -> Self {
        Self {
            signal,
            value: None,
            at: None,
            task: None,
            strained: signal.edges(config, Level::Strained),
            critical: signal.edges(config, Level::Critical),
            over: None,
            at_once: false,
            calm: false,
            ignored: None,
        }
    }

    /// The worst value judged by the signal's edges; an ignored one asks for nothing and is not calm either.
    #[must_use]
    pub(crate) fn judged(
        signal: Signal,
        worst: Worst,
        config: &QosConfig,
        ignored: Option<Ignored>,
    ) -> Self {
        let mut reading = Self::unknown(signal, config);
        let Worst { value, at, task } = worst;
        (reading.value, reading.at, reading.task, reading.ignored) = (value, at, task, ignored);
        reading.grade();
        reading
    }

    /// Two comparisons with thresholds of another controller: (exceeded, value ÷ threshold) for
    /// Strained and for Critical. Equality exceeds there, so the edges cannot judge it.
    pub(crate) fn compare(&mut self, at: Timestamp, offer: (bool, f64), evict: (bool, f64)) {
        (self.value, self.at, self.at_once) = (Some(offer.1.max(evict.1)), Some(at), true);
        self.over = match (evict.0, offer.0) {
            (true, _) => Some(Level::Critical),
            (false, true) => Some(Level::Strained),
            (false, false) => None,
        };
        self.calm = self.over.is_none();
    }

    /// Sets `over` and `calm` from the value and the edges in force.
    pub(crate) fn grade(&mut self) {
        (self.over, self.calm) = (None, false);
        let Some(value) = self.value else { return };
        if self.ignored.is_some() {
            return;
        }
        let below = self.signal.harms_below();
        let beyond = |edge: f64| if below { value < edge } else { value > edge };
        let enters = |e: Option<Edges>| e.is_some_and(|e| beyond(e.enter));
        let leaves = |e: Option<Edges>| e.is_none_or(|e| !beyond(e.leave));
        self.over = match (enters(self.critical), enters(self.strained)) {
            (true, _) => Some(Level::Critical),
            (false, true) => Some(Level::Strained),
            (false, false) => None,
        };
        self.calm = self.over.is_none() && leaves(self.strained) && leaves(self.critical);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_unique_and_indexes_are_places() {
        let words: BTreeSet<_> = Signal::ALL.iter().map(|s| s.word()).collect();
        assert_eq!(words.len(), Signal::COUNT);
        assert!(Signal::ALL.iter().enumerate().all(|(i, s)| s.index() == i));
    }

    #[test]
    fn between_the_edges_nothing_is_asked_and_nothing_is_calm() {
        let config = QosConfig::default();
        let grade = |signal, value| {
            let mut worst = Worst::default();
            worst.take(value, Timestamp(1), None);
            let r = Reading::judged(signal, worst, &config, None);
            (r.over, r.calm)
        };
        assert_eq!(grade(Signal::RunWait, 0.75), (None, true));
        assert_eq!(grade(Signal::RunWait, 0.9), (None, false));
        assert_eq!(grade(Signal::RunWait, 1.21), (Some(Level::Strained), false));
        assert_eq!(grade(Signal::RunWait, 2.41), (Some(Level::Critical), false));
        assert_eq!(grade(Signal::Headroom, 0.05), (None, true));
        assert_eq!(grade(Signal::Headroom, 0.03), (None, false));
        assert_eq!(grade(Signal::Headroom, 0.019), (Some(Level::Strained), false));
        assert_eq!(grade(Signal::RunWait, f64::NAN), (None, false), "not a number is not known");
    }
}
