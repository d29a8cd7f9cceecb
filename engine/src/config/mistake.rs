// SPDX-License-Identifier: Apache-2.0
//! What is wrong with a configuration, where, and what to write instead; always all of it at once.

use std::fmt;
use std::ops::Range;

/// What is wrong with one value, before its place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong.
    pub(super) wrong: String,
    /// What to write instead.
    pub(super) instead: String,
}

impl Fault {
    pub(super) fn new(wrong: String, instead: String) -> Self {
        Self { wrong, instead }
    }

    /// Both in one sentence, for where there is no place to name.
    pub(super) fn sentence(self) -> String {
        format!("{}; {}", self.wrong, self.instead)
    }
}

/// One mistake with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Dotted path of the key; empty where the text is not TOML.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What to write instead.
    pub instead: String,
}

/// Every mistake of one file, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes {
    /// The name of the file, as it was given.
    pub file: String,
    /// Never empty.
    pub list: Vec<Mistake>,
}

impl fmt::Display for Mistakes {
    /// One line each, `file:line:column: key: wrong; instead`, which editors and terminals can jump to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{}:{}: ", self.file, mistake.line, mistake.column)?;
            if !mistake.key.is_empty() {
                write!(f, "{}: ", mistake.key)?;
            }
            write!(f, "{}; {}", mistake.wrong, mistake.instead)?;
        }
        Ok(())
    }
}

/// Collects mistakes and knows the text they are in.
pub(super) struct Ledger<'t> {
    text: &'t str,
    list: Vec<(usize, Mistake)>,
    /// Whether a `[section]` could not be read, so that keys may look misplaced without being so.
    pub(super) headers_broken: bool,
}

impl<'t> Ledger<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new(), headers_broken: false }
    }

    /// Notes a mistake at a byte range of the text.
    pub(super) fn note(&mut self, at: &Range<usize>, key: impl Into<String>, fault: Fault) {
        let (line, column) = position(self.text, at.start);
        let Fault { wrong, instead } = fault;
        self.list.push((at.start, Mistake { line, column, key: key.into(), wrong, instead }));
    }

    /// All of it in the order of the text, or nothing.
    pub(super) fn close(mut self, file: &str) -> Result<(), Mistakes> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|(at, _)| *at);
        let list = self.list.into_iter().map(|(_, mistake)| mistake).collect();
        Err(Mistakes { file: file.to_owned(), list })
    }
}

/// Line and column of a byte offset, both from 1, the column in characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "ä = 1\n# é\nöx = 2";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, text.find('x').unwrap_or(0)), (3, 2));
        assert_eq!(position(text, 10_000), (3, 7));
    }
}
