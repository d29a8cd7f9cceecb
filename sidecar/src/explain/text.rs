// SPDX-License-Identifier: Apache-2.0
//! A decision's story in columns for a terminal.

use super::Story as Found;
use crate::table::{Align, Table};
use gleaner_act::audit::Entry;
use gleaner_watch::story::{Act, End, Section, Story, tell};
use std::fmt::Write as _;

/// The whole text.
pub(super) fn render(found: &Found) -> String {
    let acts: Vec<Act> = found.entries.iter().filter_map(act).collect();
    let mut text = set(&tell(&found.decision, &acts));
    if found.unread.lines > 0 {
        let _ = writeln!(text, "\n{} lines of the audit file cannot be read.", found.unread.lines);
    }
    text
}

/// What an entry of the audit file says of an act.
fn act(entry: &Entry) -> Option<Act> {
    match entry {
        Entry::Intent(intent) => Some(Act {
            task: intent.task.clone(),
            action: intent.action,
            wall_ms: intent.wall_ms,
            end: None,
        }),
        Entry::Outcome(ended) => Some(Act {
            task: ended.task.clone(),
            action: ended.action,
            wall_ms: ended.wall_ms,
            end: Some(End {
                outcome: ended.outcome.to_string(),
                means: ended.means.map(gleaner_act::means::Means::word),
                took: ended.took,
                relief: ended.relief,
            }),
        }),
        Entry::Undone { .. } => None,
    }
}

fn set(story: &Story) -> String {
    let mut text = format!("{}\n", story.title);
    for note in &story.notes {
        let _ = writeln!(text, "{note}");
    }
    for section in &story.sections {
        let _ = writeln!(text, "\n{}", section.heading);
        text.push_str(&table(section));
        for line in &section.lines {
            let _ = writeln!(text, "{}{}", if line.deep { "      " } else { "  " }, line.text);
        }
    }
    text
}

fn table(section: &Section) -> String {
    if section.rows.is_empty() {
        return String::new();
    }
    let align = |number| if number { Align::Right } else { Align::Left };
    let names: Vec<String> = section.columns.iter().map(|c| c.name.to_uppercase()).collect();
    let aligns = section.columns.iter().map(|column| align(column.number));
    let columns: Vec<(&str, Align)> = names.iter().map(String::as_str).zip(aligns).collect();
    let mut table = Table::new(&columns);
    section.rows.iter().for_each(|row| table.row(row.iter().cloned()));
    table.text().lines().map(|line| format!("  {line}\n")).collect()
}
