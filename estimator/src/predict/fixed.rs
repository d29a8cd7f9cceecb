// SPDX-License-Identifier: Apache-2.0
//! `fixed`: a constant amount is never needed, whatever happens.
//!
//! Source: Apache Mesos, `src/slave/resource_estimators/fixed.cpp`, which offers a constant and never looks.
//! As a peak: limits less that constant. It has no cold start and learns nothing.

use super::NodeLoad;
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fixed {
    amount: f64,
}

impl Fixed {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { amount: parameters.amount }
    }
}

impl Rule for Fixed {
    type Memory = ();
    const SLOTTED: bool = false;

    fn retune(&mut self, parameters: &Parameters) {
        self.amount = parameters.amount;
    }

    fn admit(&self, (): &mut ()) {}
    fn leave(&mut self, _: &Member<()>) {}
    fn turn(&mut self, _: &mut [Member<()>], _: u64) {}
    fn weigh(&mut self, _: &Group, _: &mut [Member<()>], _: &NodeLoad) {}

    fn peak(&self, _: usize, group: &Group) -> f64 {
        group.limit - self.amount
    }

    fn is_sound(&self, _: &[Member<()>]) -> bool {
        true
    }
}
