// SPDX-License-Identifier: Apache-2.0
//! The pure crates stay pure: the same bans in each `clippy.toml`, and none of the banned names in their code.

use crate::graph::PURE;
use crate::tree::{Finding, lines, none, root, sources_of};

/// What decides by itself when, where or in which order: a decision made with it cannot be replayed.
const IMPURE: [&str; 12] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::thread",
    "std::process",
    "std::os",
    "std::io::stdin",
    "Instant::now",
    "SystemTime",
    "RandomState",
    "HashMap",
    "HashSet",
];

/// Looks at code only: comments may speak of these, and tests at the end of a file may use them.
fn impure(path: &str, text: &str) -> Vec<Finding> {
    let code = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let mut found = Vec::new();
    for (number, line) in code {
        let line = line.split("//").next().unwrap_or_default();
        for name in IMPURE.into_iter().filter(|name| line.contains(name)) {
            let what =
                format!("{name} in a pure crate: take the value as an argument, or use BTreeMap");
            found.push(Finding::new(path, number + 1, what));
        }
    }
    found
}

fn directory(package: &str) -> &str {
    package.strip_prefix("gleaner-").expect("pure crates are named after their directory")
}

fn bans(directory: &str) -> toml::Table {
    let path = root().join(directory).join("clippy.toml");
    let text = std::fs::read_to_string(&path).expect("a clippy.toml in every pure crate");
    text.parse().expect("clippy.toml")
}

#[test]
fn planted_impurities_are_found() {
    let text =
        "// std::fs is banned\nuse std::fs;\nlet a = Instant::now();\n#[cfg(test)]\nuse std::env;";
    assert_eq!(lines(&impure("x.rs", text)), [2, 3]);
}

#[test]
fn pure_crates_read_nothing() {
    let pure = |path: &str| {
        PURE.iter().any(|(package, _)| path.starts_with(&format!("{}/src/", directory(package))))
    };
    let files = sources_of(&["rs"]);
    let files: Vec<_> = files.iter().filter(|file| pure(&file.path)).collect();
    assert!(files.len() >= PURE.len(), "the pure crates have moved");
    none(files.iter().flat_map(|file| impure(&file.path, &file.text)));
}

#[test]
fn the_copies_of_clippy_toml_agree() {
    // Clippy reads the nearest file and nothing above it, hence the copies.
    let workspace = bans(".");
    let first = bans(directory(PURE[0].0));
    for key in ["disallowed-methods", "disallowed-types"] {
        assert!(
            first.get(key).and_then(toml::Value::as_array).is_some_and(|list| !list.is_empty())
        );
    }
    for (key, value) in &workspace {
        assert_eq!(first.get(key), Some(value), "{}/clippy.toml: {key}", PURE[0].0);
    }
    for (package, _) in &PURE[1..] {
        assert_eq!(bans(directory(package)), first, "{package}: clippy.toml differs");
    }
}
