// SPDX-License-Identifier: Apache-2.0
//! The course of one machine: what was used, predicted, and came.

use crate::oracle::Oracle;
use crate::plan::Setting;
use crate::run;
use crate::score;
use crate::study::{BacktestError, Request, TraceResult};
use crate::sweep;
use crate::trace::{Machine, Trace, TraceError};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Span};

/// One interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Sum of limits, base units.
    pub limit: f64,
    /// Sum of usage.
    pub used: f64,
    /// Predicted peak.
    pub predicted: f64,
    /// The peak that came.
    pub peak: f64,
}

/// One resource and horizon of a machine, from its first interval on; `None` where no task ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The resource.
    pub resource: Resource,
    /// How far ahead.
    pub horizon: Span,
    /// Distance of two moments, seconds.
    pub step_s: u32,
    /// Step from which on is judged.
    pub first: usize,
    /// The moments.
    pub moments: Vec<Option<Moment>>,
}

/// A machine of a trace under one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The trace's number of the machine.
    pub machine: i64,
    /// The setting.
    pub setting: Setting,
    /// Its courses.
    pub courses: Vec<Course>,
}

/// Looks at the machine that was asked for, else at the one that fared worst.
///
/// # Errors
/// The trace cannot be read again.
pub fn view(request: &Request, result: &TraceResult, target: Ratio) -> Result<View, BacktestError> {
    let chosen = chosen(result, target);
    let setting = result.plan.settings[chosen].clone();
    let wanted = request.machine.or_else(|| worst(result, chosen));
    let machine = find(result, wanted)?;
    let mut plan = result.plan.clone();
    plan.settings = vec![setting.clone()];
    let horizon = |source| BacktestError::Horizon { file: result.file.clone(), source };
    let steps = run::horizon_steps(&machine, &plan.horizons).map_err(horizon)?;
    let first = score::first_step(&machine, plan.warm_up_s);
    let mut courses = Vec::new();
    for resource in &plan.resources {
        let Some(series) = run::series(&machine, *resource) else { continue };
        let limits = score::limits(&machine, series);
        let now = Oracle::totals(&machine, series);
        let oracle = Oracle::new(&machine, series, &steps);
        for (h, horizon) in plan.horizons.iter().enumerate() {
            let moment = |(step, limit): (usize, &Option<f64>)| {
                limit.map(|limit| Moment {
                    limit,
                    used: now[step],
                    predicted: limit,
                    peak: oracle.peaks[h][step],
                })
            };
            courses.push(Course {
                resource: *resource,
                horizon: *horizon,
                step_s: machine.step_s,
                first,
                moments: limits.iter().enumerate().map(moment).collect(),
            });
        }
    }
    let settings = plan.settings.clone();
    run::predict(&machine, &plan, &settings, &|_| {}, |seen| {
        for course in &mut courses {
            let at = plan.horizons.iter().position(|h| *h == course.horizon);
            let Some(h) = at.and_then(|at| at.checked_sub(seen.first_horizon)) else { continue };
            if h >= seen.horizons {
                continue;
            }
            let predicted = run::peak_of(seen.decision, course.resource, h);
            if let Some((moment, predicted)) = course.moments[seen.step].as_mut().zip(predicted) {
                moment.predicted = predicted.min(moment.limit);
            }
        }
    });
    Ok(View { machine: machine.id, setting, courses })
}

/// The setting to look at: `calibrated` at the largest risk that is not above the target, else the first one.
fn chosen(result: &TraceResult, target: Ratio) -> usize {
    let settings = result.plan.settings.iter().enumerate();
    let ours = settings
        .filter(|(_, s)| s.kind == PredictorKind::Calibrated && s.risk <= target)
        .max_by(|(_, a), (_, b)| a.risk.get().total_cmp(&b.risk.get()));
    ours.map_or(0, |(place, _)| place)
}

/// The machine with the largest violation rate under a setting, at the horizon nearest to that of offers.
fn worst(result: &TraceResult, setting: usize) -> Option<i64> {
    let horizons = &result.plan.horizons;
    let distance = |h: &usize| (horizons[*h].secs() / sweep::OFFER_HORIZON.secs()).ln().abs();
    let h = (0..horizons.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let resources = 0..result.plan.resources.len();
    let scores = resources.map(|r| result.outcome.tally(setting, r, h).score);
    scores.max_by(|a, b| a.worst.total_cmp(&b.worst)).and_then(|score| score.worst_machine)
}

fn find(result: &TraceResult, wanted: Option<i64>) -> Result<Machine, BacktestError> {
    for machine in Trace::open(&result.file)? {
        let machine = machine?;
        if wanted.is_none_or(|wanted| wanted == machine.id) {
            return Ok(machine);
        }
    }
    let what = "the trace has changed while it was read".to_owned();
    Err(TraceError::Empty { file: result.file.clone(), what }.into())
}
