// SPDX-License-Identifier: Apache-2.0
//! Is Gleaner itself well: what it costs, how long a decision takes, who looks.

use crate::metrics::Metrics;
use crate::metrics::own::Own;
use crate::published::Published;
use serde::Serialize;
use std::time::{SystemTime, UNIX_EPOCH};

/// `/v1/self`.
#[derive(Serialize)]
pub(super) struct Well {
    own: Own,
    /// Mean time that a decision takes, seconds; `null` before the first.
    tick_seconds: Option<f64>,
    /// Pages that hold a stream, and how many may.
    viewers: usize,
    viewers_most: usize,
    /// All of it in words.
    pub(super) said: String,
}

/// How it is now; of so many places `free` are left.
pub(super) fn well(published: &Published, metrics: &Metrics, free: usize, most: usize) -> Well {
    let own = Own::read();
    let tick_seconds = metrics.mean_seconds("gleaner_tick_duration_seconds");
    let viewers = most.saturating_sub(free);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map(|now| now.as_secs_f64());
    let up = since.unwrap_or_default() - published.about().started_ms as f64 / 1e3;
    let busy = own.cpu_seconds.filter(|_| up >= 1.0).map(|secs| secs / up * 100.0);
    let said = [
        tick_seconds.map(|secs| format!("a decision takes {:.2} ms", secs * 1e3)),
        own.resident_bytes.map(|bytes| format!("{:.1} MiB of memory", bytes / 1_048_576.0)),
        busy.map(|share| format!("{share:.1}% of a core since its start")),
        Some(format!("{viewers} of {most} viewers")),
    ];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    Well { own, tick_seconds, viewers, viewers_most: most, said }
}
