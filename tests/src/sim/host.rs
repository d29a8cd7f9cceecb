// SPDX-License-Identifier: Apache-2.0
//! The host of a simulated node: surveys, acts, thaws by itself, reports, as the real actor does, and sometimes fails at it.

use super::ask::Ask;
use super::dice::Dice;
use super::kernel::Kernel;
use super::task::{Carried, MIB};
use gleaner_estimator::sample::{Class, Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::rank::Relief;
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::{Action, Reason};
use std::collections::BTreeSet;

/// What is wrong with a host for a whole run.
#[derive(Clone, Debug, Default)]
pub(super) struct HostFaults {
    /// Actuators that are not there.
    pub(super) missing: BTreeSet<Actuator>,
    /// Actuators that do nothing, which the host finds out.
    pub(super) dead: BTreeSet<Actuator>,
    /// The agent owns the CPU class and does not give best-effort a low one.
    pub(super) foreign: bool,
    /// Probability that an eviction is ignored, that a correction is lost, that an undoing fails.
    pub(super) ignores: f64,
    pub(super) loses: f64,
    pub(super) refuses: f64,
}

/// An eviction under way.
#[derive(Clone, Debug)]
struct Eviction {
    task: TaskId,
    /// When it is killed, seconds; `None` once that was done, or if it is ignored.
    kills: Option<f64>,
    /// When the host gives up, seconds.
    gives_up: f64,
    size: f64,
}

/// Time until a freeze is in force, and a limit that must be measured first.
const FREEZE_TAKES: Span = Span::from_millis(16);
const LIMIT_TAKES: f64 = 0.5;
/// Failures in a row after which an actuator is taken for broken.
const BROKEN_AFTER: u32 = 2;

/// The host.
#[derive(Debug)]
pub(super) struct Host {
    faults: HostFaults,
    dice: Dice,
    surveyed: bool,
    failures: [u32; Actuator::COUNT],
    evictions: Vec<Eviction>,
    /// Reports that a later poll brings, and when, seconds.
    later: Vec<(f64, Report)>,
}

impl Host {
    /// A host with these faults, that has seen no task yet.
    pub(super) fn new(dice: &mut Dice, faults: HostFaults) -> Self {
        Self {
            faults,
            dice: dice.split(),
            surveyed: false,
            failures: [0; Actuator::COUNT],
            evictions: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Looks for means in the files of best-effort tasks: without one nothing is known to be there.
    pub(super) fn survey(&mut self, sample: &Sample) {
        self.surveyed |= sample.of_class(Class::BestEffort).next().is_some();
    }

    /// What it believes can be done.
    pub(super) fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::none();
        for actuator in Actuator::ALL {
            let ability = if !self.surveyed || self.faults.missing.contains(&actuator) {
                Ability::Missing
            } else if self.failures[actuator.index()] >= BROKEN_AFTER {
                Ability::Broken
            } else {
                Ability::Works
            };
            can = can.with(actuator, ability);
        }
        if self.faults.foreign { can.with_foreign_class(false) } else { can }
    }

    /// Whether an actuator is there and does something, whatever is believed.
    pub(super) fn really_works(&self, actuator: Actuator) -> bool {
        let foreign = actuator == Actuator::StandingClass && self.faults.foreign;
        !(foreign
            || self.faults.missing.contains(&actuator)
            || self.faults.dead.contains(&actuator))
    }

    /// Carries out a verdict; returns what is over at once.
    pub(super) fn apply(
        &mut self,
        asks: &[Ask],
        let_go: &[TaskId],
        kernel: &mut Kernel,
    ) -> Vec<Report> {
        for id in let_go {
            self.evictions.retain(|e| e.task != *id);
            self.later.retain(|(_, r)| r.task != *id);
            if let Some(task) = kernel.find(id) {
                task.carried = Carried::default();
            }
        }
        let (first, rest): (Vec<&Ask>, Vec<&Ask>) =
            asks.iter().filter(|a| !a.would).partition(|a| a.action == Action::Evict);
        first.into_iter().chain(rest).filter_map(|ask| self.act(ask, kernel)).collect()
    }

    fn act(&mut self, ask: &Ask, kernel: &mut Kernel) -> Option<Report> {
        if self.dice.happens(self.faults.loses) {
            return None;
        }
        let actuator = ask.action.actuator();
        let report = |outcome| Report {
            at: kernel.at(),
            task: ask.task.clone(),
            action: ask.action,
            outcome,
            relief: None,
        };
        // Who has another inode is somebody else, whatever its name.
        let Some(carried) = kernel.get(&ask.task).map(|t| t.carried) else {
            return Some(report(Outcome::Gone));
        };
        if ask.action.releases() && self.dice.happens(self.faults.refuses) {
            return Some(report(Outcome::Failed));
        }
        if self.faults.dead.contains(&actuator) && !ask.action.releases() {
            self.failures[actuator.index()] += 1;
            return Some(report(Outcome::NoEffect));
        }
        let report = report(Outcome::Acted);
        match ask.action {
            Action::Evict => return self.evict(ask, kernel),
            Action::Freeze { .. } => {
                let at = kernel.at().plus(FREEZE_TAKES);
                self.later.push((kernel.now(), Report { at, ..report }));
                carry(kernel, &ask.task, carried, ask.action);
                return None;
            }
            Action::IoLimit { .. } | Action::Reclaim { .. } => {
                self.later.push((kernel.now() + LIMIT_TAKES, report));
                return None;
            }
            Action::StandingClass
            | Action::IoWeight
            | Action::CpuQuota { .. }
            | Action::MemoryHigh { .. }
            | Action::Thaw
            | Action::Undo { .. } => carry(kernel, &ask.task, carried, ask.action),
        }
        if ask.action.releases() {
            // What is still under way would come into force after it was undone.
            self.later.retain(|(_, r)| r.task != ask.task || r.action.actuator() != actuator);
        }
        Some(report)
    }

    fn evict(&mut self, ask: &Ask, kernel: &mut Kernel) -> Option<Report> {
        let (now, at) = (kernel.now(), kernel.at());
        if !self.evictions.is_empty() {
            let (task, action) = (ask.task.clone(), ask.action);
            return Some(Report { at, task, action, outcome: Outcome::Failed, relief: None });
        }
        let presses = matches!(
            ask.reason,
            Reason::Grows | Reason::RunsOut | Reason::Stalls | Reason::OomKill
        );
        let grace = if presses { 0.0 } else { self.dice.between(0.0, 5.0) };
        let ignored = self.dice.happens(self.faults.ignores);
        let task = kernel.find(&ask.task)?;
        task.carried.frozen = None;
        self.evictions.push(Eviction {
            task: ask.task.clone(),
            kills: (!ignored).then_some(now + grace),
            gives_up: now + grace + 4.0,
            size: task.held,
        });
        None
    }

    /// Drives on what is under way: thaws whose time is over, kills, finds out who is gone.
    pub(super) fn poll(&mut self, kernel: &mut Kernel) -> Vec<Report> {
        let (now, at) = (kernel.now(), kernel.at());
        for task in &mut kernel.tasks {
            task.carried.frozen.take_if(|until| *until <= at);
        }
        let mut reports = Vec::new();
        for eviction in std::mem::take(&mut self.evictions) {
            match self.drive(eviction, kernel, now, at) {
                Ok(report) => reports.push(report),
                Err(on) => self.evictions.push(on),
            }
        }
        let (due, later) =
            std::mem::take(&mut self.later).into_iter().partition(|(t, _)| *t <= now);
        self.later = later;
        let due: Vec<(f64, Report)> = due;
        for (_, report) in due {
            if let Some(carried) = kernel.get(&report.task).map(|t| t.carried) {
                let frozen = matches!(report.action, Action::Freeze { .. });
                if report.outcome == Outcome::Acted && !frozen {
                    carry(kernel, &report.task, carried, report.action);
                }
                reports.push(report);
            } else {
                reports.push(Report { outcome: Outcome::Gone, ..report });
            }
        }
        reports
    }

    fn drive(
        &mut self,
        mut eviction: Eviction,
        kernel: &mut Kernel,
        now: f64,
        at: Timestamp,
    ) -> Result<Report, Eviction> {
        let task = eviction.task.clone();
        let over = |outcome, relief| Report { at, task, action: Action::Evict, outcome, relief };
        if kernel.get(&eviction.task).is_none() {
            let back = Relief::Memory(Bytes::from_base(eviction.size * MIB));
            return Ok(over(Outcome::Gone, Some(back)));
        }
        if eviction.kills.is_some_and(|when| when <= now) {
            kernel.kill(&eviction.task);
            eviction.kills = None;
        }
        let dies = kernel.get(&eviction.task).is_some_and(|t| t.dying.is_some());
        if now >= eviction.gives_up && !dies {
            return Ok(over(Outcome::NoEffect, None));
        }
        Err(eviction)
    }

    /// Whether it drives no eviction of this task any more.
    pub(super) fn has_given_up(&self, id: &TaskId) -> bool {
        self.evictions.iter().all(|e| e.task != *id)
    }

    /// Somebody else rewrites what we wrote on a task; the host finds that out.
    pub(super) fn overwritten(&mut self, kernel: &mut Kernel) {
        let (now, at) = (kernel.now(), kernel.at());
        let one = kernel.tasks.iter_mut().find(|t| t.is_best_effort() && t.carried.standing);
        if let Some(task) = one {
            task.carried.standing = false;
            let (task, action) = (task.id().clone(), Action::StandingClass);
            let outcome = Outcome::NoEffect;
            self.later.push((now, Report { at, task, action, outcome, relief: None }));
        }
    }
}

/// Puts what an action does on a task.
fn carry(kernel: &mut Kernel, id: &TaskId, mut carried: Carried, action: Action) {
    match action {
        Action::StandingClass => carried.standing = true,
        Action::IoWeight => carried.io_weight = true,
        Action::CpuQuota { limit } => carried.quota = Some(limit.to_base()),
        Action::MemoryHigh { limit } => carried.high = Some(limit.to_base() / MIB),
        Action::IoLimit { keep } => carried.io_keep = Some(keep.get()),
        Action::Freeze { until } => carried.frozen = Some(until),
        Action::Thaw => carried.frozen = None,
        Action::Undo { actuator } => match actuator {
            Actuator::StandingClass => carried.standing = false,
            Actuator::IoWeight => carried.io_weight = false,
            Actuator::CpuQuota => carried.quota = None,
            Actuator::MemoryHigh => carried.high = None,
            Actuator::IoLimit => carried.io_keep = None,
            Actuator::Freeze => carried.frozen = None,
            Actuator::Reclaim | Actuator::Evict => {}
        },
        Action::Reclaim { .. } | Action::Evict => {}
    }
    if let Some(task) = kernel.find(id) {
        task.carried = carried;
    }
}
