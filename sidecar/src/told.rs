// SPDX-License-Identifier: Apache-2.0
//! A decision's story set in columns for a terminal: what `gleaner explain` prints and `gleaner top` shows.

use crate::table::{Align, Table};
use gleaner_watch::story::{Section, Story};
use serde::Deserialize;
use std::fmt::Write as _;

/// What `/v1/decisions/ID` answers, as far as a terminal needs it.
#[derive(Deserialize)]
pub(crate) struct Explained {
    pub(crate) story: Story,
}

/// The whole text.
pub(crate) fn set(story: &Story) -> String {
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
