// SPDX-License-Identifier: Apache-2.0
//! The runs behind the page, and the figures drawn from them.

use crate::plan::{Depth, Plan, Setting, Tally};
use crate::policy;
use crate::replay::Capacity;
use crate::score::WARM_UP_S;
use crate::study::{self, BacktestError, TraceResult, Watcher};
use crate::sweep::{self, Scale};
use gleaner_estimator::predict::{Part, PredictorKind};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Span};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The public traces, in the order of the page.
pub const PUBLIC: [&str; 3] = ["bitbrains_5min", "planetlab_5min", "crane_1min"];
/// How far ahead: five minutes, half an hour, a day.
pub const HORIZONS: [Span; 3] =
    [Span::from_secs(300), Span::from_secs(1800), Span::from_secs(86_400)];
/// Risks asked for, in thousandths.
pub const RISKS: [u32; 5] = [5, 10, 20, 50, 100];
/// Violation rates that anchors are tuned to, in thousandths.
pub const TARGETS: [u32; 2] = [10, 50];

/// The settings that the page is about, by what they are for: places in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    /// Each predictor as it comes, `calibrated` at 1 %.
    pub(super) defaults: Range<usize>,
    /// `calibrated` at each of [`RISKS`].
    pub(super) calibrated: Range<usize>,
    /// `calibrated` at 1 % without a part.
    pub(super) ablations: Range<usize>,
    /// Every predictor's grid.
    pub(super) swept: Range<usize>,
}

/// All that the page says, by trace.
pub struct Figures {
    pub(super) groups: Groups,
    /// What is left out of the first day's study: nothing.
    pub(super) first_day: Vec<TraceResult>,
    pub(super) results: Vec<TraceResult>,
}

/// Means over traces and resources, each counting the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// Violation rate.
    pub rate: f64,
    /// The worst machine's rate.
    pub worst: f64,
    /// Savings.
    pub savings: f64,
}

impl Row {
    fn of<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Self {
        let (mut row, mut count) = (Self::default(), 0_u32);
        for score in tallies.map(|tally| &tally.score) {
            row.rate += score.violation_rate();
            row.worst += score.worst;
            row.savings += score.savings();
            count += 1;
        }
        let count = f64::from(count.max(1));
        Self { rate: row.rate / count, worst: row.worst / count, savings: row.savings / count }
    }
}

/// `calibrated` at each of [`RISKS`], and nothing else: what the quick check of the page runs.
#[must_use]
pub fn calibration() -> Vec<Setting> {
    let risks = RISKS.into_iter().map(Ratio::from_milli);
    risks.map(|risk| Setting::new(PredictorKind::Calibrated, risk)).collect()
}

/// One percent.
pub(super) fn one_percent() -> Ratio {
    Ratio::from_milli(10)
}

/// Each predictor as it comes. `threshold` is `fixed` here, for traces have no load averages.
#[must_use]
pub fn defaults() -> Vec<Setting> {
    let kinds = PredictorKind::ALL.into_iter().filter(|kind| *kind != PredictorKind::Threshold);
    kinds.map(|kind| Setting::new(kind, one_percent())).collect()
}

/// `calibrated` without each of its parts, then with what the first day taught.
pub(super) fn ablations() -> Vec<Setting> {
    let ours = Setting::new(PredictorKind::Calibrated, one_percent());
    let without = |part: Part| {
        let mut setting = ours.clone();
        (setting.cpu.without, setting.memory.without) = (Some(part), Some(part));
        setting
    };
    let mut all: Vec<Setting> = Part::ALL.into_iter().map(without).collect();
    let mut keeps = ours;
    (keeps.cpu.forget_first_day, keeps.memory.forget_first_day) = (false, false);
    all.push(keeps);
    all
}

/// `calibrated` as it comes and without its start ramp, first day included.
fn ramps() -> Vec<Setting> {
    let ours = Setting::new(PredictorKind::Calibrated, one_percent());
    let mut without = ours.clone();
    (without.cpu.start_ramp, without.memory.start_ramp) = (false, false);
    vec![ours, without]
}

/// A plan that only predicts.
#[must_use]
pub(super) fn plan(settings: Vec<Setting>, warm_up_s: u32) -> Plan {
    Plan {
        depth: Depth::Peaks,
        policy: policy::plain(),
        settings,
        horizons: HORIZONS.to_vec(),
        resources: vec![Resource::Cpu, Resource::Memory],
        warm_up_s,
        capacity: Capacity::default(),
    }
}

fn all(scale: Scale) -> (Vec<Setting>, Groups) {
    let mut settings = Vec::new();
    let mut add = |more: Vec<Setting>| {
        let first = settings.len();
        settings.extend(more);
        first..settings.len()
    };
    let groups = Groups {
        defaults: add(defaults()),
        calibrated: add(calibration()),
        ablations: add(ablations()),
        swept: add(PredictorKind::ALL
            .into_iter()
            .flat_map(|kind| sweep::grid(kind, scale))
            .collect()),
    };
    (settings, groups)
}

impl Figures {
    /// Runs everything over these traces.
    ///
    /// # Errors
    /// A trace cannot be read.
    pub fn new(traces: &[PathBuf], watcher: &dyn Watcher) -> Result<Self, BacktestError> {
        let mut figures =
            Self { groups: Groups::default(), first_day: Vec::new(), results: Vec::new() };
        for file in traces {
            let (settings, groups) = all(study::scale(file)?);
            figures.groups = groups;
            let run = |plan: Plan, file: &Path| study::run(file, plan, Vec::new(), None, watcher);
            figures.results.push(run(plan(settings, WARM_UP_S), file)?);
            figures.first_day.push(run(plan(ramps(), 0), file)?);
        }
        Ok(figures)
    }

    /// Traces and resources in which something was judged.
    pub(super) fn series(&self) -> impl Iterator<Item = (&TraceResult, usize)> {
        series(&self.results)
    }

    /// Means of one setting at one horizon.
    pub(super) fn mean(&self, setting: usize, horizon: usize) -> Row {
        mean(&self.results, setting, horizon)
    }

    /// What a machine that knows the future saves, on the mean.
    pub(super) fn oracle(&self, horizon: usize) -> f64 {
        let savings: Vec<f64> =
            self.series().map(|(one, r)| one.outcome.oracle(r, horizon).savings()).collect();
        savings.iter().sum::<f64>() / savings.len().max(1) as f64
    }

    /// The setting of a predictor that saves most on the mean while its mean rate keeps a target: what an operator can
    /// have who tunes one setting for all nodes.
    pub(super) fn tuned(
        &self,
        kind: PredictorKind,
        horizon: usize,
        target: Ratio,
    ) -> Option<(usize, Row)> {
        let places = self.of_kind(kind);
        let candidates = places.map(|place| {
            let row = self.mean(place, horizon);
            (place, row.rate, row.savings)
        });
        sweep::cheapest(candidates, target.get()).map(|place| (place, self.mean(place, horizon)))
    }

    /// The same chosen for each trace and resource by itself, with hindsight.
    pub(super) fn hindsight(
        &self,
        kind: PredictorKind,
        horizon: usize,
        target: Ratio,
    ) -> Option<Row> {
        let best = |(one, r): (&'_ TraceResult, usize)| {
            let candidates = self.of_kind(kind).map(|place| {
                let score = &one.outcome.tally(place, r, horizon).score;
                (place, score.violation_rate(), score.savings())
            });
            sweep::cheapest(candidates, target.get())
        };
        let chosen: Option<Vec<usize>> = self.series().map(best).collect();
        let pairs = chosen?.into_iter().zip(self.series());
        let tallies: Vec<&Tally> =
            pairs.map(|(place, (one, r))| one.outcome.tally(place, r, horizon)).collect();
        Some(Row::of(tallies.into_iter()))
    }

    fn of_kind(&self, kind: PredictorKind) -> impl Iterator<Item = usize> {
        let swept = self.groups.swept.clone();
        let settings = self.results.first().map(|one| one.plan.settings.as_slice());
        swept.filter(move |place| settings.is_some_and(|all| all[*place].kind == kind))
    }
}

/// Traces and resources in which something was judged.
pub(super) fn series(results: &[TraceResult]) -> impl Iterator<Item = (&TraceResult, usize)> {
    results.iter().flat_map(|one| {
        let judged = |r: &usize| one.outcome.oracle(*r, 0).intervals > 0;
        (0..one.plan.resources.len()).filter(judged).map(move |r| (one, r))
    })
}

/// Means of one setting at one horizon.
pub(super) fn mean(results: &[TraceResult], setting: usize, horizon: usize) -> Row {
    Row::of(series(results).map(|(one, r)| one.outcome.tally(setting, r, horizon)))
}
