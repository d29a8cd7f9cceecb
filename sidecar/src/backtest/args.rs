// SPDX-License-Identifier: Apache-2.0
//! The arguments of `gleaner backtest`.

use crate::cli::ConfigFile;
use gleaner_backtest::score::WARM_UP_S;
use gleaner_engine::config::{parse_cpu, parse_memory, parse_share, parse_time};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span};
use std::path::PathBuf;

/// Runs the engine's own step over usage traces, with the trace's time as its clock, and says how often the true
/// peak exceeded the prediction and how much could have been lent. Predictor, risks, horizons and the policy around them
/// are those of --config, but for what is asked for here. Of a recording it also says what the policy would have lent and
/// taken back.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Traces (.parquet, .csv, .csv.gz) and recordings of `gleaner record`
    #[arg(required = true, value_name = "TRACE")]
    pub(crate) traces: Vec<PathBuf>,
    /// Predictor by name, or `all`; may be given several times [default: as configured; with --sweep all]
    #[arg(short, long, value_name = "NAME", value_delimiter = ',', value_parser = predictors)]
    predictor: Vec<Kinds>,
    /// Share of intervals that may exceed the prediction, such as `1%` or `0.01`; several are each tried [default: as configured, without --config 1%]
    #[arg(short, long, value_name = "R", value_delimiter = ',', value_parser = share)]
    risk: Vec<Ratio>,
    /// How far ahead, such as `5min`, `24h` or seconds; several are each tried [default: as configured: 5min, 30min, 24h]
    #[arg(long, value_name = "H", value_delimiter = ',', value_parser = time)]
    horizon: Vec<Span>,
    /// Only this resource [default: each that the trace has]
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', value_parser = resource)]
    resource: Vec<Resource>,
    /// Only this machine of each trace
    #[arg(short, long, value_name = "ID", allow_negative_numbers = true)]
    pub(crate) machine: Option<i64>,
    /// What of each machine's beginning is not judged [default: 24h]
    #[arg(long, visible_alias = "warm-up", value_name = "D", value_parser = time)]
    warmup: Option<Span>,
    /// CPU of each node, such as `64 cores` [default: the most that its tasks were ever promised together]
    #[arg(long, value_name = "CPU", value_parser = parse_cpu)]
    pub(crate) capacity: Option<MilliCpus>,
    /// Memory of each node, such as `256GiB` [default: the most that its tasks were ever promised together]
    #[arg(long, value_name = "MEMORY", value_parser = parse_memory)]
    pub(crate) capacity_memory: Option<Bytes>,
    /// Try many settings of each predictor and show the cheapest that keeps the target
    #[arg(long)]
    pub(crate) sweep: bool,
    /// Violation rate that a setting of the sweep must keep; several are each shown [default: the risk]
    #[arg(long, value_name = "R", value_delimiter = ',', value_parser = share)]
    target: Vec<Ratio>,
    /// Print one JSON object a line: trace, resource, predictor, risk, horizon_s, machines, intervals,
    /// violation_rate, worst_machine_violation_rate, severity, savings
    #[arg(short, long)]
    pub(crate) json: bool,
    /// Write one self-contained page with curves, calibration, a machine's course and advice
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// One predictor, or all of them.
#[derive(Clone, Debug)]
struct Kinds(Vec<PredictorKind>);

impl Args {
    /// Each once, in the order given; without any the one that is configured.
    pub(crate) fn predictors(&self, configured: PredictorKind) -> Vec<PredictorKind> {
        let named = self.predictor.iter().flat_map(|kinds| kinds.0.iter().copied());
        match (self.predictor.is_empty(), self.sweep) {
            (false, _) => once(named),
            (true, true) => PredictorKind::ALL.to_vec(),
            (true, false) => vec![configured],
        }
    }

    /// Empty where nothing is asked for: then those configured count.
    pub(crate) fn risks(&self) -> Vec<Ratio> {
        once(self.risk.iter().copied())
    }

    pub(crate) fn targets(&self, configured: Ratio) -> Vec<Ratio> {
        let targets = once(self.target.iter().copied());
        let targets = if targets.is_empty() { self.risks() } else { targets };
        if targets.is_empty() { vec![configured] } else { targets }
    }

    pub(crate) fn horizons(&self, configured: &[Span]) -> Vec<Span> {
        let horizons = once(self.horizon.iter().copied());
        if horizons.is_empty() { configured.to_vec() } else { horizons }
    }

    pub(crate) fn resources(&self) -> Vec<Resource> {
        let resources = once(self.resource.iter().copied());
        if resources.is_empty() { vec![Resource::Cpu, Resource::Memory] } else { resources }
    }

    pub(crate) fn warm_up_s(&self) -> u32 {
        let whole = |span: Span| u32::try_from(span.0.div_ceil(Span::from_secs(1).0));
        self.warmup.map_or(WARM_UP_S, |span| whole(span).unwrap_or(u32::MAX))
    }
}

fn once<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

fn predictors(text: &str) -> Result<Kinds, String> {
    if text == "all" {
        return Ok(Kinds(PredictorKind::ALL.to_vec()));
    }
    text.parse().map(|kind| Kinds(vec![kind])).map_err(|e| format!("{e}, or `all`"))
}

/// A percentage, or a bare number as the share that JSON shows.
fn share(text: &str) -> Result<Ratio, String> {
    match text.trim().parse::<f64>() {
        Ok(share) => Ratio::new(share).ok_or_else(|| format!("{text:?} is not finite")),
        Err(_) => parse_share(text),
    }
}

/// A time, or a bare number as the seconds that JSON shows.
fn time(text: &str) -> Result<Span, String> {
    match text.trim().parse::<u64>() {
        Ok(secs) => Ok(Span::from_secs(secs)),
        Err(_) => parse_time(text),
    }
}

fn resource(text: &str) -> Result<Resource, String> {
    match text {
        "cpu" => Ok(Resource::Cpu),
        "memory" => Ok(Resource::Memory),
        _ => Err("choose cpu or memory".to_owned()),
    }
}
