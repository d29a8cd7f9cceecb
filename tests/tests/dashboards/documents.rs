// SPDX-License-Identifier: Apache-2.0
//! Every alert has a runbook, and every reason its words.

use crate::root;
use gleaner_dashboards::rules::every_alert;
use gleaner_qos::verdict::Reason;
use gleaner_tests::programs::built;
use std::fs;
use std::process::Command;

fn operating() -> String {
    fs::read_to_string(root().join("docs/operating.md")).expect("docs/operating.md")
}

/// The text below a heading, up to the next one of its depth or above.
fn section<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let depth = heading.chars().take_while(|c| *c == '#').count();
    let start = text.find(&format!("\n{heading}\n"))? + heading.len() + 2;
    let rest = &text[start..];
    let end = rest.match_indices("\n#").find_map(|(at, _)| {
        let found = rest[at + 1..].chars().take_while(|c| *c == '#').count();
        (found <= depth).then_some(at)
    });
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[test]
fn every_alert_has_a_runbook() {
    let text = operating();
    for alert in every_alert() {
        let runbook = section(&text, &format!("### {}", alert.name));
        let runbook = runbook.unwrap_or_else(|| panic!("no runbook of {}", alert.name));
        for part in ["**Meaning**", "**Impact**", "**Diagnosis**", "**Mitigation**"] {
            assert!(runbook.contains(part), "{}: no {part}", alert.name);
        }
        for step in ["\n1. ", "\n2. ", "\n3. "] {
            assert!(runbook.contains(step), "{}: three steps of diagnosis", alert.name);
        }
    }
    let runbooks = section(&text, "## Runbooks").expect("a chapter");
    let known: Vec<&str> = every_alert().iter().map(|alert| alert.name).collect();
    for heading in runbooks.lines().filter_map(|line| line.strip_prefix("### ")) {
        assert!(known.contains(&heading), "a runbook of no alert: {heading}");
    }
}

#[test]
fn every_reason_is_explained() {
    let text = operating();
    let reasons = section(&text, "## Reasons").expect("a chapter");
    for reason in Reason::ALL {
        let row = format!("\n| `{}` |", reason.word());
        assert!(reasons.contains(&row), "{} is not explained", reason.word());
    }
}

#[test]
fn commands_in_runbooks_are_real() {
    let text = operating();
    let runbooks = section(&text, "## Runbooks").expect("a chapter");
    let spans = runbooks.split('`').skip(1).step_by(2);
    let mut commands: Vec<&str> = spans.filter_map(|span| span.strip_prefix("gleaner ")).collect();
    commands.sort_unstable();
    commands.dedup();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let output = Command::new(built("gleaner").expect("the program"))
            .args(command.split_whitespace())
            .arg("--help")
            .output()
            .expect("it starts");
        assert!(output.status.success(), "gleaner {command} does not exist");
    }
}
