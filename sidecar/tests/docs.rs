// SPDX-License-Identifier: Apache-2.0
//! The generated documents are what the code says; `BLESS=1` rewrites them.

use std::fs;
use std::path::Path;

/// Compares a document with what it should be, or writes it.
fn check(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, wanted).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let found = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(
        found == wanted,
        "docs/{name} differs from the code: run `BLESS=1 cargo test -p gleaner --test docs`"
    );
}

#[test]
fn the_configuration_reference_is_fresh() {
    check("config.md", &gleaner_engine::config::reference());
}

#[test]
fn the_sample_configuration_is_fresh() {
    check("gleaner.toml", &gleaner_engine::config::sample());
}

#[test]
fn exit_codes_are_explained_to_operators() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_gleaner")).arg("--help").output();
    let help = String::from_utf8(help.expect("it starts").stdout).expect("UTF-8");
    let (_, listed) = help.split_once("Exit codes:").expect("the list");
    let number = |line: &str, separator: char| -> Option<u8> {
        line.trim().trim_start_matches(separator).split_whitespace().next()?.parse().ok()
    };
    let codes: Vec<u8> = listed.lines().filter_map(|line| number(line, ' ')).collect();
    let page = include_str!("../../docs/operating.md");
    let explained: Vec<u8> = page
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| number(line, '|'))
        .collect();
    assert!(codes.len() > 5, "{help}");
    assert_eq!(explained, codes);
    let unit = include_str!("../gleaner.service");
    assert!(unit.contains("RestartPreventExitStatus=64 66 78"), "as the page says");
}
