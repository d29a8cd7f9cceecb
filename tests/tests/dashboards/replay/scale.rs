// SPDX-License-Identifier: Apache-2.0
//! Whether the rules keep up with thousands of nodes: blocks of a replayed fleet, each node copied under many names, and
//! a Prometheus that evaluates the committed rules. With `GLEANER_FLEET_NODES` at their own intervals, which takes
//! minutes and is measured; without it a few nodes, and what is bounded is how many samples the rules read, which no
//! machine makes more or fewer.

use super::{EVERY, append, cost, plans, promtool};
use crate::dashboards;
use crate::live::configure;
use crate::replay::node::Node;
use crate::server::{DEADLINE, Prometheus, free, get};
use gleaner_tests::programs::installed_or_skip;
use gleaner_tests::wait_until;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How many nodes unless somebody asks for a measurement.
const FEW: usize = 24;
/// Seconds of history before the rules are first evaluated, and of samples that lie ahead when writing begins: rules
/// are evaluated now, and making blocks takes its time. For a few nodes, as long as the longest window of a rule, and
/// for a measurement.
const SPANS: [[u64; 2]; 2] = [[61 * 60, 5 * 60], [6 * 60, 14 * 60]];
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

/// The committed configuration and rules, at their own intervals where it is measured; nobody listens where it scrapes.
fn configure_for(directory: &Path, measured: bool) {
    configure(directory, &free().to_string());
    if measured {
        for name in ["gleaner.rules.yml", "gleaner.alerts.yml"] {
            let from = dashboards(&format!("prometheus/{name}"));
            fs::copy(from, directory.join(name)).expect("a writable directory");
        }
    }
    let config = directory.join("prometheus.yml");
    let text = fs::read_to_string(&config).expect("just written");
    // What is recorded now is older than the end of the blocks, and would be refused.
    let text = format!("{text}storage:\n  tsdb:\n    out_of_order_time_window: 1h\n");
    fs::write(config, text).expect("a writable directory");
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

/// CPU time that Prometheus has used.
fn cpu_seconds(prometheus: &Prometheus) -> f64 {
    let scrape = get(prometheus.address, "/metrics").expect("Prometheus answers");
    let used = scrape.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
    used.and_then(|used| used.parse().ok()).expect("Prometheus counts its CPU time")
}

#[test]
fn rules_keep_up_with_many_nodes() {
    let Some(program) = installed_or_skip("prometheus") else { return };
    let Some(promtool_at) = installed_or_skip("promtool") else { return };
    let asked = std::env::var("GLEANER_FLEET_NODES").ok().and_then(|nodes| nodes.parse().ok());
    let (nodes, begun) = (asked.unwrap_or(FEW), Instant::now());
    let [before, ahead] = SPANS[usize::from(asked.is_some())];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let history = directory.path().join("history.txt");
    let start = now / EVERY * EVERY;
    let series = write_fleet(&history, nodes, start - before, before + ahead);
    let words = ["tsdb", "create-blocks-from", "openmetrics", "history.txt", "data"];
    promtool(&promtool_at, directory.path(), &words);
    fs::remove_file(history).expect("just written");
    configure_for(directory.path(), asked.is_some());
    let prometheus = Prometheus::start(&program, directory.path());
    let (cpu, counted) = (cpu_seconds(&prometheus), Instant::now());
    let groups = longest(&prometheus);
    let cores = (cpu_seconds(&prometheus) - cpu) / counted.elapsed().as_secs_f64();
    let up = prometheus.query("sum(cluster_pool:gleaner_up:count)", None).expect("recorded");
    let up = up.first().and_then(|up| up["value"][1].as_str()?.parse().ok());
    let up: f64 = up.expect("rules record what they find");
    assert!(up >= nodes as f64, "the rules saw {up} of {nodes} nodes");
    assert!(begun.elapsed() < Duration::from_secs(ahead), "the samples ended before it did");
    eprintln!("{nodes} nodes, {series} series read by rules, after {:?}", begun.elapsed());
    eprintln!("Prometheus used {cores:.2} cores");
    for (name, Evaluated { took, interval, .. }) in &groups {
        eprintln!(
            "{name:24} {:8.1} ms of {interval} s: {:.2} %",
            took * 1e3,
            took / interval * 100.0
        );
    }
    if asked.is_none() {
        cost::is_bounded(&prometheus, start, nodes);
    }
    let late = groups.iter().find(|(_, group)| group.took > group.interval * SHARE);
    assert!(asked.is_none() || late.is_none(), "beyond half of its interval: {late:?}");
}
