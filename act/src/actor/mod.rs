// SPDX-License-Identifier: Apache-2.0
//! Carries out verdicts: each correction in its mode, one eviction at a time, each act told before and after.
//!
//! ```text
//! Verdict ──apply──► audit intent ► act ──┬─ over at once ──► audit outcome ► tally ► Report ► qos
//!                                         └─ a job ──poll──►──┘
//! tend ──► what we hold, looked at again: gone, rewritten, or still ours
//! ```
//!
//! Nothing here waits. The host calls [`Actor::poll`] when [`Actor::next_poll`] says, and [`Actor::tend`] once a second.

mod back;
mod case;
mod job;
mod survey;
mod tally;
mod tend;
mod under_way;

pub use tally::{Ending, HeldBack, Reaction, Stage, Tally};
pub use under_way::UnderWay;

use crate::audit::{AuditSink, Entry};
use crate::clock::Clock;
use crate::evict::Eviction;
use crate::freezer::{self, Freeze};
use crate::io::Limit;
use crate::journal::{Spot, Undone};
use crate::memory::Reclaim;
use crate::outcome::Outcome;
use crate::place::Places;
use crate::setting::{Deed, Hands};
use crate::standing::Weights;
use crate::target::Target;
use crate::{io, memory, quota, standing};
use case::Case;
use gleaner_collector::Preset;
use gleaner_estimator::sample::{Sample, Task, TaskId};
use gleaner_estimator::units::{MilliCpus, Span, Timestamp};
use gleaner_qos::capability::Actuator;
use gleaner_qos::report::Report;
use gleaner_qos::verdict::{Action, Correction, Mode, Reason, Verdict};
use job::{Job, Lease, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use survey::Survey;
use tend::{Hold, files};

/// In mode squeeze nobody is frozen for longer, whatever was asked for.
const SHORT_FREEZE: Span = Span::from_secs(1);

/// How the actor acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorConfig {
    /// Who sets CPU weights on this node.
    pub weights: Weights,
    /// An owner rewrites quotas, so ours are set again; else a quota that somebody has changed is left alone.
    pub quotas_rewritten: bool,
    /// From SIGTERM to the kill, where nothing presses.
    pub grace: Span,
    /// The same where memory runs out or a guaranteed task stalls.
    pub urgent_grace: Span,
    /// From the kill until it counts as ignored.
    pub patience: Span,
}

impl Default for ActorConfig {
    fn default() -> Self {
        Self {
            weights: Weights::Ours,
            quotas_rewritten: false,
            // Together below the 10 s after which qos takes an eviction for ignored. Judgement.
            grace: Span::from_secs(5),
            urgent_grace: Span::from_secs(0),
            patience: Span::from_secs(4),
        }
    }
}

impl ActorConfig {
    /// The defaults of a layout: an agent or a kubelet owns weights and rewrites them, an agent quotas as well.
    #[must_use]
    pub fn of(layout: Preset) -> Self {
        let (weights, quotas_rewritten) = match layout {
            Preset::Mesos => (Weights::Theirs, true),
            Preset::Kubernetes => (Weights::Theirs, false),
            Preset::Auto | Preset::Systemd | Preset::Globs => (Weights::Ours, false),
        };
        Self { weights, quotas_rewritten, ..Self::default() }
    }
}

/// The one who acts. One per node: the journal's lock sees to that.
pub struct Actor {
    places: Places,
    hands: Hands,
    clock: Box<dyn Clock + Send>,
    config: ActorConfig,
    audit: Option<Box<dyn AuditSink + Send>>,
    jobs: Vec<Job>,
    leases: Vec<Lease>,
    watches: Vec<(Case, quota::Watch)>,
    holds: BTreeMap<(TaskId, Actuator), Hold>,
    /// Tasks that hold something and were not in the newest sample.
    away: BTreeSet<TaskId>,
    /// What the kernel refused to put back; it is tried again.
    owed: BTreeSet<Spot>,
    /// Where the last round of looking at holds ended.
    tended: Option<(TaskId, Actuator)>,
    survey: Survey,
    tally: Tally,
    acts: u64,
}

impl Actor {
    /// Takes up the work: whatever an earlier process of ours left behind is put back first.
    #[must_use]
    pub fn start(
        places: Places,
        hands: Hands,
        clock: Box<dyn Clock + Send>,
        config: ActorConfig,
        audit: Option<Box<dyn AuditSink + Send>>,
    ) -> (Self, Vec<Undone>) {
        let mut actor = Self {
            places,
            hands,
            clock,
            config,
            audit,
            jobs: Vec::new(),
            leases: Vec::new(),
            watches: Vec::new(),
            holds: BTreeMap::new(),
            away: BTreeSet::new(),
            owed: BTreeSet::new(),
            tended: None,
            survey: Survey::default(),
            tally: Tally::default(),
            acts: 0,
        };
        let swept = actor.put_everything_back();
        (actor, swept)
    }

    /// Carries out a verdict. `tick` is its number, `seen` is when the harm behind it was seen.
    ///
    /// In mode observe only what takes something back that we did is carried out. What is over at once is reported;
    /// the rest by later polls. What is in force on a task that was missing in the sample before is reported again.
    pub fn apply(
        &mut self,
        tick: u64,
        sample: &Sample,
        verdict: &Verdict,
        mode: Mode,
        seen: Timestamp,
    ) -> Vec<Report> {
        let mut reports = Vec::new();
        for id in &verdict.let_go {
            reports.extend(self.let_go(id));
        }
        // The one that cannot wait first: routine work on many tasks takes time.
        let evicts = |correction: &&Correction| correction.action() == Action::Evict;
        let first = verdict.corrections.iter().filter(evicts);
        for correction in first.chain(verdict.corrections.iter().filter(|c| !evicts(c))) {
            let action = correction.action();
            if correction.is_would() || (mode == Mode::Observe && !action.releases()) {
                self.tally.observe(tick, correction, self.clock.wall_ms());
                continue;
            }
            let place = sample.tasks.binary_search_by(|t| t.task.id.cmp(correction.task()));
            let task = place.ok().map(|place| Arc::clone(&sample.tasks[place].task));
            let case = self.open_case(tick, correction, seen);
            match self.begin(&case, correction, task.as_deref(), mode) {
                Ok(work) => self.jobs.push(Job { case, work }),
                Err(deed) => reports.extend(self.close_case(case, deed)),
            }
        }
        // After the acts: where one of them failed, what was in force before is told last.
        reports.extend(self.follow(sample));
        reports
    }

    /// Begins an act: what is over at once comes as `Err`.
    fn begin(
        &mut self,
        case: &Case,
        correction: &Correction,
        task: Option<&Task>,
        mode: Mode,
    ) -> Result<Work, Deed> {
        let lost = |lost: crate::fault::Lost| Deed { means: None, outcome: lost.into() };
        let target = Target::find(&self.places, &case.task).map_err(lost)?;
        let now = self.clock.now();
        let hands = &mut self.hands;
        let allocation = task.and_then(|task| task.allocation.cpu);
        let deed = match case.action {
            Action::StandingClass => {
                standing::cpu(hands, &target, self.config.weights, allocation, now)
            }
            Action::IoWeight => standing::io(hands, &target, now),
            Action::CpuQuota { limit } => return Err(self.cap(case, &target, limit, now)),
            Action::MemoryHigh { limit } => memory::high(hands, &target, limit, now),
            Action::Reclaim { amount } => {
                return Reclaim::begin(hands, target, amount).map(Work::Reclaiming);
            }
            Action::IoLimit { keep } => {
                return Limit::begin(hands, target, keep, now).map(Work::Limiting);
            }
            Action::Freeze { until } => return self.freeze(&target, until, mode, now),
            Action::Thaw => self.undo(&target, Actuator::Freeze),
            Action::Undo { actuator } => self.undo(&target, actuator),
            Action::Evict => return self.evict(target, correction.why().reason, mode, now),
        };
        if deed.outcome == Outcome::Done && !case.action.releases() {
            self.hold(case, target);
        }
        Err(deed)
    }

    fn cap(&mut self, case: &Case, target: &Target, limit: MilliCpus, now: Timestamp) -> Deed {
        let deed = quota::cap(&mut self.hands, target, limit, now);
        if deed.outcome == Outcome::Done {
            self.hold(case, target.clone());
            self.watches.retain(|(_, watch)| watch.target().id() != target.id());
            let watch = quota::Watch::begin(target, limit, now);
            self.watches.extend(watch.map(|watch| (case.clone(), watch)));
        }
        deed
    }

    fn freeze(
        &mut self,
        target: &Target,
        until: Timestamp,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Work, Deed> {
        let until = match mode {
            Mode::Evict => until,
            Mode::Squeeze | Mode::Observe => until.min(now.plus(SHORT_FREEZE)),
        };
        let freeze = Freeze::order(&mut self.hands, target, now)?;
        // The later one sees to the thaw from here on.
        self.leases.retain(|lease| lease.freeze.target().id() != target.id());
        Ok(Work::Freezing { freeze, until })
    }

    fn evict(
        &mut self,
        target: Target,
        reason: Reason,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Work, Deed> {
        let refuse = |why: &str| {
            Err(Deed { means: None, outcome: Outcome::Refused { why: why.to_owned() } })
        };
        if mode != Mode::Evict {
            return refuse("the mode does not allow evictions");
        }
        if self.jobs.iter().any(|job| job.is_eviction()) {
            return refuse("another eviction is under way");
        }
        let grace = if presses(reason) { self.config.urgent_grace } else { self.config.grace };
        let patience = self.config.patience;
        let eviction = Eviction::begin(&mut self.hands, target, grace, patience, now)?;
        let holds = self.holds_of(eviction.target().id());
        self.forget_jobs_of(eviction.target().id());
        Ok(Work::Evicting { eviction, holds })
    }

    fn undo(&mut self, target: &Target, actuator: Actuator) -> Deed {
        let hands = &mut self.hands;
        let outcome = match actuator {
            Actuator::StandingClass => standing::release_cpu(hands, target),
            Actuator::IoWeight => standing::release_io(hands, target),
            Actuator::MemoryHigh => memory::release(hands, target),
            Actuator::IoLimit => io::release(hands, target),
            Actuator::CpuQuota => quota::release(hands, target),
            Actuator::Freeze => freezer::release(hands, target),
            // Neither leaves anything that could be taken back.
            Actuator::Reclaim | Actuator::Evict => Outcome::Done,
        };
        // What was refused is still in force, and is undone another time.
        if !matches!(outcome, Outcome::Failed { .. }) {
            self.forget_act(target.id(), actuator);
        }
        Deed { means: None, outcome }
    }

    /// Forgets an act that was undone; what is still under way of it would come into force after that.
    fn forget_act(&mut self, id: &TaskId, actuator: Actuator) {
        self.holds.remove(&(id.clone(), actuator));
        let same = |case: &Case| case.task == *id && case.action.actuator() == actuator;
        self.jobs.retain(|job| job.is_eviction() || !same(&job.case));
        match actuator {
            Actuator::CpuQuota => self.watches.retain(|(_, watch)| watch.target().id() != id),
            Actuator::Freeze => self.leases.retain(|lease| lease.freeze.target().id() != id),
            Actuator::StandingClass
            | Actuator::IoWeight
            | Actuator::MemoryHigh
            | Actuator::IoLimit
            | Actuator::Reclaim
            | Actuator::Evict => {}
        }
    }

    fn forget_jobs_of(&mut self, id: &TaskId) {
        self.jobs.retain(|job| job.case.task != *id);
        self.leases.retain(|lease| lease.freeze.target().id() != id);
        self.watches.retain(|(case, _)| case.task != *id);
        self.holds.retain(|(task, _), _| task != id);
    }

    /// Puts back everything that we changed; for the end, and done by itself when the actor is dropped.
    pub fn put_everything_back(&mut self) -> Vec<Undone> {
        self.jobs.clear();
        self.leases.clear();
        self.watches.clear();
        self.holds.clear();
        self.owed.clear();
        let undone = self.hands.journal.undo_all();
        self.owe(&undone);
        if !undone.is_empty() {
            let wall_ms = self.clock.wall_ms();
            let places = serde_json::to_value(&undone).unwrap_or_default();
            self.tell(&Entry::Undone { wall_ms, places });
        }
        undone
    }

    /// What is known of the means, what is never touched, and what is in force.
    #[must_use]
    pub const fn hands(&self) -> &Hands {
        &self.hands
    }

    /// What was done since the last call, for metrics.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// The mounts have changed.
    pub fn set_places(&mut self, places: Places) {
        self.places = places;
    }

    fn tell(&mut self, entry: &Entry) {
        if let Some(audit) = &mut self.audit {
            audit.tell(entry);
        }
    }
}

impl Drop for Actor {
    /// Also when a panic unwinds: nothing that we wrote stays behind.
    fn drop(&mut self) {
        self.put_everything_back();
    }
}

/// Whether there is no time for a grace.
const fn presses(reason: Reason) -> bool {
    match reason {
        Reason::Grows | Reason::RunsOut | Reason::Stalls | Reason::OomKill => true,
        Reason::Standing
        | Reason::Unprotected
        | Reason::Probe
        | Reason::Strained
        | Reason::Proved
        | Reason::Recurs
        | Reason::Starves
        | Reason::Threshold
        | Reason::FreezeOver
        | Reason::CalmAgain
        | Reason::ModeChanged
        | Reason::Policy => false,
    }
}
