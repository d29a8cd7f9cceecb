// SPDX-License-Identifier: Apache-2.0
//! Whether the rules keep up with thousands of nodes: blocks of a replayed fleet, each node copied under many names, and
//! a Prometheus that evaluates the committed rules. Of a few nodes it is bounded how many samples the rules read, which
//! no machine makes more or fewer; of as many as `GLEANER_FLEET_NODES` says it is measured how long they take.

use super::{EVERY, append, cost, plans, promtool};
use crate::dashboards;
use crate::live::configure;
use crate::replay::node::Node;
use crate::server::{DEADLINE, Prometheus, free};
use gleaner_tests::programs::installed_or_skip;
use gleaner_tests::wait_until;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many nodes unless somebody asks for a measurement.
const FEW: usize = 24;
/// Seconds of history of a few nodes: the longest window of a rule, and a minute.
const LONGEST: u64 = 61 * 60;
/// Seconds of samples that lie ahead of it when writing begins: Prometheus evaluates its rules now.
const AHEAD: u64 = 5 * 60;
/// Seconds of history of many nodes: most windows are 5 minutes or less.
const USUAL: u64 = 6 * 60;
/// Evaluations of each group that are waited for.
const COUNTED: usize = 3;
/// Share of its interval that evaluating a group may take of a processor's time.
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
fn write_fleet(file: &Path, nodes: usize, first: u64, seconds: u64) -> usize {
    let wanted = read_by_rules();
    let wanted = |line: &&str| line.split_once('{').is_some_and(|(name, _)| wanted.contains(name));
    let mut out = BufWriter::new(File::create(file).expect("a writable directory"));
    let mut models: Vec<Node> =
        plans().into_iter().map(|plan| Node::new(plan, first * 1000)).collect();
    let mut series = 0;
    for second in 1..=seconds {
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

/// A Prometheus on blocks of so many nodes, from `before` seconds ago to `ahead` seconds from now; the second at which
/// the former end, and the number of series.
fn fleet(directory: &Path, nodes: usize, before: u64, ahead: u64) -> Option<(Prometheus, u64)> {
    let (program, promtool_at) = (installed_or_skip("prometheus")?, installed_or_skip("promtool")?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let start = now / EVERY * EVERY;
    let history = directory.join("history.txt");
    let series = write_fleet(&history, nodes, start - before, before + ahead);
    let words = ["tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"];
    promtool(&promtool_at, directory, &words);
    fs::remove_file(history).expect("just written");
    configure(directory, &free().to_string());
    let config = directory.join("prometheus.yml");
    let mut text = fs::read_to_string(&config).expect("just written");
    if ahead > 0 {
        // What is recorded now is older than the end of the blocks, and would be refused.
        text.push_str("storage:\n  tsdb:\n    out_of_order_time_window: 1h\n");
    } else {
        // Asked for one by one.
        let rules = ["  - gleaner.rules.yml\n", "  - gleaner.alerts.yml\n", "rule_files:\n"];
        text = rules.iter().fold(text, |text, line| text.replace(line, ""));
    }
    fs::write(config, text).expect("a writable directory");
    eprintln!("{nodes} nodes, {series} series read by rules");
    Some((Prometheus::start(&program, directory), start))
}

/// How often each group was evaluated since it was first asked.
fn wait_for_evaluations(prometheus: &Prometheus) {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    wait_until("evaluations of every group", DEADLINE, || {
        let loaded = prometheus.api("/api/v1/rules").expect("rules are loaded");
        for group in loaded["groups"].as_array().expect("groups") {
            let text = |key: &str| group[key].as_str().map(str::to_owned);
            let evaluated = group["evaluationTime"].as_f64().is_some_and(|took| took > 0.0);
            let own = seen.entry(text("name")?).or_default();
            own.extend(text("lastEvaluation").filter(|_| evaluated));
        }
        (!seen.is_empty() && seen.values().all(|own| own.len() > COUNTED)).then_some(())
    });
}

#[test]
fn rules_read_a_bounded_number_of_samples_of_each_node() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some((prometheus, start)) = fleet(directory.path(), FEW, LONGEST, AHEAD) else { return };
    wait_for_evaluations(&prometheus);
    let up = prometheus.query("sum(cluster_pool:gleaner_up:count)", None).expect("recorded");
    assert_eq!(up[0]["value"][1], FEW.to_string(), "the rules saw every node");
    cost::is_bounded(&prometheus, start, FEW);
}

#[test]
fn rules_keep_up_with_many_nodes() {
    let asked = std::env::var("GLEANER_FLEET_NODES").ok().and_then(|nodes| nodes.parse().ok());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let nodes = asked.unwrap_or(FEW);
    let Some((prometheus, start)) = fleet(directory.path(), nodes, USUAL, 0) else { return };
    let taken = cost::measure(&prometheus, start, COUNTED);
    for group in &taken {
        let share = group.took / group.interval * 100.0;
        let cost::Taken { name, took, cpu, interval } = group;
        eprintln!("{name:22} {took:7.2} s of {interval} s: {share:.1} %; CPU {cpu:.2} s");
    }
    let cores: f64 = taken.iter().map(|group| group.cpu / group.interval).sum();
    eprintln!("all of them use {cores:.2} cores");
    // Rules of a group come one after the other, each on one processor; the time on the clock is also others' work.
    let late = taken.iter().find(|group| group.cpu > group.interval * SHARE);
    assert!(late.is_none(), "beyond half of its interval: {late:?}");
}
