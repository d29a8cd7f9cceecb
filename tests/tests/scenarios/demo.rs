// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` by what its daemon wrote down and showed: it lent, took back and evicted; and what it says of latencies
//! is what was measured.

use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;
use serde_json::Value;
use std::net::TcpStream;

/// CPU time of one of the service's requests: none is answered sooner.
const COST_MS: f64 = 2.0;
/// Later than any request: one that would begin a second late is given up.
const LATEST_MS: f64 = 10_000.0;
/// Acts that show what the service had, by their names in the table at the end.
const ACTS: [&str; 5] = [
    "alone",
    "beside neighbours, observed",
    "beside neighbours, protected",
    "in a rush, protected",
    "beside a grower, protected",
];

/// Where an act on a task has ended well.
fn done(audit: &[Value], action: &str, task: &str) -> usize {
    let is = |line: &Value| {
        line["kind"] == "outcome"
            && line["outcome"] == "done"
            && line["action"] == action
            && line["task"]["name"].as_str().is_some_and(|name| name.ends_with(task))
    };
    audit.iter().position(is).unwrap_or_else(|| panic!("no {action} of {task} in\n{audit:#?}"))
}

/// Cores in use by borrowers, then the lowest class for each of them, then the end of the one that grew.
fn assert_written(audit: &[Value]) {
    let lends = |line: &Value| line["cpu"]["lent"].as_u64().is_some_and(|lent| lent > 0);
    let lent = audit.iter().position(lends).expect("something was lent");
    let classes = ["/batch-1", "/batch-2"].map(|task| done(audit, "standing_class", task));
    let evicted = done(audit, "evict", "/batch-grower");
    assert!(classes.iter().all(|class| (lent..evicted).contains(class)), "{classes:?}");
    let evictions =
        audit.iter().filter(|line| line["kind"] == "intent" && line["action"] == "evict");
    assert_eq!(evictions.count(), 1, "nobody else was evicted");
}

/// Something was offered before the neighbours came, or it is said that others leave nothing idle; in a machine of its
/// own there are no others.
fn assert_offered(audit: &[Value], said: &str) {
    let has = |line: &Value, key: &str| line["tasks"][key].as_u64().is_some_and(|n| n > 0);
    let alone = audit.iter().take_while(|line| !has(line, "best_effort"));
    let most = alone.filter_map(|line| line["cpu"]["offer"]["amount"].as_u64()).max();
    let kernel = std::fs::read_to_string("/proc/cmdline").expect("a kernel");
    let others =
        !kernel.contains("rdinit=/init ") && said.contains("Other work keeps this node busy");
    assert!(others || most > Some(0), "{most:?} offered at most; {said}");
}

/// A number of milliseconds in a line, and what stands before it.
fn millis(line: &str) -> Option<(&str, f64)> {
    let (before, _) = line.split_once(" ms")?;
    let (rest, number) = before.trim_end().rsplit_once(' ')?;
    Some((rest, number.parse().ok()?))
}

/// The middle p99 of the seconds of each act, without its first.
fn middles(said: &str) -> Vec<Option<f64>> {
    let mut acts: Vec<Vec<f64>> = Vec::new();
    for line in said.lines().take_while(|line| !line.starts_with("What it was like")) {
        if line.trim_start().starts_with("TIME ") {
            acts.push(Vec::new());
        }
        let second = millis(line).filter(|(before, _)| before.trim_end().ends_with(" s"));
        if let (Some(act), Some((_, p99))) = (acts.last_mut(), second) {
            act.push(p99);
        }
    }
    let middle = |mut act: Vec<f64>| {
        let mut counted = act.split_off(1.min(act.len()));
        counted.sort_by(f64::total_cmp);
        counted.get(counted.len() / 2).copied()
    };
    acts.into_iter().map(middle).collect()
}

/// The table says what the seconds said, and that can be: no request is sooner than its work.
fn assert_measured(said: &str) -> Vec<f64> {
    let told = |name: &&str| said.lines().find_map(|line| millis(line.strip_prefix(*name)?));
    let rows: Vec<f64> = ACTS.iter().filter_map(told).map(|(_, p99)| p99).collect();
    let middles: Vec<f64> = middles(said).into_iter().flatten().collect();
    assert_eq!(rows, middles, "{said}");
    assert_eq!(rows.len(), ACTS.len(), "{said}");
    assert!(rows.iter().all(|p99| (COST_MS..LATEST_MS).contains(p99)), "{rows:?}");
    assert!(rows.iter().any(|p99| p99.to_bits() != rows[0].to_bits()), "{rows:?}");
    let [_, observed, protected, ..] = rows[..] else { panic!("{rows:?}") };
    assert!(protected < observed, "Gleaner made it no better: {rows:?}");
    rows
}

#[test]
fn it_is_seen_to_lend_to_take_back_and_to_evict_and_leaves_nothing() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut demo = Demo::start(20);
    let page = demo.page();
    assert!(!demo.traces(&rig).is_empty() && !demo.processes(&rig).is_empty());
    for act in ["1. ", "2. ", "3. ", "standing_class batch-1: done", "4. ", "5. "] {
        demo.hear(act);
    }
    let lent = Demo::metric(page, "gleaner_usage_cpu_cores", &["class=\"best_effort\""]);
    assert!(lent.is_some(), "its daemon shows what is lent");
    demo.hear("evict batch-grower: done");
    let evicted = ["action=\"evict\"", "outcome=\"done\"", "resource=\"memory\""];
    let evicted = Demo::metric(page, "gleaner_corrections_total", &evicted);
    let (status, said) = demo.end();
    assert!(status.success(), "{status}\n{said}");
    assert!(evicted.is_some_and(|evicted| evicted >= 1.0), "{evicted:?}\n{said}");
    let audit = demo.written();
    assert_written(&audit);
    assert_offered(&audit, &said);
    let p99 = assert_measured(&said);
    eprintln!("p99 of the acts, ms: {p99:?}");
    assert!(said.contains(" came back") && !said.contains("; 0 B came back"), "{said}");
    for wanted in
        ["standing_class batch-1: observed", "for memory: runs_out", "Everything is put back"]
    {
        assert!(said.contains(wanted), "no {wanted:?} in\n{said}");
    }
    assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
    assert!(TcpStream::connect(page).is_err(), "its daemon is gone");
}
