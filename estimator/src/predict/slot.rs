// SPDX-License-Identifier: Apache-2.0
//! The five-minute grid on which predictors learn, and how it stands still under pressure.

use crate::units::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Length of a slot: what is measured within one is folded to its maximum.
pub const SLOT: Span = Span::from_secs(300);

/// Slots in a day.
pub(super) const PER_DAY: usize = 288;

/// A span in whole slots, rounded up, at least one.
pub(super) fn slots_in(span: Span) -> u64 {
    span.0.div_ceil(SLOT.0).max(1)
}

/// Maps instants to slots. Slot 0 is centred on the first observation, so that sampling every five
/// minutes with some jitter gives one observation a slot.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct SlotClock {
    now: Option<Now>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Now {
    /// The centre of slot `base`.
    zero: Timestamp,
    base: u64,
    /// The last observation and its slot.
    last: Timestamp,
    slot: u64,
    /// The slot of the observation that opened the open slot.
    opened: u64,
    /// Slots since then that passed under pressure: they do not count.
    stalled: u64,
}

/// What an observation means for the open slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The first observation ever: it opens the first slot.
    First,
    /// It belongs to the open slot.
    Same,
    /// The open slot ends; this observation opens one that many slots later (at least 1).
    Next(u64),
}

/// Where one observation falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    /// Slot by time alone, pressure or not: outcomes are judged on it.
    pub(super) slot: u64,
    /// Whether it differs from the slot of the observation before.
    pub(super) crossed: bool,
    /// What it means for the open slot.
    pub(super) turn: Turn,
}

impl SlotClock {
    /// Places an observation.
    pub(super) fn read(&mut self, at: Timestamp, calm: bool) -> Beat {
        let Some(now) = &mut self.now else {
            self.now = Some(Now { zero: at, base: 0, last: at, slot: 0, opened: 0, stalled: 0 });
            return Beat { slot: 0, crossed: false, turn: Turn::First };
        };
        if at < now.last {
            // Another clock: a reboot between save and restore. Nothing says how long it took.
            now.zero = at;
            now.base = now.slot + 1;
        }
        let slot = now.base.saturating_add((at.0 - now.zero.0).saturating_add(SLOT.0 / 2) / SLOT.0);
        let passed = slot.saturating_sub(now.slot);
        now.last = at;
        now.slot = slot;
        let turn = if !calm {
            now.stalled += passed;
            Turn::Same
        } else if slot > now.opened {
            let step = (slot - now.opened).saturating_sub(now.stalled).max(1);
            now.opened = slot;
            now.stalled = 0;
            Turn::Next(step)
        } else {
            Turn::Same
        };
        Beat { slot, crossed: passed > 0, turn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(clock: &mut SlotClock, secs: u64, calm: bool) -> Turn {
        clock.read(Timestamp::default().plus(Span::from_secs(secs)), calm).turn
    }

    #[test]
    fn jitter_gives_one_observation_a_slot() {
        let mut clock = SlotClock::default();
        assert_eq!(read(&mut clock, 1000, true), Turn::First);
        for (at, want) in [(1301, 1), (1598, 1), (1902, 1), (2199, 1)] {
            assert_eq!(read(&mut clock, at, true), Turn::Next(want));
        }
    }

    #[test]
    fn faster_sampling_folds_and_slower_skips() {
        let mut clock = SlotClock::default();
        let mut turns = Vec::new();
        for minute in 0..13 {
            turns.push(read(&mut clock, minute * 60, true));
        }
        assert_eq!(turns.iter().filter(|t| **t == Turn::Next(1)).count(), 2);
        assert_eq!(turns[3], Turn::Next(1));
        assert_eq!(read(&mut clock, 12 * 60 + 900, true), Turn::Next(3));
    }

    #[test]
    fn pressure_stops_the_clock() {
        let mut clock = SlotClock::default();
        read(&mut clock, 0, true);
        for slot in 1..=8 {
            assert_eq!(read(&mut clock, slot * 300, false), Turn::Same);
        }
        assert_eq!(read(&mut clock, 8 * 300 + 60, true), Turn::Next(1));
        assert_eq!(read(&mut clock, 11 * 300, true), Turn::Next(3));
    }

    #[test]
    fn time_that_runs_backwards_opens_the_next_slot() {
        let mut clock = SlotClock::default();
        read(&mut clock, 90_000, true);
        assert_eq!(read(&mut clock, 10, true), Turn::Next(1));
        assert_eq!(read(&mut clock, 310, true), Turn::Next(1));
    }
}
