// SPDX-License-Identifier: Apache-2.0
//! The committed files are the generated ones, and every panel keeps to the rules of the house.

use crate::dashboards;
use gleaner_dashboards::board::Board;
use gleaner_dashboards::panel::{Kind, Panel};
use gleaner_dashboards::rules::{Rule, Yields, alerts, recording};
use gleaner_dashboards::{Places, boards, expr, files};
use gleaner_watch::metrics::entry::Source;
use gleaner_watch::metrics::{list, look};
use serde_json::Value;
use std::collections::BTreeSet;

/// Most queries of a panel, and of what a dashboard asks when it is opened: a browser asks six at a time.
const TARGETS_MAX: usize = 6;
/// Series beside the recorded ones that Fleet and Decisions may read, and why.
const UNRECORDED: [(&str, &str); 3] = [
    ("gleaner_corrections_total", "the worst nodes, asked only while a closed row is open"),
    ("prometheus_rule_group_last_duration_seconds", "of Prometheus itself"),
    ("prometheus_rule_group_interval_seconds", "of Prometheus itself"),
];

#[test]
fn committed_files_are_the_generated_ones() {
    for made in files(&Places::default()) {
        let path = dashboards(&made.path);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &made.text).expect("dashboards/ can be written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == made.text, "{} is out of date: rerun with BLESS=1", path.display());
    }
}

/// The name of a metric without the suffix of a histogram's series.
fn metric(name: &str) -> &str {
    let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
    base.filter(|base| list::find(base).is_some()).unwrap_or(name)
}

fn every_rule() -> Vec<Rule> {
    let groups = [recording(), alerts(&Places::default())].concat();
    groups.into_iter().flat_map(|group| group.rules).collect()
}

fn recorded() -> BTreeSet<String> {
    let name = |rule: Rule| match rule.yields {
        Yields::Record(name) => Some(name),
        Yields::Alert(_) => None,
    };
    every_rule().into_iter().filter_map(name).collect()
}

/// Every expression of dashboards and rules, and where it stands.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for board in boards(&Places::default()) {
        for panel in board.panels() {
            all.extend(panel.targets.iter().map(|t| (panel.title.to_owned(), t.expr.clone())));
        }
        all.extend(board.annotations.iter().map(|a| (a.name.to_owned(), a.expr.clone())));
        let chosen = board.variables.iter().filter(|v| v.values.contains('('));
        all.extend(chosen.map(|v| (v.name.to_owned(), v.values.to_owned())));
    }
    all.extend(every_rule().into_iter().map(|rule| (format!("{:?}", rule.yields), rule.expr)));
    all
}

#[test]
fn every_metric_named_exists_and_every_metric_is_shown() {
    let recorded = recorded();
    let mut named = BTreeSet::new();
    for (place, expr) in expressions() {
        for name in expr::names(&expr) {
            let known = match expr::is_recorded(name) {
                true => recorded.contains(name),
                false => list::find(metric(name)).is_some() || name.starts_with("prometheus_"),
            };
            assert!(known, "{place}: {name} is neither exported nor recorded");
            named.insert(metric(name).to_owned());
        }
    }
    for metric in list::all() {
        let shown = named.contains(metric.name);
        match metric.unshown {
            Some(why) => assert!(!shown && !why.is_empty(), "{} is shown: {why}", metric.name),
            None => assert!(shown, "{} is on no panel and does not say why", metric.name),
        }
    }
    for name in recorded {
        assert!(named.contains(&name), "{name} is recorded and read by nobody");
    }
}

#[test]
fn dashboards_of_fleets_read_recorded_series() {
    for board in boards(&Places::default()).into_iter().filter(|b| b.uid != "gleaner-node") {
        for panel in board.panels() {
            for target in &panel.targets {
                for name in expr::names(&target.expr) {
                    let open = UNRECORDED.iter().any(|(known, _)| *known == name);
                    assert!(expr::is_recorded(name) || open, "{}: {name}", panel.title);
                }
            }
        }
        let closed: Vec<&str> = board
            .rows
            .iter()
            .filter(|row| row.open)
            .flat_map(|row| &row.panels)
            .filter(|panel| {
                panel.targets.iter().any(|t| t.expr.contains("gleaner_corrections_total"))
            })
            .map(|panel| panel.title)
            .collect();
        assert!(closed.is_empty(), "raw series in an open row: {closed:?}");
    }
}

#[test]
fn what_is_recorded_can_be_added_up() {
    for rule in every_rule() {
        let Yields::Record(name) = &rule.yields else { continue };
        let (level, _) = name.split_once(':').expect("level:metric:operation");
        assert_eq!(name.split(':').count(), 3, "{name}");
        for never in ["avg(", "avg by", "quantile", "topk", "stddev"] {
            assert!(!rule.expr.contains(never), "{name}: {never} cannot be combined afterwards");
        }
        let by = match level {
            "instance" => "cluster, pool, instance".to_owned(),
            level => {
                let added: Vec<&str> = rule.labels.iter().map(|(label, _)| *label).collect();
                let labels = level.split('_').filter(|label| !added.contains(label));
                labels.collect::<Vec<_>>().join(", ")
            }
        };
        assert!(
            rule.expr.contains(&format!("by ({by})")),
            "{name} is not by ({by}): {}",
            rule.expr
        );
    }
}

fn check_panel(board: &Board, panel: &Panel) -> Vec<String> {
    let title = panel.title;
    let mut wrong = Vec::new();
    let mut check = |right: bool, what: &str| {
        if !right {
            wrong.push(format!("{}: {title}: {what}", board.uid));
        }
    };
    check(title.ends_with('?'), "a title is a question");
    check(panel.says.matches(['.', ':', ';']).count() >= 2, "says what it is, and what to do");
    check(panel.says.ends_with('.'), "ends with a full stop");
    check(panel.targets.len() <= TARGETS_MAX, "too many queries");
    check((panel.kind == Kind::Text) == panel.targets.is_empty(), "asks something");
    for target in &panel.targets {
        let expr = &target.expr;
        check(!expr.contains("{N") && !expr.contains("{F") && !expr.contains("[R"), "short forms");
        let rates = ["rate(", "increase("].iter().any(|rate| expr.contains(rate));
        let windows = ["$__rate_interval", "$__range", "[7d]", "[1h]"];
        check(
            !rates || windows.iter().any(|window| expr.contains(window)),
            "a window of Grafana's",
        );
        check(panel.kind == Kind::Table || !target.legend.is_empty(), "names its series");
        let chosen = ["instance=\"$instance\"", "pool=~\"$pool\"", "rule_group=~"];
        check(chosen.iter().any(|choice| expr.contains(choice)), "asks of what was chosen");
        for name in expr::names(expr) {
            let counted = list::find(name).is_some_and(|metric| metric.kind() == "counter");
            check(!counted || rates, "a counter is shown as a rate or an increase");
        }
    }
    wrong
}

#[test]
fn every_panel_says_what_it_is_and_what_to_do() {
    let mut wrong = Vec::new();
    for board in boards(&Places::default()) {
        let mut titles = BTreeSet::new();
        for panel in board.panels() {
            wrong.extend(check_panel(&board, panel));
            assert!(titles.insert(panel.title), "{}: twice: {}", board.uid, panel.title);
        }
        assert!(board.panels().count() >= 10, "{}: few panels", board.uid);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Panels of the JSON with those of closed rows, each with the row it stands in.
fn placed(json: &Value) -> Vec<Vec<&Value>> {
    let top: Vec<&Value> = json["panels"].as_array().expect("panels").iter().collect();
    let mut all = vec![top.clone()];
    all.extend(top.iter().filter_map(|row| Some(row["panels"].as_array()?.iter().collect())));
    all
}

#[test]
fn panels_do_not_overlap_and_have_their_own_number() {
    for board in boards(&Places::default()) {
        let json = board.json();
        let mut ids = BTreeSet::new();
        for panels in placed(&json) {
            let mut taken = BTreeSet::new();
            for panel in panels {
                assert!(ids.insert(panel["id"].as_u64()), "{}: {}", board.uid, panel["id"]);
                let at = |key: &str| panel["gridPos"][key].as_u64().expect("a whole number");
                assert!(at("x") + at("w") <= 24, "{}: {}", board.uid, panel["title"]);
                for cell in (at("x")..at("x") + at("w"))
                    .flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
                {
                    assert!(taken.insert(cell), "{}: {} overlaps", board.uid, panel["title"]);
                }
            }
        }
    }
}

#[test]
fn thresholds_are_the_promises() {
    let reaction = list::find("gleaner_reaction_seconds").expect("in the list");
    let Source::Histogram(bounds) = reaction.source else { panic!("a histogram") };
    assert!(bounds.iter().any(|bound| (bound - look::REACTION_SECONDS).abs() < 1e-12));
    let le = format!("le=\"{}\"", look::REACTION_SECONDS);
    let told = expressions().iter().filter(|(_, expr)| expr.contains(&le)).count();
    assert!(told >= 3, "{told} expressions count what was on time");
    for (place, expr) in expressions() {
        let mut parts = expr.split("le=\"0.").skip(1);
        assert!(parts.all(|part| part.starts_with("15\"")), "{place}: another bound");
    }
}
