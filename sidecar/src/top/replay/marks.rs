// SPDX-License-Identifier: Apache-2.0
//! Marks to go back to, a bounded number of them however long the recording is.
//!
//! Far marks lie at equal distances over all that was played; when there are too many every second goes, and the
//! distance doubles. Near marks lie closer, over the stretch that was played again last: whoever steps back sample by
//! sample plays few samples a step.

/// Most far marks, and most near ones.
const MOST: usize = 64;
const MOST_NEAR: usize = 32;
/// Decisions between two far marks at first, and between two near ones at least.
const LEAST: u64 = 16;

/// Something to go back to, by the number of decisions before it.
pub(super) struct Marks<T> {
    /// In the order of their numbers; the first is the beginning.
    far: Vec<(u64, T)>,
    every: u64,
    /// In the order in which they were made.
    near: Vec<(u64, T)>,
    near_every: u64,
    /// Near marks are wanted up to here.
    near_until: u64,
}

impl<T> Marks<T> {
    /// The beginning alone.
    pub(super) fn new(beginning: T) -> Self {
        let (near, near_every, near_until) = (Vec::new(), LEAST, 0);
        Self { far: vec![(0, beginning)], every: LEAST, near, near_every, near_until }
    }

    /// Whether one after so many decisions is worth keeping.
    pub(super) fn wants(&self, number: u64) -> bool {
        self.wants_far(number) || self.wants_near(number)
    }

    fn wants_far(&self, number: u64) -> bool {
        self.far.last().is_none_or(|(last, _)| number >= last + self.every)
    }

    fn wants_near(&self, number: u64) -> bool {
        let close = |(known, _): &(u64, T)| number.abs_diff(*known) < self.near_every;
        number < self.near_until && !self.near.iter().chain(&self.far).any(close)
    }

    /// Keeps one that is wanted.
    pub(super) fn keep(&mut self, number: u64, mark: T) {
        if self.wants_far(number) {
            self.far.push((number, mark));
            if self.far.len() > MOST {
                let mut place = 0;
                self.far.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.every *= 2;
            }
        } else if self.wants_near(number) {
            if self.near.len() == MOST_NEAR {
                self.near.remove(0);
            }
            self.near.push((number, mark));
        }
    }

    /// The last one that fits; the beginning where none does.
    pub(super) fn last(&self, fits: impl Fn(u64, &T) -> bool) -> &(u64, T) {
        let all = self.far.iter().chain(&self.near).filter(|(number, mark)| fits(*number, mark));
        all.max_by_key(|(number, _)| *number).unwrap_or(&self.far[0])
    }

    /// From a mark up to this number all is played again: near marks are wanted on the way.
    pub(super) fn again(&mut self, from: u64, to: u64) {
        self.near_until = to;
        self.near_every = (to.saturating_sub(from) / 16).max(LEAST);
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.far.len() + self.near.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays up to a number from the last mark before it; how much had to be played.
    fn back(marks: &mut Marks<()>, to: u64) -> u64 {
        let from = marks.last(|number, ()| number < to).0;
        marks.again(from, to);
        play(marks, from, to);
        to - from
    }

    fn play(marks: &mut Marks<()>, from: u64, to: u64) {
        for number in from + 1..=to {
            // A mark can be made at the end of a block alone.
            if number % 11 == 0 && marks.wants(number) {
                marks.keep(number, ());
            }
        }
    }

    #[test]
    fn there_are_few_of_a_long_recording_and_one_is_always_near() {
        let mut marks = Marks::new(());
        play(&mut marks, 0, 86_400);
        assert!((MOST / 2..=MOST).contains(&marks.far.len()), "{}", marks.far.len());
        let longest = (1..86_400).map(|to| to - marks.last(|number, ()| number < to).0).max();
        assert!(longest <= Some(2 * 86_400 / 32), "{longest:?}");
        let steps: Vec<u64> = (80_000..81_000).rev().map(|to| back(&mut marks, to)).collect();
        let long = steps.iter().filter(|played| **played > 200).count();
        assert!(long < 10, "{long} of 1000 steps back played more than 200 decisions");
        assert!(marks.count() <= MOST + MOST_NEAR);
        assert_eq!(marks.last(|_, ()| false).0, 0, "the beginning is never forgotten");
    }
}
