// SPDX-License-Identifier: Apache-2.0
//! `gleaner backtest`: what settings would have lent and violated on traces and recordings.

mod args;
mod progress;

pub(crate) use args::Args;

use crate::exit::{Exit, Failure};
use crate::{config, output};
use gleaner_backtest::html::{self, View};
use gleaner_backtest::policy;
use gleaner_backtest::replay::Capacity;
use gleaner_backtest::report;
use gleaner_backtest::study::{BacktestError, Request, TraceResult, backtest};
use gleaner_backtest::sweep;
use gleaner_estimator::units::Ratio;
use progress::Progress;
use std::fs;
use std::path::Path;

/// Runs it and prints tables, or JSON, and writes the page.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let request = request(args)?;
    let progress = Progress::new(&request);
    let results = backtest(&request, &progress);
    progress.finish();
    let results = results.map_err(failure)?;
    if let Some(page) = &args.html {
        write_page(page, &request, &results, args)?;
    }
    let text = match (args.json, args.sweep) {
        (true, _) => report::json(&results),
        (false, false) => report::table(&results),
        (false, true) => {
            let targets = args.targets();
            targets.iter().map(|target| report::winners(&results, *target)).collect()
        }
    };
    output::print(&text).map(|_| ())
}

fn request(args: &Args) -> Result<Request, Failure> {
    let policy = match &args.config.path {
        Some(path) => config::load(Some(path))?.0.engine,
        None => policy::plain(),
    };
    Ok(Request {
        traces: args.traces.clone(),
        predictors: args.predictors(),
        risks: args.risks(),
        curve: if args.html.is_some() && !args.sweep { sweep::risks() } else { Vec::new() },
        horizons: args.horizons(),
        resources: args.resources(),
        machine: args.machine,
        warm_up_s: args.warm_up_s(),
        capacity: Capacity { cpu: args.capacity, memory: args.capacity_memory },
        policy,
        sweep: args.sweep,
    })
}

fn write_page(
    file: &Path,
    request: &Request,
    results: &[TraceResult],
    args: &Args,
) -> Result<(), Failure> {
    let target = args.targets().first().copied().unwrap_or(Ratio::ZERO);
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
