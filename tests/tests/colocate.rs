// SPDX-License-Identifier: Apache-2.0
//! The co-location rig works: a short run has all its parts, and the keys of its JSON are those agreed.
//!
//! Nothing here judges a time: that needs a quiet machine and minutes (docs/colocation.md).

use gleaner_tests::cgroup_rig::CgroupRig;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// Every path to a value, once; places in a list do not count.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| paths(value, &format!("{at}.{key}"), found));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| paths(item, &format!("{at}[]"), found));
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(at.to_owned());
        }
    }
}

fn rises(latency: &Value) -> bool {
    let of = |key: &str| latency[key].as_f64().unwrap_or(f64::NAN);
    0.0 < of("p50_ms") && of("p50_ms") <= of("p99_ms") && of("p99_ms") <= of("p999_ms")
}

#[test]
fn a_short_run_has_all_its_parts() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    drop(rig);
    let files = tempfile::tempdir().expect("a directory");
    let (json, document) = (files.path().join("run.json"), files.path().join("run.md"));
    let output = Command::new(env!("CARGO_BIN_EXE_colocate"))
        .args(["measure", "--minutes", "0.01", "--calm", "0.05", "--no-guests", "--onsets", "1"])
        .args(["--loads", "40", "--kinds", "spin", "--slice", "0.5", "--threads", "4", "--json"])
        .arg(&json)
        .arg("--write")
        .arg(&document)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&json).expect("it was written");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let row = &report["table"][0];
    for cell in [&row["alone"], &row["without"]["latency"], &row["with"]["latency"]] {
        assert!(cell["count"].as_u64().is_some_and(|count| count > 10) && rises(cell), "{row}");
    }
    let kept = row["with"]["conserved"]["median"].as_f64().unwrap_or(0.0);
    assert!(kept > 0.0, "best-effort work ran: {row}");
    assert!(rises(&report["calm"]["latency"]), "{}", report["calm"]);
    assert_eq!(report["reactions"].as_array().map(Vec::len), Some(2), "{}", report["reactions"]);
    let mut keys = BTreeSet::new();
    paths(&report, "", &mut keys);
    insta::assert_snapshot!(keys.into_iter().collect::<Vec<_>>().join("\n"));
    let document = fs::read_to_string(&document).expect("it was written");
    for heading in ["## Isolation", "## From contention", "## Nothing is wrong"] {
        assert!(document.contains(heading), "{heading}:\n{document}");
    }
}
