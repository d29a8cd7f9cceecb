// SPDX-License-Identifier: Apache-2.0
//! `gleaner backtest`: what settings would have lent and violated on traces and recordings.

mod args;
mod progress;

pub(crate) use args::Args;

use crate::exit::{Exit, Failure};
use crate::{config, output};
use gleaner_backtest::html::{self, View};
use gleaner_backtest::plan::Setting;
use gleaner_backtest::policy;
use gleaner_backtest::replay::Capacity;
use gleaner_backtest::report;
use gleaner_backtest::study::{BacktestError, Request, TraceResult, backtest};
use gleaner_backtest::sweep;
use gleaner_backtest::trace;
use gleaner_backtest::verdicts::verdicts;
use gleaner_engine::config::EngineConfig;
use gleaner_estimator::predict::{PredictorKind, PredictorSpec};
use gleaner_estimator::units::Ratio;
use progress::Progress;
use std::fs;
use std::path::Path;

/// Runs it and prints tables, or JSON, and writes the page.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let configured = match &args.config.path {
        Some(path) => Some(config::load(Some(path))?.0.engine),
        None => None,
    };
    let request = request(args, configured.as_ref());
    let targets = args.targets(request.base.risk);
    let progress = Progress::new(&request);
    let results = backtest(&request, &progress);
    progress.finish();
    let results = results.map_err(failure)?;
    if let Some(page) = &args.html {
        write_page(page, &request, &results, targets[0])?;
    }
    let mut text = match (args.json, args.sweep) {
        (true, _) => report::json(&results),
        (false, false) => report::table(&results),
        (false, true) => targets.iter().map(|target| report::winners(&results, *target)).collect(),
    };
    if !args.json && !args.sweep {
        let policy = configured.unwrap_or_default();
        for result in &results {
            text.push_str(&taken_back(result, &policy)?);
        }
    }
    output::print(&text).map(|_| ())
}

/// What the policy would have done over a recording; nothing of a trace, which has no signals.
fn taken_back(result: &TraceResult, policy: &EngineConfig) -> Result<String, Failure> {
    let data = |error: &dyn std::fmt::Display| Failure::new(Exit::Data, error);
    if !trace::is_recording(&result.file).map_err(|e| data(&e))? {
        return Ok(String::new());
    }
    let seen = verdicts(&result.file, policy).map_err(|e| data(&e))?;
    Ok(report::verdicts(&result.name, policy, &seen))
}

fn request(args: &Args, configured: Option<&EngineConfig>) -> Request {
    let plain = Setting::new(PredictorKind::Calibrated, PredictorSpec::default().risk);
    let base = configured.map_or(plain, Setting::configured);
    let horizons = configured.map(|config| config.cpu.predictor.horizons.clone());
    Request {
        traces: args.traces.clone(),
        predictors: args.predictors(base.kind),
        risks: args.risks(),
        base,
        curve: if args.html.is_some() && !args.sweep { sweep::risks() } else { Vec::new() },
        horizons: args.horizons(&horizons.unwrap_or(PredictorSpec::default().horizons)),
        resources: args.resources(),
        machine: args.machine,
        warm_up_s: args.warm_up_s(),
        capacity: Capacity { cpu: args.capacity, memory: args.capacity_memory },
        policy: configured.cloned().unwrap_or_else(policy::plain),
        sweep: args.sweep,
    }
}

fn write_page(
    file: &Path,
    request: &Request,
    results: &[TraceResult],
    target: Ratio,
) -> Result<(), Failure> {
    let views: Vec<View> = results
        .iter()
        .map(|result| html::view(request, result, target))
        .collect::<Result<_, _>>()
        .map_err(failure)?;
    let page = html::page(results, &views, target);
    let wrong = |e| Failure::new(Exit::Io, format_args!("{}: {e}", file.display()));
    fs::write(file, page).map_err(wrong)
}

fn failure(error: BacktestError) -> Failure {
    let exit = match error {
        BacktestError::Setting(_) | BacktestError::NoMachine { .. } => Exit::Usage,
        BacktestError::Trace(_)
        | BacktestError::Horizon { .. }
        | BacktestError::NothingToJudge { .. } => Exit::Data,
    };
    Failure::new(exit, error)
}
