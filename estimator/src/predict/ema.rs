// SPDX-License-Identifier: Apache-2.0
//! `ema`: a multiple of the sum of the tasks' exponential moving averages.
//!
//! Source: mesosphere/serenity, `src/filters/ema.cpp` (regular series: each sample has the same weight, whatever time
//! has passed), weight 0.2. A sample here is a slot's maximum. A new task's average is its first slot: there is
//! no cold start, and Serenity, which takes the average for the need, has a factor of 1.

use super::NodeLoad;
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ema {
    weight: f64,
    factor: f64,
    sum: f64,
}

impl Ema {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { weight: parameters.ema_weight, factor: parameters.ema_factor, sum: 0.0 }
    }

    /// The average with the open slot counted in.
    fn average(&self, member: &Member<Option<f64>>) -> f64 {
        match member.memory {
            Some(before) => before + self.weight * (member.peak - before),
            None => member.peak,
        }
    }
}

impl Rule for Ema {
    /// The average over the ended slots.
    type Memory = Option<f64>;
    const SLOTTED: bool = true;

    fn retune(&mut self, parameters: &Parameters) {
        self.factor = parameters.ema_factor;
    }

    fn admit(&self, average: &mut Option<f64>) {
        *average = None;
    }

    fn leave(&mut self, _: &Member<Option<f64>>) {}

    fn turn(&mut self, members: &mut [Member<Option<f64>>], _: u64) {
        for member in members {
            member.memory = Some(self.average(member));
        }
    }

    fn weigh(&mut self, _: &Group, members: &mut [Member<Option<f64>>], _: &NodeLoad) {
        self.sum = members.iter().map(|member| self.average(member)).sum();
    }

    fn peak(&self, _: usize, _: &Group) -> f64 {
        self.factor * self.sum
    }

    fn is_sound(&self, _: &[Member<Option<f64>>]) -> bool {
        true
    }
}
