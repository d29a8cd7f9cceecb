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
