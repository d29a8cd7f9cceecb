// SPDX-License-Identifier: Apache-2.0
//! The trade-off between violations and savings, and the reliability of the risk that was asked for.

use super::svg::{Axis, Chart, Label};
use crate::report::percent;
use crate::study::Line;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::units::Ratio;

const SIZE: (f64, f64) = (520.0, 320.0);
/// The ends of the axis of rates. What never happened stands at the lower one.
const LOWEST: f64 = 1e-4;
const HIGHEST: f64 = 0.5;

fn rate_axis() -> Axis {
    Axis::log(LOWEST, HIGHEST)
}

fn share(value: f64) -> String {
    let text = format!("{:.2}", value * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A predictor's colour, by name in the style sheet.
pub(super) const fn colour(kind: PredictorKind) -> &'static str {
    match kind {
        PredictorKind::Fixed => "k-fixed",
        PredictorKind::Threshold => "k-threshold",
        PredictorKind::Borg => "k-borg",
        PredictorKind::Percentile => "k-percentile",
        PredictorKind::NSigma => "k-n-sigma",
        PredictorKind::Max => "k-max",
        PredictorKind::Decaying => "k-decaying",
        PredictorKind::Ema => "k-ema",
        PredictorKind::Calibrated => "k-calibrated",
    }
}

fn says(line: &Line<'_>) -> String {
    let score = &line.tally.score;
    let asked = match line.setting.kind {
        PredictorKind::Calibrated => format!(", asked for {}", line.setting.risk),
        PredictorKind::Fixed
        | PredictorKind::Threshold
        | PredictorKind::Borg
        | PredictorKind::Percentile
        | PredictorKind::NSigma
        | PredictorKind::Max
        | PredictorKind::Decaying
        | PredictorKind::Ema => String::new(),
    };
    format!(
        "{}{asked}: {} violated (worst machine {}), {} saved",
        line.setting.label(),
        percent(score.violation_rate(), 3),
        percent(score.worst, 2),
        percent(score.savings(), 1),
    )
}

/// Of one predictor's lines those that no other of it beats in both, by rising rate.
fn frontier<'l, 'a>(lines: &'l [Line<'a>]) -> Vec<&'l Line<'a>> {
    let mut sorted: Vec<&Line<'a>> = lines.iter().collect();
    let key = |line: &Line<'_>| (line.tally.score.violation_rate(), line.tally.score.savings());
    sorted.sort_by(|a, b| {
        let ((a, more), (b, less)) = (key(a), key(b));
        a.total_cmp(&b).then(less.total_cmp(&more))
    });
    let mut best = f64::NEG_INFINITY;
    sorted.retain(|line| {
        let better = key(line).1 > best;
        best = best.max(key(line).1);
        better
    });
    sorted
}

/// Savings against violations: the curve of each predictor over its settings.
pub(super) fn trade_off(lines: &[Line<'_>], target: Ratio) -> String {
    let oracle = lines.first().map_or(1.0, |line| line.oracle);
    let kinds: Vec<Vec<&Line<'_>>> =
        lines.chunk_by(|a, b| a.setting.kind == b.setting.kind).map(frontier).collect();
    let savings = |line: &&Line<'_>| line.tally.score.savings();
    let shown = kinds.iter().flatten().filter(|line| line.tally.score.violation_rate() < HIGHEST);
    let least = shown.map(savings).fold(oracle, f64::min);
    let low = ((least.max(oracle - 0.5) - 0.02) * 20.0).floor() / 20.0;
    let write_y = |value: f64| format!("{:.0} %", value * 100.0);
    let mut chart = Chart::new(
        SIZE,
        "savings against violation rate, a curve for each predictor",
        (
            rate_axis(),
            Label { title: "intervals in which the peak exceeded the prediction", write: &share },
        ),
        (
            Axis::linear(low, (oracle + 0.02).min(1.0)),
            Label { title: "could have been lent", write: &write_y },
        ),
    );
    chart.line("oracle", [(LOWEST, oracle), (HIGHEST, oracle)]);
    chart.line("target", [(target.get(), low), (target.get(), 1.0)]);
    for lines in &kinds {
        let Some(first) = lines.first() else { continue };
        let class = colour(first.setting.kind);
        let place =
            |line: &Line<'_>| (line.tally.score.violation_rate(), line.tally.score.savings());
        chart.line(class, lines.iter().map(|line| place(line)));
        for line in lines {
            chart.point(class, place(line), 3.5, &says(line));
        }
    }
    let note = format!("the oracle: {}", percent(oracle, 1));
    chart.note("oracle", (6.0, 14.0), &note);
    chart.finish()
}

/// The rate that came against the risk that was asked for; `None` without two risks to compare.
pub(super) fn reliability(lines: &[Line<'_>]) -> Option<String> {
    let mut ours: Vec<&Line<'_>> =
        lines.iter().filter(|line| line.setting.kind == PredictorKind::Calibrated).collect();
    ours.sort_by(|a, b| a.setting.risk.get().total_cmp(&b.setting.risk.get()));
    if ours.len() < 2 {
        return None;
    }
    let mut chart = Chart::new(
        SIZE,
        "achieved violation rate against the risk asked for",
        (rate_axis(), Label { title: "asked for", write: &share }),
        (rate_axis(), Label { title: "came", write: &share }),
    );
    let ends = [LOWEST, HIGHEST];
    chart.band("factor", &ends.map(|x| (x, x / 2.0, x * 2.0)));
    chart.line("even", ends.map(|x| (x, x)));
    let asked = |line: &Line<'_>| line.setting.risk.get();
    let mean = |line: &Line<'_>| (asked(line), line.tally.score.violation_rate());
    let worst = |line: &Line<'_>| (asked(line), line.tally.score.worst);
    chart.line("worst", ours.iter().map(|line| worst(line)));
    chart.line(colour(PredictorKind::Calibrated), ours.iter().map(|line| mean(line)));
    for line in ours {
        chart.point("worst", worst(line), 3.0, &says(line));
        chart.point(colour(PredictorKind::Calibrated), mean(line), 3.5, &says(line));
    }
    chart.note(
        "",
        (6.0, 14.0),
        "filled: all machines; hollow: the worst one; shaded: within a factor of two",
    );
    Some(chart.finish())
}
