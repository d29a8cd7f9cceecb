// SPDX-License-Identifier: Apache-2.0
//! Log lines wait in a ring of bounded length until the host reads them: no callback, no file, no logger of the host's.

use crate::abi::code::{GLEANER_LOG_ERROR, GLEANER_LOG_INFO, GLEANER_LOG_WARN};
use gleaner_act::clock::{Clock as _, SystemClock};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// So many lines wait; the oldest is lost first.
const LINES: usize = 256;
/// A longer line is cut.
const BYTES: usize = 2048;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) level: u32,
    pub(crate) wall_ms: u64,
    pub(crate) text: String,
    /// Lines lost before this one.
    pub(crate) lost: u64,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Line>,
    lost: u64,
}

/// The ring.
#[derive(Debug, Default)]
pub(crate) struct Log {
    ring: Mutex<Ring>,
}

impl Log {
    pub(crate) fn error(&self, text: &str) {
        self.push(GLEANER_LOG_ERROR, text);
    }

    pub(crate) fn warn(&self, text: &str) {
        self.push(GLEANER_LOG_WARN, text);
    }

    pub(crate) fn info(&self, text: &str) {
        self.push(GLEANER_LOG_INFO, text);
    }

    fn push(&self, level: u32, text: &str) {
        let mut text = text.replace(['\n', '\r'], "; ");
        if text.len() > BYTES {
            let end = (0..=BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.lines.len() == LINES {
            ring.lines.pop_front();
            ring.lost = ring.lost.saturating_add(1);
        }
        ring.lines.push_back(Line { level, wall_ms: SystemClock.wall_ms(), text, lost: 0 });
    }

    /// The oldest line, with the number of those lost before it.
    pub(crate) fn pop(&self) -> Option<Line> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let line = ring.lines.pop_front()?;
        Some(Line { lost: std::mem::take(&mut ring.lost), ..line })
    }
}

/// Puts what the crates below report into a ring. Set for our own threads only: the host's logger, if
/// it has one of this kind, is its own.
pub(crate) struct Tap(pub(crate) Arc<Log>);

impl Subscriber for Tap {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("gleaner")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let text = format!("{}{}", words.message, words.fields);
        match *event.metadata().level() {
            Level::ERROR => self.0.error(&text),
            Level::WARN => self.0.warn(&text),
            Level::INFO | Level::DEBUG | Level::TRACE => self.0.info(&text),
        }
    }
}

#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a text cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_lost_first_and_counted() {
        let log = Log::default();
        (0..LINES + 3).for_each(|i| log.info(&format!("{i}\nx")));
        let first = log.pop().expect("there are many");
        assert_eq!((first.text.as_str(), first.lost), ("3; x", 3));
        assert_eq!(log.pop().map(|line| line.lost), Some(0));
    }

    #[test]
    fn what_the_crates_below_report_becomes_a_line() {
        let log = Arc::new(Log::default());
        tracing::subscriber::with_default(Tap(Arc::clone(&log)), || {
            tracing::warn!(target: "gleaner_x", path = 3, "cannot");
            tracing::warn!(target: "tokio", "not ours");
        });
        let line = log.pop().expect("one");
        assert_eq!((line.level, line.text.as_str()), (GLEANER_LOG_WARN, "cannot path=3"));
        assert_eq!(log.pop(), None);
    }
}
