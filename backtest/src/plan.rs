// SPDX-License-Identifier: Apache-2.0
//! What to run, and what came out.

use crate::replay::Capacity;
use crate::score::Score;
use gleaner_engine::config::EngineConfig;
use gleaner_estimator::predict::{Parameters, PredictorKind};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Span};

/// One way to predict.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The predictor.
    pub kind: PredictorKind,
    /// The risk asked for; only `calibrated` heeds it.
    pub risk: Ratio,
    /// The risk asked for of memory, where it is another.
    pub memory_risk: Option<Ratio>,
    /// Parameters for CPU.
    pub cpu: Parameters,
    /// Parameters for memory.
    pub memory: Parameters,
    /// What of the parameters differs from the defaults, for people: `sigma=3 window=24h`; empty for none.
    pub detail: String,
}

impl Setting {
    /// A predictor with its default parameters.
    #[must_use]
    pub const fn new(kind: PredictorKind, risk: Ratio) -> Self {
        let (cpu, memory) = (Parameters::cpu(), Parameters::memory());
        Self { kind, risk, memory_risk: None, cpu, memory, detail: String::new() }
    }

    /// What a configuration says.
    #[must_use]
    pub fn configured(config: &EngineConfig) -> Self {
        let (cpu, memory) = (&config.cpu.predictor, &config.memory.predictor);
        Self {
            kind: cpu.kind,
            risk: cpu.risk,
            memory_risk: Some(memory.risk),
            cpu: cpu.parameters.clone(),
            memory: memory.parameters.clone(),
            detail: String::new(),
        }
    }

    /// The same asked for another risk of both resources.
    #[must_use]
    pub fn asked_for(self, risk: Ratio) -> Self {
        Self { risk, memory_risk: None, ..self }
    }

    /// The risk asked for of a resource.
    #[must_use]
    pub fn risk_of(&self, resource: Resource) -> Ratio {
        match resource {
            Resource::Cpu | Resource::Io => self.risk,
            Resource::Memory => self.memory_risk.unwrap_or(self.risk),
        }
    }

    /// The predictor's name, and what of its parameters is not the default.
    #[must_use]
    pub fn label(&self) -> String {
        if self.detail.is_empty() {
            return self.kind.name().to_owned();
        }
        format!("{} {}", self.kind.name(), self.detail)
    }
}

/// How much of a decision is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// All of it: the engine decides at every interval, and its offers are followed.
    #[default]
    Offers,
    /// The predicted peaks alone, to the bit the same: for many settings.
    Peaks,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How much of each decision is looked at.
    pub depth: Depth,
    /// The policy around the predictors: its predictors are replaced by each setting's.
    pub policy: EngineConfig,
    /// The ways to predict.
    pub settings: Vec<Setting>,
    /// How far ahead.
    pub horizons: Vec<Span>,
    /// CPU, memory or both; a machine without memory is left out of memory.
    pub resources: Vec<Resource>,
    /// What of each machine's beginning is left out, seconds.
    pub warm_up_s: u32,
    /// What the nodes have.
    pub capacity: Capacity,
}

/// Score and offers of one setting, resource and horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// The score.
    pub score: Score,
    /// Changes of the offer in the intervals that count; `None` where offers were not followed.
    pub changes: Option<u64>,
    /// Time that those intervals span, seconds.
    pub seconds: u64,
}

impl Tally {
    /// Adds a machine.
    pub fn merge(&mut self, other: &Self) {
        self.score.merge(&other.score);
        if let Some(changes) = other.changes {
            *self.changes.get_or_insert(0) += changes;
        }
        self.seconds += other.seconds;
    }

    /// How often the offer changes an hour; `None` where offers were not followed.
    #[must_use]
    pub fn churn_per_hour(&self) -> Option<f64> {
        let hours = self.seconds as f64 / 3600.0;
        self.changes.filter(|_| hours > 0.0).map(|changes| changes as f64 / hours)
    }
}

/// What came out for one machine or a whole trace: one [`Tally`] per setting, resource and horizon.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    resources: usize,
    horizons: usize,
    tallies: Vec<Tally>,
    /// The oracle's own savings in the same order, without settings: nobody can save more.
    oracle: Vec<Score>,
}

impl Outcome {
    /// Nothing yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let (resources, horizons) = (plan.resources.len(), plan.horizons.len());
        let settings = plan.settings.len();
        Self {
            resources,
            horizons,
            tallies: vec![Tally::default(); settings * resources * horizons],
            oracle: vec![Score::default(); resources * horizons],
        }
    }

    /// Of one machine: tallies in the order setting, resource, horizon; oracles in the order resource, horizon.
    pub(crate) fn of_machine(plan: &Plan, tallies: Vec<Tally>, oracle: Vec<Score>) -> Self {
        Self { tallies, oracle, ..Self::new(plan) }
    }

    /// The tally of one combination, by places in the plan.
    #[must_use]
    pub fn tally(&self, setting: usize, resource: usize, horizon: usize) -> &Tally {
        &self.tallies[(setting * self.resources + resource) * self.horizons + horizon]
    }

    /// What the oracle would have saved.
    #[must_use]
    pub fn oracle(&self, resource: usize, horizon: usize) -> &Score {
        &self.oracle[resource * self.horizons + horizon]
    }

    /// Adds a machine.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.tallies.iter_mut().zip(&other.tallies) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.oracle.iter_mut().zip(&other.oracle) {
            mine.merge(theirs);
        }
    }
}
