// SPDX-License-Identifier: Apache-2.0
//! What is logged of decisions: changes of state only, and none of them more often than once in ten seconds.

use gleaner_collector::LayoutReport;
use gleaner_engine::decision::{Decision, Health};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::assessment::ResourceAssessment;
use gleaner_qos::level::Level;
use gleaner_qos::signal::Signal;

/// Least time between two lines of one kind: a state that flaps must not fill the disk.
const QUIET: Span = Span::from_secs(10);

/// A kind of line: says when it may be said again, and how many were swallowed.
#[derive(Debug, Default)]
struct Kind {
    said: Option<Timestamp>,
    swallowed: u64,
}

impl Kind {
    /// Whether a line may be said now, and how many were swallowed before it, if any.
    fn due(&mut self, now: Timestamp) -> Option<Option<u64>> {
        let early = self.said.and_then(|said| now.since(said)).is_some_and(|span| span < QUIET);
        if early {
            self.swallowed += 1;
            return None;
        }
        self.said = Some(now);
        Some(Some(std::mem::take(&mut self.swallowed)).filter(|swallowed| *swallowed > 0))
    }
}

/// The state that was last seen, to notice changes.
#[derive(Debug, Default)]
pub(super) struct Journal {
    phase: Option<Phase>,
    phase_lines: Kind,
    contention: [Contention; 3],
    late_lines: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Cold,
    Fresh,
    Failed,
}

impl Journal {
    /// Logs what has changed since the decision before.
    pub(super) fn note(&mut self, decision: &Decision) {
        self.note_phase(decision);
        if let Some(assessment) = &decision.assessment {
            for (seen, now) in self.contention.iter_mut().zip(&assessment.resources) {
                seen.note(decision.at, now);
            }
        }
        tracing::debug!(
            tick = decision.tick,
            cpu_offer_millicpus = decision.cpu.offer.amount.0,
            cpu_bound = decision.cpu.offer.bound.word(),
            memory_offer_bytes = decision.memory.offer.amount.0,
            memory_bound = decision.memory.offer.bound.word(),
            "decided"
        );
    }

    fn note_phase(&mut self, decision: &Decision) {
        let phase = match decision.health {
            Health::Cold { .. } => Phase::Cold,
            Health::Fresh => Phase::Fresh,
            Health::Failed { .. } => Phase::Failed,
        };
        if self.phase == Some(phase) {
            return;
        }
        let Some(swallowed) = self.phase_lines.due(decision.at) else { return };
        self.phase = Some(phase);
        match &decision.health {
            Health::Cold { needed, .. } => {
                tracing::info!(swallowed, %needed, "warming up: nothing is lent yet");
            }
            Health::Fresh => tracing::info!(swallowed, "warm: lending what is left"),
            Health::Failed { why, .. } => {
                tracing::warn!(swallowed, why, "no usable reading: nothing is lent");
            }
        }
    }

    /// Logs once what was found, at the first decision.
    pub(super) fn begin(decision: &Decision, layout: &LayoutReport) {
        let [guaranteed, best_effort, system] = layout.tasks;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            node = super::facts::node_name(),
            mode = decision.mode.word(),
            cores = %decision.cpu.capacity,
            memory = %decision.memory.capacity,
            layout = layout.preset.word(),
            why = layout.why,
            guaranteed,
            best_effort,
            system,
            "running"
        );
    }

    /// Logs readings that did not take place because the one before took too long.
    pub(super) fn late(&mut self, missed: u64, now: Timestamp) {
        if missed == 0 {
            return;
        }
        if let Some(swallowed) = self.late_lines.due(now) {
            tracing::warn!(missed, swallowed, "late: the node or this process was held up");
        }
    }
}

/// Readings without a signal after which that is said: the first has no rates yet, and a single
/// unreadable file is no blindness.
const BLIND_AFTER: u32 = 3;

/// What was last said of one resource.
#[derive(Debug, Default)]
struct Contention {
    level: Level,
    lines: Kind,
    blind: u32,
}

impl Contention {
    fn note(&mut self, at: Timestamp, now: &ResourceAssessment) {
        let resource = now.resource.word();
        if now.no_signal {
            self.blind = self.blind.saturating_add(1);
            if self.blind == BLIND_AFTER {
                tracing::warn!(resource, "no contention signal: calm cannot be known");
            }
            return;
        }
        if std::mem::take(&mut self.blind) >= BLIND_AFTER {
            tracing::info!(resource, "a contention signal is there");
        }
        if self.level == now.level {
            return;
        }
        let Some(swallowed) = self.lines.due(at) else { return };
        let (from, to) = (self.level.word(), now.level.word());
        let signal = now.leading.map(Signal::word);
        match now.level {
            Level::Calm => tracing::info!(swallowed, resource, from, to, "level"),
            Level::Strained | Level::Critical => {
                tracing::warn!(swallowed, resource, from, to, signal, "level");
            }
        }
        self.level = now.level;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_state_is_said_at_most_every_ten_seconds() {
        let mut kind = Kind::default();
        let at = |secs| Timestamp::default().plus(Span::from_secs(secs));
        let said: Vec<_> = (100..125).filter_map(|s| kind.due(at(s)).map(|n| (s, n))).collect();
        assert_eq!(said, [(100, None), (110, Some(9)), (120, Some(9))]);
    }
}
