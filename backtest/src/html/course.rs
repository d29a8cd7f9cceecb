// SPDX-License-Identifier: Apache-2.0
//! One machine's usage against what was predicted: its whole course, and the day on which most went wrong.

use super::svg::{Axis, Chart, Label, put};
use super::view::{Course, Moment};
use crate::score::violates;
use gleaner_estimator::reason::Resource;
use std::ops::Range;

const SIZE: (f64, f64) = (1080.0, 300.0);
/// Columns of the widest chart: more than there are pixels show nothing more.
const COLUMNS: usize = 500;
/// Limits above this multiple of all else would flatten it.
const BEYOND: f64 = 2.5;
const DAY_S: f64 = 86_400.0;

/// What several moments in one column come to.
struct Column {
    /// Days from the machine's first interval.
    day: f64,
    least: f64,
    most: f64,
    /// Mean: the least would seem to be exceeded by the most even where it was not.
    predicted: f64,
    count: usize,
    limit: f64,
    /// Moments that are violated, and the first of them.
    violated: usize,
    first: Option<Moment>,
}

/// Both charts of a course.
pub(super) fn charts(course: &Course) -> String {
    let mut text = chart(course, 0..course.moments.len());
    let day = worst_day(course);
    if day.len() < course.moments.len() {
        let from = day.start as f64 * f64::from(course.step_s) / DAY_S;
        put(
            &mut text,
            format_args!(
                "<h5>The day on which it was exceeded most often, from day {from:.1} on</h5>\n"
            ),
        );
        text.push_str(&chart(course, day));
    }
    text
}

fn is_violated(moment: &Moment) -> bool {
    violates(moment.predicted, moment.peak)
}

/// The judged day with the most violations, the first of several.
fn worst_day(course: &Course) -> Range<usize> {
    let steps = course.moments.len();
    let day = (86_400 / course.step_s.max(1)).max(1) as usize;
    let first = course.first.min(steps.saturating_sub(day));
    let mut best = (0, first..(first + day).min(steps));
    let violated: Vec<usize> = (0..steps)
        .map(|i| usize::from(course.moments[i].as_ref().is_some_and(is_violated)))
        .collect();
    for start in (first..steps).step_by(day.div_ceil(4)) {
        let range = start..(start + day).min(steps);
        let count = violated[range.clone()].iter().sum::<usize>();
        if count > best.0 {
            best = (count, range);
        }
    }
    best.1
}

fn columns(course: &Course, range: Range<usize>) -> Vec<Column> {
    let wide = range.len().div_ceil(COLUMNS).max(1);
    let mut columns = Vec::new();
    for start in range.clone().step_by(wide) {
        let moments = (start..(start + wide).min(range.end)).filter_map(|i| {
            course.moments[i].map(|moment| (i >= course.first && is_violated(&moment), moment))
        });
        let mut column: Option<Column> = None;
        for (violated, moment) in moments {
            let column = column.get_or_insert(Column {
                day: start as f64 * f64::from(course.step_s) / DAY_S,
                least: moment.used,
                most: moment.used,
                predicted: 0.0,
                count: 0,
                limit: moment.limit,
                violated: 0,
                first: None,
            });
            column.least = column.least.min(moment.used);
            column.most = column.most.max(moment.used);
            column.count += 1;
            column.predicted += (moment.predicted - column.predicted) / column.count as f64;
            column.limit = moment.limit;
            column.violated += usize::from(violated);
            column.first = column.first.or(violated.then_some(moment));
        }
        columns.extend(column);
    }
    columns
}

fn chart(course: &Course, range: Range<usize>) -> String {
    let columns = columns(course, range);
    let unit = match course.resource {
        Resource::Cpu => (1.0, "cores"),
        Resource::Memory => (f64::from(1 << 30), "GiB"),
        Resource::Io => (1.0, ""),
    };
    let days = (columns.first().map_or(0.0, |c| c.day), columns.last().map_or(1.0, |c| c.day));
    let highest = |of: fn(&Column) -> f64| columns.iter().map(of).fold(0.0, f64::max) / unit.0;
    let (limit, most) = (highest(|c| c.limit), highest(|c| c.most.max(c.predicted)));
    let beyond = limit > BEYOND * most;
    let top = if beyond { most * 1.3 } else { limit.max(most) * 1.02 };
    let write_y = |value: f64| format!("{}", (value * 100.0).round() / 100.0);
    let write_x = |value: f64| format!("{}", (value * 100.0).round() / 100.0);
    let mut chart = Chart::new(
        SIZE,
        "usage, predicted peak and limits over time",
        (Axis::linear(days.0, days.1), Label { title: "day", write: &write_x }),
        (Axis::linear(0.0, top), Label { title: unit.1, write: &write_y }),
    );
    let band: Vec<(f64, f64, f64)> =
        columns.iter().map(|c| (c.day, c.least / unit.0, c.most / unit.0)).collect();
    chart.band("used", &band);
    chart.line("used", columns.iter().map(|c| (c.day, c.most / unit.0)));
    if beyond {
        let note = format!("promised: up to {limit:.1} {}, beyond the chart", unit.1);
        chart.note("limit", (6.0, 14.0), &note);
    } else {
        chart.line("limit", columns.iter().map(|c| (c.day, c.limit / unit.0)));
    }
    chart.line("predicted", columns.iter().map(|c| (c.day, c.predicted / unit.0)));
    for (column, moment) in columns.iter().filter_map(|c| c.first.map(|m| (c, m))) {
        let says = format!(
            "day {:.2}: {:.2} {} predicted, {:.2} came within {}; {} intervals here",
            column.day,
            moment.predicted / unit.0,
            unit.1,
            moment.peak / unit.0,
            course.horizon,
            column.violated
        );
        chart.mark("violated", column.day, &says);
    }
    chart.finish()
}
