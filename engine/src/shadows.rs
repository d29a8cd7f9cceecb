// SPDX-License-Identifier: Apache-2.0
//! Policies that decide beside the live one from the same readings. They hold no way to act, and nothing flows back.

use crate::Engine;
use crate::config::{EngineConfig, ShadowConfig};
use crate::decision::{Decision, Mode};
use crate::reading::Reading;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::predict::Score;
use gleaner_estimator::reason::Resource;
use serde::Serialize;

/// How the predictions of a policy that decides beside the live one have turned out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowScore {
    /// Name of the policy.
    pub policy: String,
    /// Of which resource.
    pub resource: Resource,
    /// What it would offer now, in the resource's unit: thousandths of a core, or bytes.
    pub offer: u64,
    /// For one horizon.
    pub score: Score,
}

/// The policies beside the live one, each with an engine of its own.
#[derive(Default)]
pub struct Shadows {
    policies: Vec<Shadow>,
}

struct Shadow {
    name: String,
    engine: Engine,
    decision: Option<Decision>,
}

/// The shadow's rules on this node: what is read, how often, and what there is to lend are the live policy's.
fn rules(shadow: &ShadowConfig, live: &EngineConfig) -> EngineConfig {
    EngineConfig {
        mode: Mode::Observe,
        interval: live.interval,
        stale_after: live.stale_after,
        warm_up: live.warm_up,
        task_warm_up: live.task_warm_up,
        max_tasks: live.max_tasks,
        lend: live.lend,
        lend_blind: live.lend_blind,
        ..shadow.engine.clone()
    }
}

impl Shadows {
    /// Cold policies beside a live one with these rules.
    #[must_use]
    pub fn new(policies: &[ShadowConfig], live: &EngineConfig) -> Self {
        Self::default().follow(policies, live)
    }

    /// The same under a new configuration: a policy whose name and rules have not changed goes on, others start cold.
    #[must_use]
    pub fn follow(mut self, policies: &[ShadowConfig], live: &EngineConfig) -> Self {
        let policies = policies.iter().map(|config| {
            let rules = rules(config, live);
            let same = |old: &Shadow| old.name == config.name && *old.engine.config() == rules;
            match self.policies.iter().position(same) {
                Some(kept) => self.policies.swap_remove(kept),
                None => {
                    Shadow { name: config.name.clone(), engine: Engine::new(rules), decision: None }
                }
            }
        });
        Self { policies: policies.collect() }
    }

    /// Lets every policy decide from a reading.
    pub fn tick(&mut self, reading: Reading<'_>) {
        for shadow in &mut self.policies {
            shadow.decision = Some(shadow.engine.tick(reading));
        }
    }

    /// Passes on a fast reading between two samples. No policy beside the live one makes a tick come earlier.
    pub fn glance(&mut self, glance: &Glance) {
        for shadow in &mut self.policies {
            let _ = shadow.engine.glance(glance);
        }
    }

    /// The names, in the order of the configuration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|shadow| shadow.name.as_str())
    }

    /// What each policy last decided, and would have done; nothing before the first reading.
    pub fn decisions(&self) -> impl Iterator<Item = (&str, &Decision)> {
        self.policies
            .iter()
            .filter_map(|shadow| Some((shadow.name.as_str(), shadow.decision.as_ref()?)))
    }

    /// How the predictions of each policy have turned out, by policy, resource and horizon.
    pub fn scores(&self) -> impl Iterator<Item = ShadowScore> {
        self.decisions().flat_map(|(name, decision)| {
            let told = |resource, offer, score: &Score| ShadowScore {
                policy: name.to_owned(),
                resource,
                offer,
                score: *score,
            };
            let (cpu, memory) = (&decision.cpu, &decision.memory);
            let cpu_offer = cpu.offer.amount.0;
            let memory_offer = memory.offer.amount.0;
            let cpu = cpu.scores.iter().flatten().map(move |s| told(Resource::Cpu, cpu_offer, s));
            let memory = memory.scores.iter().flatten();
            cpu.chain(memory.map(move |s| told(Resource::Memory, memory_offer, s)))
        })
    }
}
