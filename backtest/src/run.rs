// SPDX-License-Identifier: Apache-2.0
//! Runs settings over one machine: the engine's own step with the trace's time as its clock, and the score of each.

use crate::forecast::forecast;
use crate::oracle::Oracle;
use crate::plan::{Depth, Outcome, Plan, Setting, Tally};
use crate::policy::Offers;
use crate::replay::Replay;
use crate::score::{self, Score};
use crate::trace::{Machine, Series};
use gleaner_engine::Engine;
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::{Decision, MAX_HORIZONS};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::predict::PredictorSpec;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span};
use rayon::prelude::*;

/// Why a machine cannot be run.
#[derive(Debug, thiserror::Error)]
#[error(
    "machine {machine}: the horizon of {horizon} is shorter than the trace's step of {step_s} s: \
     no sample lies within it"
)]
pub struct HorizonTooShort {
    /// The machine.
    pub machine: i64,
    /// The horizon.
    pub horizon: Span,
    /// The step, seconds.
    pub step_s: u32,
}

/// Settings that share one replay: making samples then costs little beside deciding.
const TOGETHER: usize = 4;
/// The same where nothing is decided: rates and loads are shared too, and most of what neighbours learn.
const TOGETHER_BARE: usize = 128;
/// Steps between two words of progress.
const PROGRESS_STEPS: usize = 512;

/// Runs every setting over one machine. `progress` is told of rows done, each once per setting.
///
/// # Errors
/// A horizon is shorter than the machine's step.
pub fn machine(
    machine: &Machine,
    plan: &Plan,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome, HorizonTooShort> {
    let judge = |resource: &Resource| Judge::new(machine, plan, *resource);
    let judges: Vec<Judge<'_>> = plan.resources.iter().map(judge).collect::<Result<_, _>>()?;
    let tallies: Vec<Vec<Tally>> = match plan.depth {
        Depth::Offers => plan
            .settings
            .par_chunks(TOGETHER)
            .map(|settings| tallies(machine, plan, settings, &judges, progress))
            .collect(),
        Depth::Peaks => plan
            .settings
            .par_chunks(TOGETHER_BARE)
            .map(|settings| bare_tallies(machine, plan, settings, &judges, progress))
            .collect(),
    };
    let oracle = judges.iter().flat_map(|judge| judge.oracle_scores(plan)).collect();
    Ok(Outcome::of_machine(plan, tallies.concat(), oracle))
}

/// What one resource of a machine is judged by.
struct Judge<'a> {
    resource: Resource,
    limits: Vec<Option<f64>>,
    oracle: Oracle,
    first: usize,
    machine: &'a Machine,
}

impl<'a> Judge<'a> {
    fn new(machine: &'a Machine, plan: &Plan, resource: Resource) -> Result<Self, HorizonTooShort> {
        let steps = horizon_steps(machine, &plan.horizons)?;
        let (limits, oracle) = match series(machine, resource) {
            Some(s) => (score::limits(machine, s), Oracle::new(machine, s, &steps)),
            None => (Vec::new(), Oracle { peaks: Vec::new() }),
        };
        let first = score::first_step(machine, plan.warm_up_s);
        Ok(Self { resource, limits, oracle, first, machine })
    }

    /// Limit and peak of an interval that counts.
    fn interval(&self, step: usize, horizon: usize) -> Option<(f64, f64)> {
        let limit = self.limits.get(step).copied().flatten().filter(|_| step >= self.first)?;
        Some((limit, self.oracle.peaks[horizon][step]))
    }

    /// Judges one prediction; false where the interval does not count.
    fn judge(
        &self,
        tally: &mut Tally,
        step: usize,
        horizon: usize,
        predicted: Option<f64>,
    ) -> bool {
        let Some((limit, peak)) = self.interval(step, horizon) else { return false };
        tally.score.add(limit, predicted.unwrap_or(limit), peak);
        tally.seconds += u64::from(self.machine.step_s);
        true
    }

    fn oracle_scores(&self, plan: &Plan) -> Vec<Score> {
        let one = |horizon| {
            let mut score = Score::default();
            for (limit, peak) in (0..self.limits.len()).filter_map(|s| self.interval(s, horizon)) {
                score.add(limit, peak, peak);
            }
            score.of_machine(self.machine.id)
        };
        (0..plan.horizons.len()).map(one).collect()
    }
}

/// The rows of one resource; `None` where the machine has none.
#[must_use]
pub fn series(machine: &Machine, resource: Resource) -> Option<&Series> {
    match resource {
        Resource::Cpu => Some(&machine.cpu),
        Resource::Memory => machine.memory.as_ref(),
        Resource::Io => None,
    }
}

/// Horizons as steps of this machine.
///
/// # Errors
/// One is shorter than a step.
pub fn horizon_steps(machine: &Machine, horizons: &[Span]) -> Result<Vec<usize>, HorizonTooShort> {
    let step = Span::from_secs(machine.step_s.into());
    let steps = |horizon: &Span| match usize::try_from(horizon.0 / step.0) {
        Ok(0) => {
            let (machine, step_s) = (machine.id, machine.step_s);
            Err(HorizonTooShort { machine, horizon: *horizon, step_s })
        }
        Ok(steps) => Ok(steps),
        Err(_) => Ok(usize::MAX),
    };
    horizons.iter().map(steps).collect()
}

/// Tallies in the order setting, resource, horizon.
fn tallies(
    machine: &Machine,
    plan: &Plan,
    settings: &[Setting],
    judges: &[Judge<'_>],
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<Tally> {
    let place = |setting, r, horizon| (setting * judges.len() + r) * plan.horizons.len() + horizon;
    let count = place(settings.len(), 0, 0);
    let mut tallies = vec![Tally::default(); count];
    let mut offers: Vec<AnyOffers> = (0..count).map(|_| AnyOffers::default()).collect();
    predict(machine, plan, settings, progress, |seen| {
        for (r, judge) in judges.iter().enumerate() {
            for h in 0..seen.horizons {
                let at = place(seen.setting, r, seen.first_horizon + h);
                let changed = offers[at].changed(seen.decision, judge.resource, h);
                let predicted = peak_of(seen.decision, judge.resource, h);
                if judge.judge(&mut tallies[at], seen.step, seen.first_horizon + h, predicted) {
                    *tallies[at].changes.get_or_insert(0) += u64::from(changed);
                }
            }
        }
    });
    close(tallies, machine)
}

/// Like [`tallies`], without the policy around the predictors.
fn bare_tallies(
    machine: &Machine,
    plan: &Plan,
    settings: &[Setting],
    judges: &[Judge<'_>],
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<Tally> {
    let horizons = plan.horizons.len();
    let mut tallies = vec![Tally::default(); settings.len() * judges.len() * horizons];
    forecast(machine, plan, settings, progress, |seen| {
        let first = (seen.setting * judges.len() + seen.resource) * horizons;
        for (horizon, predicted) in (seen.first_horizon..).zip(seen.peaks) {
            let tally = &mut tallies[first + horizon];
            judges[seen.resource].judge(tally, seen.step, horizon, *predicted);
        }
    });
    close(tallies, machine)
}

fn close(mut tallies: Vec<Tally>, machine: &Machine) -> Vec<Tally> {
    for tally in &mut tallies {
        tally.score = tally.score.of_machine(machine.id);
    }
    tallies
}

/// Offers of either resource.
#[derive(Default)]
struct AnyOffers {
    cpu: Offers<MilliCpus>,
    memory: Offers<Bytes>,
}

impl AnyOffers {
    fn changed(&mut self, decision: &Decision, resource: Resource, horizon: usize) -> bool {
        match resource {
            Resource::Cpu => self.cpu.changed(decision.at, &decision.cpu, horizon),
            Resource::Memory => self.memory.changed(decision.at, &decision.memory, horizon),
            Resource::Io => false,
        }
    }
}

/// The guaranteed tasks' peak at one of the decision's horizons, base units; `None` while nothing is predicted.
#[must_use]
pub fn peak_of(decision: &Decision, resource: Resource, horizon: usize) -> Option<f64> {
    match resource {
        Resource::Cpu => Some(decision.cpu.peaks.get(horizon)?.as_ref()?.guaranteed.to_base()),
        Resource::Memory => {
            Some(decision.memory.peaks.get(horizon)?.as_ref()?.guaranteed.to_base())
        }
        Resource::Io => None,
    }
}

/// One decision as it falls.
pub struct Seen<'a> {
    /// The step that has just ended.
    pub step: usize,
    /// Place of the setting.
    pub setting: usize,
    /// Place in the plan of the decision's first horizon.
    pub first_horizon: usize,
    /// Horizons in this decision.
    pub horizons: usize,
    /// The decision.
    pub decision: &'a Decision,
}

/// Lets the engine decide at the end of every interval, once per setting and group of horizons.
pub fn predict(
    machine: &Machine,
    plan: &Plan,
    settings: &[Setting],
    progress: &(dyn Fn(u64) + Sync),
    mut visit: impl FnMut(&Seen<'_>),
) {
    let mut engines = Vec::new();
    for (s, setting) in settings.iter().enumerate() {
        // A decision has room for so many horizons; further ones take an engine of their own.
        for (group, horizons) in plan.horizons.chunks(MAX_HORIZONS).enumerate() {
            let engine = Engine::new(config(machine, plan, setting, horizons));
            engines.push((engine, s, group * MAX_HORIZONS, horizons.len()));
        }
    }
    let mut replay = Replay::new(machine, plan.capacity);
    for (engine, ..) in &mut engines {
        engine.tick(reading(&replay));
    }
    let mut rows = 0;
    while let Some(step) = replay.advance() {
        for (engine, setting, first_horizon, horizons) in &mut engines {
            let decision = engine.tick(reading(&replay));
            visit(&Seen {
                step,
                setting: *setting,
                first_horizon: *first_horizon,
                horizons: *horizons,
                decision: &decision,
            });
        }
        rows += replay.sample().tasks.len() as u64;
        if (step + 1) % PROGRESS_STEPS == 0 {
            progress(std::mem::take(&mut rows) * settings.len() as u64);
        }
    }
    progress(rows * settings.len() as u64);
}

fn reading<'a>(replay: &'a Replay<'_>) -> Reading<'a> {
    let sample = replay.sample();
    Reading { at: sample.at, wall_ms: sample.at.0 / 1_000_000, body: Body::Fresh(sample) }
}

/// The policy with this setting's predictors, on the trace's clock.
fn config(machine: &Machine, plan: &Plan, setting: &Setting, horizons: &[Span]) -> EngineConfig {
    let mut config = plan.policy.clone();
    config.interval = Span::from_secs(machine.step_s.into());
    // No row missing is a gap: what lies between two rows of a trace is known.
    config.stale_after = config.stale_after.max(Span(2 * config.interval.0));
    config.max_tasks = usize::MAX;
    config.offer_horizon = config.offer_horizon.min(horizons.len().saturating_sub(1));
    config.cpu.predictor = spec(setting, Resource::Cpu, horizons);
    config.memory.predictor = spec(setting, Resource::Memory, horizons);
    config.cpu.enabled |= plan.resources.contains(&Resource::Cpu);
    config.memory.enabled |= plan.resources.contains(&Resource::Memory);
    config
}

/// The setting's predictor of one resource.
pub(crate) fn spec(setting: &Setting, resource: Resource, horizons: &[Span]) -> PredictorSpec {
    let parameters = match resource {
        Resource::Cpu | Resource::Io => &setting.cpu,
        Resource::Memory => &setting.memory,
    };
    PredictorSpec {
        kind: setting.kind,
        risk: setting.risk_of(resource),
        horizons: horizons.to_vec(),
        parameters: parameters.clone(),
    }
}
