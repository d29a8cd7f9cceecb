// SPDX-License-Identifier: Apache-2.0
//! The hand between verdicts and reports: the actor, its journal, and what is told of both.
//!
//! In mode observe there is an actor too: it looks what could be done and counts what would have been, and has no
//! journal because it writes nothing.

use crate::exit::{Exit, Failure};
use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_act::audit::AuditSink;
use gleaner_act::clock::SystemClock;
use gleaner_act::journal::{Journal, Undone};
use gleaner_act::place::Places;
use gleaner_act::protect::Protected;
use gleaner_act::setting::Hands;
use gleaner_collector::{LayoutReport, Preset};
use gleaner_engine::config::{ActConfig, Config};
use gleaner_engine::decision::{Decision, Health, Mode};
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::report::Report;
use gleaner_qos::verdict::Verdict;
use gleaner_watch::snapshot::{Held, Trouble, UnderWay};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Time between two looks at what is in force.
const TEND: Span = Span::from_secs(1);

/// What an actor is made from; another needs another actor.
#[derive(Clone, Debug, PartialEq)]
struct Plan {
    acts: bool,
    places: Option<Places>,
    preset: Preset,
    config: ActConfig,
    protected: Vec<String>,
}

impl Plan {
    fn of(config: &Config, layout: &LayoutReport) -> Self {
        Self {
            acts: config.engine.mode != Mode::Observe,
            places: Places::of(layout),
            preset: layout.preset,
            config: config.host.act.clone(),
            protected: config.engine.qos.protected.iter().map(ToString::to_string).collect(),
        }
    }

    fn actor(
        &self,
        journal: Journal,
        audit: Option<Box<dyn AuditSink + Send>>,
    ) -> Option<(Actor, Vec<Undone>)> {
        let protected = Protected::new(&self.protected, &self.config.protected_processes);
        let hands = Hands::new(protected, journal);
        let rules = ActorConfig { grace: self.config.grace, ..ActorConfig::of(self.preset) };
        let places = self.places.clone()?;
        Some(Actor::start(places, hands, Box::new(SystemClock), rules, audit))
    }
}

/// Who carries out verdicts.
pub(super) struct Hand {
    plan: Plan,
    /// None where there are no cgroups.
    actor: Option<Actor>,
    tended: Option<Timestamp>,
}

impl Hand {
    /// Takes up the work. What an earlier daemon left behind after a kill is put back first, in every mode.
    ///
    /// # Errors
    /// The journal cannot be had, and the mode needs one.
    pub(super) fn open(
        config: &Config,
        layout: &LayoutReport,
        audit: Option<Box<dyn AuditSink + Send>>,
    ) -> Result<Self, Failure> {
        let plan = Plan::of(config, layout);
        let path = &plan.config.journal;
        let changes = if plan.acts {
            journal(path)?
        } else {
            sweep(path);
            Journal::volatile()
        };
        if plan.acts && audit.is_none() {
            tracing::warn!(
                "what is done is written to no file: set audit.file, or only the latest can be explained"
            );
        }
        let (actor, swept) = plan.actor(changes, audit).unzip();
        log_swept(&swept.unwrap_or_default());
        Ok(Self { plan, actor, tended: None })
    }

    /// Whether the journal of a configuration could be had.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn try_journal(config: &Config) -> Result<(), Failure> {
        journal(&config.host.act.journal).map(drop)
    }

    /// Puts everything back and lets go of the journal, so that another hand can have it.
    pub(super) fn lay_down(&mut self) {
        self.put_everything_back();
        self.actor = None;
    }

    /// Whether this configuration and layout ask for no other hand.
    pub(super) fn fits(&self, config: &Config, layout: &LayoutReport) -> bool {
        let laid_down = self.actor.is_none() && self.plan.places.is_some();
        !laid_down && self.plan == Plan::of(config, layout)
    }

    /// Looks at tasks that are new, and says what can be done here.
    pub(super) fn survey(&mut self, sample: &Sample) -> Capabilities {
        let Some(actor) = &mut self.actor else { return Capabilities::none() };
        actor.survey(sample);
        actor.capabilities()
    }

    /// Carries out the verdict of a decision, or a part of it; `seen` is when the harm behind it was seen.
    pub(super) fn apply(
        &mut self,
        decision: &Decision,
        verdict: &Verdict,
        sample: &Sample,
        seen: Timestamp,
    ) -> Vec<Report> {
        let Some(actor) = &mut self.actor else { return Vec::new() };
        if matches!(decision.health, Health::Failed { .. }) {
            // The engine has refused the sample, so it knows nobody whom only that shows.
            return Vec::new();
        }
        actor.apply(decision.tick, sample, verdict, decision.mode, seen)
    }

    /// When something under way is to be driven on.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.actor.as_ref().and_then(Actor::next_poll)
    }

    /// Whether somebody is being frozen, and it is not known yet whether that succeeded.
    pub(super) fn is_freezing(&self) -> bool {
        self.actor.as_ref().is_some_and(Actor::is_freezing)
    }

    /// Drives on what is under way, and once a second looks again at what is in force.
    pub(super) fn poll(&mut self, now: Timestamp) -> Vec<Report> {
        let Some(actor) = &mut self.actor else { return Vec::new() };
        let mut reports = actor.poll();
        let waited = |at| now.since(at).is_some_and(|since| since >= TEND);
        if self.tended.is_none_or(waited) {
            self.tended = Some(now);
            reports.extend(actor.tend());
        }
        reports
    }

    /// Puts everything back. The hand can go on after it.
    pub(super) fn put_everything_back(&mut self) {
        let undone = self.actor.as_mut().map(Actor::put_everything_back);
        for undone in undone.into_iter().flatten() {
            tracing::debug!(?undone, "put back");
        }
    }

    /// What was done since the last call.
    pub(super) fn take_tally(&mut self) -> gleaner_act::actor::Tally {
        self.actor.as_mut().map(Actor::take_tally).unwrap_or_default()
    }

    /// How many tasks are held back now.
    pub(super) fn held(&self) -> Held {
        let held = self.actor.as_ref().map(Actor::held_back).unwrap_or_default();
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Held { throttled: small(held.throttled), frozen: small(held.frozen) }
    }

    /// What is in force on which task.
    pub(super) fn holding(&self) -> Arc<[(TaskId, Actuator)]> {
        self.actor.as_ref().map(Actor::holding).unwrap_or_default().into()
    }

    /// What goes on, the most pressing first.
    pub(super) fn under_way(&self) -> impl Iterator<Item = UnderWay> {
        let all = self.actor.as_ref().map(Actor::under_way).unwrap_or_default();
        all.into_iter().map(|one| UnderWay {
            task: one.task,
            action: one.action.word(),
            resource: one.resource,
            tick: Some(one.tick),
            since_ms: one.since_ms,
            until_ms: one.until_ms,
        })
    }

    /// What a person should know: means that do not work, and a mode that cannot be carried out.
    pub(super) fn troubles(&self, can: &Capabilities) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        let selftest = || "gleaner selftest".to_owned();
        for actuator in Actuator::ALL.into_iter().filter(|a| can.ability(*a) == Ability::Broken) {
            let what = format!("{} was tried and does not work here", actuator.word());
            troubles.push(Trouble { what, command: selftest() });
        }
        if self.plan.acts && self.actor.is_none() {
            let what = "the mode cannot be carried out: no cgroup hierarchy was found".to_owned();
            troubles.push(Trouble { what, command: "gleaner layout".to_owned() });
        }
        let lost = self.actor.as_ref().map_or(0, |actor| actor.hands().journal.lost());
        if lost > 0 {
            let path = self.plan.config.journal.display();
            let what = format!(
                "{lost} changes are not in the journal: after a kill of this program they would stay"
            );
            troubles.push(Trouble { what, command: format!("df {path}") });
        }
        troubles
    }
}

fn journal(path: &Path) -> Result<Journal, Failure> {
    open_journal(path).map_err(|why| Failure::new(Exit::Unavailable, why))
}

fn open_journal(path: &Path) -> Result<Journal, String> {
    if let Some(directory) = path.parent() {
        // Why it cannot be made shows when the file is opened.
        drop(fs::create_dir_all(directory));
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_err(|error| format!("/proc/sys/kernel/random/boot_id: {error}"))?;
    Journal::open(path, boot.trim()).map_err(|error| format!("act.journal: {error}"))
}

/// Puts back what an earlier daemon left behind, though nothing is to be done from here on.
fn sweep(path: &Path) {
    if !path.exists() {
        return;
    }
    match open_journal(path) {
        Ok(mut journal) => log_swept(&journal.undo_all()),
        Err(why) => tracing::warn!(why, "cannot look whether an earlier gleaner left anything"),
    }
}

fn log_swept(swept: &[Undone]) {
    if swept.is_empty() {
        return;
    }
    tracing::warn!(
        changes = swept.len(),
        "an earlier gleaner was killed: what it left is put back"
    );
    for Undone { spot, before, undo } in swept {
        let file = format!("{}/{}", spot.directory.display(), spot.slot);
        tracing::info!(file, before, ?undo, "put back");
    }
}
