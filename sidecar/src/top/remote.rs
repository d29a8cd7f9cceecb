// SPDX-License-Identifier: Apache-2.0
//! A daemon that is followed: its stream of frames sets the pace, and what has changed is asked for.

use super::source::Frame;
use crate::client::Client;
use crate::shown::{Event, Tasks};
use serde::Deserialize;
use std::io::{BufRead as _, BufReader, Read};
use std::time::Duration;

/// Before a stream that broke, or could not be had, is asked for again.
const RETRY: Duration = Duration::from_secs(1);
/// Between two looks while all places for streams are taken: as the page does.
const FULL: Duration = Duration::from_secs(10);
/// Bytes of a line; a frame has about a thousand.
const LONGEST: u64 = 64 << 10;

/// A daemon, its stream where one is open, and what is known already.
pub(super) struct Remote {
    pub(super) client: Client,
    stream: Option<BufReader<Box<dyn Read + Send>>>,
    /// Number of the latest event that is known.
    known: Option<u64>,
    events: Vec<Event>,
    pause: Duration,
}

/// What counts of a frame here.
#[derive(Deserialize)]
struct Beat {
    /// Number of the latest event.
    events: u64,
}

impl Remote {
    pub(super) fn new(client: Client) -> Self {
        let (stream, known, events) = (None, None, Vec::new());
        Self { client, stream, known, events, pause: Duration::ZERO }
    }

    /// How long to wait before it is followed further; nothing while the stream itself waits.
    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    /// Waits for the next frame, or does without where there is no stream, and looks.
    pub(super) fn follow(&mut self) -> Result<Frame, String> {
        if self.stream.is_none() {
            let asked = self.client.stream("/v1/live");
            self.pause = match &asked {
                Ok(Some(_)) => Duration::ZERO,
                Ok(None) => FULL,
                Err(_) => RETRY,
            };
            self.stream = asked.ok().flatten().map(BufReader::new);
        }
        let beat = self.stream.as_mut().map(next);
        if let Some(None) = beat {
            (self.stream, self.pause) = (None, RETRY);
        }
        self.look_for(beat.flatten().map(|beat| beat.events))
    }

    /// Looks at once.
    pub(super) fn look(&mut self) -> Result<Frame, String> {
        self.look_for(None)
    }

    /// `latest` is the number of the latest event, where that is known.
    fn look_for(&mut self, latest: Option<u64>) -> Result<Frame, String> {
        let shown = self.client.get("/v1/decision")?;
        let Tasks { tasks } = self.client.get("/v1/tasks")?;
        if latest.is_none() || latest != self.known {
            self.events = self.client.get("/v1/events")?;
            self.known = latest;
        }
        Ok(Frame { shown, tasks, events: self.events.clone(), reel: None })
    }
}

/// The next frame of a stream; `None` when it has ended or says something else.
fn next(stream: &mut BufReader<Box<dyn Read + Send>>) -> Option<Beat> {
    loop {
        let mut line = String::new();
        let read = stream.by_ref().take(LONGEST).read_line(&mut line).ok()?;
        if read == 0 {
            return None;
        }
        if let Some(frame) = line.strip_prefix("data:") {
            return serde_json::from_str(frame).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &'static str) -> BufReader<Box<dyn Read + Send>> {
        BufReader::new(Box::new(text.as_bytes()))
    }

    #[test]
    fn frames_are_told_from_comments_and_the_end() {
        let mut all = stream(
            ": no decision yet\n\ndata: {\"tick\":1,\"events\":7}\n\ndata:{\"events\":8}\n\n",
        );
        let numbers: Vec<u64> =
            std::iter::from_fn(|| next(&mut all)).map(|beat| beat.events).collect();
        assert_eq!(numbers, [7, 8]);
        assert!(next(&mut stream("data: nonsense\n")).is_none());
    }
}
