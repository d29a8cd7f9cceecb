// SPDX-License-Identifier: Apache-2.0
//! A decision's story for a person: how things stood, who could have been chosen, what was done, what came of it.
//!
//! Told once, from the decision as the audit file has it, and shown alike by `gleaner explain` and the page: the one
//! sets it in columns, the other in tables.

mod acts;
mod tables;
pub(crate) mod words;

use crate::civil::date_time;
use crate::printable::printable;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Span;
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::Action;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// What became of one correction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Act {
    /// Of which task.
    pub task: TaskId,
    /// What was to be done.
    pub action: Action,
    /// When it began, or where it has ended when it did: milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
    /// `None` while no end is known.
    pub end: Option<End>,
}

/// How an act ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct End {
    /// In words.
    pub outcome: String,
    /// By which means; `None` where it did not come to that.
    pub means: Option<&'static str>,
    /// From its beginning.
    #[serde(rename = "took_ns")]
    pub took: Span,
    /// What came back, where it was measured.
    pub relief: Option<Relief>,
    /// From the first sign of the harm that it answers until it was written; `None` where that is not known.
    #[serde(rename = "reacted_ns")]
    pub reacted: Option<Span>,
}

/// The story. Every text in it is safe to print.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Which decision, when.
    pub title: String,
    /// What has to be said before all else.
    pub notes: Vec<String>,
    /// In the order in which they are read; none is empty.
    pub sections: Vec<Section>,
}

/// A part of it: a table, lines, or lines below a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Above it.
    pub heading: Cow<'static, str>,
    /// What the columns are called; empty where there is no table.
    pub columns: Vec<Column>,
    /// One text a column.
    pub rows: Vec<Vec<String>>,
    /// Below the table.
    pub lines: Vec<Line>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Whether it holds numbers, which are set at the right.
    pub number: bool,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Whether it belongs to the line above it.
    pub deep: bool,
    /// What it says.
    pub text: String,
}

impl Section {
    fn table(heading: &'static str, columns: &[(&'static str, bool)]) -> Self {
        let column = |(name, number): &(&'static str, bool)| Column {
            name: Cow::Borrowed(*name),
            number: *number,
        };
        Self { columns: columns.iter().map(column).collect(), ..Self::named(heading) }
    }

    fn named(heading: &'static str) -> Self {
        Self { heading: Cow::Borrowed(heading), ..Self::default() }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    fn line(&mut self, deep: bool, text: &str) {
        self.lines.push(Line { deep, text: printable(text) });
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.lines.is_empty()
    }
}

/// Tells a decision, given as a line of the audit file has it, and what was done because of it.
#[must_use]
pub fn tell(decision: &Value, acts: &[Act]) -> Story {
    let mut notes = Vec::new();
    if decision["health"]["state"] == "failed" {
        let why = printable(&words::word(&decision["health"]["why"]));
        notes.push(format!("The reading failed, so nothing was decided: {why}"));
    }
    let mut sections = vec![
        tables::levels(decision),
        tables::readings(decision),
        tables::probe(&decision["assessment"]["probe"]),
        tables::candidates(decision),
        acts::done(decision, acts),
        acts::held(decision),
    ];
    sections.retain(|section| !section.is_empty());
    let when = date_time(decision["wall_ms"].as_u64().unwrap_or(0));
    let mode = words::word(&decision["mode"]);
    let title = format!("Decision {}, {when} UTC, mode {mode}", decision["tick"]);
    Story { title: printable(&title), notes, sections }
}

/// The corrections of a decision.
pub fn corrections(decision: &Value) -> impl Iterator<Item = &Value> {
    decision["verdict"]["corrections"].as_array().into_iter().flatten()
}

/// Whether a correction is more than what stands for good, and no giving back.
#[must_use]
pub fn takes_back(correction: &Value) -> bool {
    let action = &correction["action"];
    let word = action.as_str().or_else(|| action.as_object()?.keys().next().map(String::as_str));
    !matches!(word, Some("standing_class" | "io_weight" | "thaw" | "undo") | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_back_is_told_from_what_gives_and_what_stands() {
        let takes = |action: Value| takes_back(&serde_json::json!({ "action": action }));
        assert!(takes("evict".into()));
        assert!(takes(serde_json::json!({ "freeze": { "until": 5 } })));
        assert!(!takes("standing_class".into()));
        assert!(!takes(serde_json::json!({ "undo": { "actuator": "freeze" } })));
        assert!(!takes(Value::Null));
    }
}
