// SPDX-License-Identifier: Apache-2.0
//! `threshold`: a constant amount is never needed, until the host's load or memory reaches a threshold.
//!
//! Source: blue-yonder/mesos-threshold-oversubscription, `src/threshold.cpp`. A longer load average counts only while
//! the shorter ones exceed the same number, so that it does not stay closed long after the load has gone. All
//! comparisons are `≥`, and a value that cannot be read counts as reached: nothing is lent on missing data.
//! A threshold that is not set is never reached and its value need not be readable. It has no cold start.

use super::NodeLoad;
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Threshold {
    amount: f64,
    /// Over 1, 5 and 15 minutes.
    loads: [Option<f64>; 3],
    /// Bytes in use.
    memory: Option<u64>,
    reached: bool,
}

impl Threshold {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            amount: parameters.amount,
            loads: parameters.load_thresholds,
            memory: parameters.memory_threshold,
            reached: false,
        }
    }

    fn is_reached(&self, node: &NodeLoad) -> bool {
        let memory = match (self.memory, node.memory_used) {
            (Some(threshold), Some(used)) => used.0 >= threshold,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let load = match node.load {
            Some(load) => {
                let averages = [load.one_milli, load.five_milli, load.fifteen_milli];
                let averages = averages.map(|milli| milli as f64 / 1000.0);
                self.loads.iter().enumerate().any(|(longest, threshold)| {
                    threshold.is_some_and(|t| averages[..=longest].iter().all(|load| *load >= t))
                })
            }
            None => self.loads.iter().any(Option::is_some),
        };
        memory || load
    }
}

impl Rule for Threshold {
    type Memory = ();
    const SLOTTED: bool = false;

    fn admit(&self, (): &mut ()) {}
    fn leave(&mut self, _: &Member<()>) {}
    fn turn(&mut self, _: &mut [Member<()>], _: u64) {}

    fn weigh(&mut self, _: &Group, _: &mut [Member<()>], node: &NodeLoad) {
        self.reached = self.is_reached(node);
    }

    fn peak(&self, _: usize, group: &Group) -> f64 {
        if self.reached { group.limit } else { group.limit - self.amount }
    }

    fn is_sound(&self, _: &[Member<()>]) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::LoadAverage;
    use crate::units::Bytes;

    fn node(one: u64, five: u64, fifteen: u64, gib: u64) -> NodeLoad {
        NodeLoad {
            load: Some(LoadAverage {
                one_milli: one * 1000,
                five_milli: five * 1000,
                fifteen_milli: fifteen * 1000,
            }),
            memory_used: Some(Bytes(gib << 30)),
        }
    }

    #[test]
    fn conjunctions_of_the_source() {
        let rule = Threshold::new(&Parameters {
            load_thresholds: [Some(64.0), Some(48.0), Some(32.0)],
            memory_threshold: Some(200 << 30),
            ..Parameters::cpu()
        });
        for (seen, want) in [
            (node(63, 40, 31, 199), false),
            (node(64, 0, 0, 0), true),
            (node(50, 48, 0, 0), true),
            (node(47, 60, 0, 0), false),
            (node(32, 32, 32, 0), true),
            (node(31, 40, 40, 0), false),
            (node(40, 31, 40, 0), false),
            (node(0, 0, 0, 200), true),
            (NodeLoad { load: None, ..node(0, 0, 0, 0) }, true),
            (NodeLoad { memory_used: None, ..node(0, 0, 0, 0) }, true),
        ] {
            assert_eq!(rule.is_reached(&seen), want, "{seen:?}");
        }
    }

    #[test]
    fn what_is_not_asked_for_need_not_be_readable() {
        let rule = Threshold::new(&Parameters::cpu());
        assert!(!rule.is_reached(&NodeLoad::default()));
    }
}
