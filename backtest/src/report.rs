// SPDX-License-Identifier: Apache-2.0
//! What came out, as a table for people and as JSON for programs.

use crate::session::{Line, TraceResult};
use crate::sweep;
use gleaner_estimator::units::{Ratio, Span};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One combination as JSON; the keys are stable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JsonLine {
    /// The trace's short name.
    pub trace: String,
    /// `cpu` or `memory`.
    pub resource: &'static str,
    /// Name, in a sweep with the parameters that differ from the defaults.
    pub predictor: String,
    /// The risk asked for, as a share.
    pub risk: f64,
    /// How far ahead, seconds.
    pub horizon_s: u64,
    /// Machines judged.
    pub machines: u64,
    /// Intervals judged.
    pub intervals: u64,
    /// Share of them whose peak exceeded the prediction.
    pub violation_rate: f64,
    /// The largest such share of one machine.
    pub worst_machine_violation_rate: f64,
    /// Mean share of the peak that was not foreseen.
    pub severity: f64,
    /// Share of what was promised that could have been lent.
    pub savings: f64,
}

impl From<Line<'_>> for JsonLine {
    fn from(line: Line<'_>) -> Self {
        let score = &line.tally.score;
        Self {
            trace: line.trace.name.clone(),
            resource: line.resource.word(),
            predictor: line.setting.label(),
            risk: line.risk.get(),
            horizon_s: line.horizon.0 / Span::from_secs(1).0,
            machines: score.machines,
            intervals: score.intervals,
            violation_rate: score.violation_rate(),
            worst_machine_violation_rate: score.worst,
            severity: score.severity(),
            savings: score.savings(),
        }
    }
}

/// One JSON object a line.
#[must_use]
pub fn json(results: &[TraceResult]) -> String {
    let mut text = String::new();
    for line in results.iter().flat_map(TraceResult::lines) {
        let line = serde_json::to_string(&JsonLine::from(line));
        text.push_str(&line.expect("numbers and text under text keys"));
        text.push('\n');
    }
    text
}

/// Tables, one per trace, resource and horizon, and the means over traces where there are several.
#[must_use]
pub fn table(results: &[TraceResult]) -> String {
    let mut text = String::new();
    for result in results {
        let mut lines = result.lines().peekable();
        while let Some(first) = lines.next() {
            let same =
                |line: &Line<'_>| (line.resource, line.horizon) == (first.resource, first.horizon);
            let mut group = vec![first];
            while let Some(line) = lines.next_if(same) {
                group.push(line);
            }
            put_group(&mut text, &group);
        }
    }
    let groups =
        results.iter().flat_map(TraceResult::lines).map(|l| (l.trace.name.as_str(), l.resource));
    if groups.collect::<std::collections::BTreeSet<_>>().len() > 1 {
        put_means(&mut text, results);
    }
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(line);
}

const COLUMNS: &str = "    risk   violated  worst machine  severity  savings  changes/h\n";

fn put_group(text: &mut String, group: &[Line<'_>]) {
    let Some(first) = group.first() else { return };
    let score = &first.tally.score;
    put(
        text,
        format_args!(
            "{} · {} · {} ahead · {} machines, {} intervals · the oracle saves {}\n",
            first.trace.name,
            first.resource.word(),
            first.horizon,
            score.machines,
            score.intervals,
            percent(first.oracle, 1)
        ),
    );
    let width = width(group);
    put(text, format_args!("  {:width$}{COLUMNS}", "predictor"));
    for line in group {
        let score = &line.tally.score;
        put(
            text,
            format_args!(
                "  {:width$}{:>8}{:>11}{:>15}{:>10.5}{:>9}{:>11.1}\n",
                line.setting.label(),
                line.risk.to_string(),
                percent(score.violation_rate(), 3),
                percent(score.worst, 2),
                score.severity(),
                percent(score.savings(), 1),
                line.tally.churn_per_hour(),
            ),
        );
    }
    text.push('\n');
}

fn width(group: &[Line<'_>]) -> usize {
    group.iter().map(|line| line.setting.label().len()).max().unwrap_or(0).max("predictor".len())
}

/// A mean over traces and resources of one setting and horizon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mean {
    /// Predictor and parameters.
    pub label: String,
    /// The risk asked for.
    pub risk: Ratio,
    /// How many traces and resources.
    pub count: usize,
    /// Mean violation rate.
    pub violation_rate: f64,
    /// Mean of the worst machines' rates.
    pub worst: f64,
    /// Mean savings.
    pub savings: f64,
}

/// Means over traces and resources, by horizon, in the order of the first trace's lines. Each trace counts the same.
#[must_use]
pub fn means(results: &[TraceResult]) -> Vec<(Span, Vec<Mean>)> {
    let mut horizons: Vec<(Span, Vec<Mean>)> = Vec::new();
    let mut places: BTreeMap<(Span, String, String), (usize, usize)> = BTreeMap::new();
    for line in results.iter().flat_map(TraceResult::lines) {
        let label = line.setting.label();
        let key = (line.horizon, label.clone(), line.risk.to_string());
        let (h, m) = *places.entry(key).or_insert_with(|| {
            let known = horizons.iter().position(|(horizon, _)| *horizon == line.horizon);
            let h = known.unwrap_or_else(|| {
                horizons.push((line.horizon, Vec::new()));
                horizons.len() - 1
            });
            horizons[h].1.push(Mean { label, risk: line.risk, ..Mean::default() });
            (h, horizons[h].1.len() - 1)
        });
        let (mean, score) = (&mut horizons[h].1[m], &line.tally.score);
        mean.count += 1;
        mean.violation_rate += score.violation_rate();
        mean.worst += score.worst;
        mean.savings += score.savings();
    }
    for mean in horizons.iter_mut().flat_map(|(_, means)| means) {
        let count = mean.count as f64;
        mean.violation_rate /= count;
        mean.worst /= count;
        mean.savings /= count;
    }
    horizons
}

fn put_means(text: &mut String, results: &[TraceResult]) {
    for (horizon, means) in means(results) {
        let count = means.iter().map(|mean| mean.count).max().unwrap_or(0);
        put(text, format_args!("mean of {count} · {horizon} ahead\n"));
        let width = means.iter().map(|m| m.label.len()).max().unwrap_or(0).max("predictor".len());
        put(
            text,
            format_args!("  {:width$}    risk   violated  worst machine  savings\n", "predictor"),
        );
        for mean in means {
            put(
                text,
                format_args!(
                    "  {:width$}{:>8}{:>11}{:>15}{:>9}\n",
                    mean.label,
                    mean.risk.to_string(),
                    percent(mean.violation_rate, 3),
                    percent(mean.worst, 2),
                    percent(mean.savings, 1),
                ),
            );
        }
        text.push('\n');
    }
}

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
    text
}

/// The cheapest of these lines that keeps the target.
#[must_use]
pub fn cheapest<'a>(lines: &[Line<'a>], target: Ratio) -> Option<Line<'a>> {
    let score = |(i, line): (usize, &Line<'_>)| {
        (i, line.tally.score.violation_rate(), line.tally.score.savings())
    };
    sweep::cheapest(lines.iter().enumerate().map(score), target.get()).map(|i| lines[i])
}

/// A share as a percentage with so many decimals.
#[must_use]
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", share * 100.0)
}
