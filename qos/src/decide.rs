// SPDX-License-Identifier: Apache-2.0
//! One decision: books first (deadlines, thaws, mode), rung 0 always, then one rung for each resource.

use crate::assessment::Assessment;
use crate::budget::index;
use crate::capability::{Ability, Actuator, Capabilities};
use crate::config::Standing;
use crate::controller::Controller;
use crate::ladder::rungs;
use crate::ledger::{Hold, State};
use crate::level::Level;
use crate::pressure::Rung0;
use crate::rank::{Aim, is_protected};
use crate::tick::Tick;
use crate::verdict::{Action, BestEffort, Correction, Held, Mode, Reason, Verdict};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_estimator::usage::Usage;

/// What an actuator does for good, and for which resource.
const FOR_GOOD: [(Actuator, Resource, Action); 2] = [
    (Actuator::StandingClass, Resource::Cpu, Action::StandingClass),
    (Actuator::IoWeight, Resource::Io, Action::IoWeight),
];

/// What can stay on a task and is taken off when the mode forbids it.
const LASTING: [Actuator; 6] = [
    Actuator::Freeze,
    Actuator::IoLimit,
    Actuator::IoWeight,
    Actuator::MemoryHigh,
    Actuator::CpuQuota,
    Actuator::StandingClass,
];

impl Controller {
    /// What is to be done now, and to whom.
    ///
    /// `assessment` must come from the same sample: otherwise everything is held as stale. Nothing
    /// is assumed of the host: what it does not report within a while is asked for again.
    pub fn decide(
        &mut self,
        sample: &Sample,
        usage: &Usage,
        assessment: &Assessment,
        mode: Mode,
        can: &Capabilities,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        let now = self.now.unwrap_or(sample.at);
        let late = now.since(sample.at).is_some_and(|age| age > self.config.stale);
        if late || assessment.at != sample.at || self.sampled != Some(sample.at) {
            verdict.held = [Some(Held::Stale); 3];
            return verdict;
        }
        self.enter_mode(mode);
        let tick = Tick { sample, usage, assessment, mode, can, now };
        self.expire(now);
        verdict.let_go = self.ledger.let_go(sample);
        self.release(&tick, &mut verdict);
        self.stand(&tick, &mut verdict);
        let mut order = [Resource::Memory, Resource::Cpu, Resource::Io];
        order.sort_by_key(|r| std::cmp::Reverse(assessment.of(*r).level));
        for resource in order {
            let this = assessment.of(resource);
            if this.no_signal {
                verdict.held[index(resource)] = Some(Held::NoSignal);
                continue;
            }
            let held = self.climb(resource, &tick, &mut verdict);
            if self.limits(resource) {
                // What stands squeezed must not be lent to the next.
                self.budget.hold(resource, now, &self.config);
            }
            verdict.held[index(resource)] = held.filter(|_| this.level > Level::Calm);
        }
        let worst = order[0];
        let weighed = assessment.of(worst);
        if verdict.candidates.is_empty() && weighed.level > Level::Calm && !weighed.no_signal {
            verdict.candidates = self.ranked(&tick, worst, Aim::Evict);
        }
        verdict
    }

    fn enter_mode(&mut self, mode: Mode) {
        if self.mode != mode {
            self.mode = mode;
            self.ledger.forget_shown();
            self.budget.forget_shown();
        }
    }

    /// Deadlines: ignored evictions, corrections that nobody reported.
    fn expire(&mut self, now: Timestamp) {
        let config = &self.config;
        if let Some(ignored) = self.budget.ignored(now, &config.budget)
            && let Some(entry) = self.ledger.get_mut(&ignored.task)
        {
            let failed = entry.hold(Actuator::Evict).filter(|_| !ignored.would);
            let failed = failed.map(|h| Hold { state: State::Failed, at: now, ..h });
            entry.set(Actuator::Evict, failed);
        }
        for entry in self.ledger.iter_mut() {
            for actuator in Actuator::ALL {
                let Some(hold) = entry.hold(actuator) else { continue };
                let late = now.since(hold.at).is_some_and(|s| s > config.budget.report_within);
                let after = match (hold.state, actuator) {
                    // An eviction has its own deadline; a freeze is thawed at its end either way.
                    (State::Asked, Actuator::Evict | Actuator::Freeze) | (State::InForce, _) => {
                        continue;
                    }
                    (State::Asked, _) if late => None,
                    (State::Undoing, _) if late => {
                        Some(Hold { state: State::InForce, at: now, ..hold })
                    }
                    (State::Failed, _) if !entry.failed(actuator, now, config) => None,
                    (State::Asked | State::Undoing | State::Failed, _) => continue,
                };
                entry.set(actuator, after);
            }
        }
    }

    /// Ends freezes whose time is over, and takes off what the mode forbids.
    fn release(&mut self, tick: &Tick<'_>, verdict: &mut Verdict) {
        for entry in self.ledger.iter_mut() {
            let Some(who) = entry.index.and_then(|i| BestEffort::in_sample(tick.sample, i)) else {
                continue;
            };
            for actuator in LASTING {
                let Some(hold) = entry.hold(actuator) else { continue };
                let standing = matches!(hold.state, State::Asked | State::InForce);
                let over = hold.until.is_some_and(|until| until <= tick.now);
                let forbidden = tick.mode == Mode::Observe && !hold.would;
                if !standing || !(over || forbidden) {
                    continue;
                }
                let reason = if over { Reason::FreezeOver } else { Reason::ModeChanged };
                let why = tick.why(reason, hold.resource, &self.probe);
                let action = undo(actuator);
                verdict
                    .corrections
                    .push(Correction::new(&who, hold.resource, action, why).would(hold.would));
                entry.set(actuator, undoing(hold, tick.now));
            }
        }
    }

    /// Rung 0: everybody who is not in the lowest class yet.
    fn stand(&mut self, tick: &Tick<'_>, verdict: &mut Verdict) {
        let config = &self.config;
        // Nobody is known to stand there while nobody is known at all: the next may start any moment.
        let nobody = self.ledger.present().next().is_none();
        let mut rung0 = if nobody { Rung0::Open } else { Rung0::Held };
        for (actuator, resource, action) in FOR_GOOD {
            let this = tick.assessment.of(resource);
            let harm = this.level > Level::Calm && !this.no_signal;
            let wanted = match config.standing {
                Standing::Always => true,
                Standing::OnHarm => harm,
            };
            if !tick.can.works(actuator) {
                continue;
            }
            for entry in self.ledger.iter_mut() {
                let Some(who) = entry.index.and_then(|i| BestEffort::in_sample(tick.sample, i))
                else {
                    continue;
                };
                let name = &entry.task.id.name;
                if entry.hold(actuator).is_some() || is_protected(name, config) {
                    continue;
                }
                if !wanted {
                    if actuator == Actuator::StandingClass {
                        rung0 = Rung0::Open;
                    }
                    continue;
                }
                let reason = if harm { Reason::Unprotected } else { Reason::Standing };
                let why = tick.why(reason, resource, &self.probe);
                verdict
                    .corrections
                    .push(Correction::new(&who, resource, action, why).would(tick.would()));
                entry.set(actuator, Some(tick.hold(resource, None, false)));
                if harm {
                    self.moved[index(resource)] = Some(tick.now);
                }
            }
        }
        self.best_effort.rung0 = match tick.can.ability(Actuator::StandingClass) {
            Ability::Works => rung0,
            Ability::Foreign if tick.can.lowest_elsewhere() => Rung0::Held,
            Ability::Foreign | Ability::Missing | Ability::Broken => Rung0::Impossible,
        };
    }

    /// Whether a limit for this resource is in force on somebody.
    fn limits(&self, resource: Resource) -> bool {
        self.ledger.present().any(|e| {
            rungs(resource)
                .iter()
                .filter_map(|rung| e.hold(*rung))
                .any(|h| h.is_on() && h.resource == resource && !h.probe)
        })
    }

    /// Whether best-effort stands, or is being put, in the lowest class.
    pub(crate) fn stands(&self, can: &Capabilities) -> bool {
        match can.ability(Actuator::StandingClass) {
            Ability::Works => self.ledger.present().all(|e| {
                e.is_on(Actuator::StandingClass) || is_protected(&e.task.id.name, &self.config)
            }),
            Ability::Foreign => can.lowest_elsewhere(),
            Ability::Missing | Ability::Broken => false,
        }
    }
}

/// The action that takes off what an actuator did.
pub(crate) fn undo(actuator: Actuator) -> Action {
    match actuator {
        Actuator::Freeze => Action::Thaw,
        Actuator::StandingClass
        | Actuator::CpuQuota
        | Actuator::MemoryHigh
        | Actuator::Reclaim
        | Actuator::IoWeight
        | Actuator::IoLimit
        | Actuator::Evict => Action::Undo { actuator },
    }
}

/// What stands in the book while something is undone; what was only shown is gone at once.
pub(crate) fn undoing(hold: Hold, now: Timestamp) -> Option<Hold> {
    (!hold.would).then_some(Hold { state: State::Undoing, at: now, ..hold })
}
