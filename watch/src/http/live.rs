// SPDX-License-Identifier: Apache-2.0
//! The stream of frames: one a second, always the newest, never a queue. A viewer beyond the limit polls instead.

use super::frame::Frame;
use crate::published::Published;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Between two frames.
const PERIOD: Duration = Duration::from_secs(1);

/// What a viewer's stream is made from.
struct Viewer {
    published: Arc<Published>,
    every: Interval,
    end: watch::Receiver<()>,
    /// The viewer's place, given back when the stream is dropped.
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl Viewer {
    /// The next frame; `None` when the server ends.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        tokio::select! {
            _ = self.every.tick() => {}
            _ = self.end.changed() => return None,
        }
        let event = match self.published.load() {
            Some(shot) => {
                let frame = Frame::of(&shot, &self.published, Instant::now());
                // A frame is plain data; were it not, the viewer would see a gap.
                Event::default().json_data(frame).unwrap_or_default()
            }
            None => Event::default().comment("no decision yet"),
        };
        Some((Ok(event), self))
    }
}

/// The stream, or 204 when all places are taken.
pub(super) fn live(
    published: Arc<Published>,
    places: Arc<Semaphore>,
    end: watch::Receiver<()>,
) -> Response {
    let Ok(place) = places.try_acquire_owned() else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let mut every = interval(PERIOD);
    every.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let viewer = Viewer { published, every, end, _place: place };
    Sse::new(stream::unfold(viewer, Viewer::next)).into_response()
}
