// SPDX-License-Identifier: Apache-2.0
//! What is worth a line in the host's log: changes, each said once.

use crate::setup::Setup;
use gleaner_engine::decision::{Decision, Health};
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::level::Level;

/// A change back and forth is said at most this often.
const PAUSE: Span = Span::from_secs(10);

/// What was said last.
#[derive(Default)]
pub(super) struct Words {
    health: Option<String>,
    bounds: Option<(Bound, Bound)>,
    levels: Option<[Level; 3]>,
    said: [Option<Timestamp>; 2],
}

impl Words {
    /// The lines that this decision is worth.
    pub(super) fn of(&mut self, decision: &Decision, setup: &Setup) -> Vec<String> {
        let mut lines = Vec::new();
        let role = setup.role.word();
        let health = match &decision.health {
            Health::Fresh => "warm".to_owned(),
            Health::Cold { needed, .. } => format!("cold: warm after {needed}"),
            // The time in it changes with every reading; that it failed does not.
            Health::Failed { why, .. } => {
                format!(
                    "nothing is offered and nobody corrected: {}",
                    why.trim_end_matches(|c: char| c.is_ascii_digit())
                )
            }
        };
        let kind = |text: &str| text.split(|c: char| c.is_ascii_digit()).next().map(str::to_owned);
        if kind(&health) != self.health.as_deref().and_then(kind) {
            lines.push(format!("{role}: {health}"));
        }
        self.health = Some(health);
        let bounds = (decision.cpu.offer.bound, decision.memory.offer.bound);
        if setup.role.estimates() && self.bounds != Some(bounds) && self.due(0, decision.at) {
            let (cpu, memory) = (decision.cpu.offer, decision.memory.offer);
            lines.push(format!(
                "{role}: offer of cpu {} ({}), of memory {} ({})",
                cpu.amount,
                cpu.bound.word(),
                memory.amount,
                memory.bound.word()
            ));
            self.bounds = Some(bounds);
        }
        if let Some(assessment) = &decision.assessment {
            let levels = Resource::ALL.map(|resource| assessment.of(resource).level);
            if self.levels != Some(levels) && self.due(1, decision.at) {
                let words = Resource::ALL.map(|resource| {
                    format!("{} {}", resource.word(), assessment.of(resource).level.word())
                });
                lines.push(format!("{role}: levels: {}", words.join(", ")));
                self.levels = Some(levels);
            }
        }
        lines
    }

    fn due(&mut self, which: usize, at: Timestamp) -> bool {
        let due = self.said[which].and_then(|last| at.since(last)).is_none_or(|span| span >= PAUSE);
        if due {
            self.said[which] = Some(at);
        }
        due
    }
}
