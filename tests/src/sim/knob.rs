// SPDX-License-Identifier: Apache-2.0
//! Numbers of the configuration that can be set to another value, to see what they are worth.

use gleaner_engine::config::EngineConfig;
use gleaner_estimator::units::Span;

/// One of them. Times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob {
    /// `qos.cpu.run_wait_leave`.
    RunWaitLeave,
    /// `qos.cpu.stall_excess_leave`, and the same of IO.
    StallExcessLeave,
    /// Quiet before a step down, of CPU and IO.
    Dwell,
    /// Fall of the wait that proves the cause.
    ProbeFall,
    /// How long a probe freezes.
    ProbeLength,
    /// Longest freeze.
    Freeze,
    /// Freezes within five minutes that are answered by eviction.
    Recur,
    /// Headroom is Strained below what is lost in this time.
    StrainedAhead,
    /// Critical.
    CriticalAhead,
    /// Eviction is due.
    EvictAhead,
    /// Nothing is lent for this long after a correction.
    HoldOff,
    /// No verdict in a window with more steal.
    Steal,
}

impl Knob {
    /// All of them with the values to try, and the key of the configuration.
    pub const ALL: [(Self, &'static str, &'static [f64]); 12] = [
        (Self::RunWaitLeave, "cpu: no harm below run-queue wait", &[0.3, 0.5, 0.75, 1.0]),
        (Self::StallExcessLeave, "cpu, io: no harm below stall excess", &[0.02, 0.05, 0.1, 0.15]),
        (Self::Dwell, "quiet before a step down, s", &[1.0, 2.5, 5.0, 10.0]),
        (Self::ProbeFall, "fall that proves the cause", &[0.1, 0.2, 0.3, 0.45, 0.6]),
        (Self::ProbeLength, "length of a probe, s", &[0.1, 0.2, 0.4, 0.8]),
        (Self::Freeze, "longest freeze, s", &[3.0, 5.0, 10.0, 20.0]),
        (Self::Recur, "freezes in 5 min that lead to eviction", &[1.0, 2.0, 3.0, 5.0]),
        (Self::StrainedAhead, "memory Strained ahead, s", &[1.0, 2.0, 4.0]),
        (Self::CriticalAhead, "memory Critical ahead, s", &[0.5, 1.0, 2.0]),
        (Self::EvictAhead, "eviction ahead, s", &[0.1, 0.25, 0.5, 1.0, 2.0]),
        (Self::HoldOff, "nothing lent after a correction, s", &[5.0, 15.0, 30.0, 60.0]),
        (Self::Steal, "no verdict above steal", &[0.02, 0.05, 0.1, 1.0]),
    ];

    /// Sets it.
    pub(super) fn turn(self, config: &mut EngineConfig, value: f64) {
        let (qos, span) = (&mut config.qos, Span::from_secs_f64(value));
        match self {
            Self::RunWaitLeave => qos.cpu.run_wait.leave = value,
            Self::StallExcessLeave => {
                qos.cpu.stall_excess.leave = value;
                qos.io.stall_excess.leave = value;
            }
            Self::Dwell => {
                qos.cpu.level.dwell = span;
                qos.io.level.dwell = span;
            }
            Self::ProbeFall => qos.probe.fall = value,
            Self::ProbeLength => qos.probe.length = span,
            Self::Freeze => qos.budget.freeze = span,
            Self::Recur => {
                let whole = (0..100_u32).find(|n| f64::from(*n) >= value);
                qos.budget.recur = whole.unwrap_or(qos.budget.recur);
            }
            Self::StrainedAhead => qos.memory.strained_ahead = span,
            Self::CriticalAhead => qos.memory.critical_ahead = span,
            Self::EvictAhead => qos.memory.evict_ahead = span,
            Self::HoldOff => qos.budget.hold_off = span,
            Self::Steal => qos.cpu.steal = value,
        }
    }
}
