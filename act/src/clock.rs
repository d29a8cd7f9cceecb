// SPDX-License-Identifier: Apache-2.0
//! The one place where this crate learns what time it is, so that a test can say it.

use gleaner_estimator::units::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Something that says what time it is.
pub trait Clock {
    /// Monotonic nanoseconds; the same clock that stamps samples.
    fn now(&self) -> Timestamp;
}

/// `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    fn now(&self) -> Timestamp {
        let time = clock_gettime(ClockId::Monotonic);
        // The clock starts at boot and is never negative.
        let part = |value: i64| u64::try_from(value).unwrap_or(0);
        Timestamp(
            part(time.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(time.tv_nsec)),
        )
    }
}
