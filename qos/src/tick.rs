// SPDX-License-Identifier: Apache-2.0
//! What one decision looks at: the tick's inputs, who contributes to a shortage, and the facts the ladder needs.

use crate::assessment::{Assessment, leading};
use crate::budget::index;
use crate::capability::{Actuator, Capabilities};
use crate::controller::Controller;
use crate::ladder::{self, Facts};
use crate::ledger::{Entry, Hold, State};
use crate::level::Level;
use crate::probe::Probe;
use crate::rank::{Aim, Candidate, Past, is_protected, rank};
use crate::signal::Signal;
use crate::verdict::{BestEffort, Mode, Reason, Why};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, Ratio, Span, Timestamp};
use gleaner_estimator::usage::{TaskUsage, Usage};
use std::sync::Arc;

/// Everything one decision looks at.
pub(crate) struct Tick<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) usage: &'a Usage,
    pub(crate) assessment: &'a Assessment,
    pub(crate) mode: Mode,
    pub(crate) can: &'a Capabilities,
    pub(crate) now: Timestamp,
}

impl Tick<'_> {
    /// Whether everything is only shown.
    pub(crate) fn would(&self) -> bool {
        self.mode == Mode::Observe
    }

    /// What goes into the book for an act; what is only shown is taken as done.
    pub(crate) fn hold(&self, resource: Resource, until: Option<Timestamp>, probe: bool) -> Hold {
        let would = self.would();
        let state = if would { State::InForce } else { State::Asked };
        Hold { state, resource, at: self.now, until, would, probe }
    }

    /// The rates of the task at this place, where usage runs parallel to the sample.
    pub(crate) fn usage_at(&self, index: usize) -> Option<&TaskUsage> {
        self.usage.tasks.get(index).filter(|_| self.usage.tasks.len() == self.sample.tasks.len())
    }

    /// The numbers behind a correction.
    pub(crate) fn why(&self, reason: Reason, resource: Resource, probe: &Probe) -> Why {
        let lead = leading(self.assessment.readings_of(resource));
        let edges = lead.and_then(|r| match r.over {
            Some(Level::Critical) => r.critical,
            Some(Level::Strained | Level::Calm) | None => r.strained,
        });
        Why {
            reason,
            level: self.assessment.of(resource).level,
            signal: lead.map(|r| r.signal),
            value: lead.and_then(|r| r.value),
            threshold: edges.map(|e| e.enter),
            harmed: lead.and_then(|r| r.task.clone()),
            proof: probe.last(resource).cloned(),
        }
    }
}

/// Two ticks at the usual second.
const LAST_TICKS: Span = Span::from_secs(2);

impl Controller {
    pub(crate) fn ladder_facts<'a>(
        &self,
        resource: Resource,
        tick: &Tick<'a>,
        suspects: &[(TaskId, f64)],
    ) -> Facts<'a> {
        let (config, now, this) = (&self.config, tick.now, tick.assessment.of(resource));
        let calm = this.level == Level::Calm;
        let done = |a: Actuator, id: &TaskId| {
            self.ledger.get(id).is_none_or(|e| e.is_on(a) || e.failed(a, now, config))
        };
        let full = Actuator::ALL.map(|a| calm || suspects.iter().all(|(id, _)| done(a, id)));
        let wait = if calm { config.budget.undo_wait } else { config.budget.rung_wait };
        let moved = self.moved[index(resource)];
        let waited = moved.is_none_or(|at| now.since(at).is_some_and(|s| s >= wait));
        let freezes = Span(config.budget.freeze.0.saturating_mul(config.budget.recur.into()));
        let from = moved.map_or(this.since, |at| at.max(this.since));
        let outlasted = now.since(from).is_some_and(|s| s >= freezes);
        let starves = || {
            self.ranked(tick, resource, Aim::Freeze)
                .first()
                .and_then(|c| self.ledger.get(&c.task))
                .is_some_and(|e| e.starves(now, config))
        };
        Facts {
            level: this.level,
            mode: tick.mode,
            can: tick.can,
            on: self.on(resource),
            thaws: self.thaws(resource, now),
            full,
            standing: self.stands(tick.can),
            urgent: urgent(tick.assessment, resource),
            proof: self.probe.proof(resource, now, config),
            probing: self.probe.is_running(),
            probe_due: self.probe.due(now, config)
                && self.class_has_settled(resource, tick, suspects),
            recurs: self.budget.recurs(resource, now, &config.budget),
            starves: this.level == Level::Critical && starves(),
            outlasted: this.level == Level::Critical && outlasted,
            pressing: this.leading.is_some(),
            grave: this
                .leading
                .is_some_and(|s| tick.assessment.reading(s).over == Some(Level::Critical)),
            waited,
            roomy: tick.assessment.memory.headroom.is_none_or(|h| {
                h.to_base() > config.memory.ample * tick.sample.node.capacity_memory.to_base()
            }),
            swap: tick.sample.node.memory.is_some_and(|m| m.swap_free > Bytes::ZERO),
        }
    }

    /// Whether what is waited now was waited beside suspects in their present class: a probe would take
    /// the relief of the class for its own.
    fn class_has_settled(
        &self,
        resource: Resource,
        tick: &Tick<'_>,
        suspects: &[(TaskId, f64)],
    ) -> bool {
        let (class, window) = match resource {
            Resource::Cpu => (Actuator::StandingClass, self.config.cpu.window),
            Resource::Memory | Resource::Io => (Actuator::IoWeight, self.config.io.window),
        };
        suspects.iter().all(|(id, _)| {
            let hold = self.ledger.get(id).and_then(|e| e.hold(class));
            hold.is_none_or(|h| tick.now.since(h.at).unwrap_or_default() >= window)
        })
    }

    /// Whether somebody frozen for this resource is thawed before the tick after the next.
    fn thaws(&self, resource: Resource, now: Timestamp) -> bool {
        let near = |h: Hold| {
            let left = h.until.map(|until| until.since(now).unwrap_or_default());
            !h.probe && h.resource == resource && left.is_some_and(|left| left <= LAST_TICKS)
        };
        let in_force = |h: &Hold| matches!(h.state, State::InForce);
        let freezes = self.ledger.present().filter_map(|e| e.hold(Actuator::Freeze));
        freezes.filter(in_force).any(near)
    }

    /// Rungs of a resource that are in force on somebody; probes are none.
    fn on(&self, resource: Resource) -> [bool; Actuator::COUNT] {
        let ours = |h: Hold| {
            !h.probe && h.resource == resource && matches!(h.state, State::Asked | State::InForce)
        };
        let mut on = [false; Actuator::COUNT];
        for entry in self.ledger.present() {
            for rung in ladder::rungs(resource) {
                on[rung.index()] |= entry.hold(*rung).is_some_and(ours);
            }
        }
        on
    }

    /// Tasks that contribute to the shortage, and how much, in base units; who cannot be read is none.
    pub(crate) fn suspects(&self, tick: &Tick<'_>, resource: Resource) -> Vec<(TaskId, f64)> {
        let config = &self.config;
        let capacity = tick.sample.node.capacity_memory.to_base();
        let least = match resource {
            Resource::Cpu => config.cpu.best_effort_min,
            Resource::Memory => config.memory.grower * capacity,
            Resource::Io => config.io.suspect,
        };
        let share = |e: &Entry| {
            let used = e.index.and_then(|i| tick.usage_at(i));
            match resource {
                Resource::Cpu => used.and_then(|u| u.cpu),
                Resource::Memory => e.growth(),
                Resource::Io => used.and_then(|u| u.stalls.io.some).map(Ratio::get),
            }
        };
        self.ledger
            .present()
            .filter(|e| !is_protected(&e.task.id.name, config))
            .filter_map(|e| share(e).map(|s| (e.task.id.clone(), s)))
            .filter(|(_, share)| *share >= least)
            .collect()
    }

    /// Everybody weighed, with what is remembered of each.
    pub(crate) fn ranked(&self, tick: &Tick<'_>, resource: Resource, aim: Aim) -> Vec<Candidate> {
        let act = match aim {
            Aim::Evict => Actuator::Evict,
            Aim::Freeze => Actuator::Freeze,
        };
        let past = self.pasts(act, tick.now);
        rank(tick.sample, tick.usage, resource, aim, &self.config, past)
    }

    /// What is remembered of each best-effort task, who are asked for in the order of the sample.
    pub(crate) fn pasts(
        &self,
        act: Actuator,
        now: Timestamp,
    ) -> impl FnMut(&BestEffort<'_>) -> Past {
        let config = &self.config;
        let mut entries = self.ledger.present().peekable();
        move |who| {
            let task = &who.sample().task;
            // Of two lists in the same order; names are compared only where the task is not the very same.
            let same = |e: &Entry| Arc::ptr_eq(&e.task, task) || e.task.id == task.id;
            while entries.next_if(|e| !same(e) && e.task.id < task.id).is_some() {}
            let Some(entry) = entries.next_if(|e| same(e)) else { return Past::default() };
            Past {
                growth: entry.growth(),
                failed: entry.failed(act, now, config),
                tenant_hit: self.budget.was_hit(task.tenant.as_deref(), now, &config.budget),
                leaving: self.budget.leaving().is_some_and(|l| l.task == task.id),
                frozen: entry.is_on(Actuator::Freeze),
            }
        }
    }
}

/// Why an eviction cannot wait: only what was measured, never an estimate.
fn urgent(assessment: &Assessment, resource: Resource) -> Option<Reason> {
    let critical = |s: Signal| assessment.reading(s).over == Some(Level::Critical);
    match resource {
        Resource::Cpu => critical(Signal::LoadAverage).then_some(Reason::Threshold),
        Resource::Io => None,
        Resource::Memory if assessment.memory.runs_out => Some(Reason::RunsOut),
        Resource::Memory if critical(Signal::OomKills) => Some(Reason::OomKill),
        Resource::Memory if critical(Signal::MemoryStall) || critical(Signal::MajorFaults) => {
            Some(Reason::Stalls)
        }
        Resource::Memory => critical(Signal::MemoryUsed).then_some(Reason::Threshold),
    }
}
