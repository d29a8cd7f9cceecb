// SPDX-License-Identifier: Apache-2.0
//! What guaranteed tasks use of a resource and may use at most, in the form in which predictors want it.

use crate::view::{Cpu, Memory, View};
use gleaner_estimator::predict::Load;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span};
use gleaner_estimator::usage::Usage;
use gleaner_qos::assessment::Assessment;
use gleaner_qos::level::Level;

/// The loads of the guaranteed tasks of one sample; the buffer is kept between samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    /// Sorted by arrival number.
    pub loads: Vec<Load>,
    /// What tasks too young, or never measured, may still grow to beyond a prediction. Base units.
    pub unproven: f64,
}

/// A resource's level as predictors take it: one that nothing is known of counts as calm only where lending
/// blindly is asked for.
#[must_use]
pub fn level(assessment: &Assessment, resource: Resource, lend_blind: bool) -> Level {
    let this = assessment.of(resource);
    if this.no_signal && lend_blind { Level::Calm } else { this.level }
}

impl Demand {
    /// Takes in the CPU of one sample. A task younger than `warm_up` counts at its allocation.
    pub fn cpu(&mut self, sample: &Sample, usage: &Usage, warm_up: Span) -> MilliCpus {
        self.gather(sample, usage, warm_up, &Cpu)
    }

    /// Like [`Demand::cpu`], the memory.
    pub fn memory(&mut self, sample: &Sample, usage: &Usage, warm_up: Span) -> Bytes {
        self.gather(sample, usage, warm_up, &Memory)
    }

    /// Takes in one sample; returns the node's capacity, which bounds each limit.
    pub(crate) fn gather<Q: Amount>(
        &mut self,
        sample: &Sample,
        usage: &Usage,
        warm_up: Span,
        view: &impl View<Q>,
    ) -> Q {
        self.loads.clear();
        self.unproven = 0.0;
        let capacity = view.capacity(sample);
        let whole = capacity.to_base();
        for (i, task) in sample.tasks.iter().enumerate() {
            if task.task.class != Class::Guaranteed {
                continue;
            }
            let used = &usage.tasks[i];
            let allocation = view.allocation(sample, i).map(Amount::to_base);
            let latest = view.latest(usage, i);
            let limit = allocation.unwrap_or(whole).max(latest.unwrap_or(0.0).min(whole));
            let age = sample.at.since(used.since).unwrap_or_default();
            self.unproven += match (allocation, latest) {
                (Some(promised), None) => promised,
                (Some(promised), Some(used)) if age < warm_up => (promised - used).max(0.0),
                (Some(_) | None, _) => 0.0,
            };
            if let Some(latest) = latest {
                let load = Load { arrival: used.arrival, usage: latest.min(limit), limit };
                self.loads.push(load);
            }
        }
        // Samples are in id order, predictors want arrival order.
        self.loads.sort_unstable_by_key(|load| load.arrival);
        capacity
    }

    /// The peak of the group, given what its predictor says of the loads.
    #[must_use]
    pub fn peak<Q: Amount>(&self, predicted: f64, capacity: Q) -> Q {
        Q::from_base_up(predicted + self.unproven).min(capacity)
    }
}
