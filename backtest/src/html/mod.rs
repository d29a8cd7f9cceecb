// SPDX-License-Identifier: Apache-2.0
//! One self-contained page: advice, curves, calibration, a machine's course, and all figures.
//!
//! Everything is drawn here; the script only shows one trace at a time. Without it all are shown.

mod course;
mod curves;
mod svg;
mod view;

pub use view::{Course, Moment, View, view};

use crate::advice::advice;
use crate::report::{churn, percent};
use crate::study::{Line, TraceResult};
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Ratio, Span};
use html_escape::encode_quoted_attribute as escape;
use svg::put;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page. `views` are those of the results, in their order.
#[must_use]
pub fn page(results: &[TraceResult], views: &[View], target: Ratio) -> String {
    let mut text = String::new();
    put(
        &mut text,
        format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>What could have been lent – Gleaner backtest</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<h1>What could have been lent</h1>\n<p class=\"lead\">Aiming at a peak above the prediction in \
             at most {target} of intervals.</p>\n<nav id=\"choose\"></nav>\n"
        ),
    );
    for (result, view) in results.iter().zip(views) {
        for resource in &result.plan.resources {
            put_section(&mut text, result, view, *resource, target);
        }
    }
    text.push_str(EXPLAINED);
    put(&mut text, format_args!("<script>\n{SCRIPT}</script>\n</body>\n</html>\n"));
    text
}

fn put_section(
    text: &mut String,
    result: &TraceResult,
    view: &View,
    resource: Resource,
    target: Ratio,
) {
    let mut parts = String::new();
    for horizon in &result.plan.horizons {
        put_horizon(&mut parts, result, view, (resource, *horizon), target);
    }
    if parts.is_empty() {
        return;
    }
    let title = format!("{} · {}", result.name, resource.word());
    let title = escape(&title);
    put(
        text,
        format_args!("<section data-title=\"{title}\">\n<h2>{title}</h2>\n{parts}</section>\n"),
    );
}

fn put_horizon(
    text: &mut String,
    result: &TraceResult,
    view: &View,
    (resource, horizon): (Resource, Span),
    target: Ratio,
) {
    let curve: Vec<Line<'_>> = result.curve(resource, horizon).collect();
    let Some(first) = curve.first() else { return };
    let score = &first.tally.score;
    put(
        text,
        format_args!(
            "<h3>{horizon} ahead</h3>\n<p class=\"base\">{} machines, {} intervals</p>\n",
            score.machines, score.intervals
        ),
    );
    if let Some(advice) = advice(result, resource, horizon, target) {
        put(text, format_args!("<p class=\"advice\">{}</p>\n", code(&escape(&advice))));
    }
    text.push_str("<div class=\"pair\">\n<figure><figcaption>What a violation buys</figcaption>\n");
    put_legend(text, &curve);
    text.push_str(&curves::trade_off(&curve, target));
    text.push_str("</figure>\n");
    if let Some(chart) = curves::reliability(&curve) {
        put(
            text,
            format_args!("<figure><figcaption>Is the risk kept?</figcaption>\n{chart}</figure>\n"),
        );
    }
    text.push_str("</div>\n");
    let course = view.courses.iter().find(|c| (c.resource, c.horizon) == (resource, horizon));
    if let Some(course) = course {
        put(
            text,
            format_args!(
                "<details open><summary>Machine {} under <code>{}</code></summary>\n<p class=\"legend\">\
                 <b class=\"used\">used</b> <b class=\"predicted\">predicted peak</b> <b class=\"limit\">promised\
                 </b> <b class=\"violated\">exceeded</b></p>\n{}</details>\n",
                view.machine,
                escape(&under(view)),
                course::charts(course)
            ),
        );
    }
    put_table(text, &curve);
}

fn under(view: &View) -> String {
    match view.setting.kind {
        PredictorKind::Calibrated => format!("calibrated, risk {}", view.setting.risk),
        PredictorKind::Fixed
        | PredictorKind::Threshold
        | PredictorKind::Borg
        | PredictorKind::Percentile
        | PredictorKind::NSigma
        | PredictorKind::Max
        | PredictorKind::Decaying
        | PredictorKind::Ema => view.setting.label(),
    }
}

fn put_legend(text: &mut String, curve: &[Line<'_>]) {
    text.push_str("<p class=\"legend\">");
    for lines in curve.chunk_by(|a, b| a.setting.kind == b.setting.kind) {
        if let Some(first) = lines.first() {
            let kind = first.setting.kind;
            put(text, format_args!("<b class=\"{}\">{kind}</b> ", curves::colour(kind)));
        }
    }
    text.push_str("</p>\n");
}

fn put_table(text: &mut String, curve: &[Line<'_>]) {
    text.push_str(
        "<details><summary>All figures</summary>\n<table>\n<tr><th>predictor<th>risk<th>violated\
         <th>worst machine<th>severity<th>savings<th>offer changes/h\n",
    );
    for line in curve {
        let score = &line.tally.score;
        put(
            text,
            format_args!(
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{:.5}<td>{}<td>{}\n",
                escape(&line.setting.label()),
                line.risk,
                percent(score.violation_rate(), 3),
                percent(score.worst, 2),
                score.severity(),
                percent(score.savings(), 1),
                churn(line.tally)
            ),
        );
    }
    text.push_str("</table>\n</details>\n");
}

/// Text between backquotes as code.
fn code(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        match i % 2 {
            0 => out.push_str(part),
            _ => put(&mut out, format_args!("<code>{part}</code>")),
        }
    }
    out
}

const EXPLAINED: &str = "<footer>\n<h2>What the words mean</h2>\n<dl>\n\
<dt>interval<dd>One update of one machine. The first day of each machine is not judged.\n\
<dt>exceeded, violated<dd>The tasks that were present used more together, at some moment within the horizon, than \
was predicted for them.\n\
<dt>worst machine<dd>The largest share of violated intervals of one machine: a mean that holds while one node \
suffers is no promise.\n\
<dt>severity<dd>The part of the peak that was not foreseen, averaged over all intervals.\n\
<dt>savings<dd>The part of what was promised that was not predicted to be needed, and could have been lent.\n\
<dt>the oracle<dd>Who knows the future saves this much at most.\n</dl>\n</footer>\n";
