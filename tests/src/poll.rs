// SPDX-License-Identifier: Apache-2.0
//! Waiting for a state of the kernel or of a process: asked again and again until a deadline, never a blind sleep.

use std::time::{Duration, Instant};

/// Pause between two looks: short against any deadline, long against the cost of a look.
const PAUSE: Duration = Duration::from_millis(2);

/// Looks until `look` answers `Some`, and gives that answer.
///
/// `deadline` is for the case that it never comes true and may be generous: it costs a passing test nothing.
///
/// # Panics
///
/// At the deadline, naming `what` was waited for.
pub fn wait_until<T>(what: &str, deadline: Duration, look: impl FnMut() -> Option<T>) -> T {
    let answer = poll_until(deadline, look);
    answer.unwrap_or_else(|| panic!("{what}: not within {deadline:?}"))
}

/// Like [`wait_until`], but `None` at the deadline.
pub fn poll_until<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = look();
        if answer.is_some() || start.elapsed() >= deadline {
            return answer;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_with_the_first_some() {
        let mut looks = 0..;
        let answer = wait_until("three looks", Duration::from_secs(10), || looks.find(|n| *n == 3));
        assert_eq!(answer, 3);
    }

    #[test]
    #[should_panic(expected = "the moon: not within 0ns")]
    fn names_what_never_came() {
        wait_until("the moon", Duration::ZERO, || None::<()>);
    }
}
