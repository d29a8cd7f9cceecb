// SPDX-License-Identifier: Apache-2.0
//! The page itself.

use super::figures::{Figures, HORIZONS, RISKS, Row, TARGETS, mean, one_percent};
use super::prose;
use crate::plan::Setting;
use crate::score::Score;
use crate::study::TraceResult;
use gleaner_estimator::predict::{Part, PredictorKind};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Ratio;
use std::fmt::Write as _;
use std::fs;

/// The page as Markdown.
#[must_use]
pub fn page(figures: &Figures) -> String {
    let mut text = String::from(prose::HEAD);
    put_traces(&mut text, figures);
    text.push_str(prose::PREDICTORS);
    put_predictors(&mut text, figures);
    text.push_str(prose::CALIBRATION);
    put_calibration(&mut text, figures);
    text.push_str(prose::ANCHORS);
    put_anchors(&mut text, figures);
    text.push_str(prose::ABLATION);
    put_ablation(&mut text, figures);
    text.push_str(prose::FIRST_DAY);
    put_first_day(&mut text, figures);
    text.push_str(prose::TAIL);
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(line);
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn put_traces(text: &mut String, figures: &Figures) {
    text.push_str("| trace | CRC-32 of the file | machines | intervals judged, by resource |\n|---|---|---|---|\n");
    for result in &figures.results {
        let crc = fs::read(&result.file).map(|bytes| crc32fast::hash(&bytes));
        let crc = crc.map_or_else(|_| "–".to_owned(), |crc| format!("{crc:08x}"));
        let judged: Vec<String> = figures
            .series()
            .filter(|(one, _)| one.file == result.file)
            .map(|(one, r)| {
                let intervals = one.outcome.oracle(r, 0).intervals;
                format!("{} {intervals}", one.plan.resources[r].word())
            })
            .collect();
        let (name, machines) = (&result.name, result.machines.len());
        put(text, format_args!("| {name} | `{crc}` | {machines} | {} |\n", judged.join(", ")));
    }
}

/// One predictor of the table of predictors: its rates and savings by horizon.
fn cells(rows: impl Iterator<Item = Row>) -> String {
    rows.map(|row| {
        format!(" {} ({}) | {:.3} |", percent(row.rate), percent(row.worst), row.savings)
    })
    .collect()
}

const BY_HORIZON: &str = "5 min: violated (worst) | saves | 30 min: violated (worst) | saves | 24 h: violated (worst) | saves |\n|---|---|---|---|---|---|---|\n";

fn put_predictors(text: &mut String, figures: &Figures) {
    let settings = &figures.results[0].plan.settings;
    let of = |place: usize| cells((0..HORIZONS.len()).map(|h| figures.mean(place, h)));
    put(text, format_args!("\n| predictor | {BY_HORIZON}"));
    for place in figures.groups.defaults.clone() {
        if settings[place].kind != PredictorKind::Calibrated {
            put(text, format_args!("| `{}` |{}\n", settings[place].kind, of(place)));
        }
    }
    for place in figures.groups.calibrated.clone() {
        put(text, format_args!("| **`calibrated`, {}** |{}\n", settings[place].risk, of(place)));
    }
    let oracle: Vec<String> =
        (0..HORIZONS.len()).map(|h| format!(" 0 | {:.3} |", figures.oracle(h))).collect();
    put(text, format_args!("| who knows the future |{}\n", oracle.concat()));
    text.push_str("\nThe same by trace, at 30 min:\n\n");
    text.push_str("| trace | predictor | violated | worst machine | severity | saves |\n|---|---|---|---|---|---|\n");
    for (one, r) in figures.series() {
        for place in figures.groups.defaults.clone() {
            text.push_str(&default_row(one, r, place));
        }
    }
}

/// One predictor as it comes on one trace and resource, at 30 min.
#[must_use]
pub fn default_row(result: &TraceResult, resource: usize, setting: usize) -> String {
    let score = &result.outcome.tally(setting, resource, 1).score;
    let resource = result.plan.resources[resource];
    format!(
        "| {} | `{}` | {} | {} | {:.5} | {:.3} |\n",
        series_name(result, resource),
        result.plan.settings[setting].kind,
        percent(score.violation_rate()),
        percent(score.worst),
        score.severity(),
        score.savings()
    )
}

fn series_name(result: &TraceResult, resource: Resource) -> String {
    format!("{} {}", result.name, resource.word())
}

fn put_calibration(text: &mut String, figures: &Figures) {
    text.push_str("\n| trace | asked | 5 min: achieved | ÷ asked | worst machine | 30 min: achieved | ÷ asked | worst machine |\n|---|---|---|---|---|---|---|---|\n");
    for (one, r) in figures.series() {
        for place in figures.groups.calibrated.clone() {
            text.push_str(&calibration_row(one, r, place));
        }
    }
    for (place, risk) in figures.groups.calibrated.clone().zip(RISKS) {
        let risk = Ratio::from_milli(risk);
        let cell = |h| {
            let row = figures.mean(place, h);
            let (rate, worst) = (percent(row.rate), percent(row.worst));
            format!(" {rate} | {:.2} | {worst} |", row.rate / risk.get())
        };
        put(text, format_args!("| **mean** | {risk} |{}{}\n", cell(0), cell(1)));
    }
    let ratios = figures.series().flat_map(|(one, r)| {
        figures.groups.calibrated.clone().flat_map(move |place| {
            [0, 1].map(|h| {
                let rate = one.outcome.tally(place, r, h).score.violation_rate();
                rate / one.plan.settings[place].risk.get()
            })
        })
    });
    let (low, high) =
        ratios.fold((f64::INFINITY, 0.0_f64), |(low, high), one| (low.min(one), high.max(one)));
    put(
        text,
        format_args!(
            "\nOver all of these, achieved ÷ asked lies between {low:.2} and {high:.2}.\n"
        ),
    );
}

/// One risk asked for on one trace and resource: what was achieved at 5 and at 30 min.
#[must_use]
pub fn calibration_row(result: &TraceResult, resource: usize, setting: usize) -> String {
    let risk = result.plan.settings[setting].risk;
    let cell = |h| {
        let score: &Score = &result.outcome.tally(setting, resource, h).score;
        let rate = score.violation_rate();
        format!(" {} | {:.2} | {} |", percent(rate), rate / risk.get(), percent(score.worst))
    };
    let name = series_name(result, result.plan.resources[resource]);
    format!("| {name} | {risk} |{}{}\n", cell(0), cell(1))
}

fn put_anchors(text: &mut String, figures: &Figures) {
    for target in TARGETS.map(Ratio::from_milli) {
        for (h, horizon) in HORIZONS.into_iter().enumerate() {
            put_tuned(text, figures, h, target, &format!("At {target}, {horizon} ahead"));
        }
    }
}

fn put_tuned(text: &mut String, figures: &Figures, h: usize, target: Ratio, title: &str) {
    let ours = figures.groups.calibrated.clone().find(|place| {
        let settings = &figures.results[0].plan.settings;
        settings[*place].risk == target
    });
    put(
        text,
        format_args!(
            "\n{title}:\n\n| predictor | one setting for all | violated (worst) | saves | tuned to each trace: violated (worst) | saves |\n|---|---|---|---|---|---|\n"
        ),
    );
    if let Some(row) = ours.map(|place| figures.mean(place, h)) {
        put(
            text,
            format_args!(
                "| **`calibrated`** | asked for {target}, not tuned | {} ({}) | **{:.3}** | | |\n",
                percent(row.rate),
                percent(row.worst),
                row.savings
            ),
        );
    }
    let mut rows: Vec<(f64, String)> = Vec::new();
    for kind in PredictorKind::ALL {
        let one = figures.tuned(kind, h, target);
        let each = figures.hindsight(kind, h, target);
        if one.is_none() && each.is_none() {
            continue;
        }
        let saves = one.as_ref().map_or(0.0, |(_, row)| row.savings);
        let settings = &figures.results[0].plan.settings;
        let label = one.as_ref().map_or_else(String::new, |(place, _)| tuning(&settings[*place]));
        let (one, each) = (tuned_cell(one.map(|(_, row)| row)), tuned_cell(each));
        rows.push((saves, format!("| `{kind}` | {label} |{one}{each}\n")));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    rows.into_iter().for_each(|(_, row)| text.push_str(&row));
}

fn tuning(setting: &Setting) -> String {
    match setting.detail.is_empty() {
        true => format!("risk={}", setting.risk),
        false => setting.detail.clone(),
    }
}

fn tuned_cell(row: Option<Row>) -> String {
    row.map_or_else(
        || " none keeps it | |".to_owned(),
        |row| format!(" {} ({}) | {:.3} |", percent(row.rate), percent(row.worst), row.savings),
    )
}

fn put_ablation(text: &mut String, figures: &Figures) {
    put(text, format_args!("\n| without | {BY_HORIZON}"));
    let whole = figures.groups.calibrated.clone().find(|place| {
        let settings = &figures.results[0].plan.settings;
        settings[*place].risk == one_percent()
    });
    let row = |place: usize| cells((0..HORIZONS.len()).map(|h| figures.mean(place, h)));
    if let Some(whole) = whole {
        put(text, format_args!("| nothing: as it is |{}\n", row(whole)));
    }
    let names = Part::ALL.map(part).into_iter().chain(["forgetting the first day"]);
    for (name, place) in names.zip(figures.groups.ablations.clone()) {
        put(text, format_args!("| {name} |{}\n", row(place)));
    }
}

/// What an ablation leaves out.
const fn part(part: Part) -> &'static str {
    match part {
        Part::Outcomes => "learning from outcomes: `k` is the prior's",
        Part::Nudge => "nudging the quantile to the rate achieved",
        Part::Prior => "the prior: a hundredth of it",
        Part::Maxima => "maxima over half an hour, two hours, a day: usage now instead",
        Part::Day => "the day's maximum: that over two hours instead",
        Part::Yesterday => "yesterday at this time: usage now instead",
        Part::Spread => "the spread of tasks in the scale of the risk",
        Part::Head => "what one task can still add in the scale of the risk",
        Part::Scale => "both: the scale is a share of the limits",
    }
}

fn put_first_day(text: &mut String, figures: &Figures) {
    put(text, format_args!("\n| first day included | {BY_HORIZON}"));
    for (name, place) in [("as it is", 0), ("without the ramp", 1)] {
        let row = cells((0..HORIZONS.len()).map(|h| mean(&figures.first_day, place, h)));
        put(text, format_args!("| {name} |{row}\n"));
    }
}
