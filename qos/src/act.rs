// SPDX-License-Identifier: Apache-2.0
//! From a step of the ladder to corrections of named tasks, with their reasons and the books kept.

use crate::assessment::leading;
use crate::budget::{Leaving, index};
use crate::capability::Actuator;
use crate::controller::Controller;
use crate::decide::{undo, undoing};
use crate::ladder::{self, Step};
use crate::ledger::{Entry, State};
use crate::level::Level;
use crate::node::possible;
use crate::probe::{Measure, Question};
use crate::rank::Aim;
use crate::signal::Signal;
use crate::tick::Tick;
use crate::track::field;
use crate::verdict::{Action, BestEffort, Correction, Held, Reason, Verdict};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, TaskId};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio};

impl Controller {
    /// Takes one step for a resource. Returns why no more is done.
    pub(crate) fn climb(
        &mut self,
        resource: Resource,
        tick: &Tick<'_>,
        verdict: &mut Verdict,
    ) -> Option<Held> {
        let suspects = match tick.assessment.of(resource).level {
            Level::Calm => Vec::new(),
            Level::Strained | Level::Critical => self.suspects(tick, resource),
        };
        let step = ladder::next(resource, &self.ladder_facts(resource, tick, &suspects));
        match step {
            Step::Hold(held) => Some(held),
            Step::Undo(actuator) => {
                self.take_off(actuator, resource, tick, verdict);
                None
            }
            Step::Limit(actuator) => self.limit(actuator, resource, tick, &suspects, verdict),
            Step::Probe => self.start_probe(resource, tick, &suspects, verdict),
            Step::Freeze(reason) => self.freeze(reason, resource, tick, verdict),
            Step::Evict(reason) => self.evict(reason, resource, tick, verdict),
        }
    }

    fn take_off(
        &mut self,
        actuator: Actuator,
        resource: Resource,
        tick: &Tick<'_>,
        verdict: &mut Verdict,
    ) {
        for entry in self.ledger.iter_mut() {
            let Some(hold) = entry.hold(actuator) else { continue };
            let standing = matches!(hold.state, State::Asked | State::InForce);
            let who = entry.index.and_then(|i| BestEffort::in_sample(tick.sample, i));
            let (true, Some(who)) = (standing && hold.resource == resource, who) else { continue };
            let why = tick.why(Reason::CalmAgain, resource, &self.probe);
            verdict
                .corrections
                .push(Correction::new(&who, resource, undo(actuator), why).would(hold.would));
            entry.set(actuator, undoing(hold, tick.now));
        }
        self.moved[index(resource)] = Some(tick.now);
    }

    fn limit(
        &mut self,
        actuator: Actuator,
        resource: Resource,
        tick: &Tick<'_>,
        suspects: &[(TaskId, f64)],
        verdict: &mut Verdict,
    ) -> Option<Held> {
        let all: f64 = suspects.iter().map(|(_, share)| share).sum();
        let before = verdict.corrections.len();
        for (id, share) in suspects {
            let action = self.limit_of(actuator, tick, id, share / all);
            let config = &self.config;
            let Some(entry) = self.ledger.get_mut(id) else { continue };
            let done = entry.is_on(actuator) || entry.failed(actuator, tick.now, config);
            let who = entry.index.and_then(|i| BestEffort::in_sample(tick.sample, i));
            let (Some(action), Some(who), false) = (action, who, done) else { continue };
            let why = tick.why(Reason::Strained, resource, &self.probe);
            let correction = Correction::new(&who, resource, action, why).would(tick.would());
            verdict.corrections.push(correction);
            entry.set(actuator, Some(tick.hold(resource, None, false)));
        }
        if verdict.corrections.len() == before {
            return Some(Held::NoCandidate);
        }
        self.moved[index(resource)] = Some(tick.now);
        self.budget.hold(resource, tick.now, &self.config);
        None
    }

    /// The limit for one task; `None` where a number it needs is unknown.
    fn limit_of(
        &self,
        actuator: Actuator,
        tick: &Tick<'_>,
        id: &TaskId,
        share: f64,
    ) -> Option<Action> {
        let config = &self.config;
        let index = self.ledger.get(id)?.index?;
        let counters = &tick.sample.tasks.get(index)?.counters;
        match actuator {
            Actuator::CpuQuota => {
                let cores = tick.sample.node.capacity_cpu.to_base();
                tick.usage_at(index)?;
                let used = tick.usage.cpu_of(tick.sample, Class::Guaranteed)?
                    + tick.usage.cpu_of(tick.sample, Class::System).unwrap_or(0.0);
                let room = (cores * (1.0 - config.cpu.quota_reserve) - used).max(0.0) * share;
                let limit = MilliCpus::from_base(room.max(config.cpu.quota_least));
                Some(Action::CpuQuota { limit })
            }
            Actuator::MemoryHigh => {
                let now = possible(tick.sample, counters.memory_current);
                now.map(|limit| Action::MemoryHigh { limit })
            }
            Actuator::Reclaim => {
                let free = tick.sample.node.memory?.swap_free.to_base() / 2.0;
                let held = possible(tick.sample, counters.working_set)?;
                let amount = held.to_base() * config.memory.reclaim;
                Some(Action::Reclaim { amount: Bytes::from_base(amount.min(free)) })
            }
            Actuator::IoLimit => Ratio::new(config.io.keep).map(|keep| Action::IoLimit { keep }),
            Actuator::StandingClass | Actuator::IoWeight | Actuator::Freeze | Actuator::Evict => {
                None
            }
        }
    }

    fn start_probe(
        &mut self,
        resource: Resource,
        tick: &Tick<'_>,
        suspects: &[(TaskId, f64)],
        verdict: &mut Verdict,
    ) -> Option<Held> {
        let Some((harmed, measure, before)) = self.question(resource, tick) else {
            return Some(Held::Unproved);
        };
        let config = &self.config;
        let mut frozen: Vec<&(TaskId, f64)> = suspects
            .iter()
            .filter(|(id, _)| {
                let free = |e: &Entry| {
                    !e.is_on(Actuator::Freeze) && !e.failed(Actuator::Freeze, tick.now, config)
                };
                self.ledger.get(id).is_some_and(free)
            })
            .collect();
        frozen.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        frozen.truncate(config.probe.suspects);
        if frozen.is_empty() {
            return Some(Held::NoCandidate);
        }
        let question = Question { resource, harmed, suspects: frozen.len(), measure, before };
        let until = self.probe.start(tick.now, question, config);
        for (id, _) in frozen {
            let Some(entry) = self.ledger.get_mut(id) else { continue };
            let Some(who) = entry.index.and_then(|i| BestEffort::in_sample(tick.sample, i)) else {
                continue;
            };
            let why = tick.why(Reason::Probe, resource, &self.probe);
            let action = Action::Freeze { until };
            verdict
                .corrections
                .push(Correction::new(&who, resource, action, why).would(tick.would()));
            entry.set(Actuator::Freeze, Some(tick.hold(resource, Some(until), true)));
        }
        None
    }

    /// Whose wait is compared, how, and what it is now.
    fn question(&self, resource: Resource, tick: &Tick<'_>) -> Option<(TaskId, Measure, f64)> {
        let harmed = leading(tick.assessment.readings_of(resource))?.task.clone()?;
        let track = self.tracks.get(&harmed)?;
        let (window, stall) = match resource {
            Resource::Cpu => (self.config.cpu.window, field::STALL_CPU),
            Resource::Io => (self.config.io.window, field::STALL_IO),
            Resource::Memory => return None,
        };
        let waits = [field::RUN_WAIT, field::RUN_CPU];
        if let (Resource::Cpu, Some(d)) = (resource, track.over(window, tick.now, &waits)) {
            let ratio = d.of(field::RUN_WAIT)? as f64 / d.of(field::RUN_CPU)? as f64;
            return Ratio::new(ratio).map(|r| (harmed, Measure::WaitPerCpu, r.get()));
        }
        let share = track.over(window, tick.now, &[stall])?.stall(stall)?;
        Some((harmed, Measure::Stall, share))
    }

    fn freeze(
        &mut self,
        reason: Reason,
        resource: Resource,
        tick: &Tick<'_>,
        verdict: &mut Verdict,
    ) -> Option<Held> {
        verdict.candidates = self.ranked(tick, resource, Aim::Freeze);
        let chosen = verdict.candidates.first().filter(|c| c.excluded.is_none() && !c.failed);
        let Some((chosen, who)) =
            chosen.and_then(|c| Some((c, BestEffort::in_sample(tick.sample, c.index)?)))
        else {
            return Some(Held::NoCandidate);
        };
        let (config, until) = (&self.config, tick.now.plus(self.config.budget.freeze));
        let why = tick.why(reason, resource, &self.probe);
        let correction = Correction::new(&who, resource, Action::Freeze { until }, why)
            .weighed(chosen.relief, Some(chosen.cost))
            .would(tick.would());
        verdict.corrections.push(correction);
        if let Some(entry) = self.ledger.get_mut(&chosen.task) {
            entry.set(Actuator::Freeze, Some(tick.hold(resource, Some(until), false)));
            entry.froze(config.budget.freeze, tick.now, config);
        }
        self.probe.use_up(resource);
        self.budget.froze(resource, tick.now, &config.budget);
        self.budget.hold(resource, until, config);
        // Its time runs from the thaw: until then nothing can be seen.
        self.moved[index(resource)] = Some(until);
        None
    }

    fn evict(
        &mut self,
        reason: Reason,
        resource: Resource,
        tick: &Tick<'_>,
        verdict: &mut Verdict,
    ) -> Option<Held> {
        verdict.candidates = self.ranked(tick, resource, Aim::Evict);
        if let Err(held) = self.budget.may_evict(tick.now, &self.config.budget) {
            return Some(held);
        }
        if reason == Reason::Stalls && !self.measured_again(tick) {
            return Some(Held::Settling);
        }
        let chosen = verdict.candidates.first().filter(|c| c.excluded.is_none());
        let Some((chosen, who)) =
            chosen.and_then(|c| Some((c, BestEffort::in_sample(tick.sample, c.index)?)))
        else {
            return Some(Held::NoCandidate);
        };
        let why = tick.why(reason, resource, &self.probe);
        let correction = Correction::new(&who, resource, Action::Evict, why)
            .weighed(chosen.relief, Some(chosen.cost))
            .would(tick.would());
        verdict.corrections.push(correction);
        let victim = Leaving {
            task: chosen.task.clone(),
            resource,
            asked: tick.now,
            size: possible(tick.sample, who.sample().counters.working_set).unwrap_or(Bytes::ZERO),
            expected: chosen.relief,
            would: tick.would(),
        };
        self.probe.use_up(resource);
        self.budget.evict(victim, chosen.tenant.as_deref(), &self.config.budget);
        if let Some(entry) = self.ledger.get_mut(&chosen.task) {
            entry.set(Actuator::Evict, Some(tick.hold(resource, None, false)));
        }
        self.budget.hold(resource, tick.now, &self.config);
        self.moved[index(resource)] = Some(tick.now);
        None
    }

    /// Whether the stall was seen in a window that began after the last victim's own effect was over.
    fn measured_again(&self, tick: &Tick<'_>) -> bool {
        let Some(recovered) = self.budget.recovered_at() else { return true };
        let from = recovered.plus(self.config.memory.stall_window);
        [Signal::MemoryStall, Signal::MajorFaults]
            .iter()
            .map(|s| tick.assessment.reading(*s))
            .any(|r| r.over.is_some() && r.at.is_some_and(|at| at >= from))
    }
}
