// SPDX-License-Identifier: Apache-2.0
//! The repository's text files, and what the rules find in them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Made by tools, not by us.
const NOT_OURS: [&str; 3] = [".git", "target", "node_modules"];
/// Longer than anything people write: fixtures and vendored code.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// A text file of the repository.
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A broken rule and its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies one below the root")
}

/// Every text file, sorted by path.
pub(crate) fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        // What is not UTF-8 is no text.
        let text = String::from_utf8(fs::read(&path).expect("just listed")).ok()?;
        let path = path.strip_prefix(root()).expect("listed below the root");
        Some(Source { path: path.to_string_lossy().into_owned(), text })
    };
    paths.into_iter().filter_map(read).collect()
}

/// The files with one of these extensions.
pub(crate) fn sources_of(extensions: &[&str]) -> Vec<Source> {
    let wanted = |source: &Source| {
        source.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    };
    sources().into_iter().filter(wanted).collect()
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a readable repository") {
        let entry = entry.expect("a readable repository");
        let kind = entry.file_type().expect("a readable repository");
        if kind.is_dir() && !NOT_OURS.contains(&&*entry.file_name().to_string_lossy()) {
            walk(&entry.path(), found);
        }
        let small = || entry.metadata().is_ok_and(|metadata| metadata.len() <= TEXT_BYTES_MAX);
        // A worktree's `.git` is a file.
        if kind.is_file() && entry.file_name() != ".git" && small() {
            found.push(entry.path());
        }
    }
}

/// Fails with every finding, one a line.
pub(crate) fn none(findings: impl IntoIterator<Item = Finding>) {
    let lines: Vec<String> = findings.into_iter().map(|finding| format!("  {finding}")).collect();
    assert!(lines.is_empty(), "{} broken rules:\n{}", lines.len(), lines.join("\n"));
}

/// The lines that findings are about.
pub(crate) fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}
