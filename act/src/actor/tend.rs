// SPDX-License-Identifier: Apache-2.0
//! Looking again at what we hold: is it still there, still ours, or has its owner rewritten it?

use super::case::Case;
use super::job::Lease;
use super::under_way::is_limit;
use super::{Actor, HeldBack};
use crate::fault::Lost;
use crate::journal::Spot;
use crate::outcome::Outcome;
use crate::setting::Deed;
use crate::target::{Target, Tree};
use crate::{memory, quota, standing};
use gleaner_estimator::sample::TaskId;
use gleaner_qos::capability::Actuator;
use gleaner_qos::report::Report;
use gleaner_qos::verdict::Action;
use std::collections::BTreeSet;
use std::ops::Bound;

/// Every hold is looked at once in so many rounds.
const ROUNDS: usize = 10;

/// Something in force on a task.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) target: Target,
    pub(super) case: Case,
}

/// What was found of a hold.
enum Sight {
    Ours,
    Vanished,
    /// Somebody has written something else there.
    Theirs(Spot, String),
}

impl Actor {
    /// How many tasks are held back now.
    #[must_use]
    pub fn held_back(&self) -> HeldBack {
        let throttled: BTreeSet<&TaskId> =
            self.holds.keys().filter(|(_, a)| is_limit(*a)).map(|(id, _)| id).collect();
        HeldBack { throttled: throttled.len(), frozen: self.leases.len() }
    }

    /// What is in force, and on whom: ordered by task.
    #[must_use]
    pub fn holding(&self) -> Vec<(TaskId, Actuator)> {
        let frozen = |lease: &Lease| (lease.freeze.target().id().clone(), Actuator::Freeze);
        let mut all: Vec<_> =
            self.holds.keys().cloned().chain(self.leases.iter().map(frozen)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Looks at a tenth of what is in force, and at all quotas where an owner rewrites them. Call it once a second.
    ///
    /// What somebody else has changed is theirs and is let go, and reported as without effect. Only quotas of an owner
    /// that is known to rewrite them are set again, with the new ones as what is put back in the end. What the kernel refused
    /// to put back is tried again.
    pub fn tend(&mut self) -> Vec<Report> {
        self.pay();
        let mut reports = Vec::new();
        for key in self.round() {
            let Some(hold) = self.holds.get(&key) else { continue };
            match self.sight(hold, key.1) {
                Sight::Ours => {}
                Sight::Vanished => {
                    if let Some(hold) = self.holds.remove(&key) {
                        self.hands.forget(&hold.target);
                    }
                }
                Sight::Theirs(spot, found) => reports.extend(self.lost(&key, &spot, found)),
            }
        }
        reports
    }

    /// What is in force on a task.
    pub(super) fn holds_of(&self, id: &TaskId) -> Vec<Hold> {
        self.holds
            .iter()
            .filter(|((task, _), _)| task == id)
            .map(|(_, hold)| hold.clone())
            .collect()
    }

    /// Puts in force again what an eviction has lifted: its victim lives on.
    pub(super) fn hold_again(&mut self, holds: Vec<Hold>) {
        let (now, weights) = (self.clock.now(), self.config.weights);
        for Hold { target, case } in holds {
            let hands = &mut self.hands;
            let deed = match case.action {
                Action::StandingClass => standing::cpu(hands, &target, weights, None, now),
                Action::IoWeight => standing::io(hands, &target, now),
                Action::CpuQuota { limit } => quota::cap(hands, &target, limit, now),
                Action::MemoryHigh { limit } => memory::high(hands, &target, limit, now),
                // What was measured for it is out of date, and the others leave nothing in force.
                Action::IoLimit { .. }
                | Action::Reclaim { .. }
                | Action::Freeze { .. }
                | Action::Thaw
                | Action::Undo { .. }
                | Action::Evict => continue,
            };
            if deed.outcome == Outcome::Done {
                self.hold(&case, target);
            }
        }
    }

    /// The holds that are due in this round.
    fn round(&mut self) -> Vec<(TaskId, Actuator)> {
        let rewritten = self.config.quotas_rewritten;
        let always = |key: &(TaskId, Actuator)| rewritten && key.1 == Actuator::CpuQuota;
        let mut due: Vec<_> = self.holds.keys().filter(|key| always(key)).cloned().collect();
        let after = self.tended.take().map_or(Bound::Unbounded, Bound::Excluded);
        let part = self.holds.len().div_ceil(ROUNDS);
        let next: Vec<_> = self
            .holds
            .range((after, Bound::Unbounded))
            .take(part)
            .map(|(k, _)| k.clone())
            .collect();
        // At the end of the list it begins again.
        let last = next.last().cloned();
        self.tended = last.filter(|key| self.holds.last_key_value().is_some_and(|(k, _)| k != key));
        due.extend(next.into_iter().filter(|key| !always(key)));
        due
    }

    fn sight(&self, hold: &Hold, actuator: Actuator) -> Sight {
        if hold.target.enter(Tree::Identity).is_err_and(|lost| lost == Lost::Vanished) {
            return Sight::Vanished;
        }
        let theirs = self.hands.changed_by_others(&hold.target);
        let of_it = |(spot, _): &(Spot, String)| files(actuator).contains(&spot.slot.file.as_ref());
        match theirs.into_iter().find(of_it) {
            Some((spot, found)) => Sight::Theirs(spot, found),
            None => Sight::Ours,
        }
    }

    fn lost(&mut self, key: &(TaskId, Actuator), spot: &Spot, found: String) -> Option<Report> {
        let now = self.clock.now();
        let hold = self.holds.get(key)?;
        if let (true, Action::CpuQuota { limit }) = (self.config.quotas_rewritten, hold.case.action)
        {
            let target = hold.target.clone();
            let deed = quota::cap(&mut self.hands, &target, limit, now);
            if deed.outcome == Outcome::Done {
                return None;
            }
            return self.holds.remove(key).and_then(|hold| self.close_case(hold.case, deed));
        }
        let hold = self.holds.remove(key)?;
        self.hands.journal.forget(spot);
        let found = format!("somebody else has set {} to {found:?}", spot.slot);
        self.close_case(hold.case, Deed { means: None, outcome: Outcome::NoEffect { found } })
    }
}

/// The files in which an actuator's value may stand.
pub(super) const fn files(actuator: Actuator) -> &'static [&'static str] {
    match actuator {
        Actuator::StandingClass => &["cpu.idle", "cpu.weight", "cpu.shares"],
        Actuator::CpuQuota => &["cpu.max", "cpu.cfs_quota_us"],
        Actuator::MemoryHigh => &["memory.high"],
        Actuator::IoWeight => &["io.weight", "io.bfq.weight", "blkio.bfq.weight", "blkio.weight"],
        Actuator::IoLimit => {
            &["io.max", "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device"]
        }
        Actuator::Reclaim | Actuator::Freeze | Actuator::Evict => &[],
    }
}
