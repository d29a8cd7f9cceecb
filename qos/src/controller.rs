// SPDX-License-Identifier: Apache-2.0
//! The controller: feeds glances and samples to windows and levels, and what the host reports to the books.
//!
//! ```text
//! glance ─┐                          ┌─▶ Alarm (tick now)
//!         ├─▶ windows ─▶ readings ─▶ levels ─▶ Assessment ─▶ decide ─▶ Verdict ─▶ host
//! sample ─┘                                                     ▲                  │
//!                                             budget, ledger, probe ◀── report ────┘
//! ```
//!
//! Nothing here reads a clock. After [`Controller::gap`] nothing is judged from before it.

use crate::assessment::{Assessment, ResourceAssessment, leading};
use crate::budget::{Budget, index};
use crate::capability::Actuator;
use crate::config::QosConfig;
use crate::ledger::{Entry, Hold, Ledger, State};
use crate::level::{Evidence, Level, LevelState};
use crate::node::{NodeWatch, possible};
use crate::pressure::{self, BestEffortFacts, MemoryFacts, Readings, Scene};
use crate::probe::Probe;
use crate::report::{Outcome, Report, Settlement};
use crate::signal::Signal;
use crate::track::Tracks;
use crate::verdict::{Action, Mode};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, Ratio, Timestamp};
use gleaner_estimator::usage::Usage;

/// What a glance says about the next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Alarm {
    /// The next tick may come when it was planned.
    Quiet,
    /// The level of this resource rose.
    Rise(Resource),
    /// A guaranteed task stalls while best-effort is not in its standing class.
    Burst,
    /// Memory runs out, or a guaranteed task waits for it, and a victim may be chosen now.
    Urgent,
    /// A probe has ended: what follows from it can be decided.
    ProbeEnded,
}

impl Alarm {
    /// Whether a tick should be made at once.
    #[must_use]
    pub fn rings(self) -> bool {
        self != Self::Quiet
    }
}

/// When to take back, and from whom. One per node.
#[derive(Clone, Debug)]
pub struct Controller {
    pub(crate) config: QosConfig,
    pub(crate) tracks: Tracks,
    pub(crate) node: NodeWatch,
    pub(crate) ledger: Ledger,
    pub(crate) budget: Budget,
    pub(crate) probe: Probe,
    levels: [LevelState; 3],
    readings: Readings,
    memory: MemoryFacts,
    pub(crate) best_effort: BestEffortFacts,
    /// Time of the newest reading.
    pub(crate) now: Option<Timestamp>,
    pub(crate) sampled: Option<Timestamp>,
    /// When the last rung was taken or undone, per resource.
    pub(crate) moved: [Option<Timestamp>; 3],
    pub(crate) mode: Mode,
    /// When a glance last rang.
    rang: Option<Timestamp>,
    /// What is remembered may lie in the future of the clock as it is now.
    rebase: bool,
}

impl Controller {
    /// A cold controller.
    #[must_use]
    pub fn new(config: QosConfig) -> Self {
        Self {
            readings: pressure::unknown(&config),
            config,
            tracks: Tracks::default(),
            node: NodeWatch::default(),
            ledger: Ledger::default(),
            budget: Budget::default(),
            probe: Probe::default(),
            levels: [LevelState::default(); 3],
            memory: MemoryFacts::default(),
            best_effort: BestEffortFacts::default(),
            now: None,
            sampled: None,
            moved: [None; 3],
            mode: Mode::Observe,
            rang: None,
            rebase: false,
        }
    }

    /// The constants it decides by.
    #[must_use]
    pub fn config(&self) -> &QosConfig {
        &self.config
    }

    /// Takes a fast reading. A reading that is not later than the last one is left out.
    pub fn glance(&mut self, glance: &Glance) -> Alarm {
        if self.now.is_some_and(|now| glance.at.since(now).is_none()) {
            return Alarm::Quiet;
        }
        self.node.take_glance(glance);
        self.tracks.take_glance(glance);
        if self.sampled.is_none() {
            // Until a sample has told what the node is, a reading cannot be judged.
            return Alarm::Quiet;
        }
        self.now = Some(glance.at);
        let probed = self.probe.see(glance, &self.config);
        self.judge(glance.at);
        let rose = self.move_levels(glance.at);
        let alarm = match (rose, probed) {
            (Some(resource), _) => Alarm::Rise(resource),
            (None, true) => Alarm::ProbeEnded,
            (None, false) => self.again(glance.at),
        };
        if alarm.rings() {
            self.rang = Some(glance.at);
        }
        alarm
    }

    /// Trouble that lasts rings too, but not with every glance.
    fn again(&self, now: Timestamp) -> Alarm {
        let pause = self.config.budget.alarm;
        if self.rang.and_then(|at| now.since(at)).is_some_and(|since| since < pause) {
            Alarm::Quiet
        } else if self.bursts() {
            Alarm::Burst
        } else if self.presses(now) {
            Alarm::Urgent
        } else {
            Alarm::Quiet
        }
    }

    /// Takes a sample and the rates up to it, and says how every resource stands.
    ///
    /// The sample must be valid; `usage` may be empty (the first sample has no rates).
    pub fn assess(&mut self, sample: &Sample, usage: &Usage) -> Assessment {
        if self.sampled.is_some_and(|last| sample.at < last) {
            self.gap();
        }
        if std::mem::take(&mut self.rebase) {
            self.budget.rebase(sample.at, &self.config);
            self.ledger.rebase(sample.at);
            self.tracks.rebase(sample.at);
            self.probe.rebase(sample.at);
            self.moved = self.moved.map(|at| at.map(|at| at.min(sample.at)));
        }
        if self.sampled != Some(sample.at) {
            self.sampled = Some(sample.at);
            self.node.take_sample(sample, usage);
            self.tracks.take_sample(sample, &self.config);
            self.node.take_cache(self.tracks.file_cache());
            self.ledger.take_sample(sample, &self.config);
            self.best_effort = self.facts(sample, usage);
        }
        let now = self.now.max(Some(sample.at)).unwrap_or(sample.at);
        self.now = Some(now);
        let _ = self.probe.end_overdue(now, &self.config);
        self.judge(now);
        let _ = self.move_levels(now);
        self.assessment(sample.at, now)
    }

    /// A reading failed or the clock jumped: every window is forgotten, nothing is corrected because of it.
    ///
    /// Levels stay, so an offer that was closed stays closed; freezes count as over.
    pub fn gap(&mut self) {
        self.node.forget_windows();
        self.tracks.forget_windows();
        self.levels.iter_mut().for_each(LevelState::forget_runs);
        self.probe.forget();
        self.readings = pressure::unknown(&self.config);
        self.memory = MemoryFacts::default();
        self.best_effort.off_disk = None;
        self.now = None;
        self.rang = None;
        self.sampled = None;
        self.rebase = true;
    }

    /// Takes what the host tells about a correction. An eviction that is over is settled.
    ///
    /// What is in force on a task that is back after it was missing for long is told again as done: it may have been
    /// forgotten here, and is taken up as if it had just been asked for.
    pub fn report(&mut self, report: &Report) -> Option<Settlement> {
        let actuator = report.action.actuator();
        if let (Action::Evict, Outcome::Gone) = (report.action, report.outcome) {
            let leaving = self.budget.gone(&report.task, report.at, &self.config)?;
            self.wait_for_load(&leaving.task, report.at);
            return Some(Settlement {
                task: leaving.task,
                resource: leaving.resource,
                asked: leaving.asked,
                gone: report.at,
                expected: leaving.expected,
                measured: report.relief,
            });
        }
        if let (Action::Evict, Outcome::NoEffect | Outcome::Failed) =
            (report.action, report.outcome)
        {
            self.budget.failed(&report.task);
        }
        let entry = self.ledger.get_mut(&report.task)?;
        let hold = entry.hold(actuator).filter(|h| !h.would).or_else(|| Hold::found(report))?;
        let next = |state| Some(Hold { state, at: report.at, ..hold });
        let after = match (report.outcome, report.action.releases()) {
            // A task that is gone, or free of it, carries nothing.
            (Outcome::Gone, _) | (Outcome::Acted | Outcome::NoEffect, true) => None,
            // What could not be undone is still there, and is tried again.
            (Outcome::Failed, true) => next(State::InForce),
            // Reclaiming is over once it is done.
            (Outcome::Acted, false) if actuator == Actuator::Reclaim => None,
            (Outcome::Acted, false) => next(State::InForce),
            (Outcome::NoEffect | Outcome::Failed, false) => next(State::Failed),
        };
        entry.set(actuator, after);
        if hold.probe && !report.action.releases() {
            match report.outcome {
                Outcome::Acted => self.probe.acted(report.at),
                Outcome::NoEffect | Outcome::Failed | Outcome::Gone => self.probe.failed(),
            }
        }
        None
    }

    /// After an eviction for load the averages need minutes to show it.
    fn wait_for_load(&mut self, task: &TaskId, at: Timestamp) {
        let hold = self.ledger.get(task).and_then(|e| e.hold(Actuator::Evict));
        let for_load = hold.is_some_and(|h| h.resource == Resource::Cpu)
            && self.readings[Signal::LoadAverage.index()].over.is_some();
        if let Some(compat) = self.config.compat.filter(|_| for_load) {
            self.budget.settle_until(at.plus(compat.wait));
        }
    }

    fn facts(&self, sample: &Sample, usage: &Usage) -> BestEffortFacts {
        let mut facts = BestEffortFacts {
            rung0: self.best_effort.rung0,
            off_disk: self.off_disk(sample, usage),
            ..Default::default()
        };
        for entry in self.ledger.present() {
            facts.active += usize::from(!entry.is_on(Actuator::Freeze));
            let counters = entry.index.and_then(|i| sample.tasks.get(i)).map(|t| t.counters);
            let held = counters.and_then(|c| possible(sample, c.working_set));
            let held = held.unwrap_or(Bytes::ZERO);
            facts.working_set += held;
            facts.largest = facts.largest.max(held);
        }
        facts
    }

    /// Since when no best-effort task has been at a disk; one that is frozen is at none.
    fn off_disk(&self, sample: &Sample, usage: &Usage) -> Option<Timestamp> {
        let parallel = usage.tasks.len() == sample.tasks.len();
        let absent = |e: &Entry| {
            let used = e.index.and_then(|i| usage.tasks.get(i)).filter(|_| parallel);
            let waited = used.and_then(|u| u.stalls.io.some).map(Ratio::get);
            e.is_on(Actuator::Freeze) || waited.is_some_and(|w| w < self.config.io.absent)
        };
        let all = self.ledger.present().all(absent);
        all.then(|| self.best_effort.off_disk.unwrap_or(sample.at))
    }

    fn judge(&mut self, now: Timestamp) {
        let mut scene = Scene {
            config: &self.config,
            now,
            node: &self.node,
            tracks: &mut self.tracks,
            best_effort: self.best_effort,
        };
        (self.readings, self.memory) = pressure::judge(&mut scene);
    }

    /// Moves every level; the first resource whose level rose.
    fn move_levels(&mut self, now: Timestamp) -> Option<Resource> {
        let mut rose = None;
        for resource in Resource::ALL {
            let readings = self.readings.iter().filter(|r| r.signal.resource() == resource);
            let mut seen = Evidence::of(readings);
            if seen.is_quiet() && self.is_frozen(resource) {
                // Quiet while the suspects are frozen says nothing about what happens when they thaw.
                seen.at = None;
            }
            let rule = self.config.level_rule(resource);
            let state = &mut self.levels[index(resource)];
            let before = state.level();
            if state.update(now, seen, rule) {
                rose = rose.or(Some(resource));
            } else if before > state.level() && state.level() == Level::Calm {
                self.probe.use_up(resource);
            }
        }
        rose
    }

    /// Whether the ladder has frozen somebody for this resource.
    fn is_frozen(&self, resource: Resource) -> bool {
        self.ledger.present().any(|e| {
            e.hold(Actuator::Freeze)
                .is_some_and(|h| h.is_on() && h.resource == resource && !h.probe && !h.would)
        })
    }

    fn bursts(&self) -> bool {
        [Signal::RunWaitBurst, Signal::StallBurst]
            .iter()
            .any(|s| self.readings[s.index()].over.is_some())
    }

    /// Whether memory needs a victim and one may be chosen.
    fn presses(&self, now: Timestamp) -> bool {
        let stalls = [Signal::MemoryStall, Signal::MajorFaults, Signal::OomKills]
            .iter()
            .any(|s| self.readings[s.index()].over.is_some());
        (self.memory.runs_out || stalls)
            && self.mode == Mode::Evict
            && self.best_effort.active > 0
            && self.budget.may_evict(now, &self.config.budget).is_ok()
    }

    fn assessment(&self, at: Timestamp, now: Timestamp) -> Assessment {
        let view = self.node.cpu(self.config.cpu.window, now);
        let resources = Resource::ALL.map(|resource| {
            let state = &self.levels[index(resource)];
            let own = || self.readings.iter().filter(|r| r.signal.resource() == resource);
            let no_signal = own().all(|r| r.value.is_none());
            let least = if no_signal { Level::Strained } else { Level::Calm };
            ResourceAssessment {
                resource,
                level: state.level().max(least),
                since: state.since().unwrap_or(at),
                no_signal,
                dwell: state.dwell(self.config.level_rule(resource)),
                hold_off: self.budget.held_until(resource, now),
                leading: leading(own()).map(|r| r.signal),
            }
        });
        let stands = |r: Resource| self.probe.proof(r, now, &self.config).is_some();
        let probe = [Resource::Cpu, Resource::Io].into_iter().find(|r| stands(*r));
        Assessment {
            at,
            resources,
            readings: self.readings.clone(),
            memory: self.memory,
            best_effort_cores: view.best_effort,
            steal: view.steal.and_then(Ratio::new),
            probe: probe.and_then(|r| self.probe.last(r)).cloned(),
        }
    }
}
