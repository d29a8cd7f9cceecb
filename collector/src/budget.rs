// SPDX-License-Identifier: Apache-2.0
//! Which descriptors are kept: those that save the most reads, when there are too many tasks for all.

use rustix::fd::OwnedFd;
use rustix::process::{Resource, getrlimit};

/// What is known of the way to one file of one task.
#[derive(Debug, Default)]
pub(crate) enum Slot {
    /// Not open: opened at each read.
    #[default]
    Closed,
    /// Kept open, and counted under that rank.
    Kept(OwnedFd, Rank),
    /// Not there, or refused: not tried again until the next refresh.
    Missing,
}

/// What keeping a descriptor is worth, most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Shows, by still being readable, that its cgroup exists: without it each sample asks for the inode.
    Anchor,
    /// Read at every sample.
    Hot,
    /// Read every so many samples.
    Slow,
}

/// Number of ranks.
const RANKS: usize = Rank::Slow as usize + 1;

/// Whether a descriptor is to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tier {
    /// The file is read once.
    Once,
    /// It may use three quarters of the budget.
    Ordinary(Rank),
    /// It may use all of it: guaranteed tasks, whose harm is watched up to 100 times a second, must not
    /// find it used up.
    Essential(Rank),
}

/// How many descriptors all tasks together would keep, by rank.
pub(crate) type Demand = [usize; RANKS];

/// How many descriptors are kept, and how many may be.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limit: usize,
    held: [usize; RANKS],
    /// Most of each rank, so that all of the ranks above it fit too.
    most: [usize; RANKS],
}

impl Budget {
    /// `min(RLIMIT_NOFILE ÷ 2, cap)`: the other half belongs to the host, which may be an agent.
    pub(crate) fn new(cap: usize) -> Self {
        let soft = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let limit = usize::try_from(soft / 2).unwrap_or(usize::MAX).min(cap);
        let mut budget = Self { limit, held: [0; RANKS], most: [0; RANKS] };
        budget.share_out([0; RANKS]);
        budget
    }

    fn room(&self) -> usize {
        self.limit / 4 * 3
    }

    /// Descriptors kept.
    pub(crate) fn used(&self) -> usize {
        self.held.iter().sum()
    }

    /// Leaves room for all of the higher ranks before the lower: first come, first served would give
    /// the first thousand tasks files that are read every tenth sample, and the rest nothing.
    pub(crate) fn share_out(&mut self, demand: Demand) {
        let mut left = self.room();
        for (most, demand) in self.most.iter_mut().zip(demand) {
            *most = left;
            left = left.saturating_sub(demand);
        }
    }

    /// Whether more descriptors of some rank are kept than there is room for.
    pub(crate) fn is_overdrawn(&self) -> bool {
        self.held.iter().zip(self.most).any(|(held, most)| *held > most)
    }

    /// Keeps a descriptor in its slot, if there is room for it.
    pub(crate) fn keep(&mut self, slot: &mut Slot, fd: OwnedFd, tier: Tier) {
        let (rank, reserve) = match tier {
            Tier::Once => return,
            Tier::Ordinary(rank) => (rank, 0),
            Tier::Essential(rank) => (rank, self.limit - self.room()),
        };
        let index = rank as usize;
        if self.held[index] < self.most[index] + reserve && self.used() < self.room() + reserve {
            self.held[index] += 1;
            *slot = Slot::Kept(fd, rank);
        }
    }

    /// Closes a slot and gives its descriptor back.
    pub(crate) fn close(&mut self, slot: &mut Slot) {
        if let Slot::Kept(_, rank) = std::mem::replace(slot, Slot::Closed) {
            let held = &mut self.held[rank as usize];
            *held = held.saturating_sub(1);
        }
    }

    /// Closes a slot if its rank is overdrawn.
    pub(crate) fn close_overdrawn(&mut self, slot: &mut Slot) {
        if let Slot::Kept(_, rank) = slot
            && self.held[*rank as usize] > self.most[*rank as usize]
        {
            self.close(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> OwnedFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    /// Keeps up to `count` and says how many it could.
    fn keep(budget: &mut Budget, count: usize, tier: Tier) -> Vec<Slot> {
        let slots = (0..count).map(|_| {
            let mut slot = Slot::Closed;
            budget.keep(&mut slot, open(), tier);
            slot
        });
        slots.filter(|slot| matches!(slot, Slot::Kept(..))).collect()
    }

    #[test]
    fn lower_ranks_get_what_the_higher_ones_leave() {
        let mut budget = Budget::new(40);
        budget.share_out([10, 15, 100]);
        let slow = keep(&mut budget, 100, Tier::Ordinary(Rank::Slow));
        assert_eq!(slow.len(), 5);
        let hot = keep(&mut budget, 100, Tier::Ordinary(Rank::Hot));
        assert_eq!(hot.len(), 20);
        // More tasks came: the slow ones make room.
        budget.share_out([20, 5, 100]);
        assert!(budget.is_overdrawn());
        let mut slots: Vec<_> = slow.into_iter().chain(hot).collect();
        slots.iter_mut().for_each(|slot| budget.close_overdrawn(slot));
        assert!(!budget.is_overdrawn());
        assert_eq!(budget.used(), 10 + 5);
        slots.iter_mut().for_each(|slot| budget.close(slot));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_quarter_is_left_for_guaranteed_tasks() {
        let mut budget = Budget::new(8);
        let ordinary = keep(&mut budget, 9, Tier::Ordinary(Rank::Hot));
        let essential = keep(&mut budget, 9, Tier::Essential(Rank::Hot));
        assert_eq!((ordinary.len(), essential.len()), (6, 2));
        assert!(keep(&mut budget, 9, Tier::Once).is_empty());
    }
}
