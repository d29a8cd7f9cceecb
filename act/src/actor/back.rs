// SPDX-License-Identifier: Apache-2.0
//! What is ours on tasks whose story was broken: missing for a time, best-effort no more, or the kernel refused to undo it.
//!
//! Whoever decides forgets a task that is missing for long. Here what is in force stays known for as long as the cgroup
//! lives, and is told again when the task is back.

use super::job::Job;
use super::{Actor, Lease, files};
use crate::journal::{Spot, Undo, Undone};
use crate::outcome::Outcome;
use crate::setting::Deed;
use crate::target::Target;
use gleaner_estimator::sample::{Class, Sample, TaskId};
use gleaner_qos::capability::Actuator;
use gleaner_qos::report::{self, Report};
use std::collections::BTreeSet;

impl Actor {
    /// Tells again what is in force on tasks that the sample before did not show and this one does, and gives everything
    /// back to whom it shows in another class. The sample must be sorted by task.
    pub(super) fn follow(&mut self, sample: &Sample) -> Vec<Report> {
        let at = self.clock.now();
        let (mut reports, mut promoted) = (Vec::new(), BTreeSet::new());
        let before = std::mem::take(&mut self.away);
        let mut tasks = sample.tasks.iter().map(|task| &task.task).peekable();
        for ((id, _), hold) in &self.holds {
            while tasks.next_if(|task| task.id < *id).is_some() {}
            match tasks.peek().filter(|task| task.id == *id).map(|task| task.class) {
                None => drop(self.away.insert(id.clone())),
                Some(Class::BestEffort) if before.contains(id) => reports.push(Report {
                    at,
                    task: id.clone(),
                    action: hold.case.action,
                    outcome: report::Outcome::Acted,
                    relief: None,
                }),
                Some(Class::BestEffort) => {}
                Some(Class::Guaranteed | Class::System) => drop(promoted.insert(id.clone())),
            }
        }
        for id in &promoted {
            reports.extend(self.let_go(id));
        }
        reports
    }

    /// Gives everything back to a task that is best-effort no more; its eviction, if one is under way, ends here.
    pub(super) fn let_go(&mut self, id: &TaskId) -> Vec<Report> {
        if let Some(target) = self.target_of(id) {
            let undone = self.hands.put_back_all(&target);
            self.owe(&undone);
        }
        let (theirs, others): (Vec<Job>, Vec<Job>) =
            std::mem::take(&mut self.jobs).into_iter().partition(|job| job.case.task == *id);
        self.jobs = others;
        self.forget_jobs_of(id);
        let why = "it is best-effort no more".to_owned();
        let deed = Deed { means: None, outcome: Outcome::Refused { why } };
        theirs.into_iter().filter_map(|job| self.close_case(job.case, deed.clone())).collect()
    }

    /// Its directories as they were found before an act, for the kernel may refuse to show them now.
    fn target_of(&self, id: &TaskId) -> Option<Target> {
        let first = (id.clone(), Actuator::ALL[0]);
        let held = self.holds.range(first..).next().filter(|((task, _), _)| task == id);
        let frozen = |lease: &&Lease| lease.freeze.target().id() == id;
        held.map(|(_, hold)| hold.target.clone())
            .or_else(|| self.leases.iter().find(frozen).map(|l| l.freeze.target().clone()))
            .or_else(|| Target::find(&self.places, id).ok())
    }

    /// Puts back what an actuator has changed on a target, although no such act is in force.
    pub(super) fn clear(&mut self, target: &Target, actuator: Actuator) {
        let spots = self.hands.spots_on(target);
        let theirs = spots.iter().filter(|spot| files(actuator).contains(&&*spot.slot.file));
        let undone: Vec<Undone> = theirs.filter_map(|spot| self.hands.journal.undo(spot)).collect();
        self.owe(&undone);
    }

    /// Remembers what the kernel refused to put back.
    pub(super) fn owe(&mut self, undone: &[Undone]) {
        let refused = undone.iter().filter(|undone| matches!(undone.undo, Undo::Failed { .. }));
        self.owed.extend(refused.map(|undone| undone.spot.clone()));
    }

    /// Tries again what the kernel refused to put back. A cgroup that is gone is owed nothing.
    pub(super) fn pay(&mut self) {
        let owed: Vec<Spot> = std::mem::take(&mut self.owed).into_iter().collect();
        let undone: Vec<Undone> =
            owed.iter().filter_map(|spot| self.hands.journal.undo(spot)).collect();
        self.owe(&undone);
    }

    /// What an act has put in force again is to stay.
    pub(super) fn owe_no_more(&mut self, target: &Target, actuator: Actuator) {
        let same = |spot: &Spot| {
            target.owns(&spot.directory, spot.inode) && files(actuator).contains(&&*spot.slot.file)
        };
        self.owed.retain(|spot| !same(spot));
    }
}
