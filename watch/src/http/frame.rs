// SPDX-License-Identifier: Apache-2.0
//! What the page needs each second: states, sentences, one row of numbers. At most about a kilobyte.

use super::banner::banner;
use crate::history::{Row, row};
use crate::published::Published;
use crate::snapshot::{Snapshot, Trouble};
use crate::state::State;
use crate::why::{Why, why, why_io};
use gleaner_engine::decision::Mode;
use serde::Serialize;
use std::time::Instant;

/// One resource's words.
#[derive(Serialize)]
struct Words {
    state: State,
    headline: String,
    limit: String,
}

impl From<Why> for Words {
    fn from(why: Why) -> Self {
        Self { state: why.state, headline: why.headline, limit: why.limit }
    }
}

/// One moment, as the page shows it.
#[derive(Serialize)]
pub(super) struct Frame {
    tick: u64,
    at_ms: u64,
    age_ms: u64,
    state: State,
    mode: Mode,
    cpu: Words,
    memory: Words,
    io: Option<Words>,
    /// Capacities in the units of the history's columns: thousandths of a core, KiB.
    cpu_capacity: u64,
    memory_capacity: u64,
    row: Row,
    /// Number of the latest event; the page asks for them when it changes.
    events: u64,
    troubles: Vec<Trouble>,
    /// How much of ours goes on; the page asks what when it changes.
    acts: usize,
}

impl Frame {
    pub(super) fn of(shot: &Snapshot, published: &Published, now: Instant) -> Self {
        let decision = shot.decision_at(now);
        let [cpu, memory] = why(&decision, &shot.about);
        let state = State::of_node(shot, now);
        Self {
            tick: decision.tick,
            at_ms: decision.wall_ms,
            age_ms: u64::try_from(shot.age(now).as_millis()).unwrap_or(u64::MAX),
            state,
            mode: decision.mode,
            cpu: cpu.into(),
            memory: memory.into(),
            io: why_io(&decision).map(Words::from),
            cpu_capacity: decision.cpu.capacity.0,
            memory_capacity: decision.memory.capacity.0 / 1024,
            row: row(shot, &decision),
            events: published.events().number(),
            troubles: banner(shot, state),
            acts: shot.host.under_way.len() + shot.host.under_way_more,
        }
    }
}
