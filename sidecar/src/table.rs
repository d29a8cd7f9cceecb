// SPDX-License-Identifier: Apache-2.0
//! Text in columns. What comes from the node is shown without control characters: names are foreign.

pub(crate) use gleaner_watch::printable::printable;
use std::fmt::Write as _;

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows below a heading; each column is as wide as its widest cell.
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        let column = |(name, align): &(&str, Align)| ((*name).to_owned(), *align);
        Self { columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row; its cells are in the order of the columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// The heading and all rows, each on a line.
    pub(crate) fn text(&self) -> String {
        let heading: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|i| {
                let cells = self.rows.iter().chain([&heading]);
                cells.filter_map(|row| row.get(i)).map(|c| c.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in [&heading].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(&self.columns) {
                let gap = if line.is_empty() { "" } else { "  " };
                let written = match align {
                    Align::Left => write!(line, "{gap}{cell:<width$}"),
                    Align::Right => write!(line, "{gap}{cell:>width$}"),
                };
                debug_assert!(written.is_ok(), "a String takes everything");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A value, or a dash where it is not known.
pub(crate) fn known(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// CPU use: two decimals, which is what a reading of a second can tell apart.
pub(crate) fn cores(cores: Option<f64>) -> String {
    known(cores.map(|cores| format!("{cores:.2}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_names_cannot_drive_the_terminal() {
        let mut table = Table::new(&[("TASK", Align::Left), ("CPU", Align::Right)]);
        table.row(["web".to_owned(), "12.5".to_owned()]);
        table.row(["a\u{1b}[2J".to_owned(), known(None::<u32>)]);
        assert_eq!(table.text(), "TASK         CPU\nweb         12.5\na\\u{1b}[2J     –\n");
    }
}
