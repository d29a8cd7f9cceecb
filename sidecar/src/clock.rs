// SPDX-License-Identifier: Apache-2.0
//! Time as the loop sees it: a clock that can wait, and a schedule that does not drift.

use gleaner_estimator::units::{Span, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The time has come.
    Due,
    /// The kernel says that somebody stalls: a look may be worth it.
    Pressed,
    /// The configuration is to be read again.
    Reload,
    /// The program is to end.
    Stop,
    /// Nobody is left who could ask for anything: the thread that listens for signals is gone.
    Alone,
}

/// A clock that the loop can wait on.
pub(crate) trait Clock {
    /// Now, monotonic.
    fn now(&self) -> Timestamp;
    /// Now, milliseconds since 1970-01-01 UTC.
    fn wall_ms(&self) -> u64;
    /// Waits until then, or until something else calls.
    fn wait(&mut self, until: Timestamp) -> Wake;
}

/// The kernel's clocks, and a mailbox for whoever interrupts a wait.
///
/// Uses `CLOCK_BOOTTIME`: it goes on while the machine is suspended, so that a suspension is seen as
/// the gap that it is.
pub(crate) struct SystemClock {
    mailbox: Receiver<Wake>,
}

impl SystemClock {
    pub(crate) fn new(mailbox: Receiver<Wake>) -> Self {
        Self { mailbox }
    }
}

/// The kernel's clock since boot, suspension included.
pub(crate) fn boot_time() -> Timestamp {
    let now = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    Timestamp(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Milliseconds since 1970-01-01 UTC; 0 on a clock set before that.
pub(crate) fn wall_ms() -> u64 {
    let now = clock_gettime(ClockId::Realtime);
    let secs = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    secs.saturating_mul(1000).saturating_add(nanos / 1_000_000)
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        boot_time()
    }

    fn wall_ms(&self) -> u64 {
        wall_ms()
    }

    fn wait(&mut self, until: Timestamp) -> Wake {
        let left = until.since(self.now()).unwrap_or_default();
        match self.mailbox.recv_timeout(Duration::from_nanos(left.0)) {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => Wake::Due,
            Err(RecvTimeoutError::Disconnected) => Wake::Alone,
        }
    }
}

/// When to read: multiples of the interval from the start, so that lateness does not add up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    interval: Span,
    next: Timestamp,
}

impl Schedule {
    /// The first reading is due at once.
    pub(crate) fn new(now: Timestamp, interval: Span) -> Self {
        Self { interval, next: now }
    }

    /// When the next reading is due.
    pub(crate) fn next(&self) -> Timestamp {
        self.next
    }

    /// Plans the reading after one that was made at `now`, and says how many were missed.
    pub(crate) fn advance(&mut self, now: Timestamp) -> u64 {
        let behind = now.since(self.next).unwrap_or_default();
        let missed = behind.0 / self.interval.0.max(1);
        self.next = self.next.plus(Span(self.interval.0.saturating_mul(missed + 1)));
        missed
    }

    /// Changes the pace; a next reading that is now too far off comes sooner.
    pub(crate) fn set_interval(&mut self, now: Timestamp, interval: Span) {
        self.interval = interval;
        self.next = self.next.min(now.plus(interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::default().plus(Span::from_millis(ms))
    }

    #[test]
    fn lateness_neither_adds_up_nor_makes_a_burst() {
        let mut schedule = Schedule::new(at(500), Span::from_millis(1000));
        assert_eq!(schedule.next(), at(500));
        assert_eq!(schedule.advance(at(530)), 0);
        assert_eq!(schedule.next(), at(1500), "30 ms late, and the next is not");
        assert_eq!(schedule.advance(at(4600)), 3, "1500 was late; 2500, 3500 and 4500 were missed");
        assert_eq!(schedule.next(), at(5500));
    }

    #[test]
    fn a_message_ends_a_wait() {
        let (sender, mailbox) = std::sync::mpsc::channel();
        let mut clock = SystemClock::new(mailbox);
        let far = clock.now().plus(Span::from_secs(3600));
        sender.send(Wake::Reload).unwrap();
        assert_eq!(clock.wait(far), Wake::Reload);
        assert_eq!(clock.wait(clock.now()), Wake::Due, "a time gone by is due at once");
        drop(sender);
        assert_eq!(clock.wait(far), Wake::Alone);
    }
}
