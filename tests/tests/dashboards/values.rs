// SPDX-License-Identifier: Apache-2.0
//! Panels show the right number: given these series, promtool finds that value with the panel's own expression.

use crate::dashboards;
use crate::page::Chosen;
use gleaner_dashboards::{Places, boards};
use gleaner_tests::programs::installed_or_skip;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// A panel, the series that it is given, and the samples that it must show after half an hour.
struct Case {
    title: &'static str,
    given: &'static [(&'static str, &'static str)],
    shown: &'static [(&'static str, &'static str)],
}

const CASES: [Case; 9] = [
    Case {
        title: "What share is lent?",
        given: &[("gleaner_lent_cpu_cores{N}", "8x60"), ("gleaner_capacity_cpu_cores{N}", "32x60")],
        shown: &[("{N}", "0.25")],
    },
    Case {
        title: "Why not more?",
        given: &[
            ("gleaner_ticks_total{N,resource=\"cpu\",bound=\"headroom\"}", "0+20x60"),
            ("gleaner_ticks_total{N,resource=\"cpu\",bound=\"rise\"}", "0+10x60"),
            ("gleaner_ticks_total{N,resource=\"memory\",bound=\"off\"}", "0+30x60"),
        ],
        shown: &[("{bound=\"headroom\"}", "80")],
    },
    Case {
        title: "How many evicted?",
        given: &[
            (
                "gleaner_corrections_total{N,action=\"evict\",resource=\"cpu\",outcome=\"done\"}",
                "0x20 3x40",
            ),
            (
                "gleaner_corrections_total{N,action=\"evict\",resource=\"cpu\",outcome=\"observed\"}",
                "0x20 9x40",
            ),
            (
                "gleaner_corrections_total{N,action=\"freeze\",resource=\"cpu\",outcome=\"done\"}",
                "0x20 5x40",
            ),
        ],
        shown: &[("{}", "3")],
    },
    Case {
        title: "How contended was each resource?",
        given: &[
            ("gleaner_level{N,resource=\"cpu\"}", "2x60"),
            ("gleaner_signal_available{N,resource=\"cpu\",signal=\"run_wait\"}", "1x60"),
            ("gleaner_signal_available{N,resource=\"cpu\",signal=\"stall_excess\"}", "0x60"),
            ("gleaner_level{N,resource=\"io\"}", "1x60"),
            ("gleaner_signal_available{N,resource=\"io\",signal=\"io_stall_excess\"}", "0x60"),
        ],
        shown: &[("{resource=\"cpu\"}", "2"), ("{resource=\"io\"}", "4")],
    },
    Case {
        title: "Does the risk hold, over 7 days?",
        given: &[
            ("gleaner_predictions_total{N,resource=\"cpu\",role=\"live\"}", "0+100x60"),
            ("gleaner_prediction_violations_total{N,resource=\"cpu\",role=\"live\"}", "0+3x60"),
            ("gleaner_prediction_violations_total{N,resource=\"cpu\",role=\"shadow\"}", "0+50x60"),
            ("gleaner_risk_asked_ratio{N,resource=\"cpu\"}", "0.01x60"),
        ],
        shown: &[("{}", "3")],
    },
    Case {
        title: "Worth how many?",
        given: &[
            ("cluster_pool:gleaner_lent_cpu_cores:sum{F}", "64x60"),
            ("cluster_pool:gleaner_capacity_cpu_cores:sum{F}", "320x60"),
            ("cluster_pool:gleaner_up:count{F}", "10x60"),
        ],
        shown: &[("{}", "2")],
    },
    Case {
        title: "Evicted in 10 min?",
        given: &[
            ("cluster_pool:gleaner_evictions:increase10m{F}", "5x60"),
            ("cluster_pool_class:gleaner_tasks:sum{F,class=\"best_effort\"}", "45x60"),
            ("cluster_pool_class:gleaner_tasks:sum{F,class=\"guaranteed\"}", "100x60"),
        ],
        shown: &[("{}", "0.1")],
    },
    Case {
        title: "How much was used?",
        given: &[(
            "cluster_pool_class:gleaner_usage_cpu_cores:sum{F,class=\"best_effort\"}",
            "12x60",
        )],
        shown: &[("{}", "6")],
    },
    Case {
        title: "Risk, of asked?",
        given: &[
            (
                "cluster_pool_resource_horizon_policy_role:gleaner_predictions:rate30m{F,resource=\"cpu\",role=\"live\"}",
                "2x60",
            ),
            (
                "cluster_pool_resource_horizon_policy_role:gleaner_prediction_violations:rate30m{F,resource=\"cpu\",role=\"live\"}",
                "0.05x60",
            ),
            ("cluster_pool_resource:gleaner_risk_asked_ratio:max{F,resource=\"cpu\"}", "0.01x60"),
        ],
        shown: &[("{resource=\"cpu\"}", "2.5")],
    },
];

/// The labels of the node or the pool in place of the short forms.
fn labelled(text: &str) -> String {
    let node = "{job=\"gleaner\",cluster=\"a\",pool=\"batch\",instance=\"n1\"";
    text.replace("{N", node).replace("{F", "{cluster=\"a\",pool=\"batch\"")
}

fn expression(title: &str) -> String {
    let boards = boards(&Places::default());
    let mut panels = boards.iter().flat_map(|board| board.panels());
    let panel = panels.find(|panel| panel.title == title);
    let panel = panel.unwrap_or_else(|| panic!("no panel {title}"));
    let chosen = Chosen {
        instance: "n1".into(),
        cluster: "a".into(),
        pool: "batch".into(),
        horizon: "30m",
        rate: "2m",
        range: 1800,
    };
    chosen.in_place(&panel.targets[0].expr)
}

fn scenario(case: &Case) -> String {
    let mut text = format!("  - name: {}\n    interval: 30s\n    input_series:\n", case.title);
    for (series, values) in case.given {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "      - series: '{}'\n        values: '{values}'", labelled(series));
    }
    let _ = writeln!(text, "    promql_expr_test:\n      - expr: >-");
    let _ = writeln!(text, "          {}", expression(case.title));
    let _ = writeln!(text, "        eval_time: 30m\n        exp_samples:");
    for (labels, value) in case.shown {
        let _ = writeln!(
            text,
            "          - labels: '{}'\n            value: {value}",
            labelled(labels)
        );
    }
    text
}

#[test]
fn panels_show_the_right_number() {
    let Some(promtool) = installed_or_skip("promtool") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("values.yml");
    let rules = dashboards("prometheus/gleaner.rules.yml");
    let head = format!("rule_files: [{}]\nevaluation_interval: 30s\ntests:\n", rules.display());
    let tests: String = CASES.iter().map(scenario).collect();
    fs::write(&file, head + &tests).expect("a writable directory");
    let output =
        Command::new(promtool).args(["test", "rules"]).arg(file).output().expect("promtool starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
}
