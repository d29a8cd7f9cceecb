// SPDX-License-Identifier: Apache-2.0
//! How fast the processor's time stamp counter runs, for a guest that cannot find out by itself.
//!
//! An emulated machine counts with the host's counter but times it against an emulated timer. On a busy host
//! that goes wrong in two boots of five: the guest's clock, and with it CPU accounting, ran 3 to 60 times too
//! fast (Linux 6.1 in QEMU 7.2, six boots at once on two processors).

use std::time::Instant;

/// Readings of which the closest pair is taken: one of them is not interrupted.
const TRIES: usize = 32;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    counter: u64,
    instant: Instant,
}

impl Moment {
    /// Now.
    pub(crate) fn now() -> Self {
        let pair = |_| {
            let before = counter();
            let instant = Instant::now();
            let after = counter();
            (after.wrapping_sub(before), Self { counter: before, instant })
        };
        let closest = (0..TRIES).map(pair).min_by_key(|(width, _)| *width);
        closest.expect("TRIES is not 0").1
    }

    /// Counts in a millisecond, from an earlier moment to this one; some 10 ms between them give 0.01 %.
    pub(crate) fn khz_since(self, earlier: Self) -> Option<u64> {
        let elapsed_ns = self.instant.duration_since(earlier.instant).as_nanos();
        let counts = u128::from(self.counter.wrapping_sub(earlier.counter));
        u64::try_from((counts * 1_000_000).checked_div(elapsed_ns)?).ok()
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the standard library offers the instruction only so")]
fn counter() -> u64 {
    // SAFETY: reads a register; every x86-64 processor has it, and Linux lets every process read it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// VM tests are for x86-64 only (`.cargo/config.toml`).
#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    0
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn the_rate_does_not_depend_on_the_interval() {
        let after = |moment: Moment, counts: u64| {
            while counter().wrapping_sub(moment.counter) < counts {}
            Moment::now()
        };
        let start = Moment::now();
        let first = after(start, 20_000_000);
        let second = after(first, 60_000_000);
        let (short, long) = (first.khz_since(start).unwrap(), second.khz_since(first).unwrap());
        assert!(short.abs_diff(long) * 100 < long, "{short} and {long} kHz");
        assert!((500_000..10_000_000).contains(&long), "{long} kHz");
    }

    #[test]
    fn no_time_gives_no_rate() {
        let now = Moment::now();
        assert_eq!(now.khz_since(now), None);
    }
}
