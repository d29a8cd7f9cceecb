// SPDX-License-Identifier: Apache-2.0
//! Which descriptors are kept: fewest reads saved go first when there are too many tasks for all.

use rustix::fd::OwnedFd;
use rustix::process::{Resource, getrlimit};

/// What is known of the way to one file of one task.
#[derive(Debug, Default)]
pub(crate) enum Slot {
    /// Not open: opened at each read.
    #[default]
    Closed,
    /// Kept open.
    Kept(OwnedFd),
    /// Not there, or refused: not tried again until the next refresh.
    Missing,
}

/// What keeping a descriptor is worth, most first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Shows, by still being readable, that its cgroup exists: without it each sample asks for the inode.
    Anchor,
    /// Read at every sample.
    Hot,
    /// Read every so many samples.
    #[default]
    Slow,
    /// Read once.
    Once,
}

/// A descriptor that might be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tier {
    pub(crate) rank: Rank,
    /// May use the whole budget and not only three quarters: guaranteed tasks, whose harm is watched up
    /// to 100 times a second, must not find it used up.
    pub(crate) whole: bool,
}

/// How many descriptors are kept, and how many may be.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limit: usize,
    pub(crate) used: usize,
    /// The least rank for which there is room.
    keeps: Rank,
}

/// What all tasks together would keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// All files of all tasks.
    pub(crate) all: usize,
    /// Those read at every sample.
    pub(crate) hot: usize,
}

impl Budget {
    /// `min(RLIMIT_NOFILE ÷ 2, cap)`: the other half belongs to the host, which may be an agent.
    pub(crate) fn new(cap: usize) -> Self {
        let soft = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let limit = usize::try_from(soft / 2).unwrap_or(usize::MAX).min(cap);
        Self { limit, used: 0, keeps: Rank::Slow }
    }

    fn room(&self) -> usize {
        self.limit / 4 * 3
    }

    /// Decides which ranks can be kept for everybody; `true` when some that are kept now cannot.
    ///
    /// One rank for all instead of first come, first served: else the first thousand tasks would keep
    /// files that are read every tenth sample, and the rest nothing.
    pub(crate) fn share_out(&mut self, demand: Demand) -> bool {
        let before = self.keeps;
        self.keeps = match self.room() {
            room if demand.all <= room => Rank::Slow,
            room if demand.hot <= room => Rank::Hot,
            _ => Rank::Anchor,
        };
        self.keeps < before
    }

    /// Whether descriptors of this rank may be kept at all.
    pub(crate) fn keeps(&self, rank: Rank) -> bool {
        rank <= self.keeps
    }

    /// Counts one more descriptor, if there is room for it.
    pub(crate) fn admit(&mut self, tier: Tier) -> bool {
        let limit = if tier.whole { self.limit } else { self.room() };
        let free = self.keeps(tier.rank) && self.used < limit;
        self.used += usize::from(free);
        free
    }

    /// Closes a slot and gives its descriptor back.
    pub(crate) fn close(&mut self, slot: &mut Slot) {
        if let Slot::Kept(_) = std::mem::replace(slot, Slot::Closed) {
            self.used = self.used.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_give_way_one_after_another() {
        let mut budget = Budget::new(100);
        let shared = |budget: &mut Budget, all, hot| {
            let tightened = budget.share_out(Demand { all, hot });
            let kept = [Rank::Anchor, Rank::Hot, Rank::Slow, Rank::Once].map(|r| budget.keeps(r));
            (tightened, kept)
        };
        assert_eq!(shared(&mut budget, 75, 20), (false, [true, true, true, false]));
        assert_eq!(shared(&mut budget, 76, 75), (true, [true, true, false, false]));
        assert_eq!(shared(&mut budget, 400, 76), (true, [true, false, false, false]));
        assert_eq!(shared(&mut budget, 10, 10), (false, [true, true, true, false]));
    }

    #[test]
    fn a_quarter_is_left_for_guaranteed_tasks() {
        let mut budget = Budget::new(8);
        let ordinary = Tier { rank: Rank::Hot, whole: false };
        let essential = Tier { rank: Rank::Hot, whole: true };
        let admitted = (0..9).filter(|_| budget.admit(ordinary)).count();
        assert_eq!(admitted, 6);
        let admitted = (0..9).filter(|_| budget.admit(essential)).count();
        assert_eq!((admitted, budget.used), (2, 8));
    }
}
