// SPDX-License-Identifier: Apache-2.0
//! What many settings predict of one machine: samples, rates and loads are made once and shown to every predictor.
//!
//! The predictors, and what they are shown, are those of the engine (`gleaner_engine::demand`); what is left out is the
//! policy around them: a second group for the whole node, offers, verdicts. Settings that differ only in what a predictor
//! looks at last learn once ([`Bank`]). What is predicted is to the bit what the engine would predict.

use crate::plan::{Plan, Setting};
use crate::replay::Replay;
use crate::run::spec;
use crate::trace::Machine;
use gleaner_engine::demand::{Demand, level};
use gleaner_estimator::predict::{
    Bank, NodeLoad, Observation, Parameters, Predictor, PredictorKind, PredictorSpec, bank, shared,
};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, Timestamp};
use gleaner_estimator::usage::UsageTracker;
use gleaner_qos::Controller;
use gleaner_qos::level::Level;

/// Steps between two words of progress.
const PROGRESS_STEPS: usize = 512;

/// What one setting predicts at the end of one interval.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    /// The step that has just ended.
    pub step: usize,
    /// Place of the setting.
    pub setting: usize,
    /// Place of the resource in the plan.
    pub resource: usize,
    /// Place in the plan of the first of these horizons.
    pub first_horizon: usize,
    /// Peaks of the guaranteed tasks by horizon, base units; `None` while nothing is predicted.
    pub peaks: &'a [Option<f64>],
}

/// What predicts for one setting, or for several that share what they learn.
enum Model {
    /// Setting, first horizon, predictor.
    One(usize, usize, Box<dyn Predictor>),
    /// Settings, in the bank's order.
    Many(Vec<usize>, Box<dyn Bank>),
}

/// Predictor, what its settings agree in, and the settings: place and parameters.
type Together = (PredictorKind, Parameters, Vec<(usize, Parameters)>);

/// One resource: its loads and its models.
struct Lane {
    resource: Resource,
    demand: Demand,
    models: Vec<Model>,
    horizons: usize,
    peaks: Vec<Option<f64>>,
}

impl Lane {
    fn new(plan: &Plan, settings: &[Setting], resource: Resource) -> Self {
        let mut models = Vec::new();
        let mut banks: Vec<Together> = Vec::new();
        for (place, setting) in settings.iter().enumerate() {
            let whole = spec(setting, resource, &plan.horizons);
            if let Some(key) = shared(whole.kind, &whole.parameters) {
                let member = (place, whole.parameters);
                match banks.iter_mut().find(|(kind, of, _)| *kind == whole.kind && *of == key) {
                    Some((.., members)) => members.push(member),
                    None => banks.push((whole.kind, key, vec![member])),
                }
                continue;
            }
            for (group, horizons) in plan.horizons.chunks(PredictorSpec::MAX_HORIZONS).enumerate() {
                let predictor = spec(setting, resource, horizons).build();
                models.push(Model::One(place, group * PredictorSpec::MAX_HORIZONS, predictor));
            }
        }
        for (kind, _, members) in banks {
            let (places, parameters) = members.into_iter().unzip();
            models.extend(bank(kind, parameters).map(|bank| Model::Many(places, bank)));
        }
        let (demand, horizons) = (Demand::default(), plan.horizons.len());
        Self { resource, demand, models, horizons, peaks: Vec::new() }
    }

    /// Shows an interval to every model and passes on what each setting says.
    fn show<Q: Amount>(
        &mut self,
        at: Timestamp,
        calm: bool,
        capacity: Q,
        mut visit: impl FnMut(usize, usize, &[Option<f64>]),
    ) {
        let (demand, peaks) = (&self.demand, &mut self.peaks);
        let (loads, ceiling, node) = (&demand.loads, capacity.to_base(), NodeLoad::default());
        let seen = Observation { at, loads, ceiling, calm, node };
        let peak = |predicted| demand.peak(predicted, capacity).to_base();
        for model in &mut self.models {
            match model {
                Model::One(setting, first_horizon, predictor) => {
                    predictor.observe(&seen);
                    let horizons = 0..predictor.horizons().len();
                    peaks.clear();
                    peaks.extend(horizons.map(|h| predictor.peak(h).map(peak)));
                    visit(*setting, *first_horizon, peaks);
                }
                Model::Many(settings, bank) => {
                    bank.observe(&seen);
                    for (setting, predicted) in settings.iter().zip(bank.peaks()) {
                        peaks.clear();
                        peaks.resize(self.horizons, Some(peak(*predicted)));
                        visit(*setting, 0, peaks);
                    }
                }
            }
        }
    }
}

/// Predicts at the end of every interval, for each setting and resource.
pub fn forecast(
    machine: &Machine,
    plan: &Plan,
    settings: &[Setting],
    progress: &(dyn Fn(u64) + Sync),
    mut visit: impl FnMut(&Forecast<'_>),
) {
    let mut lanes: Vec<Lane> =
        plan.resources.iter().map(|resource| Lane::new(plan, settings, *resource)).collect();
    let mut tracker = UsageTracker::default();
    let mut replay = Replay::new(machine, plan.capacity);
    let mut qos = Controller::new(plan.policy.qos.clone());
    tracker.update(replay.sample());
    qos.assess(replay.sample(), tracker.usage());
    let (warm_up, mut rows) = (plan.policy.task_warm_up, 0);
    while let Some(step) = replay.advance() {
        let sample = replay.sample();
        tracker.update(sample);
        let usage = tracker.usage();
        let assessment = qos.assess(sample, usage);
        for (resource, lane) in lanes.iter_mut().enumerate() {
            let visit = |setting, first_horizon, peaks: &[Option<f64>]| {
                visit(&Forecast { step, setting, resource, first_horizon, peaks });
            };
            let calm = level(&assessment, lane.resource, plan.policy.lend_blind) == Level::Calm;
            match lane.resource {
                Resource::Cpu => {
                    let capacity = lane.demand.cpu(sample, usage, warm_up);
                    lane.show(sample.at, calm, capacity, visit);
                }
                Resource::Memory => {
                    let capacity = lane.demand.memory(sample, usage, warm_up);
                    lane.show(sample.at, calm, capacity, visit);
                }
                Resource::Io => {}
            }
        }
        rows += sample.tasks.len() as u64;
        if (step + 1) % PROGRESS_STEPS == 0 {
            progress(std::mem::take(&mut rows) * settings.len() as u64);
        }
    }
    progress(rows * settings.len() as u64);
}
