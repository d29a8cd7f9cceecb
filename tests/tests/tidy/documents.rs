// SPDX-License-Identifier: Apache-2.0
//! Documents name what exists: files behind links, tests behind promises, decisions in the index.

use crate::tree::{Finding, Source, lines, none, root, sources_of};
use std::path::Path;

/// Documents that a newcomer looks for.
const EXPECTED: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "docs/spec.md",
    "docs/adr/README.md",
];
const DECISION_LINES_MAX: usize = 60;
const DECISION_PARTS: [&str; 3] = ["## Context", "## Choice", "## Consequence"];

/// The lines outside fenced code, numbered from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence {
            lines.push((number + 1, line));
        }
    }
    lines
}

/// The targets of `[text](target)` in a line; code spans are left out.
fn targets(line: &str) -> Vec<&str> {
    // Every second part between backquotes is code.
    let parts = line.split('`').step_by(2);
    parts
        .flat_map(|part| part.split("](").skip(1))
        .filter_map(|rest| rest.split([')', ' ']).next())
        .collect()
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_anchor(document: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(document).unwrap_or_default();
    prose(&text).iter().any(|(_, line)| line.starts_with('#') && anchor(line) == wanted)
}

/// Relative links that lead nowhere, seen from a document's place below `base`.
fn broken_links(base: &Path, document: &Source) -> Vec<Finding> {
    let own = base.join(&document.path);
    let mut found = Vec::new();
    for (number, line) in prose(&document.text) {
        for target in targets(line).into_iter().filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = own.parent().unwrap_or(base).join(file);
            let file = if target.starts_with('#') { own.clone() } else { file };
            if !file.exists() {
                found.push(Finding::new(&document.path, number, format!("no such file: {target}")));
            } else if !heading.is_empty() && !has_anchor(&file, heading) {
                let what = format!("no such heading: {target}");
                found.push(Finding::new(&document.path, number, what));
            }
        }
    }
    found
}

/// Rows of the promise tables whose last cell names no test, or one that does not exist.
fn unkept(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in prose(text).into_iter().filter(|(_, line)| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let holder = cells.last().copied().unwrap_or_default();
        if holder == "held by" || holder.starts_with("---") {
            continue;
        }
        let names: Vec<&str> = holder.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            found.push(Finding::new(path, number, "a promise names the test that holds it"));
        }
        for name in names.into_iter().filter(|name| !test_exists(name)) {
            found.push(Finding::new(path, number, format!("no such test: {name}")));
        }
    }
    found
}

/// `tests/tests/x.rs::name`: a function of that name in that file.
fn test_exists(name: &str) -> bool {
    let Some((file, function)) = name.split_once("::") else { return false };
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    text.contains(&format!("fn {function}("))
}

#[test]
fn planted_links_are_found() {
    let text = "# One two\n[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n[g](#one-two) [h](#three)\n";
    let text = format!("{text}[i](https://example.org/x) [j](../Cargo.toml) [k](spec.md#no)\n");
    let document = Source { path: "docs/x.md".into(), text };
    // The document is not there, so no anchor of its own is either.
    assert_eq!(lines(&broken_links(root(), &document)), [2, 6, 6, 7]);
}

#[test]
fn planted_promises_are_found() {
    let text = "| promise | number | held by |\n|---|---|---|\n| a | 1 | pending |\n\
        | b | 2 | `tests/tests/tidy/documents.rs::no_such_test` |\n\
        | c | 3 | `tests/tests/tidy/documents.rs::planted_promises_are_found` |\n";
    assert_eq!(lines(&unkept("x.md", text)), [3, 4]);
}

#[test]
fn expected_documents_exist() {
    let missing = EXPECTED.into_iter().filter(|path| !root().join(path).exists());
    none(missing.map(|path| Finding::new(path, 1, "does not exist")));
}

#[test]
fn links_lead_somewhere() {
    none(sources_of(&["md"]).iter().flat_map(|document| broken_links(root(), document)));
}

#[test]
fn promises_are_held_by_tests() {
    let path = "docs/spec.md";
    let text = std::fs::read_to_string(root().join(path)).expect(path);
    assert!(
        prose(&text).iter().any(|(_, line)| line.ends_with("| held by |")),
        "no table in {path}"
    );
    none(unkept(path, &text));
}

#[test]
fn decisions_are_short_whole_and_in_the_index() {
    let index = std::fs::read_to_string(root().join("docs/adr/README.md")).expect("an index");
    let listed: Vec<&str> = prose(&index).iter().flat_map(|(_, line)| targets(line)).collect();
    let documents = sources_of(&["md"]);
    let mut found = Vec::new();
    for Source { path, text } in &documents {
        let Some(name) = path.strip_prefix("docs/adr/").filter(|name| *name != "README.md") else {
            continue;
        };
        if !listed.contains(&name) {
            found.push(Finding::new(path, 1, "is not linked from docs/adr/README.md"));
        }
        if text.lines().count() > DECISION_LINES_MAX {
            found.push(Finding::new(path, 1, format!("longer than {DECISION_LINES_MAX} lines")));
        }
        for part in
            DECISION_PARTS.into_iter().filter(|part| !text.lines().any(|line| line == *part))
        {
            found.push(Finding::new(path, 1, format!("has no {part:?}")));
        }
    }
    none(found);
}
