// SPDX-License-Identifier: Apache-2.0
//! `borg`: a constant share of the limits, 0.9 by default.
//!
//! Source: "borg-default" in Bashir et al., "Take it to the limit", EuroSys 2021. It has no cold start and learns
//! nothing.

use super::NodeLoad;
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Borg {
    phi: f64,
}

impl Borg {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { phi: parameters.phi }
    }
}

impl Rule for Borg {
    type Memory = ();
    const SLOTTED: bool = false;

    fn retune(&mut self, parameters: &Parameters) {
        self.phi = parameters.phi;
    }

    fn admit(&self, (): &mut ()) {}
    fn leave(&mut self, _: &Member<()>) {}
    fn turn(&mut self, _: &mut [Member<()>], _: u64) {}
    fn weigh(&mut self, _: &Group, _: &mut [Member<()>], _: &NodeLoad) {}

    fn peak(&self, _: usize, group: &Group) -> f64 {
        self.phi * group.limit
    }

    fn is_sound(&self, _: &[Member<()>]) -> bool {
        true
    }
}
