// SPDX-License-Identifier: Apache-2.0
//! What happened lately that a person would want to know: changes of level, corrections.

use crate::correction::Ended;
use gleaner_estimator::reason::Resource;
use gleaner_qos::level::Level;
use serde::Serialize;
use std::collections::VecDeque;

/// Most events that are kept.
const MOST: usize = 50;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Number since the start, from 1.
    pub number: u64,
    /// When, milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// Over which resource.
    pub resource: Resource,
    /// One sentence.
    pub text: String,
}

/// The latest events.
#[derive(Debug, Default)]
pub struct Events {
    kept: VecDeque<Event>,
    number: u64,
}

impl Events {
    /// A level was entered.
    pub fn level(&mut self, at_ms: u64, resource: Resource, level: Level) {
        self.push(at_ms, resource, format!("{} became {}", resource.word(), level.word()));
    }

    /// A correction ended.
    pub fn ended(&mut self, ended: &Ended) {
        let (action, ending) = (ended.action.word(), ended.ending.word());
        let text = format!("{action} {}: {ending}", ended.task.name);
        self.push(ended.wall_ms, ended.resource, text);
    }

    /// How many there have been since the start.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The latest, newest first.
    #[must_use]
    pub fn latest(&self) -> Vec<Event> {
        self.kept.iter().rev().cloned().collect()
    }

    fn push(&mut self, at_ms: u64, resource: Resource, text: String) {
        if self.kept.len() == MOST {
            self.kept.pop_front();
        }
        self.number += 1;
        self.kept.push_back(Event { number: self.number, at_ms, resource, text });
    }
}
