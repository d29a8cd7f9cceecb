// SPDX-License-Identifier: Apache-2.0
//! Why not more: the sentence about each resource, made once from the decision and shown alike everywhere.

use crate::about::About;
use crate::figure::Figure;
use crate::harm::of_io;
use crate::sentence::say;
use crate::state::State;
use gleaner_engine::decision::{Decision, ResourceDecision};
use gleaner_estimator::reason::{Bound, Resource};
use serde::Serialize;

/// What is said of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// Of which resource.
    pub resource: Resource,
    /// How it stands.
    pub state: State,
    /// What kept the offer from being larger; its word is an anchor of `docs/why.md`. `None` of IO.
    pub bound: Option<Bound>,
    /// What is offered, and what is lent.
    pub headline: String,
    /// The arithmetic behind it; empty where the headline says it all.
    pub limit: String,
    /// Headline and arithmetic.
    pub sentence: String,
    /// One short line for a terminal.
    pub line: String,
}

/// Why no more CPU and no more memory is offered.
///
/// The arithmetic adds up as printed; the figures of memory are within 0.002 GiB.
#[must_use]
pub fn why(decision: &Decision, about: &About) -> [Why; 2] {
    [
        of(decision, &decision.cpu, Resource::Cpu, about),
        of(decision, &decision.memory, Resource::Memory, about),
    ]
}

fn of<Q: Figure>(
    decision: &Decision,
    resource: &ResourceDecision<Q>,
    which: Resource,
    about: &About,
) -> Why {
    let said = say(decision, resource, about);
    let sentence = match said.limit.is_empty() {
        true => said.headline.clone(),
        false => format!("{} {}", said.headline, said.limit),
    };
    Why {
        resource: which,
        state: State::of_resource(decision, resource),
        bound: Some(resource.offer.bound),
        headline: said.headline,
        limit: said.limit,
        sentence,
        line: said.line,
    }
}

/// What is said of IO, which is never lent; `None` where nobody judges it.
#[must_use]
pub fn why_io(decision: &Decision) -> Option<Why> {
    let said = of_io(decision)?;
    Some(Why {
        resource: Resource::Io,
        state: State::of_io(decision)?,
        bound: None,
        headline: said.clone(),
        limit: String::new(),
        sentence: said.clone(),
        line: said,
    })
}
