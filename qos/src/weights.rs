// SPDX-License-Identifier: Apache-2.0
//! What a ranking of victims is made from, taken at each tick: the ranking itself is made where somebody looks.

use crate::capability::Actuator;
use crate::controller::Controller;
use crate::rank::{Aim, Candidate, Costs, Gives, View, sort};
use crate::verdict::BestEffort;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, Task};
use gleaner_estimator::usage::Usage;
use std::sync::Arc;

/// Every best-effort task of one sample, weighed for an eviction.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    all: Vec<Weight>,
}

#[derive(Clone, Debug)]
struct Weight {
    task: Arc<Task>,
    index: usize,
    /// For each resource.
    gives: [Gives; 3],
    costs: Costs,
}

impl Weights {
    /// Who would be evicted for a resource if one had to be, the first victim in front.
    #[must_use]
    pub fn ranking(&self, resource: Resource) -> Vec<Candidate> {
        let column = Resource::ALL.iter().position(|known| *known == resource).unwrap_or_default();
        let candidate = |w: &Weight| Candidate::new(&w.task, w.index, w.gives[column], w.costs);
        let mut all: Vec<Candidate> = self.all.iter().map(candidate).collect();
        sort(&mut all);
        all
    }
}

impl Controller {
    /// Weighs every best-effort task, for those who look. Decides and changes nothing.
    ///
    /// `sample` must be the one that was decided last.
    #[must_use]
    pub fn weigh(&self, sample: &Sample, usage: &Usage) -> Weights {
        let view = View { sample, usage, config: self.config() };
        let mut past = self.pasts(Actuator::Evict, self.now.unwrap_or(sample.at));
        let weight = |who: BestEffort<'_>| {
            let past = past(&who);
            Weight {
                task: Arc::clone(&who.sample().task),
                index: who.index(),
                gives: Resource::ALL.map(|r| view.gives(&who, (r, Aim::Evict), past)),
                costs: view.costs(&who, past),
            }
        };
        let mut all = Vec::with_capacity(self.ledger.present().count());
        all.extend(BestEffort::all(sample).map(weight));
        Weights { all }
    }
}
