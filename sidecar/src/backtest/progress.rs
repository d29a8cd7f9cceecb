// SPDX-License-Identifier: Apache-2.0
//! How far a backtest is, and how long it will take: on standard error, and only where somebody watches.

use gleaner_backtest::study::{Request, Watcher};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

/// A bar per trace, one after the other.
pub(crate) struct Progress {
    bar: ProgressBar,
    traces: usize,
}

impl Progress {
    pub(crate) fn new(request: &Request) -> Self {
        let bar = ProgressBar::no_length();
        let terminal = stderr().is_terminal();
        bar.set_draw_target(match terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        if terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, traces: request.traces.len() }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Progress {
    fn begin(&self, trace: &str, work: Option<u64>) {
        let form = match work {
            Some(_) => "{msg}  {wide_bar} {percent:>3} %  {eta} left",
            None => "{msg}  {spinner} {human_pos} rows  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(form) {
            self.bar.set_style(style);
        }
        match work {
            Some(work) => self.bar.set_length(work),
            None => self.bar.unset_length(),
        }
        self.bar.reset();
        let of =
            if self.traces > 1 { format!(" (of {} traces)", self.traces) } else { String::new() };
        self.bar.set_message(format!("{trace}{of}"));
    }

    fn advance(&self, work: u64) {
        self.bar.inc(work);
    }
}
