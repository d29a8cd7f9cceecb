// SPDX-License-Identifier: Apache-2.0
//! The outcome of a sweep: the cheapest settings that keep a target.

use super::mean::{Mean, means};

use super::table::{put, put_group, put_mean_rows};
use crate::study::{Line, TraceResult};
use crate::sweep;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::units::{Ratio, Span};

/// For each trace, resource and horizon the cheapest setting of each predictor that keeps the target.
#[must_use]
pub fn winners(results: &[TraceResult], target: Ratio) -> String {
    let mut text = String::new();
    put(
        &mut text,
        format_args!("cheapest settings that violate at most {target} of intervals\n\n"),
    );
    for result in results {
        let lines: Vec<Line<'_>> = result.lines().collect();
        for group in lines.chunk_by(|a, b| (a.resource, a.horizon) == (b.resource, b.horizon)) {
            let mut best: Vec<Line<'_>> = group
                .chunk_by(|a, b| a.setting.kind == b.setting.kind)
                .filter_map(|settings| cheapest(settings, target))
                .collect();
            best.sort_by(|a, b| b.tally.score.savings().total_cmp(&a.tally.score.savings()));
            match best.is_empty() {
                true => put(
                    &mut text,
                    format_args!(
                        "{} · {} · {} ahead: no setting keeps it\n\n",
                        result.name,
                        group[0].resource.word(),
                        group[0].horizon
                    ),
                ),
                false => put_group(&mut text, &best),
            }
        }
    }
    if results.len() > 1 {
        put_common(&mut text, results, target);
        put_single(&mut text, results, target);
    }
    text
}

/// One setting of each predictor for all traces, chosen by the means: what an operator of many nodes can have.
fn put_common(text: &mut String, results: &[TraceResult], target: Ratio) {
    for (horizon, means) in means(results) {
        let score = |(i, mean): (usize, &Mean)| (i, mean.violation_rate, mean.savings);
        let mut best: Vec<&Mean> = Vec::new();
        for settings in means.chunk_by(|a, b| a.kind == b.kind) {
            let place = sweep::cheapest(settings.iter().enumerate().map(score), target.get());
            best.extend(place.map(|i| &settings[i]));
        }
        best.sort_by(|a, b| b.savings.total_cmp(&a.savings));
        let count = means.iter().map(|mean| mean.count).max().unwrap_or(0);
        let about = "one setting for all, the cheapest that keeps";
        put(
            text,
            format_args!("mean of {count} · {horizon} ahead · {about} {target} on average\n"),
        );
        put_mean_rows(text, best.into_iter());
    }
}

/// For each predictor the best setting of each trace by itself, chosen with hindsight; `calibrated` as asked for the
/// target beside it. A predictor that keeps the target on no setting of some trace is left out.
fn put_single(text: &mut String, results: &[TraceResult], target: Ratio) {
    let lines: Vec<Line<'_>> = results.iter().flat_map(TraceResult::lines).collect();
    let mut horizons: Vec<Span> = lines.iter().map(|line| line.horizon).collect();
    horizons.sort_unstable();
    horizons.dedup();
    for horizon in horizons {
        let groups: Vec<Vec<Line<'_>>> = groups(&lines, horizon);
        let mut best: Vec<Mean> = PredictorKind::ALL
            .into_iter()
            .filter_map(|kind| {
                let chosen: Option<Vec<Line<'_>>> =
                    groups.iter().map(|group| cheapest(&of_kind(group, kind), target)).collect();
                Some(mean(format!("{kind}, tuned to each"), &chosen?))
            })
            .collect();
        let asked: Option<Vec<Line<'_>>> = groups
            .iter()
            .map(|group| of_kind(group, PredictorKind::Calibrated))
            .map(|ours| ours.into_iter().find(|line| line.risk == target))
            .collect();
        best.extend(asked.map(|lines| mean(format!("calibrated, asked for {target}"), &lines)));
        best.sort_by(|a, b| b.savings.total_cmp(&a.savings));
        let about = "each tuned to each trace with hindsight";
        put(text, format_args!("mean of {} · {horizon} ahead · {about}\n", groups.len()));
        put_mean_rows(text, best.iter());
    }
}

fn of_kind<'a>(group: &[Line<'a>], kind: PredictorKind) -> Vec<Line<'a>> {
    group.iter().filter(|line| line.setting.kind == kind).copied().collect()
}

/// The lines of one horizon, by trace and resource.
fn groups<'a>(lines: &[Line<'a>], horizon: Span) -> Vec<Vec<Line<'a>>> {
    let of: Vec<Line<'a>> = lines.iter().filter(|l| l.horizon == horizon).copied().collect();
    of.chunk_by(|a, b| a.trace.file == b.trace.file && a.resource == b.resource)
        .map(<[Line<'a>]>::to_vec)
        .collect()
}

fn mean(label: String, lines: &[Line<'_>]) -> Mean {
    let count = lines.len() as f64;
    let of = |value: fn(&Line<'_>) -> f64| lines.iter().map(value).sum::<f64>() / count;
    Mean {
        label,
        risk: lines.first().map(|line| line.risk).unwrap_or_default(),
        count: lines.len(),
        violation_rate: of(|line| line.tally.score.violation_rate()),
        worst: of(|line| line.tally.score.worst),
        savings: of(|line| line.tally.score.savings()),
        ..Mean::default()
    }
}

/// The cheapest of these lines that keeps the target.
#[must_use]
pub fn cheapest<'a>(lines: &[Line<'a>], target: Ratio) -> Option<Line<'a>> {
    let score = |(i, line): (usize, &Line<'_>)| {
        (i, line.tally.score.violation_rate(), line.tally.score.savings())
    };
    sweep::cheapest(lines.iter().enumerate().map(score), target.get()).map(|i| lines[i])
}
