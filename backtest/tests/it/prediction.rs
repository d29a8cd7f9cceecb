// SPDX-License-Identifier: Apache-2.0
//! What is promised of predictions, on the public traces: the risk is kept, and `docs/prediction.md` says what is so.

use crate::skip::skip;
use gleaner_backtest::plan::{Depth, Plan, Setting};
use gleaner_backtest::policy;
use gleaner_backtest::prediction::{
    HORIZONS, PUBLIC, calibration, calibration_row, default_row, defaults, prose,
};
use gleaner_backtest::replay::Capacity;
use gleaner_backtest::score::WARM_UP_S;
use gleaner_backtest::study::{TraceResult, run};
use gleaner_estimator::reason::Resource;
use std::fs;
use std::path::{Path, PathBuf};

/// A public trace: in `$GLEANER_TRACES`, else beside the repository.
fn trace(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traces");
    let place = std::env::var_os("GLEANER_TRACES").map_or(beside, PathBuf::from);
    let file = place.join(format!("{name}.parquet"));
    if file.exists() {
        return Some(file);
    }
    skip("the public traces are not in ../shared/traces nor in $GLEANER_TRACES");
    None
}

fn predicted(file: &Path, settings: Vec<Setting>) -> TraceResult {
    let plan = Plan {
        depth: Depth::Peaks,
        policy: policy::plain(),
        settings,
        horizons: HORIZONS[..2].to_vec(),
        resources: vec![Resource::Cpu, Resource::Memory],
        warm_up_s: WARM_UP_S,
        capacity: Capacity::default(),
    };
    run(file, plan, Vec::new(), None, &()).expect("a good trace")
}

/// Resources in which something was judged.
fn judged(result: &TraceResult) -> impl Iterator<Item = usize> {
    (0..2).filter(|r| result.outcome.oracle(*r, 0).intervals > 0)
}

/// Achieved within a factor of two of asked, and on the mean over machines at most 1.3 times as much.
fn keeps_its_risk(name: &str) {
    let Some(file) = trace(name) else { return };
    let result = predicted(&file, calibration());
    let mut checked = 0;
    for resource in judged(&result) {
        for (place, setting) in result.plan.settings.iter().enumerate() {
            for (h, horizon) in result.plan.horizons.iter().enumerate() {
                let score = &result.outcome.tally(place, resource, h).score;
                let ratio = score.violation_rate() / setting.risk.get();
                let word = result.plan.resources[resource].word();
                assert!(
                    (0.5..=1.3).contains(&ratio),
                    "{name} {word}: asked for {}, {horizon} ahead, {ratio:.2} times that achieved",
                    setting.risk
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 10, "{name}: {checked} combinations");
}

#[test]
fn bitbrains_keeps_the_risk_asked_for() {
    keeps_its_risk(PUBLIC[0]);
}

#[test]
fn planetlab_keeps_the_risk_asked_for() {
    keeps_its_risk(PUBLIC[1]);
}

#[test]
fn crane_keeps_the_risk_asked_for() {
    keeps_its_risk(PUBLIC[2]);
}

#[test]
fn the_page_is_the_one_that_the_program_writes() {
    let page = page();
    let mut rest = page.as_str();
    for part in prose() {
        let after = rest.split_once(part).map(|(_, after)| after);
        rest = after.unwrap_or_else(|| panic!("docs/prediction.md lacks, or has elsewhere:{part}"));
    }
    assert_eq!(rest, "", "nothing comes after the last part");
}

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/prediction.md");
    fs::read_to_string(page).expect("the page is there")
}

/// The rows of the smallest trace, computed again; the rest comes from the same run of the same code.
#[test]
fn the_page_says_what_is_computed() {
    let Some(file) = trace("planetlab_5min") else { return };
    let page = page();
    let (defaults, calibration) = (defaults(), calibration());
    let first = defaults.len();
    let result = predicted(&file, [defaults, calibration].concat());
    for resource in judged(&result) {
        for place in 0..result.plan.settings.len() {
            let row = match place < first {
                true => default_row(&result, resource, place),
                false => calibration_row(&result, resource, place),
            };
            let again = "cargo run --release -p gleaner-backtest --example prediction";
            assert!(page.contains(&row), "docs/prediction.md lacks {row}run `{again}`");
        }
    }
}
