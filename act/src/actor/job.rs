// SPDX-License-Identifier: Apache-2.0
//! Acts that take time: freezes, evictions, reclaims and measured limits, driven on by polls.

use super::Actor;
use super::case::Case;
use super::tend::Hold;
use crate::evict::Eviction;
use crate::freezer::{Freeze, Frozen};
use crate::io::Limit;
use crate::memory::Reclaim;
use crate::outcome::Outcome;
use crate::setting::Deed;
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::capability::Actuator;
use gleaner_qos::report::Report;

/// Time between two polls while something is under way: a freeze takes 16 ms, a kill 2 to 53.
const PACE: Span = Span::from_millis(5);

/// A thaw that was refused is tried again after this long.
const AGAIN: Span = Span::from_secs(1);

/// An act under way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) case: Case,
    pub(super) work: Work,
}

#[derive(Debug)]
pub(super) enum Work {
    Freezing {
        freeze: Freeze,
        until: Timestamp,
    },
    Evicting {
        eviction: Eviction,
        /// What was in force on the victim before.
        holds: Vec<Hold>,
    },
    Reclaiming(Reclaim),
    Limiting(Limit),
}

/// A freeze in force, and when it ends by itself.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) case: Case,
    pub(super) freeze: Freeze,
    pub(super) until: Timestamp,
}

impl Job {
    pub(super) const fn is_eviction(&self) -> bool {
        matches!(self.work, Work::Evicting { .. })
    }
}

impl Actor {
    /// When to poll next; `None` while nothing is under way.
    #[must_use]
    pub fn next_poll(&self) -> Option<Timestamp> {
        if !self.jobs.is_empty() {
            return Some(self.clock.now().plus(PACE));
        }
        let thaws = self.leases.iter().map(|lease| lease.until);
        let watches = self.watches.iter().map(|(_, watch)| watch.due());
        thaws.chain(watches).min()
    }

    /// Whether a freeze was ordered and is not judged yet.
    #[must_use]
    pub fn is_freezing(&self) -> bool {
        self.jobs.iter().any(|job| matches!(job.work, Work::Freezing { .. }))
    }

    /// Drives on what is under way, and thaws whose time is over.
    pub fn poll(&mut self) -> Vec<Report> {
        let now = self.clock.now();
        let mut reports = Vec::new();
        for mut job in std::mem::take(&mut self.jobs) {
            match self.drive(&mut job, now) {
                None => self.jobs.push(job),
                Some(deed) => reports.extend(self.finish(job, deed)),
            }
        }
        let (over, on): (Vec<Lease>, Vec<Lease>) =
            std::mem::take(&mut self.leases).into_iter().partition(|lease| lease.until <= now);
        self.leases = on;
        for lease in over {
            self.thaw(lease, now);
        }
        for (case, watch) in std::mem::take(&mut self.watches) {
            match watch.poll(&mut self.hands, now) {
                None if watch.due() > now => self.watches.push((case, watch)),
                Some(outcome @ Outcome::NoEffect { .. }) => {
                    reports.extend(self.close_case(case, Deed { means: None, outcome }));
                }
                None | Some(_) => {}
            }
        }
        reports
    }

    fn drive(&mut self, job: &mut Job, now: Timestamp) -> Option<Deed> {
        let hands = &mut self.hands;
        match &mut job.work {
            Work::Freezing { freeze, until } => {
                let means = Some(freeze.means());
                match freeze.poll(hands, now) {
                    Frozen::Judged(outcome) => Some(Deed { means, outcome }),
                    Frozen::Pending if *until <= now => {
                        let found = "not frozen before it was to be thawed".to_owned();
                        Some(Deed { means, outcome: Outcome::NoEffect { found } })
                    }
                    Frozen::Pending => None,
                }
            }
            Work::Evicting { eviction, .. } => eviction.poll(hands, now),
            Work::Reclaiming(reclaim) => reclaim.poll(hands, now),
            Work::Limiting(limit) => limit.poll(hands, now),
        }
    }

    /// Thaws. Left frozen it would starve: what is refused stays on the list, and is tried again.
    fn thaw(&mut self, lease: Lease, now: Timestamp) {
        if let Outcome::Failed { what, .. } = lease.freeze.thaw(&mut self.hands) {
            tracing::warn!("cannot thaw: {what}");
            self.leases.push(Lease { until: now.plus(AGAIN), ..lease });
        }
    }

    fn finish(&mut self, job: Job, deed: Deed) -> Option<Report> {
        let Job { case, work } = job;
        match (work, deed.outcome == Outcome::Done) {
            (Work::Freezing { freeze, until }, true) => {
                self.leases.push(Lease { case: case.clone(), freeze, until });
            }
            (Work::Limiting(limit), true) => self.hold(&case, limit.target().clone()),
            (Work::Evicting { holds, .. }, false) => self.hold_again(holds),
            (Work::Freezing { freeze, until }, false) => {
                self.thaw(Lease { case: case.clone(), freeze, until }, self.clock.now());
            }
            // One disk may have taken its limit and another not.
            (Work::Limiting(limit), false) => self.clear(limit.target(), Actuator::IoLimit),
            (Work::Evicting { .. }, true) | (Work::Reclaiming(_), _) => {}
        }
        self.close_case(case, deed)
    }
}
