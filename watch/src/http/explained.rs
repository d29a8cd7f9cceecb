// SPDX-License-Identifier: Apache-2.0
//! `/decisions/ID`: one decision explained, as a page that needs no script, and as JSON.

use super::assets::PAGE_STYLE;
use super::html::{each, escape, fill};
use crate::published::Published;
use crate::story::{Act, Section, Story, tell};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

const TEMPLATE: &str = include_str!("../../page/decision.html");

/// The answer of `/v1/decisions/ID`.
#[derive(Serialize)]
pub(super) struct Explained {
    node: String,
    tick: u64,
    /// What `gleaner explain` and the page say.
    story: Story,
    /// The same form as a line of the audit file.
    decision: Value,
    /// What became of its corrections.
    acts: Vec<Act>,
}

/// Why there is nothing to show, and where else to look.
pub(super) type Unknown = (StatusCode, String);

/// What is asked for: a page, or JSON.
pub(super) enum Wanted {
    Page,
    Json,
}

/// The number in the last part of a path, and in which form it is wanted.
pub(super) fn wanted(id: &str) -> Result<(u64, Wanted), Unknown> {
    let (number, form) = match id.strip_suffix(".json") {
        Some(number) => (number, Wanted::Json),
        None => (id, Wanted::Page),
    };
    let tick = number.parse().map_err(|_| {
        let why = format!("{number:?} is no number of a decision; `/v1/events` names some\n");
        (StatusCode::NOT_FOUND, why)
    })?;
    Ok((tick, form))
}

/// Explains the decision of this number.
pub(super) fn explain(published: &Published, tick: u64) -> Result<Explained, Unknown> {
    let found = published.explained(tick);
    let (decision, acts) = found.ok_or_else(|| {
        let kept = published.stories().ticks();
        let kept: Vec<String> = kept.iter().rev().take(20).map(u64::to_string).collect();
        let kept = match kept.is_empty() {
            true => "none has done anything yet".to_owned(),
            false => format!("the latest that are: {}", kept.join(", ")),
        };
        let why = format!(
            "decision {tick} is not kept here; {kept}.\n`gleaner explain {tick}` looks into the audit file, which \
             reaches further back.\n"
        );
        (StatusCode::NOT_FOUND, why)
    })?;
    // A decision is plain data, which can always be encoded.
    let decision = serde_json::to_value(&*decision).unwrap_or_default();
    let (node, story) = (published.about().node.clone(), tell(&decision, &acts));
    Ok(Explained { node, tick, story, decision, acts })
}

/// The page of one decision.
pub(super) fn page(explained: &Explained) -> String {
    let Explained { node, tick, story, .. } = explained;
    let parts = [
        ("style", PAGE_STYLE.path.to_owned()),
        ("node", escape(node).into_owned()),
        ("tick", tick.to_string()),
        ("title", escape(&story.title).into_owned()),
        (
            "notes",
            each(&story.notes, |note| format!("<p class=\"banner bad\">{}</p>", escape(note))),
        ),
        ("sections", each(story.sections.iter().enumerate(), section)),
    ];
    fill(TEMPLATE, &parts)
}

fn section((number, section): (usize, &Section)) -> String {
    let lines = each(&section.lines, |line| {
        let class = if line.deep { " class=\"deep\"" } else { "" };
        format!("<p{class}>{}</p>", escape(&line.text))
    });
    format!(
        "<section aria-labelledby=\"s{number}\"><h2 id=\"s{number}\">{}</h2>{}{lines}</section>",
        escape(&section.heading),
        table(number, section),
    )
}

fn table(number: usize, section: &Section) -> String {
    if section.rows.is_empty() {
        return String::new();
    }
    let class = |number: bool| if number { " class=\"number\"" } else { "" };
    let head = each(&section.columns, |column| {
        format!("<th scope=\"col\"{}>{}</th>", class(column.number), escape(&column.name))
    });
    let row = |cells: &Vec<String>| {
        let cells = each(cells.iter().zip(&section.columns), |(cell, column)| {
            format!("<td{}>{}</td>", class(column.number), escape(cell))
        });
        format!("<tr>{cells}</tr>")
    };
    format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-labelledby=\"s{number}\"><table><thead><tr>{head}</tr>\
         </thead><tbody>{}</tbody></table></div>",
        each(&section.rows, row)
    )
}
