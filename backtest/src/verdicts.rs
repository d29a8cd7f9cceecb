// SPDX-License-Identifier: Apache-2.0
//! What a policy would have lent and taken back over a recording with its contention signals: the same engine, with
//! the recording's time as its clock, and a host that does at once whatever is asked.
//!
//! What happened is not undone. A task that is squeezed or frozen goes on in the recording as it did, and so does the
//! harm that it caused; only one that is evicted is left out from then on, and its CPU and memory count as free. So the
//! numbers say how often a policy would have stepped in, and are rather too large than too small.

use crate::recording::{RecordingError, RecordingReader, Told};
use gleaner_engine::Engine;
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::level::Level;
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::{Action, Reason};
use std::collections::BTreeMap;
use std::path::Path;

/// How one resource stood.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Time at each level, in the order of [`Level::ALL`].
    pub levels: [Span; 3],
    /// Time in which no signal could be known.
    pub unknown: Span,
    /// Offer × time, base units × seconds.
    offered: f64,
}

impl Standing {
    /// All of the time.
    #[must_use]
    pub fn time(&self) -> Span {
        self.levels.into_iter().fold(self.unknown, |sum, span| sum + span)
    }

    /// The mean offer, base units; `None` where no time passed.
    #[must_use]
    pub fn mean_offer(&self) -> Option<f64> {
        let secs = self.time().secs();
        (secs > 0.0).then(|| self.offered / secs)
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    /// Best-effort tasks put into the lowest class, for good.
    pub standing: u64,
    /// Quotas and limits.
    pub squeezes: u64,
    /// Short freezes that look for the cause.
    pub probes: u64,
    /// Longer freezes.
    pub freezes: u64,
    /// Evictions.
    pub evictions: u64,
}

/// What a policy would have done over a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// Decisions.
    pub decisions: u64,
    /// Of them, those without a usable reading.
    pub failed: u64,
    /// In the order of [`Resource::ALL`].
    pub standings: [Standing; 3],
    /// What was asked for.
    pub corrections: Corrections,
}

/// Runs a policy over a recording, up to evictions.
///
/// # Errors
/// The recording cannot be read.
pub fn verdicts(recording: &Path, policy: &EngineConfig) -> Result<Verdicts, RecordingError> {
    let mut host = Host::new(EngineConfig { mode: Mode::Evict, ..policy.clone() });
    for recorded in RecordingReader::open(recording)? {
        let recorded = recorded?;
        if recorded.starts {
            host.start();
        }
        let (at, wall_ms) = (recorded.at, recorded.wall_ms);
        match &recorded.told {
            Told::Sample(sample) => {
                let left = host.gone.leave(sample);
                host.tick(Reading { at, wall_ms, body: Body::Fresh(&left) });
                host.gone.note(sample);
            }
            Told::Failed(why) => host.tick(Reading { at, wall_ms, body: Body::Failed(why) }),
            Told::Glance(glance) => {
                // What the live host did about an alarm is in the recording: the tick that follows.
                let _ = host.engine.glance(glance);
            }
            // What another policy did, and with what: here it is done by this one.
            Told::Report(_) | Told::Capabilities(_) => {}
        }
    }
    Ok(host.seen)
}

/// A host on which everything works.
struct Host {
    policy: EngineConfig,
    engine: Engine,
    gone: Gone,
    leaving: Vec<TaskId>,
    last: Option<Decision>,
    seen: Verdicts,
}

impl Host {
    fn new(policy: EngineConfig) -> Self {
        let engine = Engine::new(policy.clone());
        let (gone, leaving, seen) = (Gone::default(), Vec::new(), Verdicts::default());
        Self { policy, engine, gone, leaving, last: None, seen }
    }

    /// The recorder was started anew, and with it everything that is remembered.
    fn start(&mut self) {
        let all = Actuator::ALL.into_iter();
        let able = all.fold(Capabilities::none(), |able, one| able.with(one, Ability::Works));
        let seen = std::mem::take(&mut self.seen);
        *self = Self { seen, ..Self::new(self.policy.clone()) };
        self.engine.set_capabilities(able);
    }

    fn tick(&mut self, reading: Reading<'_>) {
        for task in std::mem::take(&mut self.leaving) {
            self.report(reading.at, task, Action::Evict, Outcome::Gone);
        }
        let decision = self.engine.tick(reading);
        self.account(&decision);
        for correction in &decision.verdict.corrections {
            if correction.is_would() {
                continue;
            }
            let (task, action) = (correction.task().clone(), correction.action());
            self.seen.corrections.count(action, correction.why().reason);
            if action == Action::Evict {
                self.gone.tasks.insert(task.clone(), None);
                self.leaving.push(task.clone());
            }
            self.report(decision.at, task, action, Outcome::Acted);
        }
        self.last = Some(decision);
    }

    fn report(&mut self, at: Timestamp, task: TaskId, action: Action, outcome: Outcome) {
        self.engine.report(&Report { at, task, action, outcome, relief: None });
    }

    /// What the last decision said held until this one, unless too much time lies between.
    fn account(&mut self, decision: &Decision) {
        self.seen.decisions += 1;
        self.seen.failed += u64::from(decision.assessment.is_none());
        let Some(last) = &self.last else { return };
        let span = decision.at.since(last.at).filter(|span| *span <= self.policy.stale_after);
        let (Some(span), Some(assessment)) = (span, &last.assessment) else { return };
        for (resource, standing) in Resource::ALL.into_iter().zip(&mut self.seen.standings) {
            let this = assessment.of(resource);
            match this.no_signal {
                true => standing.unknown += span,
                false => {
                    let level = &mut standing.levels[place(this.level)];
                    *level += span;
                }
            }
            let offer = match resource {
                Resource::Cpu => last.cpu.offer.amount.to_base(),
                Resource::Memory => last.memory.offer.amount.to_base(),
                Resource::Io => 0.0,
            };
            standing.offered += offer * span.secs();
        }
    }
}

const fn place(level: Level) -> usize {
    match level {
        Level::Calm => 0,
        Level::Strained => 1,
        Level::Critical => 2,
    }
}

impl Corrections {
    fn count(&mut self, action: Action, reason: Reason) {
        let count = match action {
            Action::StandingClass | Action::IoWeight => &mut self.standing,
            Action::CpuQuota { .. }
            | Action::MemoryHigh { .. }
            | Action::Reclaim { .. }
            | Action::IoLimit { .. } => &mut self.squeezes,
            Action::Freeze { .. } if reason == Reason::Probe => &mut self.probes,
            Action::Freeze { .. } => &mut self.freezes,
            Action::Evict => &mut self.evictions,
            Action::Thaw | Action::Undo { .. } => return,
        };
        *count += 1;
    }
}

/// Tasks that were evicted here and live on in the recording.
#[derive(Default)]
struct Gone {
    /// CPU time when it was evicted and now, microseconds; `None` until it is next seen.
    tasks: BTreeMap<TaskId, Option<(u64, u64)>>,
}

impl Gone {
    /// The sample as it would have been without them.
    fn leave(&self, sample: &Sample) -> Sample {
        let mut left = sample.clone();
        if self.tasks.is_empty() {
            return left;
        }
        let mut freed = 0_u64;
        for task in sample.tasks.iter().filter(|task| self.tasks.contains_key(&task.task.id)) {
            freed = freed.saturating_add(task.counters.working_set.map_or(0, |bytes| bytes.0));
        }
        left.tasks.retain(|task| !self.tasks.contains_key(&task.task.id));
        if let Some(memory) = &mut left.node.memory {
            let more = |free: Bytes| (free + Bytes(freed)).min(memory.total);
            memory.available = memory.available.map(more);
        }
        let spared: u64 = self.tasks.values().flatten().map(|(from, now)| now - from).sum();
        if let Some(cpu) = &mut left.node.cpu {
            let spared = spared.min(cpu.busy_usec);
            cpu.busy_usec -= spared;
            cpu.idle_usec = cpu.idle_usec.saturating_add(spared);
        }
        left
    }

    /// Follows what they use, which nobody uses here.
    fn note(&mut self, sample: &Sample) {
        for task in &sample.tasks {
            let Some(kept) = self.tasks.get_mut(&task.task.id) else { continue };
            let Some(now) = task.counters.cpu_usage_usec else { continue };
            let (from, before) = kept.unwrap_or((now, now));
            *kept = Some((from, before.max(now)));
        }
    }
}
