// SPDX-License-Identifier: Apache-2.0
//! What promtool says of rules, alerts and configuration; that every alert has a test that fires and one that does not.

use crate::{dashboards, root};
use gleaner_dashboards::rules::{Severity, every_alert};
use gleaner_tests::programs::installed_or_skip;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn tests() -> Vec<PathBuf> {
    let listed = fs::read_dir(dashboards("prometheus/tests")).expect("a folder of tests");
    let mut found: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn promtool(words: &[&str], files: &[PathBuf]) -> Option<()> {
    let output = Command::new(installed_or_skip("promtool")?)
        .args(words)
        .args(files)
        .current_dir(root())
        .output()
        .expect("promtool starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    Some(())
}

#[test]
fn promtool_accepts_rules_and_configuration() {
    let files = ["gleaner.rules.yml", "gleaner.alerts.yml"];
    let files = files.map(|name| dashboards(&format!("prometheus/{name}")));
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &files);
    promtool(&["check", "config"], &[dashboards("prometheus/prometheus.yml")]);
}

#[test]
fn alerts_fire_and_stay_quiet_as_their_tests_say() {
    promtool(&["test", "rules"], &tests());
}

#[test]
fn every_alert_has_a_test_that_fires_and_one_that_does_not() {
    let text: String =
        tests().iter().map(|path| fs::read_to_string(path).expect("listed")).collect();
    for alert in every_alert() {
        let mut cases =
            text.split("- alertname: ").filter(|case| case.lines().next() == Some(alert.name));
        let (quiet, fires): (Vec<_>, Vec<_>) =
            cases.by_ref().partition(|case| case.contains("exp_alerts: []"));
        assert!(!fires.is_empty(), "{}: no test in which it fires", alert.name);
        let always = alert.severity == Severity::None;
        assert!(always == quiet.is_empty(), "{}: no test in which it is quiet", alert.name);
    }
}

#[test]
fn only_pools_page_and_texts_are_whole() {
    for alert in every_alert() {
        let (name, expr) = (alert.name, &alert.expr);
        let capital = name.strip_prefix("Gleaner").and_then(|rest| rest.chars().next());
        assert!(capital.is_some_and(char::is_uppercase), "{name}");
        let of_node = expr.contains("{J");
        assert!(alert.severity != Severity::Critical || !of_node, "{name}: a node pages nobody");
        for text in [alert.summary, alert.description] {
            assert!(text.ends_with('.') && text.len() > 30, "{name}: {text:?}");
        }
        assert!(!alert.summary.contains("{{"), "{name}: the summary is true without labels");
        let values = alert.description.matches("$value").count();
        assert_eq!(values, alert.description.matches("$value | humanize").count(), "{name}");
        assert!(!expr.contains("topk"), "{name}: topk changes its mind");
        let at_once = ["GleanerPanicked", "GleanerWatchdog"].contains(&name);
        assert!(at_once == alert.holds[0].is_empty(), "{name}: holds for a while");
    }
}
