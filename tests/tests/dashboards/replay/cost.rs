// SPDX-License-Identifier: Apache-2.0
//! What evaluating the rules costs, in samples that Prometheus reads: a number that only rules and series decide.

use super::EVERY;
use crate::server::{Prometheus, encoded, get};
use gleaner_dashboards::Places;
use gleaner_dashboards::rules::{Group, Rule, alerts, recording};
use std::time::Instant;

/// How a selector of raw series begins.
const RAW: &str = "{job=\"gleaner\"";
/// Most samples of each node that evaluating all rules may read in a second, on average.
const READ_MAX: f64 = 125.0;
/// Most samples of each node that evaluating one rule may hold in memory.
const HELD_MAX: f64 = 120.0;

/// Samples that evaluating a rule reads in a second, on average, and those that it holds in memory at the same time.
#[derive(Clone, Copy, Debug)]
struct Cost {
    read: f64,
    held: f64,
}

fn seconds(interval: &str) -> f64 {
    let (number, unit) = interval.split_at(interval.len() - 1);
    let number: f64 = number.parse().expect("a number and a unit");
    match unit {
        "s" => number,
        "m" => number * 60.0,
        other => panic!("{other}: another unit"),
    }
}

/// What a rule costs for the nodes that these matchers choose; asked as Prometheus asks itself.
fn cost(prometheus: &Prometheus, rule: &Rule, matchers: &str, at: f64) -> Cost {
    let chosen = rule.expr.replace(RAW, &format!("{RAW}{matchers}"));
    let path = format!("/api/v1/query?stats=all&time={at}&query={}", encoded(&chosen));
    let answer = prometheus.api(&path).unwrap_or_else(|why| panic!("{why}: {chosen}"));
    let count = |what: &str| {
        let count = answer["stats"]["samples"][what].as_f64();
        count.unwrap_or_else(|| panic!("Prometheus does not say {what}: {chosen}"))
    };
    Cost { read: count("totalQueryableSamples"), held: count("peakSamples") }
}

/// What every rule over raw series costs for these nodes. Rules over recorded series cost the same for any number.
fn costs(prometheus: &Prometheus, nodes: &str, at: f64) -> Vec<(String, Cost)> {
    let matchers = format!(",instance=~\"{nodes}\"");
    let mut all = Vec::new();
    for group in [recording(), alerts(&Places::default())].concat() {
        for rule in group.rules.iter().filter(|rule| rule.expr.contains(RAW)) {
            let mut cost = cost(prometheus, rule, &matchers, at);
            cost.read /= seconds(group.interval);
            all.push((format!("{}: {}", group.name, rule.expr), cost));
        }
    }
    all
}

/// Twice the nodes cost twice as much, and each no more than the bounds; `start` is where the history ends that fills
/// every window.
pub(super) fn is_bounded(prometheus: &Prometheus, start: u64, nodes: usize) {
    // Between two scrapes, so that no window begins or ends on one.
    let at = start as f64 + EVERY as f64 / 2.0;
    let half = (0..nodes / 2).map(|node| format!("node-{node:05}")).collect::<Vec<_>>().join("|");
    let halves = costs(prometheus, &half, at);
    let mut all = costs(prometheus, "node-.+", at);
    let number = nodes as f64;
    for ((rule, all), (_, half)) in all.iter().zip(&halves) {
        assert!(all.read <= 2.0 * half.read, "{rule}: {half:?} for half of them, {all:?} for all");
        let held = all.held / number;
        assert!(held <= HELD_MAX, "{held} samples of each node are held: {rule}");
    }
    let read = all.iter().map(|(_, cost)| cost.read).sum::<f64>() / number;
    all.sort_by(|(_, a), (_, b)| b.read.total_cmp(&a.read));
    all.truncate(5);
    eprintln!("each second {read:.0} samples of each node are read");
    assert!(read <= READ_MAX, "each second {read} samples of each node are read: {all:#?}");
}

/// What evaluating a group took, the longest of some times, of a machine on which other work ran too, and the CPU time of
/// Prometheus for it, on average; both in seconds, like its interval.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) name: &'static str,
    pub(super) took: f64,
    pub(super) cpu: f64,
    pub(super) interval: f64,
}

/// CPU time that Prometheus has used.
fn cpu_seconds(prometheus: &Prometheus) -> f64 {
    let scrape = get(prometheus.address, "/metrics").expect("Prometheus answers");
    let used = scrape.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
    used.and_then(|used| used.parse().ok()).expect("Prometheus counts its CPU time")
}

/// Asks for every rule over raw series, a group after the other, as often, and once before, which finds nothing in memory.
pub(super) fn measure(prometheus: &Prometheus, start: u64, times: usize) -> Vec<Taken> {
    let at = start as f64 - EVERY as f64 / 2.0;
    let measured = |group: Group| {
        let raw = || group.rules.iter().filter(|rule| rule.expr.contains(RAW));
        let once = || {
            let begun = Instant::now();
            for rule in raw() {
                let cost = cost(prometheus, rule, "", at);
                assert!(cost.held > 0.0, "nothing was evaluated: {}", rule.expr);
            }
            begun.elapsed().as_secs_f64()
        };
        once();
        let before = cpu_seconds(prometheus);
        let took = (0..times).map(|_| once()).fold(0.0, f64::max);
        let cpu = (cpu_seconds(prometheus) - before) / times as f64;
        Taken { name: group.name, took, cpu, interval: seconds(group.interval) }
    };
    [recording(), alerts(&Places::default())].concat().into_iter().map(measured).collect()
}
