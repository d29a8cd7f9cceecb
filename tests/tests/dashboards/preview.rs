// SPDX-License-Identifier: Apache-2.0
//! Pictures of dashboards, drawn by a browser from the committed JSON and a real Prometheus. A preview: not Grafana.
//!
//! `GLEANER_PICTURES` names the folder that they go to; with `BLESS` those that documents show go to `docs/`.

use crate::replay::{POOL, SHOWN};
use crate::root;
use crate::server::Prometheus;
use gleaner_tests::programs::{installed, installed_or_skip};
use gleaner_tests::skip;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// What is drawn: a dashboard, its picture, and what the reader chose.
fn boards(places: &[(&str, Value)]) -> Value {
    let note = "Preview drawn from the dashboard's JSON and a replayed fleet; not Grafana";
    let one = |(name, chosen): &(&str, Value)| {
        let mut variables = json!({
            "cluster": "a", "resource": "cpu", "horizon": "30m",
            "__rate_interval": "2m", "__range": "3600s", "__range_s": "3600",
        });
        for (key, value) in chosen.as_object().expect("an object") {
            variables[key] = value.clone();
        }
        json!({
            "file": format!("dashboards/grafana/gleaner-{name}.json"),
            "picture": format!("dashboard-{name}.png"),
            "seconds": 3600, "variables": variables, "note": note,
        })
    };
    places.iter().map(one).collect()
}

/// The pictures that documents show.
const SHOWN_IN_DOCS: [&str; 2] = ["dashboard-node.png", "dashboard-fleet.png"];

/// Draws Node, Fleet and Decisions as they are at `end`, seconds since 1970.
pub(crate) fn draw(prometheus: &Prometheus, end: u64) {
    let Some(chromium) = installed("chromium").or_else(|| installed("chromium-browser")) else {
        return skip("chromium is not installed (tests/run installs it)");
    };
    let Some(node) = installed_or_skip("node") else { return };
    let modules = root().join("target/tools/browser");
    if !modules.join("node_modules/playwright-core").is_dir() {
        return skip("playwright-core is not installed (tests/run installs it)");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pictures = std::env::var_os("GLEANER_PICTURES");
    let pictures = pictures.map_or_else(|| directory.path().to_owned(), PathBuf::from);
    let everywhere = json!({ "pool": ".+" });
    let job = json!({
        "prometheus": format!("http://{}", prometheus.address),
        "end": end,
        "boards": boards(&[
            ("node", json!({ "pool": POOL, "instance": SHOWN })),
            ("fleet", everywhere.clone()),
            ("decisions", everywhere),
        ]),
    });
    let output = Command::new(node)
        .arg(root().join("tests/browser/preview.mjs"))
        .args([&modules, &chromium])
        .arg(root())
        .arg(&pictures)
        .arg(job.to_string())
        .output()
        .expect("node starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && wrong.is_empty(), "{wrong:#?} {errors}");
    assert_eq!(said.lines().count(), 3, "{said}");
    for name in SHOWN_IN_DOCS.iter().filter(|_| std::env::var_os("BLESS").is_some()) {
        let copied = std::fs::copy(pictures.join(name), root().join("docs").join(name));
        copied.expect("docs/ can be written");
    }
}
