// SPDX-License-Identifier: Apache-2.0
//! All that is kept of what was decided, in rows: one for each correction, one for each change of a level.
//!
//! Made from decisions that can still be explained, and from events that none of them asked for: both are bounded, and
//! so is the list ([`ROWS_MOST`]).

use crate::events::Event;
use crate::published::Published;
use crate::stories::{Kept, takes};
use crate::story::words::sentence;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use gleaner_qos::capability::Actuator;
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::{Correction, Reason};
use serde::Serialize;

/// Most rows of a list; one decision of a node's start alone may put a thousand tasks into their class.
pub const ROWS_MOST: usize = 250;

/// What a change of a level is called where corrections have the word of their action.
pub const LEVEL: &str = "level";

/// One thing that was decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The decision, where it can still be explained.
    pub tick: Option<u64>,
    /// When it was decided, or where the decision is not kept any more, when it was over: milliseconds since
    /// 1970-01-01 UTC.
    pub at_ms: u64,
    /// The word of the action, or [`LEVEL`].
    pub action: &'static str,
    /// Whether it took something back, beyond what stands for good; also true of a change of a level.
    pub takes: bool,
    /// Whom it was done to; `None` for a change of a level.
    pub task: Option<String>,
    /// For which resource.
    pub resource: Resource,
    /// The word of the reason; `None` for a change of a level.
    pub reason: Option<Reason>,
    /// Why, in words; for a level what it became.
    pub because: String,
    /// What was expected to come back.
    pub asked: Option<Relief>,
    /// What came back, where it was measured.
    pub freed: Option<Relief>,
    /// From its beginning to its end.
    #[serde(rename = "took_ns")]
    pub took: Option<Span>,
    /// From the first sign of the harm that it answers until it was written.
    #[serde(rename = "reacted_ns")]
    pub reacted: Option<Span>,
    /// How it ended; empty for a change of a level.
    pub outcome: String,
}

/// What of it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this action.
    pub action: Option<&'static str>,
    /// Only tasks with this in their names, whatever the case of its letters.
    pub task: Option<String>,
    /// Only this resource.
    pub resource: Option<Resource>,
}

impl Filter {
    /// Whether a row is wanted.
    #[must_use]
    pub fn fits(&self, row: &Row) -> bool {
        let name = row.task.as_deref().unwrap_or_default().to_lowercase();
        self.action.is_none_or(|action| action == row.action)
            && self.resource.is_none_or(|resource| resource == row.resource)
            && self.task.as_ref().is_none_or(|wanted| name.contains(&wanted.to_lowercase()))
    }
}

/// The words of all actions that a row may have, in the order of their rungs.
pub fn actions() -> impl Iterator<Item = &'static str> {
    Actuator::ALL.into_iter().map(Actuator::word).chain(["thaw", "undo", LEVEL])
}

/// Every row, the latest first; of one moment what took something back before what stands for good.
#[must_use]
pub fn rows(published: &Published) -> Vec<Row> {
    // Copied out of the lock first: a tick must not wait for it, and the events take the same lock.
    let kept = published.stories().all();
    let events = published.latest_events();
    let mut all: Vec<Row> = kept.iter().flat_map(of_decision).collect();
    // What a decision asked for itself is there already, with its end.
    let known = |row: &Row| {
        let same = |one: &Row| {
            (one.tick, one.action, one.resource) == (row.tick, row.action, row.resource)
                && one.task == row.task
        };
        row.tick.is_some() && all.iter().any(same)
    };
    let others: Vec<Row> = events.iter().map(of_event).filter(|row| !known(row)).collect();
    all.extend(others);
    all.sort_by_key(|row| (u64::MAX - row.at_ms, !row.takes));
    all
}

fn of_decision(kept: &Kept) -> Vec<Row> {
    let (tick, at_ms) = (Some(kept.decision.tick), kept.decision.wall_ms);
    let turned = kept.turned.iter().map(|(resource, level)| {
        let because = format!("{} became {}", resource.word(), level.word());
        Row { tick, ..level_row(at_ms, *resource, because) }
    });
    let corrections = &kept.decision.verdict.corrections;
    turned.chain(corrections.iter().map(|correction| of_correction(kept, correction))).collect()
}

fn of_correction(kept: &Kept, correction: &Correction) -> Row {
    let action = correction.action();
    let ended =
        kept.acts.iter().rev().find(|act| {
            act.action == action && act.task == *correction.task() && act.end.is_some()
        });
    let end = ended.and_then(|act| act.end.as_ref());
    let why = correction.why();
    Row {
        tick: Some(kept.decision.tick),
        at_ms: kept.decision.wall_ms,
        action: action.word(),
        takes: takes(action),
        task: Some(correction.task().name.to_string()),
        resource: correction.resource(),
        reason: Some(why.reason),
        because: sentence(why.reason, why.signal, why.value, why.threshold),
        asked: correction.relief(),
        freed: end.and_then(|end| end.relief),
        took: end.map(|end| end.took),
        reacted: end.and_then(|end| end.reacted),
        outcome: match (end, correction.is_would()) {
            (Some(end), _) => end.outcome.clone(),
            (None, true) => "only shown".to_owned(),
            (None, false) => "no end is known".to_owned(),
        },
    }
}

/// What happened, whether or not its decision is kept.
fn of_event(event: &Event) -> Row {
    let Some(more) = &event.correction else {
        let level = level_row(event.at_ms, event.resource, event.text.clone());
        return Row { tick: event.tick, ..level };
    };
    Row {
        tick: event.tick,
        at_ms: event.at_ms,
        action: more.action,
        takes: more.takes,
        task: Some(more.task.clone()),
        resource: event.resource,
        reason: Some(more.reason),
        because: more.because.clone(),
        asked: more.asked,
        freed: more.freed,
        took: Some(more.took),
        reacted: more.reacted,
        outcome: more.ending.word().to_owned(),
    }
}

fn level_row(at_ms: u64, resource: Resource, because: String) -> Row {
    Row {
        tick: None,
        at_ms,
        action: LEVEL,
        takes: true,
        task: None,
        resource,
        reason: None,
        because,
        asked: None,
        freed: None,
        took: None,
        reacted: None,
        outcome: String::new(),
    }
}
