// SPDX-License-Identifier: Apache-2.0
//! Marks to go back to, a bounded number of them however long the recording is.
//!
//! Far marks lie at equal distances over all that was played; when there are too many every second goes, and the
//! distance doubles. Near marks lie closer, over the stretch that was played again last: whoever steps back sample by
//! sample plays few samples a step.

/// Most far marks; of near ones there are half as many.
const MOST: usize = 64;
/// The fewest that are allowed for, however many tasks there are.
const FEWEST: usize = 8;
/// A mark holds an engine, some 15 KiB for each task: all together are to stay near 100 MiB.
const TASKS: usize = 6400;
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
    most: usize,
}

impl<T> Marks<T> {
    /// The beginning alone.
    pub(super) fn new(beginning: T) -> Self {
        let (near, near_every, near_until) = (Vec::new(), LEAST, 0);
        let far = vec![(0, beginning)];
        Self { far, every: LEAST, near, near_every, near_until, most: MOST }
    }

    /// Allows for as many as there is memory for with so many tasks.
    pub(super) fn allow_for(&mut self, tasks: usize) {
        self.most = (TASKS / tasks.max(1)).clamp(FEWEST, MOST);
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
            while self.far.len() > self.most {
                let mut place = 0;
                self.far.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                self.every *= 2;
            }
        } else if self.wants_near(number) {
            self.near.push((number, mark));
            let over = self.near.len().saturating_sub(self.most / 2);
            self.near.drain(..over);
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
        assert!(marks.count() <= MOST + MOST / 2);
        marks.allow_for(1000);
        play(&mut marks, 86_400, 186_400);
        back(&mut marks, 186_000);
        assert!(marks.far.len() <= FEWEST && marks.near.len() <= FEWEST / 2, "{}", marks.count());
        assert_eq!(marks.last(|_, ()| false).0, 0, "the beginning is never forgotten");
    }
}
