// SPDX-License-Identifier: Apache-2.0
//! `/metrics`: its text, its number of series, its labels, and what promtool says of it.

mod watch_support;

use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::MilliCpus;
use gleaner_qos::verdict::{Action, Reason};
use gleaner_tests::programs::installed_or_skip;
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::metrics::entry::Metric;
use gleaner_watch::metrics::{Metrics, list, series};
use gleaner_watch::story::End;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use watch_support::{Node, about};

/// Most series that one node may have, whatever runs on it.
const SERIES_MAX: usize = 300;

fn text(metrics: &Metrics) -> String {
    metrics.render().expect("the list is well formed")
}

/// Name, labels and number of every series of a scrape.
fn parse(text: &str) -> Vec<(String, BTreeMap<String, String>, f64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (id, number) = line.rsplit_once(' ').expect("a number at the end");
            let (name, labels) = id.split_once('{').unwrap_or((id, "}"));
            let labels = labels.trim_end_matches('}');
            let pairs = labels.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
                let (label, value) = pair.split_once('=').expect("label=value");
                (label.to_owned(), value.trim_matches('"').to_owned())
            });
            (name.to_owned(), pairs.collect(), number.parse().expect("a number"))
        })
        .collect()
}

fn identities(text: &str) -> BTreeSet<String> {
    parse(text).into_iter().map(|(name, labels, _)| format!("{name}{labels:?}")).collect()
}

/// The entry of a series, whose name has a suffix where it is part of a histogram.
fn entry(name: &str) -> &'static Metric {
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    list::find(name)
        .or_else(|| base.and_then(list::find))
        .unwrap_or_else(|| panic!("{name} is exported and not in the list"))
}

#[test]
fn the_text_is_the_one_agreed() {
    let mut node = Node::warm(3);
    node.fail("/proc/stat: Input/output error");
    node.host.audit_lines_dropped = 4;
    node.tick(3);
    let text = text(&node.publisher.metrics());
    // What this process costs differs from run to run; scale and thresholds are constants of other crates.
    let elsewhere = |name: &str| {
        ["process_", "gleaner_prediction_scale_ratio", "gleaner_pressure_threshold_ratio"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let stable = text.lines().map(|line| match line.rsplit_once(' ') {
        Some((name, _)) if elsewhere(name) => format!("{name} …"),
        Some(_) | None => line.to_owned(),
    });
    insta::assert_snapshot!(stable.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_number_of_series_does_not_depend_on_tasks() {
    let scrape = |tasks| identities(&text(&Node::warm(tasks).publisher.metrics()));
    let [none, some, many] = [0, 150, 5_000].map(scrape);
    for found in [&none, &some, &many] {
        assert!(found.len() <= series(&about()), "{} series", found.len());
    }
    assert!(series(&about()) <= SERIES_MAX, "{} series at most", series(&about()));
    assert_eq!(many.symmetric_difference(&some).next(), None);
    // Without guaranteed tasks their pressure is known to be none; with them it may be unknown.
    let other =
        none.symmetric_difference(&some).find(|id| !id.starts_with("gleaner_pressure_ratio"));
    assert_eq!(other, None);
}

#[test]
fn labels_have_only_the_values_of_the_list() {
    let scrape = text(&Node::warm(150).publisher.metrics());
    for word in ["spark", "web/", "onerror", "analytics", "scripted"] {
        assert!(!scrape.contains(word), "{word} is no label value");
    }
    let about = about();
    for (name, mut labels, _) in parse(&scrape) {
        let metric = entry(&name);
        labels.remove("le");
        let found: Vec<&str> = metric
            .labels
            .iter()
            .map(|l| labels.get(l.name).expect("every label").as_str())
            .collect();
        assert_eq!(found.len(), labels.len(), "{name} has other labels too: {labels:?}");
        assert!(
            metric
                .combinations(&about)
                .iter()
                .any(|row| row.iter().map(String::as_str).eq(found.iter().copied())),
            "{name}{found:?} is not among its combinations"
        );
    }
}

#[test]
fn every_counter_is_there_at_zero_from_the_start() {
    let scrape = text(&Node::new().publisher.metrics());
    let found = parse(&scrape);
    let counters = list::all().filter(|metric| metric.kind() == "counter");
    for metric in counters.filter(|metric| !metric.name.starts_with("process_")) {
        let of: Vec<_> = found.iter().filter(|(name, _, _)| name == metric.name).collect();
        assert_eq!(of.len(), metric.combinations(&about()).len(), "{}", metric.name);
        assert!(of.iter().all(|(_, _, number)| number.abs() < 0.5), "{}", metric.name);
    }
    let gauges = ["gleaner_build_info", "gleaner_config_last_reload_successful"];
    assert!(gauges.iter().all(|gauge| scrape.contains(&format!("\n{gauge}"))));
    assert!(!scrape.contains("gleaner_offer_cpu_cores"), "unknown is left out");
}

#[test]
fn ticks_failures_and_reloads_are_counted() {
    let mut node = Node::warm(3);
    node.fail("/proc/stat: Input/output error");
    node.host.reload_ok = false;
    node.host.poisoned = true;
    node.tick(3);
    let scrape = text(&node.publisher.metrics());
    for line in [
        "gleaner_ticks_total{bound=\"cold\",resource=\"cpu\"} 3",
        "gleaner_ticks_total{bound=\"stale\",resource=\"cpu\"} 1",
        "gleaner_ticks_total{bound=\"off\",resource=\"memory\"} 8",
        "gleaner_readings_failed_total 1",
        "gleaner_tasks_vanished_total 7",
        "gleaner_sample_duration_seconds_count 7",
        "gleaner_tick_duration_seconds_count 8",
        "gleaner_config_last_reload_successful 0",
        "gleaner_poisoned 1",
        "gleaner_offer_cpu_cores 0",
    ] {
        assert!(scrape.lines().any(|found| found == line), "{line} is not in\n{scrape}");
    }
}

#[test]
fn promtool_finds_nothing_to_say() {
    let Some(promtool) = installed_or_skip("promtool") else { return };
    for scrape in [Node::new(), Node::warm(3)].map(|node| text(&node.publisher.metrics())) {
        let mut checker = Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool starts");
        let mut input = checker.stdin.take().expect("piped");
        input.write_all(scrape.as_bytes()).expect("promtool reads");
        drop(input);
        let output = checker.wait_with_output().expect("promtool ends");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn corrections_are_counted_by_how_they_ended() {
    let node = Node::warm(3);
    let evict = |ending, wall_ms| {
        let task = TaskId { name: "batch".into(), inode: 7 };
        let (action, resource) = (Action::Evict, Resource::Memory);
        let reason = Reason::RunsOut;
        let (tick, end) = (None, End::default());
        let ended = Ended { task, action, resource, reason, ending, wall_ms, tick, end };
        node.publisher.tell_ended(&ended);
    };
    evict(Ending::Observed, 1_700_000_000_000);
    let stamp = "gleaner_last_correction_timestamp_seconds{action=\"evict\",reason=\"runs_out\"}";
    assert!(!text(&node.publisher.metrics()).contains(stamp), "nothing was really done yet");
    evict(Ending::Done, 1_700_000_001_500);
    // The standing class is no correction, and CPU is not what an IO limit is about.
    for action in [Action::StandingClass, Action::Thaw, Action::CpuQuota { limit: MilliCpus(1) }] {
        let task = TaskId { name: "batch".into(), inode: 7 };
        let (resource, ending) = (Resource::Io, Ending::Done);
        let reason = Reason::Standing;
        let (wall_ms, tick, end) = (1_700_000_002_000, None, End::default());
        let ended = Ended { task, action, resource, reason, ending, wall_ms, tick, end };
        node.publisher.tell_ended(&ended);
    }
    node.publisher.tell_reaction(Duration::from_millis(120));
    let scrape = text(&node.publisher.metrics());
    for line in [
        "gleaner_corrections_total{action=\"evict\",outcome=\"observed\",resource=\"memory\"} 1",
        "gleaner_corrections_total{action=\"evict\",outcome=\"done\",resource=\"memory\"} 1",
        "gleaner_corrections_by_reason_total{action=\"evict\",reason=\"runs_out\"} 1",
        "gleaner_corrections_by_reason_total{action=\"evict\",reason=\"recurs\"} 0",
        "gleaner_reaction_seconds_bucket{le=\"0.1\"} 0",
        "gleaner_reaction_seconds_bucket{le=\"0.15\"} 1",
    ] {
        assert!(scrape.lines().any(|found| found == line), "{line} is not in\n{scrape}");
    }
    assert!(scrape.contains(&format!("{stamp} 1700000001.5\n")), "{scrape}");
    let all: f64 = parse(&scrape)
        .iter()
        .filter_map(|(name, _, number)| (name == "gleaner_corrections_total").then_some(number))
        .sum();
    assert!((all - 2.0).abs() < 0.5, "{all} corrections");
}
