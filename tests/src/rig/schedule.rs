// SPDX-License-Identifier: Apache-2.0
//! What a service is asked for, drawn from a seed: Poisson arrivals, and how much work each brings.

use std::time::Duration;

/// Random numbers from a seed: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The next one, from 0 to below 1.
    pub fn next_share(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The next one, below `bound`.
    pub fn next_below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next_u64() % bound).unwrap_or(0)
    }

    /// Another order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.next_below(at + 1));
        }
    }
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When it is meant to come, from the start.
    pub at: Duration,
    /// Work in units of [`crate::rig::serve`]: from 1 to 2, evenly.
    pub work: f64,
}

/// Requests of `rate` a second, for so many seconds: exponential gaps.
#[must_use]
pub fn poisson(rate: f64, seconds: f64, seed: u64) -> Vec<Request> {
    let mut random = Random::new(seed);
    let mut requests = Vec::new();
    let mut at = 0.0;
    loop {
        // 1 − u is never 0.
        at -= (1.0 - random.next_share()).ln() / rate.max(1e-9);
        if at >= seconds {
            return requests;
        }
        let work = 1.0 + random.next_share();
        requests.push(Request { at: Duration::from_secs_f64(at), work });
    }
}

/// So many requests at once: how fast they are worked off is the capacity.
#[must_use]
pub fn at_once(count: usize, seed: u64) -> Vec<Request> {
    let mut random = Random::new(seed);
    let request = |_| Request { at: Duration::ZERO, work: 1.0 + random.next_share() };
    (0..count).map(request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(poisson(100.0, 5.0, 7), poisson(100.0, 5.0, 7));
        assert_ne!(poisson(100.0, 5.0, 7), poisson(100.0, 5.0, 8));
    }

    #[test]
    fn arrivals_are_ordered_and_have_the_rate_asked_for() {
        let requests = poisson(1000.0, 20.0, 1);
        assert!(requests.is_sorted_by_key(|request| request.at));
        // Twenty thousand give or take 141: five times that is never exceeded with this seed or nearly any other.
        assert!(requests.len().abs_diff(20_000) < 700, "{}", requests.len());
        assert!(requests.iter().all(|request| (1.0..2.0).contains(&request.work)));
    }
}
