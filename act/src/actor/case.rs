// SPDX-License-Identifier: Apache-2.0
//! One correction from intent to outcome: what the audit file, the counters and qos are told of it.

use super::tally::{Ending, Stage};
use super::{Actor, Hold};
use crate::audit::{Ended, Entry, Intent};
use crate::fault::Lost;
use crate::outcome::Outcome;
use crate::place::Places;
use crate::setting::Deed;
use crate::target::Target;
use crate::usage::beside_cache;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::{Amount, Bytes, Timestamp};
use gleaner_qos::rank::Relief;
use gleaner_qos::report::{self, Report};
use gleaner_qos::verdict::{Action, Correction, Reason};

/// A correction that is being carried out.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) act: u64,
    pub(super) tick: u64,
    pub(super) task: TaskId,
    pub(super) resource: Resource,
    pub(super) action: Action,
    pub(super) seen: Timestamp,
    pub(super) began: Timestamp,
    reason: Reason,
    /// What was charged to the victim beside page cache, before an eviction.
    held: Option<Bytes>,
}

impl Actor {
    /// Numbers an act and writes its intent, before anything is done.
    pub(super) fn open_case(
        &mut self,
        tick: u64,
        correction: &Correction,
        seen: Timestamp,
    ) -> Case {
        self.acts += 1;
        let action = correction.action();
        let case = Case {
            act: self.acts,
            tick,
            task: correction.task().clone(),
            resource: correction.resource(),
            action,
            seen,
            began: self.clock.now(),
            reason: correction.why().reason,
            held: self.held_by(correction),
        };
        let intent = Intent {
            act: case.act,
            tick,
            wall_ms: self.clock.wall_ms(),
            task: case.task.clone(),
            resource: case.resource,
            action,
        };
        self.tell(&Entry::Intent(intent));
        case
    }

    /// What a victim has that an eviction for memory would give back.
    fn held_by(&self, correction: &Correction) -> Option<Bytes> {
        let asked =
            correction.action() == Action::Evict && correction.resource() == Resource::Memory;
        let victim = asked.then(|| Target::find(&self.places, correction.task()));
        beside_cache(&victim?.ok()?).ok()
    }

    /// Writes, counts and reports what came of an act.
    pub(super) fn close_case(&mut self, case: Case, deed: Deed) -> Option<Report> {
        let at = self.clock.now();
        let Deed { means, outcome } = deed;
        let relief = relief(&case, &self.places, &outcome);
        let wall_ms = self.clock.wall_ms();
        let (action, resource) = (case.action, case.resource);
        let task = case.task.clone();
        let took = at.since(case.began).unwrap_or_default();
        // What stands for good answers no harm, and giving back is no reaction.
        let answers = case.reason != Reason::Standing && !action.releases();
        // An eviction is written when it begins: the end of its victim is not ours to hasten.
        let written = if action == Action::Evict { case.began } else { at };
        let reacted = written.since(case.seen).filter(|_| answers && outcome == Outcome::Done);
        self.tally.end(Ending {
            task,
            action,
            resource,
            reason: case.reason,
            outcome: outcome.clone(),
            wall_ms,
            tick: case.tick,
            means,
            took,
            relief,
            reacted,
        });
        if outcome == Outcome::Done && answers {
            let stage = if case.action == Action::Evict { Stage::Gone } else { Stage::Written };
            self.tally.react(stage, at.since(case.seen).unwrap_or_default());
        }
        let ended = Ended {
            act: case.act,
            tick: case.tick,
            wall_ms,
            task: case.task.clone(),
            resource,
            action,
            means,
            outcome: outcome.clone(),
            at,
            took,
            relief,
        };
        self.tell(&Entry::Outcome(ended));
        let outcome = for_qos(&outcome, case.action)?;
        Some(Report { at, task: case.task, action: case.action, outcome, relief })
    }

    /// Remembers what is in force on a task, to look at it again.
    pub(super) fn hold(&mut self, case: &Case, target: Target) {
        let key = (case.task.clone(), case.action.actuator());
        self.owe_no_more(&target, key.1);
        self.holds.insert(key, Hold { target, case: case.clone() });
    }
}

/// What qos is told; nothing where nothing was touched.
pub(super) fn for_qos(outcome: &Outcome, action: Action) -> Option<report::Outcome> {
    match outcome {
        Outcome::Done if action == Action::Evict => Some(report::Outcome::Gone),
        Outcome::Done => Some(report::Outcome::Acted),
        Outcome::NoEffect { .. } => Some(report::Outcome::NoEffect),
        Outcome::Failed { .. } | Outcome::Refused { .. } => Some(report::Outcome::Failed),
        Outcome::Vanished => Some(report::Outcome::Gone),
        Outcome::Observed => None,
    }
}

/// What the victim held and holds no more, whatever others allocate and free meanwhile: shared memory that outlives it
/// has not come back. With its cgroup all of it is gone.
fn relief(case: &Case, places: &Places, outcome: &Outcome) -> Option<Relief> {
    let held = case.held.filter(|_| *outcome == Outcome::Done)?;
    let left = match Target::find(places, &case.task).and_then(|victim| beside_cache(&victim)) {
        Ok(left) => left,
        Err(Lost::Vanished) => Bytes::ZERO,
        Err(_) => return None,
    };
    Some(Relief::Memory(held.less(left)))
}
