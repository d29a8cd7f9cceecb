// SPDX-License-Identifier: Apache-2.0
//! What happened lately that a person would want to know: changes of level, corrections.

use crate::correction::{Ended, Ending};
use crate::order::amount;
use crate::stories::takes;
use crate::story::words::sentence;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use gleaner_qos::level::Level;
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::{Action, Correction, Reason};
use serde::Serialize;
use std::collections::VecDeque;

/// Most events that are kept.
const MOST: usize = 50;
/// Most of them that only put somebody into what stands for good, or give back: a node of many tasks begins with
/// hundreds, which would push out the evictions.
const MOST_MINOR: usize = 20;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Number since the start, from 1.
    pub number: u64,
    /// When, milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// Over which resource.
    pub resource: Resource,
    /// One sentence.
    pub text: String,
    /// The decision that it came from, where that can still be explained here.
    pub tick: Option<u64>,
    /// More about a correction; `None` for a change of level.
    pub correction: Option<Corrected>,
}

/// More about a correction that has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Corrected {
    /// What was done.
    pub action: &'static str,
    /// Whether it took something back, beyond what stands for good.
    pub takes: bool,
    /// Of which task.
    pub task: String,
    /// How it ended.
    pub ending: Ending,
    /// Why, in words.
    pub because: String,
    /// What came of it, in words.
    pub came: String,
    /// The word of the reason.
    pub reason: Reason,
    /// What was expected to come back.
    pub asked: Option<Relief>,
    /// What came back.
    pub freed: Option<Relief>,
    /// From its beginning to its end.
    #[serde(rename = "took_ns")]
    pub took: Span,
    /// From the first sign of the harm that it answers until it was written.
    #[serde(rename = "reacted_ns")]
    pub reacted: Option<Span>,
}

impl Event {
    fn matters(&self) -> bool {
        self.correction.as_ref().is_none_or(|correction| correction.takes)
    }
}

/// The latest events.
#[derive(Clone, Debug, Default)]
pub struct Events {
    kept: VecDeque<Event>,
    /// The last eviction, however long ago.
    eviction: Option<Event>,
    number: u64,
}

impl Events {
    /// A level was entered, by the decision of this number.
    pub fn level(&mut self, tick: u64, at_ms: u64, resource: Resource, level: Level) {
        let text = format!("{} became {}", resource.word(), level.word());
        self.push(at_ms, resource, text, Some(tick), None);
    }

    /// Another decision has this number from here on: numbers begin anew when a reload changes the rules.
    pub(crate) fn forget(&mut self, tick: u64) {
        for event in self.kept.iter_mut().chain(&mut self.eviction) {
            event.tick = event.tick.filter(|known| *known != tick);
        }
    }

    /// A correction ended; `asked` is the one that it was, where its decision is kept.
    pub fn ended(&mut self, ended: &Ended, asked: Option<&Correction>) {
        let (action, ending) = (ended.action.word(), ended.ending.word());
        let text = format!("{action} {}: {ending}", ended.task.name);
        let more = Corrected {
            action,
            takes: takes(ended.action),
            task: ended.task.name.to_string(),
            ending: ended.ending,
            because: because(ended, asked),
            came: came(ended, asked),
            reason: ended.reason,
            asked: asked.and_then(Correction::relief),
            freed: ended.end.relief,
            took: ended.end.took,
            reacted: ended.end.reacted,
        };
        self.push(ended.wall_ms, ended.resource, text, ended.tick, Some(more));
        if ended.action == Action::Evict {
            self.eviction = self.kept.back().cloned();
        }
    }

    /// How many there have been since the start.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The latest, newest first; the last eviction is among them however long ago it was.
    #[must_use]
    pub fn latest(&self) -> Vec<Event> {
        let mut latest: Vec<Event> = self.kept.iter().rev().cloned().collect();
        let known = |evicted: &&Event| latest.iter().any(|event| event.number == evicted.number);
        let older = self.eviction.as_ref().filter(|evicted| !known(evicted)).cloned();
        latest.extend(older);
        latest
    }

    fn push(
        &mut self,
        at_ms: u64,
        resource: Resource,
        text: String,
        tick: Option<u64>,
        correction: Option<Corrected>,
    ) {
        self.number += 1;
        self.kept.push_back(Event { number: self.number, at_ms, resource, text, tick, correction });
        let minor = self.kept.iter().filter(|event| !event.matters()).count();
        let drop = match (minor > MOST_MINOR, self.kept.len() > MOST) {
            (true, _) => self.kept.iter().position(|event| !event.matters()),
            (false, true) => Some(0),
            (false, false) => None,
        };
        drop.and_then(|place| self.kept.remove(place));
    }
}

fn because(ended: &Ended, asked: Option<&Correction>) -> String {
    let why = asked.map(Correction::why);
    let numbers = |why: &gleaner_qos::verdict::Why| (why.signal, why.value, why.threshold);
    let (signal, value, edge) = why.map(numbers).unwrap_or_default();
    sentence(ended.reason, signal, value, edge)
}

/// `done in 340 ms; 2.6 GiB came back, 2.7 GiB were expected`.
fn came(ended: &Ended, asked: Option<&Correction>) -> String {
    let end = &ended.end;
    let mut said = match (ended.ending, end.outcome.is_empty()) {
        (Ending::Observed, _) => "only shown: the mode allows no more".to_owned(),
        (_, true) => ended.ending.word().to_owned(),
        (_, false) => format!("{} in {}", end.outcome, end.took),
    };
    let expected = asked.and_then(Correction::relief).map(amount);
    match (end.relief.map(amount), expected) {
        (Some(came), Some(expected)) => {
            said.push_str(&format!("; {came} came back, {expected} expected"));
        }
        (Some(came), None) => said.push_str(&format!("; {came} came back")),
        (None, Some(expected)) => said.push_str(&format!("; {expected} expected")),
        (None, None) => {}
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::End;
    use gleaner_estimator::sample::TaskId;

    fn ended(action: Action) -> Ended {
        Ended {
            task: TaskId { name: "be/x".into(), inode: 7 },
            action,
            resource: Resource::Cpu,
            reason: Reason::Standing,
            ending: Ending::Done,
            wall_ms: 5,
            tick: Some(3),
            end: End::default(),
        }
    }

    #[test]
    fn what_stands_for_good_does_not_push_out_what_was_taken_back() {
        let mut events = Events::default();
        events.ended(&ended(Action::Evict), None);
        (0..200).for_each(|_| events.ended(&ended(Action::StandingClass), None));
        let latest = events.latest();
        assert_eq!((latest.len(), latest[0].number), (MOST_MINOR + 1, 201));
        assert_eq!(latest[MOST_MINOR].text, "evict be/x: done");
        (0..200).for_each(|_| events.level(9, 6, Resource::Io, Level::Calm));
        let latest = events.latest();
        assert_eq!(latest.len(), MOST + 1);
        assert_eq!(latest[MOST].number, 1, "the last eviction is never forgotten");
    }
}
