// SPDX-License-Identifier: Apache-2.0
//! What a guaranteed task shows by itself: its stall share at each CPU use, learned while best-effort is away.
//!
//! * **Why**: a service queues in itself. Alone it showed 4 to 60 % CPU stall between 20 and 80 % load,
//!   so no absolute threshold can tell that from harm.
//! * **When it binds**: only from [`Baseline::MIN_WINDOWS`] windows in the bucket of the present CPU use,
//!   or in a busier one: stall grows with load, so a busier bucket can only hide harm, not invent it.
//! * **Cold start**: unknown; the signal that needs it is `None`.
//! * **Recovery**: a running mean over about [`Baseline::MEMORY`] windows follows a service that changes.

use gleaner_estimator::units::{Span, Timestamp};

/// Buckets of CPU use; the last holds everything above.
const BUCKETS: usize = 20;

/// Mean stall share per bucket of CPU use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline {
    means: [f32; BUCKETS],
    windows: [u8; BUCKETS],
    /// End of the last window that was learned.
    learned: Option<Timestamp>,
}

/// What a task did in one window, in cores and in shares of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone {
    pub(crate) at: Timestamp,
    pub(crate) span: Span,
    pub(crate) cores: f64,
    pub(crate) stall: f64,
}

impl Baseline {
    /// Windows before a bucket is believed. Judgement.
    pub(crate) const MIN_WINDOWS: u8 = 5;
    /// Windows that a mean remembers. Judgement: a minute at one window a second.
    pub(crate) const MEMORY: u8 = 60;

    /// The bucket of a CPU use; the scale is the use at which the task is expected to be full.
    fn bucket(cores: f64, scale: f64) -> usize {
        // Twenty-five per cent above the promise are resolved, what is beyond shares the last bucket.
        let place = cores / (scale.max(0.1) * 1.25) * BUCKETS as f64;
        (0..BUCKETS - 1).find(|i| place < (*i + 1) as f64).unwrap_or(BUCKETS - 1)
    }

    /// Adds a window seen without best-effort; one that overlaps the last would count a moment twice.
    pub(crate) fn learn(&mut self, window: Alone, scale: f64) {
        let overlaps = |last| window.at.since(last).is_none_or(|s| s < window.span);
        if self.learned.is_some_and(overlaps) {
            return;
        }
        self.learned = Some(window.at);
        let i = Self::bucket(window.cores, scale);
        self.windows[i] = self.windows[i].saturating_add(1).min(Self::MEMORY);
        let weight = 1.0 / f64::from(self.windows[i]);
        let mean = f64::from(self.means[i]);
        #[expect(clippy::cast_possible_truncation, reason = "a share of one: f32 keeps 7 digits")]
        let next = (mean + (window.stall.min(1.0) - mean) * weight) as f32;
        self.means[i] = next;
    }

    /// A gap: what was learned stays, when it was learned means nothing on the new clock.
    pub(crate) fn forget_time(&mut self) {
        self.learned = None;
    }

    /// What the task shows by itself at this CPU use.
    pub(crate) fn at(&self, cores: f64, scale: f64) -> Option<f64> {
        (Self::bucket(cores, scale)..BUCKETS)
            .find(|i| self.windows[*i] >= Self::MIN_WINDOWS)
            .map(|i| f64::from(self.means[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learns so many windows of a second each.
    fn learn(b: &mut Baseline, from: u64, windows: u64, cores: f64, stall: f64) {
        for i in from..from + windows {
            let at = Timestamp::default().plus(Span::from_secs(i));
            b.learn(Alone { at, span: Span::from_secs(1), cores, stall }, 2.0);
        }
    }

    #[test]
    fn it_learns_per_use_and_answers_from_the_same_or_a_busier_bucket() {
        let mut b = Baseline::default();
        learn(&mut b, 1, u64::from(Baseline::MIN_WINDOWS) - 1, 1.0, 0.30);
        assert_eq!(b.at(1.0, 2.0), None, "too few windows");
        learn(&mut b, u64::from(Baseline::MIN_WINDOWS) - 1, 1, 1.0, 0.30);
        assert_eq!(b.at(1.0, 2.0), None, "the same window again is not another");
        learn(&mut b, 10, 1, 1.0, 0.30);
        let near = |v: Option<f64>, want: f64| v.is_some_and(|v| (v - want).abs() < 1e-6);
        assert!(near(b.at(1.0, 2.0), 0.30));
        assert!(near(b.at(0.2, 2.0), 0.30), "a busier bucket stands in");
        assert_eq!(b.at(1.9, 2.0), None, "a quieter one does not");
        learn(&mut b, 11, 500, 1.0, 0.10);
        assert!(b.at(1.0, 2.0).is_some_and(|v| v < 0.101), "it follows");
    }

    #[test]
    fn odd_uses_fall_into_the_outer_buckets() {
        assert_eq!(Baseline::bucket(-1.0, 2.0), 0);
        assert_eq!(Baseline::bucket(1e9, 2.0), BUCKETS - 1);
        assert_eq!(Baseline::bucket(f64::NAN, 2.0), BUCKETS - 1);
        assert_eq!(Baseline::bucket(0.01, 0.0), 1, "a promise of nothing has a scale too");
    }
}
