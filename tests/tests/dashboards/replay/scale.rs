// SPDX-License-Identifier: Apache-2.0
//! Whether the rules keep up with thousands of nodes: blocks of a replayed fleet, each node copied under many names, and
//! a Prometheus that evaluates the committed rules at their own intervals. Minutes long, so it runs only when asked for.

use super::{EVERY, append, plans, promtool};
use crate::dashboards;
use crate::replay::node::Node;
use crate::server::{DEADLINE, Prometheus, free};
use gleaner_tests::programs::installed_or_skip;
use gleaner_tests::wait_until;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nodes unless `GLEANER_FLEET_NODES` says otherwise.
const NODES: usize = 1000;
/// Seconds of history before the rules are first evaluated.
const BEFORE: u64 = 6 * 60;
/// Seconds of samples that lie ahead when writing begins: rules are evaluated now, and making blocks takes its time.
const AHEAD: u64 = 14 * 60;
/// Evaluations of each group that count, after a first one that finds nothing in memory.
const COUNTED: usize = 3;
/// Share of its interval that evaluating a group may take.
const SHARE: f64 = 0.5;

/// The metrics that rules and alerts read: what no rule selects costs none of them anything.
fn read_by_rules() -> BTreeSet<String> {
    let files = ["prometheus/gleaner.rules.yml", "prometheus/gleaner.alerts.yml"];
    let text = files.map(|file| fs::read_to_string(dashboards(file)).expect("a committed file"));
    let words = text.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let mut names: BTreeSet<String> =
        words.filter(|word| word.starts_with("gleaner_")).map(str::to_owned).collect();
    names.insert("up".to_owned());
    names
}

/// Writes the samples of all nodes, in the order of time; gives the number of series.
fn write_fleet(file: &Path, nodes: usize, first: u64) -> usize {
    let wanted = read_by_rules();
    let wanted = |line: &&str| line.split_once('{').is_some_and(|(name, _)| wanted.contains(name));
    let mut out = BufWriter::new(File::create(file).expect("a writable directory"));
    let mut models: Vec<Node> =
        plans().into_iter().map(|plan| Node::new(plan, first * 1000)).collect();
    let mut series = 0;
    for second in 1..=BEFORE + AHEAD {
        models.iter_mut().for_each(Node::tick);
        if !second.is_multiple_of(EVERY) {
            continue;
        }
        series = 0;
        for (place, node) in models.iter().enumerate() {
            let mut text = String::new();
            append(&mut text, node, (first + second) as f64, true);
            let text: String = text.lines().filter(wanted).flat_map(|line| [line, "\n"]).collect();
            let own = format!("instance=\"{}\"", node.plan.name);
            for copy in (place..nodes).step_by(models.len()) {
                let of_copy = text.replace(&own, &format!("instance=\"node-{copy:05}\""));
                out.write_all(of_copy.as_bytes()).expect("room on the disk");
                series += text.lines().count();
            }
        }
    }
    out.write_all(b"# EOF\n").expect("room on the disk");
    series
}

/// The committed configuration and rules at their own intervals; nobody listens where it scrapes.
fn configure(directory: &Path) {
    let config = fs::read_to_string(dashboards("prometheus/prometheus.yml")).expect("committed");
    let config = config.replace("127.0.0.1:9719", &free().to_string());
    // What is recorded now is older than the end of the blocks, and would be refused.
    let config = format!("{config}storage:\n  tsdb:\n    out_of_order_time_window: 1h\n");
    fs::write(directory.join("prometheus.yml"), config).expect("a writable directory");
    for name in ["gleaner.rules.yml", "gleaner.alerts.yml"] {
        let from = dashboards(&format!("prometheus/{name}"));
        fs::copy(from, directory.join(name)).expect("a writable directory");
    }
}

/// Seconds that the last evaluation of a group took, and the group's interval.
#[derive(Clone, Debug)]
struct Evaluated {
    at: String,
    took: f64,
    interval: f64,
}

fn evaluated(prometheus: &Prometheus) -> BTreeMap<String, Evaluated> {
    let loaded = prometheus.api("/api/v1/rules").expect("rules are loaded");
    let group = |group: &Value| {
        let at = group["lastEvaluation"].as_str()?.to_owned();
        let (took, interval) = (group["evaluationTime"].as_f64()?, group["interval"].as_f64()?);
        let name = group["name"].as_str()?.to_owned();
        (took > 0.0).then_some((name, Evaluated { at, took, interval }))
    };
    loaded["groups"].as_array().expect("groups").iter().filter_map(group).collect()
}

/// Waits until every group was evaluated so often: the longest time of each.
fn longest(prometheus: &Prometheus) -> BTreeMap<String, Evaluated> {
    let mut seen: BTreeMap<String, Vec<Evaluated>> = BTreeMap::new();
    wait_until("evaluations of every group", DEADLINE * 4, || {
        for (name, now) in evaluated(prometheus) {
            let own = seen.entry(name).or_default();
            if own.last().is_none_or(|last| last.at != now.at) {
                own.push(now);
            }
        }
        (!seen.is_empty() && seen.values().all(|own| own.len() > COUNTED)).then_some(())
    });
    let longest = |own: Vec<Evaluated>| {
        own.into_iter().skip(1).max_by(|a, b| a.took.total_cmp(&b.took)).expect("some were counted")
    };
    seen.into_iter().map(|(name, own)| (name, longest(own))).collect()
}

#[test]
#[ignore = "minutes long: run it by its name, as dashboards/README.md says"]
fn rules_keep_up_with_many_nodes() {
    let Some(program) = installed_or_skip("prometheus") else { return };
    let Some(promtool_at) = installed_or_skip("promtool") else { return };
    let asked = std::env::var("GLEANER_FLEET_NODES").ok().and_then(|nodes| nodes.parse().ok());
    let (nodes, begun) = (asked.unwrap_or(NODES), Instant::now());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let history = directory.path().join("history.txt");
    let series = write_fleet(&history, nodes, now / EVERY * EVERY - BEFORE);
    let words = ["tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"];
    promtool(&promtool_at, directory.path(), &words);
    fs::remove_file(history).expect("just written");
    configure(directory.path());
    let prometheus = Prometheus::start(&program, directory.path());
    let groups = longest(&prometheus);
    let up = prometheus.query("sum(cluster_pool:gleaner_up:count)", None).expect("recorded");
    let up = up.first().and_then(|up| up["value"][1].as_str()?.parse().ok());
    let up: f64 = up.expect("rules record what they find");
    assert!(up >= nodes as f64, "the rules saw {up} of {nodes} nodes");
    assert!(begun.elapsed() < Duration::from_secs(AHEAD), "the samples ended before it did");
    eprintln!("{nodes} nodes, {series} series read by rules, after {:?}", begun.elapsed());
    for (name, Evaluated { took, interval, .. }) in &groups {
        eprintln!(
            "{name:24} {:8.1} ms of {interval} s: {:.2} %",
            took * 1e3,
            took / interval * 100.0
        );
    }
    let late = groups.iter().find(|(_, group)| group.took > group.interval * SHARE);
    assert!(late.is_none(), "beyond half of its interval: {late:?}");
}
