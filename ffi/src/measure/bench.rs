// SPDX-License-Identifier: Apache-2.0
//! One turn of the measuring thread: a sample when it is due or a glance saw trouble, else a glance.

use super::Key;
use super::carry::Carry;
use super::lock;
use crate::handle::table::Table;
use crate::judge::{Judge, Seen};
use gleaner_act::clock::Clock;
use gleaner_collector::Collector;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::{Span, Timestamp};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Least time between two glances. Nothing is frozen from here, so no probe needs more of them.
const GLANCE: Span = Span::from_millis(100);
/// A glance is not followed by another before this many times what it took: watching costs at most a
/// hundredth of a core, however many tasks there are.
const REST: u64 = 100;

/// The collector and its buffers.
pub(super) struct Bench {
    collector: Collector,
    carry: Carry,
    sample: Sample,
    glance: Glance,
    interval: Span,
    due: Timestamp,
    /// Time between two glances now.
    pause: Span,
    /// The table that the collector was told of.
    heard: u64,
    /// Who judged in the last turn; a newcomer gets a sample at once.
    judges: usize,
}

impl Bench {
    pub(super) fn open(key: &Key) -> Result<Self, String> {
        let collector = Collector::open(key.settings.clone()).map_err(|error| error.to_string())?;
        Ok(Self {
            collector,
            carry: Carry::default(),
            sample: Sample::default(),
            glance: Glance::default(),
            interval: key.interval,
            due: Timestamp::default(),
            pause: GLANCE,
            heard: 0,
            judges: 0,
        })
    }

    /// Reads once and lets everybody judge; when the next turn is due.
    pub(super) fn turn(
        &mut self,
        judges: &[Arc<Mutex<Judge>>],
        table: Option<&Arc<Table>>,
        clock: &impl Clock,
    ) -> Timestamp {
        let now = clock.now();
        let newcomers = judges.len() > self.judges || (self.heard == 0 && table.is_some());
        self.judges = judges.len();
        let watched = judges.iter().any(|judge| lock(judge).watches());
        if now >= self.due || newcomers || (watched && self.alarmed(now, judges, clock)) {
            self.judge(judges, table, clock);
            self.due = clock.now().plus(self.interval);
        }
        if watched { self.due.min(clock.now().plus(self.pause)) } else { self.due }
    }

    /// Whether a glance shows anybody something that cannot wait.
    fn alarmed(
        &mut self,
        now: Timestamp,
        judges: &[Arc<Mutex<Judge>>],
        clock: &impl Clock,
    ) -> bool {
        // A glance that fails is left out; the next sample will say what is wrong.
        let seen = self.collector.glance(now, &mut self.glance);
        let took = clock.now().since(now).unwrap_or_default();
        self.pause = Span(took.0.saturating_mul(REST)).max(GLANCE);
        if seen.is_err() {
            return false;
        }
        let rings = |judge: &Arc<Mutex<Judge>>| lock(judge).glance(&self.glance);
        // Everybody looks, also after the first has rung.
        judges.iter().map(rings).fold(false, |any, rings| any | rings)
    }

    fn judge(
        &mut self,
        judges: &[Arc<Mutex<Judge>>],
        table: Option<&Arc<Table>>,
        clock: &impl Clock,
    ) {
        if let Some(table) = table.filter(|table| table.generation != self.heard) {
            self.heard = table.generation;
            self.collector.listen(table.said());
        }
        let began = Instant::now();
        let (at, wall_ms) = (clock.now(), clock.wall_ms());
        let read = self.collector.sample(at, &mut self.sample).map_err(|error| error.to_string());
        if let (Ok(()), Some(table)) = (&read, table) {
            self.carry.complete(&mut self.sample, table);
        }
        let health = self.collector.health();
        let took = began.elapsed();
        for judge in judges {
            lock(judge).judge(&Seen {
                at,
                wall_ms,
                sample: read.as_ref().map(|()| &self.sample).map_err(String::as_str),
                table: table.map(|table| &**table),
                took,
                malformed: health.malformed,
            });
        }
    }
}
