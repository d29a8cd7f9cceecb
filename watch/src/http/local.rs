// SPDX-License-Identifier: Apache-2.0
//! The same answers without a connection, for a viewer in the same process.

use super::{explained, json};
use crate::published::Published;
use serde::Serialize;
use std::time::Instant;

/// What `/v1/decision`, `/v1/decisions/ID`, `/v1/offer`, `/v1/tasks` or `/v1/events` would answer now; `None` for another
/// path, for a decision that is not kept, and before the first one.
#[must_use]
pub fn answer(published: &Published, path: &str) -> Option<Vec<u8>> {
    let now = Instant::now();
    match path {
        "/v1/decision" => encode(&json::decision(published.load()?.as_ref(), now)),
        "/v1/offer" => encode(&json::offer(published.load()?.as_ref(), now)),
        "/v1/tasks" => encode(&json::tasks(published.load()?.as_ref(), now)),
        "/v1/events" => encode(&published.latest_events()),
        _ => {
            let tick = path.strip_prefix("/v1/decisions/")?.parse().ok()?;
            encode(&explained::explain(published, tick).ok()?)
        }
    }
}

/// An answer is plain data, which can always be encoded.
fn encode(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}
