// SPDX-License-Identifier: Apache-2.0
//! What happened in a run, for whoever must understand a failure.

use super::ask::{Ask, Asked};
use super::kernel::Kernel;
use gleaner_engine::decision::Decision;
use gleaner_estimator::reason::Resource;
use gleaner_qos::level::Level;
use std::fmt::Write as _;

/// Lines kept while nobody asked for all of them.
const KEPT: usize = 60;

/// The last lines, or all of them.
#[derive(Debug, Default)]
pub(super) struct Story {
    lines: std::collections::VecDeque<String>,
    all: bool,
    levels: [Level; 3],
}

impl Story {
    pub(super) fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }

    /// Adds a line.
    pub(super) fn note(&mut self, now: f64, what: &str) {
        if !self.all && self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{now:>8.2} s  {what}"));
    }

    /// What a tick came to: levels that moved, corrections.
    pub(super) fn tick(&mut self, kernel: &Kernel, decision: &Decision, asked: &Asked) {
        let now = kernel.now();
        if let Some(assessment) = &decision.assessment {
            for (i, resource) in Resource::ALL.into_iter().enumerate() {
                let level = assessment.of(resource).level;
                if level != self.levels[i] {
                    self.levels[i] = level;
                    let lead = assessment.of(resource).leading.map(|s| assessment.reading(s));
                    let lead = lead.map(|r| (r.signal.word(), r.value));
                    self.note(now, &format!("{} {} {lead:?}", resource.word(), level.word()));
                }
            }
        }
        for ask in &asked.asks {
            self.note(now, &line(ask));
        }
        if self.all {
            self.note(
                now,
                &format!(
                    "  {:?} {:?}",
                    decision.verdict.held,
                    decision.assessment.as_ref().map(|a| &a.memory)
                ),
            );
        }
        for id in &asked.let_go {
            self.note(now, &format!("let go of {}", id.name));
        }
    }

    /// The lines, and how the node stands at the end.
    pub(super) fn tell(&self, kernel: &Kernel) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        let truth = &kernel.truth;
        let (size, now) = (kernel.size, kernel.now());
        let _ = writeln!(
            text,
            "node: {} cores, {} MiB, room {:.0}, growth {:.0}/s, steal {:.2}; harm seconds ago: cpu {:.1}, memory {:.1}, io {:.1}",
            size.cores,
            size.memory,
            truth.room,
            truth.growth,
            kernel.steal,
            truth.cpu.ago(now),
            truth.memory.ago(now),
            truth.io.ago(now),
        );
        for t in &kernel.tasks {
            let _ = writeln!(
                text,
                "{} #{} {:?}: {:.2} cores, wait/cpu by others {:.2}, backlog {:.2}, held {:.0} hot {:.0}/{:.0} cold {:.0}, hostile {}, {:?}",
                t.id().name,
                t.id().inode,
                t.task.class,
                t.cores,
                t.caused,
                t.backlog,
                t.held,
                t.hot,
                t.workload.hot,
                t.cold,
                t.workload.hostile,
                t.carried,
            );
        }
        text
    }
}

fn line(ask: &Ask) -> String {
    let Ask { task, resource, action, reason, value, would } = ask;
    let would = if *would { " (shown)" } else { "" };
    let (name, inode, resource, reason) = (&task.name, task.inode, resource.word(), reason.word());
    format!("{name} #{inode}: {action:?} over {resource}, {reason}, {value:?}{would}")
}
