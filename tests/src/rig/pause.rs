// SPDX-License-Identifier: Apache-2.0
//! Letting time pass: a measurement lasts as long as it is meant to, and a request comes when it is due.

use std::time::{Duration, Instant};

/// Lets this much time pass.
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// Waits for an instant; at once where it is past.
pub fn until(instant: Instant) {
    pause(instant.saturating_duration_since(Instant::now()));
}
