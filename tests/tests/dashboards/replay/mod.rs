// SPDX-License-Identifier: Apache-2.0
//! A fleet of many nodes, an hour and a half of it: real engines replayed into blocks of a real Prometheus, asked by every panel.

mod cost;
mod node;
mod scale;

use crate::dashboards;
use crate::live::configure;
use crate::page::{Chosen, Question, questions};
use crate::preview;
use crate::server::{Prometheus, free};
use gleaner_dashboards::rules::{Severity, every_alert};
use gleaner_dashboards::{Places, boards};
use gleaner_engine::decision::Mode;
use gleaner_qos::capability::Ability;
use gleaner_tests::programs::installed_or_skip;
use node::{Node, Plan};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Length of the replay, and distance of its scrapes, seconds.
const SECONDS: u64 = 90 * 60;
const EVERY: u64 = 30;
/// The node that is looked at.
pub(crate) const SHOWN: &str = "node-04";
pub(crate) const POOL: &str = "batch";
/// What no replay has, and why.
const NEVER: [(&str, &str); 5] = [
    ("process_", "one process replays all nodes"),
    ("prometheus_rule", "Prometheus does not scrape itself while it is replayed"),
    ("ALERTS{", "no alert was evaluated in the past"),
    ("[7d]", "needs more than one scrape a day ago"),
    ("$horizon]", "needs a scrape one horizon before the start"),
];

fn plans() -> Vec<Plan> {
    let names = [
        "node-01", "node-02", "node-03", "node-04", "node-05", "node-06", "node-07", "node-08",
        "node-09", "node-10", "node-11", "node-12",
    ];
    let plan = |(index, name): (usize, &'static str)| {
        let online = index % 3 == 2;
        let load = index as f64;
        Plan {
            name,
            pool: if online { "online" } else { POOL },
            version: ["0.1.0", "0.1.0", "0.1.0", "0.2.0"][index % 4],
            mode: if index == 5 { Mode::Observe } else { Mode::Evict },
            owners: (7.0 + load * 0.4, 15.0 + load * 0.5, 3000.0 + 240.0 * load),
            harmed: [&[2300, 3700][..], &[3100], &[], &[2900, 4600]][index % 4],
            freezer: match index {
                7 => Ability::Broken,
                _ => Ability::Works,
            },
            gone_from: (index == 1).then_some(SECONDS - 900),
        }
    };
    names.into_iter().enumerate().map(plan).collect()
}

/// One scrape as OpenMetrics: every series with the labels of its target, and with its time.
fn append(text: &mut String, node: &Node, at: f64, up: bool) {
    let Plan { name, pool, .. } = &node.plan;
    let target = format!("job=\"gleaner\",cluster=\"a\",pool=\"{pool}\",instance=\"{name}\"");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "up{{{target}}} {} {at}", u8::from(up));
    if !up {
        return;
    }
    let scrape = node.publisher.metrics().render().expect("the list is well formed");
    for line in scrape.lines().filter(|line| line.starts_with("gleaner_")) {
        let (series, value) = line.rsplit_once(' ').expect("a number at the end");
        let (metric, labels) = series.split_once('{').unwrap_or((series, "}"));
        let comma = if labels == "}" { "" } else { "," };
        let _ = writeln!(text, "{metric}{{{target}{comma}{labels} {value} {at}");
    }
}

/// Replays all nodes up to `end`, seconds since 1970, into a file.
fn write_history(file: &Path, end: u64) {
    let mut out = BufWriter::new(fs::File::create(file).expect("a writable directory"));
    let first = end - SECONDS;
    for plan in plans() {
        let mut node = Node::new(plan, first * 1000);
        for second in 1..=SECONDS {
            node.tick();
            if second.is_multiple_of(EVERY) {
                let mut text = String::new();
                let up = node.plan.gone_from.is_none_or(|gone| second < gone);
                append(&mut text, &node, (first + second) as f64, up);
                out.write_all(text.as_bytes()).expect("room on the disk");
            }
        }
    }
    out.write_all(b"# EOF\n").expect("room on the disk");
}

fn promtool(program: &Path, directory: &Path, words: &[&str]) {
    let output =
        Command::new(program).args(words).current_dir(directory).output().expect("promtool starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
}

/// Evaluates the recording rules over the replay; what is made of recorded series comes with the second time.
fn record(program: &Path, prometheus: &Path, directory: &Path, end: u64) {
    for _ in 0..2 {
        let running = Prometheus::start(prometheus, directory);
        let url = format!("--url=http://{}", running.address);
        let (start, end) = (format!("--start={}", end - SECONDS + 60), format!("--end={end}"));
        let words = ["tsdb", "create-blocks-from", "rules", "--eval-interval=30s"];
        let words = [&words[..], &[&url, &start, &end, "--output-dir=data", "plain.rules.yml"]];
        promtool(program, directory, &words.concat());
    }
}

/// A directory with blocks of the whole replay, and a Prometheus on it.
fn replayed(promtool_at: &Path, program: &Path, directory: &Path, end: u64) -> Prometheus {
    configure(directory, &free().to_string());
    let rules = dashboards("prometheus/gleaner.rules.yml");
    fs::copy(rules, directory.join("plain.rules.yml")).expect("a writable directory");
    let history = directory.join("history.txt");
    write_history(&history, end);
    let words = ["tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"];
    promtool(promtool_at, directory, &words);
    fs::remove_file(history).expect("just written");
    record(promtool_at, program, directory, end);
    Prometheus::start(program, directory)
}

fn answers(prometheus: &Prometheus, chosen: &Chosen, question: &Question, end: f64) -> usize {
    let expr = chosen.in_place(&question.expr);
    let asked = match question.instant {
        true => prometheus.query(&expr, Some(end)),
        false => prometheus.range(&expr, end, 3600.0),
    };
    match asked {
        Ok(series) => series.len(),
        Err(why) => panic!("{}: {why}: {expr}", question.place),
    }
}

#[test]
fn a_replayed_fleet_fills_every_panel() {
    let Some(program) = installed_or_skip("prometheus") else { return };
    let Some(promtool) = installed_or_skip("promtool") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let end = now / EVERY * EVERY;
    let prometheus = replayed(&promtool, &program, directory.path(), end);
    let of_pool = |pool: &str| Chosen {
        instance: SHOWN.into(),
        cluster: "a".into(),
        pool: pool.into(),
        horizon: "30m",
        rate: "2m",
        range: 3600,
    };
    let mut empty = Vec::new();
    for board in boards(&Places::default()) {
        let chosen = of_pool(if board.uid == "gleaner-node" { POOL } else { ".+" });
        for question in questions(&board) {
            let excused = NEVER.iter().any(|(part, _)| question.expr.contains(part));
            if answers(&prometheus, &chosen, &question, end as f64) == 0 && !excused {
                empty.push(format!("{}: {}", question.place, question.expr));
            }
        }
    }
    assert!(empty.is_empty(), "{empty:#?}");
    one_line_for_many_nodes(&prometheus, end as f64);
    troubled_nodes_are_named(&prometheus, end as f64);
    alerts_fire(&prometheus, end as f64);
    preview::draw(&prometheus, end);
}

/// What Fleet reads has as many series for twelve nodes as for one: only pools and fixed words are left.
fn one_line_for_many_nodes(prometheus: &Prometheus, end: f64) {
    let count = |series: &str| prometheus.query(series, Some(end)).map(|found| found.len());
    assert_eq!(count("{__name__=~\"cluster_pool.*\",instance!=\"\"}"), Ok(0), "no series per node");
    assert_eq!(count("cluster_pool:gleaner_up:count"), Ok(2), "one per pool");
    assert_eq!(count("instance:gleaner_cpu_usage:ratio"), Ok(11), "one per node that is up");
}

fn troubled_nodes_are_named(prometheus: &Prometheus, end: f64) {
    let found = prometheus.query("instance:gleaner_trouble:reason", Some(end)).expect("recorded");
    let mut rows: Vec<(String, String)> = found
        .iter()
        .map(|row| {
            let label = |name: &str| row["metric"][name].as_str().unwrap_or_default().to_owned();
            (label("instance"), label("why"))
        })
        .filter(|(_, why)| why != "critical")
        .collect();
    rows.sort();
    let wanted = [("node-02", "down"), ("node-08", "actuator")];
    assert_eq!(rows, wanted.map(|(node, why)| (node.to_owned(), why.to_owned())));
}

/// At the end of the replay, with every waiting time left out: what is amiss, and nothing that would page.
fn alerts_fire(prometheus: &Prometheus, end: f64) {
    let loaded = prometheus.api("/api/v1/rules?type=alert").expect("rules are loaded");
    let groups = loaded["groups"].as_array().expect("groups").iter();
    let rules = groups.filter_map(|group| group["rules"].as_array()).flatten();
    let holds = |rule: &Value| {
        let expr = rule["query"].as_str().expect("an expression");
        let found = prometheus.query(expr, Some(end)).expect("Prometheus loaded it");
        (!found.is_empty()).then(|| rule["name"].as_str().unwrap_or_default().to_owned())
    };
    let found: Vec<String> = rules.filter_map(holds).collect();
    for wanted in ["GleanerActuatorBroken", "GleanerBlindWhileLending", "GleanerWatchdog"] {
        assert!(found.iter().any(|name| name == wanted), "{wanted} is not among {found:?}");
    }
    for page in every_alert().into_iter().filter(|alert| alert.severity == Severity::Critical) {
        assert!(!found.iter().any(|name| name == page.name), "{} pages: {found:?}", page.name);
    }
}
