// SPDX-License-Identifier: Apache-2.0
//! `max`: the larger of `percentile` and `n-sigma`.
//!
//! Source: "max predictor" in Bashir et al., "Take it to the limit", EuroSys 2021: what they deployed. Cold start as of
//! its two parts.

use super::NodeLoad;
use super::n_sigma::Spread;
use super::past::{History, Keeps, Past};
use super::percentile::TaskPercentiles;
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Max {
    history: History,
    tasks: TaskPercentiles,
    spread: Spread,
}

impl Max {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            history: History::new(parameters, Keeps::Both),
            tasks: TaskPercentiles::new(parameters),
            spread: Spread::new(parameters),
        }
    }
}

impl Rule for Max {
    type Memory = Past;
    const SLOTTED: bool = true;

    fn retune(&mut self, parameters: &Parameters) {
        self.spread.retune(parameters);
    }

    fn admit(&self, past: &mut Past) {
        self.history.admit(past);
    }

    fn leave(&mut self, member: &Member<Past>) {
        self.history.leave(member);
    }

    fn turn(&mut self, members: &mut [Member<Past>], step: u64) {
        self.history.turn(members, step);
    }

    fn weigh(&mut self, group: &Group, members: &mut [Member<Past>], _: &NodeLoad) {
        self.history.promote(group, members);
        self.tasks.weigh(&self.history, members);
        self.spread.weigh(&mut self.history, members);
    }

    fn peak(&self, _: usize, _: &Group) -> f64 {
        self.tasks.sum.max(self.spread.peak())
    }

    fn is_sound(&self, members: &[Member<Past>]) -> bool {
        self.history.is_sound(members)
    }
}
