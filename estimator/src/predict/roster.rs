// SPDX-License-Identifier: Apache-2.0
//! The tasks of a group: what each used in the open slot, and what a predictor remembers of it.

use super::Load;
use serde::{Deserialize, Serialize};

/// Memories kept for re-use beyond the number of tasks present: churn allocates nothing.
const SPARE: usize = 16;

/// One task present now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Member<T> {
    /// Its arrival number.
    pub(super) arrival: u64,
    /// The open slot when it arrived, pressure not counted.
    pub(super) born: u64,
    /// Usage in the newest observation.
    pub(super) usage: f64,
    /// Limit in the newest observation.
    pub(super) limit: f64,
    /// The largest usage in the open slot.
    pub(super) peak: f64,
    /// Its usage at the instant at which the group used most in the open slot.
    pub(super) share: f64,
    /// What the predictor remembers of it.
    pub(super) memory: T,
}

/// The sums over the group, in base units.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Group {
    /// The open slot, counted from 0, pressure not counted: the age of the group in slots.
    pub(super) slot: u64,
    /// Usage in the newest observation; at most `limit`.
    pub(super) total: f64,
    /// The largest usage in the open slot of the tasks present now; at most `limit`.
    pub(super) peak: f64,
    /// The smaller of the sum of limits and the ceiling.
    pub(super) limit: f64,
    /// What the node has; infinite where unknown.
    pub(super) ceiling: f64,
}

/// All tasks present now, sorted by arrival number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub(super) struct Roster<T> {
    members: Vec<Member<T>>,
    #[serde(skip, default = "Vec::new")]
    spare: Vec<T>,
}

impl<T> Default for Roster<T> {
    fn default() -> Self {
        Self { members: Vec::new(), spare: Vec::new() }
    }
}

impl<T: Default> Roster<T> {
    /// The tasks.
    pub(super) fn members(&self) -> &[Member<T>] {
        &self.members
    }

    /// The tasks, to be changed.
    pub(super) fn members_mut(&mut self) -> &mut [Member<T>] {
        &mut self.members
    }

    /// Whether exactly these tasks are present.
    pub(super) fn matches(&self, loads: &[Load]) -> bool {
        self.members.len() == loads.len()
            && self.members.iter().zip(loads).all(|(m, l)| m.arrival == l.arrival)
    }

    /// Lets go of the tasks that are not in `loads`; says whether there was one.
    pub(super) fn retire(&mut self, loads: &[Load], mut leave: impl FnMut(&Member<T>)) -> bool {
        let mut kept = 0;
        let mut coming = loads.iter().peekable();
        for at in 0..self.members.len() {
            let arrival = self.members[at].arrival;
            while coming.next_if(|l| l.arrival < arrival).is_some() {}
            if coming.peek().is_some_and(|l| l.arrival == arrival) {
                self.members.swap(kept, at);
                kept += 1;
            } else {
                leave(&self.members[at]);
            }
        }
        let left = kept < self.members.len();
        self.spare.extend(self.members.drain(kept..).map(|m| m.memory));
        self.spare.truncate(self.members.len().max(SPARE));
        left
    }

    /// Takes in the tasks that are new in `loads`, which holds all members too.
    pub(super) fn admit(&mut self, loads: &[Load], slot: u64, mut welcome: impl FnMut(&mut T)) {
        for (at, load) in loads.iter().enumerate() {
            if self.members.get(at).is_some_and(|m| m.arrival == load.arrival) {
                continue;
            }
            let mut memory = self.spare.pop().unwrap_or_default();
            welcome(&mut memory);
            // `share` starts at what it uses now: the total before it came is not known to have excluded it.
            let Load { arrival, usage, limit } = *load;
            let member =
                Member { arrival, born: slot, usage, limit, peak: 0.0, share: usage, memory };
            self.members.insert(at, member);
        }
    }

    /// Starts a new slot: nothing is used in it yet.
    pub(super) fn open(&mut self) {
        for member in &mut self.members {
            member.peak = 0.0;
            member.share = 0.0;
        }
    }

    /// Folds an observation of exactly these tasks into the open slot.
    pub(super) fn fold(&mut self, loads: &[Load], ceiling: f64, group: &mut Group) {
        let (mut total, mut limits, mut shares) = (0.0, 0.0, 0.0);
        for (member, load) in self.members.iter_mut().zip(loads) {
            member.usage = load.usage;
            member.limit = load.limit;
            member.peak = member.peak.min(load.limit).max(load.usage);
            member.share = member.share.min(load.limit);
            total += load.usage;
            limits += load.limit;
            shares += member.share;
        }
        if total >= shares {
            shares = total;
            for member in &mut self.members {
                member.share = member.usage;
            }
        }
        group.ceiling = ceiling;
        group.limit = f64::min(limits, ceiling);
        group.total = total.min(group.limit);
        group.peak = shares.min(group.limit);
    }
}
