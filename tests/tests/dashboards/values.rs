// SPDX-License-Identifier: Apache-2.0
//! Panels show the right number: given these series, promtool finds those values with the panel's own expression.
//!
//! The scenarios stand in `scenarios/`, one file a dashboard. Every series of a scenario is given as it stands, and for a
//! cluster and a node or a pool that were not chosen, with values that would be noticed. Every expression that
//! calculates has a scenario.

use crate::page::Chosen;
use crate::{dashboards, root};
use gleaner_dashboards::panel::Target;
use gleaner_dashboards::{Places, boards};
use gleaner_tests::programs::installed_or_skip;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// What every series of another node or pool does.
const ELSEWHERE: &str = "1000+1000x60";

/// A query of a panel, the series that it is given, and the samples that it must find after half an hour.
struct Scenario {
    title: String,
    /// `A` for the first query.
    query: String,
    /// Series and their samples, in promtool's notation.
    given: Vec<(String, String)>,
    /// Labels, perhaps with a name, and the value; none where it must find nothing.
    shown: Vec<(String, String)>,
}

/// The scenarios of a dashboard, by the last part of its uid.
fn scenarios(board: &str) -> Vec<Scenario> {
    let name = format!("tests/tests/dashboards/scenarios/{board}.txt");
    let text = fs::read_to_string(root().join(&name)).expect("a file of scenarios");
    let mut all: Vec<Scenario> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(inside) = line.strip_prefix("  ") else {
            let (title, query) = line.rsplit_once('?').expect("a title is a question");
            let query = if query.is_empty() { "A" } else { query.trim() };
            let (title, query) = (format!("{title}?"), query.to_owned());
            all.push(Scenario { title, query, given: Vec::new(), shown: Vec::new() });
            continue;
        };
        let scenario = all.last_mut().unwrap_or_else(|| panic!("{name}: {line}: under no title"));
        let pair = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned());
        match inside.split_once(' ') {
            Some(("given", rest)) => {
                scenario.given.push(rest.split_once(' ').map(pair).expect("a series and samples"));
            }
            Some(("shows", "nothing")) => assert!(scenario.shown.is_empty(), "{name}: {line}"),
            Some(("shows", rest)) => {
                scenario.shown.push(rest.rsplit_once(' ').map(pair).expect("labels and a value"));
            }
            Some(_) | None => panic!("{name}: {line}: neither given nor shows"),
        }
    }
    all
}

/// The labels of the chosen node or one of the chosen pools in place of the short forms.
fn labelled(text: &str) -> String {
    let node = "{job=\"gleaner\",cluster=\"a\",pool=\"batch\",instance=\"n1\"";
    let pools = ["{cluster=\"a\",pool=\"batch\"", "{cluster=\"a\",pool=\"online\""];
    text.replace("{N", node).replace("{F", pools[0]).replace("{G", pools[1])
}

/// The same series of what nobody chose, each time for another reason: of another cluster, and of another pool or node.
fn elsewhere(series: &str) -> Vec<String> {
    let own = labelled(series);
    let cluster = own.replace("cluster=\"a\"", "cluster=\"b\"");
    let place = match own.contains("instance=\"n1\"") {
        true => own.replace("instance=\"n1\"", "instance=\"n2\""),
        false => own.replace("pool=\"batch\"", "pool=\"other\"").replace("\"online\"", "\"other\""),
    };
    [cluster, place].into_iter().filter(|moved| *moved != own).collect()
}

/// A query of a panel as Prometheus gets it.
fn expression(board: &str, scenario: &Scenario) -> String {
    let Scenario { title, query, .. } = scenario;
    let uid = format!("gleaner-{board}");
    let boards = boards(&Places::default());
    let board = boards.iter().find(|board| board.uid == uid).expect("a dashboard");
    let panel = board.panels().find(|panel| panel.title == title);
    let panel = panel.unwrap_or_else(|| panic!("{uid} has no panel {title}"));
    let target = panel.targets.iter().zip('A'..).find(|(_, letter)| query.starts_with(*letter));
    let (Target { expr, .. }, _) = target.unwrap_or_else(|| panic!("{title} has no query {query}"));
    let chosen = Chosen {
        instance: "n1".into(),
        cluster: "a".into(),
        pool: "batch|online".into(),
        horizon: "30m",
        rate: "2m",
        range: 1800,
    };
    chosen.in_place(expr)
}

/// As promtool reads it.
fn test(board: &str, scenario: &Scenario) -> String {
    let Scenario { title, query, given, shown } = scenario;
    let mut text = format!("  - name: {board}, {title} {query}\n    interval: 30s\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "    input_series:");
    let mut give = |series: &str, samples: &str| {
        let _ = writeln!(text, "      - series: '{series}'\n        values: '{samples}'");
    };
    given.iter().for_each(|(series, samples)| give(&labelled(series), samples));
    let mut others: Vec<String> = given.iter().flat_map(|(series, _)| elsewhere(series)).collect();
    others.sort();
    others.dedup();
    others.iter().for_each(|series| give(series, ELSEWHERE));
    let _ = writeln!(text, "    promql_expr_test:\n      - expr: >-");
    let _ = writeln!(text, "          {}", expression(board, scenario));
    let _ = writeln!(text, "        eval_time: 30m");
    if !shown.is_empty() {
        let _ = writeln!(text, "        exp_samples:");
    }
    for (labels, value) in shown {
        let labels = labelled(labels);
        let _ = writeln!(text, "          - labels: '{labels}'\n            value: {value}");
    }
    text
}

/// The dashboards, by the last part of their uids.
fn names() -> Vec<&'static str> {
    let name = |uid: &'static str| uid.strip_prefix("gleaner-").expect("every uid begins so");
    boards(&Places::default()).iter().map(|board| name(board.uid)).collect()
}

#[test]
fn panels_show_the_right_number() {
    let Some(promtool) = installed_or_skip("promtool") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("values.yml");
    let rules = dashboards("prometheus/gleaner.rules.yml");
    let head = format!("rule_files: [{}]\nevaluation_interval: 30s\ntests:\n", rules.display());
    let of_board = |board: &str| scenarios(board).iter().map(|one| test(board, one)).collect();
    let tests: String = names().into_iter().map(|board| -> String { of_board(board) }).collect();
    fs::write(&file, head + &tests).expect("a writable directory");
    let output =
        Command::new(promtool).args(["test", "rules"]).arg(file).output().expect("promtool starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
}

/// Whether an expression does more than to choose series and to add them up or to take the largest.
fn calculates(expr: &str) -> bool {
    // Labels, windows and what is grouped by are no arithmetic.
    let mut plain = expr.to_owned();
    for (open, close) in [("\"", "\""), ("{", "}"), ("[", "]"), ("by (", ")")] {
        while let Some((before, rest)) = plain.split_once(open) {
            let (_, after) = rest.split_once(close).expect("what is opened is closed");
            plain = format!("{before}{after}");
        }
    }
    let plain: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
    let chosen = ["sum(", "max(", "min("].iter().find_map(|of| plain.strip_prefix(of));
    let chosen = chosen.and_then(|rest| rest.strip_suffix(')')).unwrap_or(&plain);
    !chosen.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

#[test]
fn arithmetic_is_told_from_a_choice_of_series() {
    for plain in [
        "gleaner_x{N,y=\"a/b\"}",
        "sum(a:gleaner_x:sum{F})",
        "sum by (y, z) (gleaner_x{F,y!=\"*\"})",
        "max by (mode) (gleaner_mode_info{N})",
    ] {
        assert!(!calculates(plain), "{plain}");
    }
    for calculated in [
        "1 - gleaner_x{N}",
        "sum(gleaner_x{N}) / sum(gleaner_y{N})",
        "rate(gleaner_x_total{N}[$__rate_interval])",
        "sum by (le) (rate(gleaner_x_bucket{N}[5m]))",
        "gleaner_x{N} offset $horizon",
        "max by (mode) (gleaner_mode_info{N}) == 1",
    ] {
        assert!(calculates(calculated), "{calculated}");
    }
}

#[test]
fn every_panel_that_calculates_has_a_scenario() {
    let mut without = Vec::new();
    for board in boards(&Places::default()) {
        let name = board.uid.strip_prefix("gleaner-").expect("every uid begins so");
        let known = scenarios(name);
        for panel in board.panels() {
            for (target, letter) in panel.targets.iter().zip('A'..) {
                let mut own = known.iter().filter(|one| one.title == panel.title);
                let told = own.any(|one| one.query == letter.to_string() && !one.given.is_empty());
                if calculates(&target.expr) && !told {
                    without.push(format!("{name}: {} {letter}: {}", panel.title, target.expr));
                }
            }
        }
    }
    assert!(without.is_empty(), "no scenario in tests/tests/dashboards/scenarios: {without:#?}");
}
