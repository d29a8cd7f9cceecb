// SPDX-License-Identifier: Apache-2.0
//! Tables of a backtest for people.

use super::mean::{Mean, means};
use super::percent;
use crate::plan::Tally;
use crate::study::{Line, TraceResult};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

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
    if groups.collect::<BTreeSet<_>>().len() > 1 {
        put_means(&mut text, results);
    }
    text
}

pub(super) fn put(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(line);
}

const COLUMNS: &str = "    risk   violated  worst machine  severity  savings  changes/h\n";

pub(super) fn put_group(text: &mut String, group: &[Line<'_>]) {
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
                "  {:width$}{:>8}{:>11}{:>15}{:>10.5}{:>9}{:>11}\n",
                line.setting.label(),
                line.risk.to_string(),
                percent(score.violation_rate(), 3),
                percent(score.worst, 2),
                score.severity(),
                percent(score.savings(), 1),
                churn(line.tally),
            ),
        );
    }
    text.push('\n');
}

/// Changes of the offer an hour; a dash where offers were not followed.
pub(crate) fn churn(tally: &Tally) -> String {
    tally.churn_per_hour().map_or_else(|| "–".to_owned(), |churn| format!("{churn:.1}"))
}

fn width(group: &[Line<'_>]) -> usize {
    group.iter().map(|line| line.setting.label().len()).max().unwrap_or(0).max("predictor".len())
}

fn put_means(text: &mut String, results: &[TraceResult]) {
    for (horizon, means) in means(results) {
        let count = means.iter().map(|mean| mean.count).max().unwrap_or(0);
        put(text, format_args!("mean of {count} · {horizon} ahead\n"));
        put_mean_rows(text, means.iter());
    }
}

/// Means below a heading, then an empty line.
pub(super) fn put_mean_rows<'a>(text: &mut String, means: impl Iterator<Item = &'a Mean> + Clone) {
    let longest = means.clone().map(|m| m.label.chars().count()).max().unwrap_or(0);
    let width = longest.max("predictor".len());
    let heading = "    risk   violated  worst machine  savings\n";
    put(text, format_args!("  {:width$}{heading}", "predictor"));
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
