// SPDX-License-Identifier: Apache-2.0
//! The documents that are made from the code say what the code does.

use gleaner_estimator::reason::Bound;
use std::path::{Path, PathBuf};

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

#[test]
fn the_page_of_metrics_is_made_from_the_list() {
    let path = document("metrics.md");
    let page = gleaner_watch::metrics::docs::page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).expect("docs/ can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, page, "docs/metrics.md is out of date: rerun with BLESS=1");
}

#[test]
fn every_bound_has_its_place_in_why_md() {
    let text = std::fs::read_to_string(document("why.md")).expect("docs/why.md");
    let headings: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## ")).map(str::trim).collect();
    let words: Vec<&str> = Bound::ALL.map(Bound::word).to_vec();
    assert_eq!(headings, words, "one heading per bound, in the order of precedence");
}
