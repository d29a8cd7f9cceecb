// SPDX-License-Identifier: Apache-2.0
//! A whole backtest: traces in, one line per combination out.

use crate::plan::{Depth, Outcome, Plan, Setting, Tally};
use crate::replay::Capacity;
use crate::run::{self as machine_run, HorizonTooShort};
use crate::sweep::{self, Scale};
use crate::trace::{self, Machine, Trace, TraceError};
use gleaner_engine::config::EngineConfig;
use gleaner_estimator::predict::{PredictorKind, PredictorSpec, SpecError};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Span};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Traces and recordings.
    pub traces: Vec<PathBuf>,
    /// Predictors.
    pub predictors: Vec<PredictorKind>,
    /// Risks to ask for; none for those of `base`. Predictors that heed none run once and are judged by each.
    pub risks: Vec<Ratio>,
    /// Risks and parameters of what is not said otherwise; a sweep varies the defaults.
    pub base: Setting,
    /// Further risks to ask `calibrated` for, for curves and advice; they have no line in the report.
    pub curve: Vec<Ratio>,
    /// How far ahead.
    pub horizons: Vec<Span>,
    /// CPU, memory or both.
    pub resources: Vec<Resource>,
    /// Only this machine of each trace.
    pub machine: Option<i64>,
    /// What of each machine's beginning is left out, seconds.
    pub warm_up_s: u32,
    /// What the nodes have.
    pub capacity: Capacity,
    /// The policy around the predictors.
    pub policy: EngineConfig,
    /// Try every setting of [`sweep::grid`] instead of the risks above.
    pub sweep: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// A trace cannot be used.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A horizon does not fit a trace.
    #[error("{}: {source}", file.display())]
    Horizon {
        /// The trace.
        file: PathBuf,
        /// Which one, and why.
        source: HorizonTooShort,
    },
    /// A risk or horizon that no predictor takes.
    #[error("{0}")]
    Setting(#[from] SpecError),
    /// The machine that was asked for is not there.
    #[error("{}: there is no machine {machine}; it has {present}", file.display())]
    NoMachine {
        /// The trace.
        file: PathBuf,
        /// The machine.
        machine: i64,
        /// The machines that are there.
        present: String,
    },
    /// No interval counts.
    #[error(
        "{}: nothing to judge: {why}", file.display()
    )]
    NothingToJudge {
        /// The trace.
        file: PathBuf,
        /// Why.
        why: String,
    },
}

/// Somebody who wants to know how far it is. Called from several threads.
pub trait Watcher: Sync {
    /// A trace begins: so many rows × settings are to be done, where that is known.
    fn begin(&self, trace: &str, work: Option<u64>);
    /// So many rows × settings more are done.
    fn advance(&self, work: u64);
}

/// Nobody watches.
impl Watcher for () {
    fn begin(&self, _trace: &str, _work: Option<u64>) {}
    fn advance(&self, _work: u64) {}
}

/// What came out for one trace.
#[derive(Clone, Debug)]
pub struct TraceResult {
    /// Its short name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// Its machines, by the trace's numbers.
    pub machines: Vec<i64>,
    /// What was run.
    pub plan: Plan,
    /// The settings to report, places in the plan, and the risk that each is judged by; `None` for its own.
    pub lines: Vec<(usize, Option<Ratio>)>,
    /// The scores.
    pub outcome: Outcome,
}

/// One combination of a result.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The trace.
    pub trace: &'a TraceResult,
    /// The resource.
    pub resource: Resource,
    /// How far ahead.
    pub horizon: Span,
    /// The setting.
    pub setting: &'a Setting,
    /// The risk it is judged by.
    pub risk: Ratio,
    /// Score and offers.
    pub tally: &'a Tally,
    /// What the oracle would have saved.
    pub oracle: f64,
}

impl TraceResult {
    /// Every combination in which something was judged: by resource, horizon, then as asked for.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.combinations()
            .flat_map(move |(r, h)| self.lines.iter().map(move |line| (r, h, line)))
            .map(|(r, h, (setting, risk))| self.line(r, h, *setting, *risk))
            .filter(|line| line.tally.score.intervals > 0)
    }

    /// Everything that was run for one resource and horizon, what is not reported included; in the plan's order.
    pub fn curve(&self, resource: Resource, horizon: Span) -> impl Iterator<Item = Line<'_>> {
        self.combinations()
            .filter(move |(r, h)| {
                (self.plan.resources[*r], self.plan.horizons[*h]) == (resource, horizon)
            })
            .flat_map(move |(r, h)| {
                (0..self.plan.settings.len()).map(move |s| self.line(r, h, s, None))
            })
            .filter(|line| line.tally.score.intervals > 0)
    }

    /// Places of resources and horizons.
    fn combinations(&self) -> impl Iterator<Item = (usize, usize)> {
        let horizons = self.plan.horizons.len();
        (0..self.plan.resources.len()).flat_map(move |r| (0..horizons).map(move |h| (r, h)))
    }

    fn line(
        &self,
        resource: usize,
        horizon: usize,
        setting: usize,
        risk: Option<Ratio>,
    ) -> Line<'_> {
        let own = self.plan.settings[setting].risk_of(self.plan.resources[resource]);
        Line {
            trace: self,
            resource: self.plan.resources[resource],
            horizon: self.plan.horizons[horizon],
            setting: &self.plan.settings[setting],
            risk: risk.unwrap_or(own),
            tally: self.outcome.tally(setting, resource, horizon),
            oracle: self.outcome.oracle(resource, horizon).savings(),
        }
    }
}

/// Runs everything that is asked for, machines in parallel, in the order of the traces.
///
/// # Errors
/// See [`BacktestError`]; the first one ends it.
pub fn backtest(
    request: &Request,
    watcher: &dyn Watcher,
) -> Result<Vec<TraceResult>, BacktestError> {
    for setting in &asked(request).0 {
        let (kind, risk) = (setting.kind, setting.risk);
        let horizons = request.horizons.iter().take(1).copied().collect();
        let spec = PredictorSpec { kind, risk, horizons, ..PredictorSpec::default() };
        if let Some(mistake) = spec.mistakes().into_iter().next() {
            return Err(mistake.into());
        }
    }
    request.traces.iter().map(|file| one(request, file, watcher)).collect()
}

/// The settings as asked for, and for each line of the report its setting and risk.
fn asked(request: &Request) -> (Vec<Setting>, Vec<(usize, Option<Ratio>)>) {
    let (mut settings, mut lines) = (Vec::new(), Vec::new());
    let of = |kind: PredictorKind| Setting { kind, ..request.base.clone() };
    for kind in &request.predictors {
        if request.risks.is_empty() {
            settings.push(of(*kind));
            lines.push((settings.len() - 1, None));
        }
        for (i, risk) in request.risks.iter().enumerate() {
            if *kind == PredictorKind::Calibrated || i == 0 {
                settings.push(of(*kind).asked_for(*risk));
            }
            lines.push((settings.len() - 1, Some(*risk)));
        }
    }
    for risk in request.curve.iter().filter(|risk| !request.risks.contains(*risk)) {
        settings.push(of(PredictorKind::Calibrated).asked_for(*risk));
    }
    (settings, lines)
}

fn swept(request: &Request, scale: Scale) -> (Vec<Setting>, Vec<(usize, Option<Ratio>)>) {
    let grids = request.predictors.iter().map(|kind| sweep::grid(*kind, scale));
    let settings: Vec<Setting> = grids.flatten().collect();
    let lines = settings.iter().enumerate().map(|(i, setting)| (i, Some(setting.risk))).collect();
    (settings, lines)
}

fn one(
    request: &Request,
    file: &Path,
    watcher: &dyn Watcher,
) -> Result<TraceResult, BacktestError> {
    let (settings, lines) = match request.sweep {
        true => swept(request, scale(file)?),
        false => asked(request),
    };
    let plan = Plan {
        depth: if request.sweep { Depth::Peaks } else { Depth::Offers },
        policy: request.policy.clone(),
        settings,
        horizons: request.horizons.clone(),
        resources: request.resources.clone(),
        warm_up_s: request.warm_up_s,
        capacity: request.capacity,
    };
    let result = run(file, plan, lines, request.machine, watcher)?;
    check(request, &result)?;
    Ok(result)
}

/// Runs a plan over the machines of a trace, in parallel; over `only` that one.
///
/// # Errors
/// The trace cannot be read, or a horizon is shorter than its step.
pub fn run(
    file: &Path,
    plan: Plan,
    lines: Vec<(usize, Option<Ratio>)>,
    only: Option<i64>,
    watcher: &dyn Watcher,
) -> Result<TraceResult, BacktestError> {
    let trace = Trace::open(file)?;
    let work = trace.total_rows().map(|rows| rows * plan.settings.len() as u64);
    watcher.begin(&trace::name(file), work.filter(|_| only.is_none()));
    let mut machines: Vec<(usize, i64, Option<Outcome>)> = trace
        .enumerate()
        .par_bridge()
        .map(|(place, machine)| {
            let machine = machine?;
            let wanted = only.is_none_or(|wanted| wanted == machine.id);
            let outcome =
                wanted.then(|| run_machine(file, &machine, &plan, watcher)).transpose()?;
            Ok((place, machine.id, outcome))
        })
        .collect::<Result<_, BacktestError>>()?;
    // Sums of floats depend on their order: it is the trace's, whichever machine was ready first.
    machines.sort_unstable_by_key(|(place, ..)| *place);
    let mut outcome = Outcome::new(&plan);
    for machine in machines.iter().filter_map(|(.., outcome)| outcome.as_ref()) {
        outcome.merge(machine);
    }
    let machines: Vec<i64> = machines.into_iter().map(|(_, id, _)| id).collect();
    let name = trace::name(file);
    Ok(TraceResult { name, file: file.to_owned(), machines, plan, lines, outcome })
}

fn run_machine(
    file: &Path,
    machine: &Machine,
    plan: &Plan,
    watcher: &dyn Watcher,
) -> Result<Outcome, BacktestError> {
    let horizon = |source| BacktestError::Horizon { file: file.to_owned(), source };
    machine_run::machine(machine, plan, &|rows| watcher.advance(rows)).map_err(horizon)
}

/// What the first machine is promised at most.
pub(crate) fn scale(file: &Path) -> Result<Scale, BacktestError> {
    let Some(machine) = Trace::open(file)?.next().transpose()? else { return Ok(Scale::default()) };
    let memory = machine.memory.as_ref().map_or(0.0, |series| machine.largest_limit(series));
    Ok(Scale { cpu: machine.largest_limit(&machine.cpu), memory })
}

/// Refuses a result that says nothing, with the reason.
fn check(request: &Request, result: &TraceResult) -> Result<(), BacktestError> {
    let file = result.file.clone();
    if let Some(machine) = request.machine.filter(|wanted| !result.machines.contains(wanted)) {
        let mut present: Vec<String> =
            result.machines.iter().take(20).map(ToString::to_string).collect();
        if result.machines.len() > present.len() {
            present.push("…".to_owned());
        }
        return Err(BacktestError::NoMachine { file, machine, present: present.join(", ") });
    }
    if result.lines().next().is_some() {
        return Ok(());
    }
    let why = match request.resources.as_slice() {
        [Resource::Memory] => {
            "the trace has no memory, or is shorter than what --warmup leaves out"
        }
        _ => "the trace is shorter than what --warmup leaves out of each machine",
    };
    Err(BacktestError::NothingToJudge { file, why: why.to_owned() })
}
