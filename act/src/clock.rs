// SPDX-License-Identifier: Apache-2.0
//! The one place where this crate learns what time it is, so that a test can say it.

use gleaner_estimator::units::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Something that says what time it is.
pub trait Clock {
    /// Nanoseconds on the clock that also stamps samples.
    fn now(&self) -> Timestamp;
    /// Milliseconds since 1970-01-01 UTC, for people who read the audit file.
    fn wall_ms(&self) -> u64;
}

/// The kernel's clocks: `CLOCK_BOOTTIME`, which goes on while the machine is suspended, and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (secs, nanos) = read(ClockId::Boottime);
        Timestamp(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    fn wall_ms(&self) -> u64 {
        let (secs, nanos) = read(ClockId::Realtime);
        secs.saturating_mul(1000).saturating_add(nanos / 1_000_000)
    }
}

/// Seconds and nanoseconds; a wall clock set before 1970 counts as 1970.
fn read(clock: ClockId) -> (u64, u64) {
    let time = clock_gettime(clock);
    (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0))
}
