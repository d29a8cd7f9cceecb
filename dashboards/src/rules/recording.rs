// SPDX-License-Identifier: Apache-2.0
//! Recording rules: what the Fleet and Decisions dashboards read, at the same cost for 10 and for 10,000 nodes.
//!
//! Names say `level:metric:operation`, the level being the labels that are left. Only sums, counts, largest
//! values and `le` buckets are recorded, so that a global server may add up shards; never an average or a
//! quantile, which cannot be combined afterwards. Comparisons that are summed say `bool`: without it a count
//! of 0 is no series, and graphs have gaps.

use super::{Group, Rule, Yields};
use crate::expr::full;
use gleaner_qos::level::Level;

/// Upper bounds of the shares that nodes are counted by.
const SHARES: [&str; 11] =
    ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1", "+Inf"];

/// All groups.
#[must_use]
pub fn recording() -> Vec<Group> {
    vec![
        Group { name: "gleaner.fleet.sums", interval: "30s", rules: sums() },
        Group { name: "gleaner.fleet.health", interval: "30s", rules: health() },
        Group { name: "gleaner.fleet.decisions", interval: "30s", rules: decisions() },
        Group { name: "gleaner.fleet.distribution", interval: "1m", rules: distribution() },
        Group { name: "gleaner.trouble", interval: "30s", rules: trouble() },
    ]
}

fn record(name: &str, short: &str) -> Rule {
    Rule {
        yields: Yields::Record(name.to_owned()),
        expr: full(short),
        times: Vec::new(),
        labels: Vec::new(),
        annotations: Vec::new(),
    }
}

/// The sum of a metric by these labels beside cluster and pool; the name of the record follows from both.
fn sum(metric: &str, labels: &[&str]) -> Rule {
    let level = [&["cluster", "pool"], labels].concat();
    let name = format!("{}:{metric}:sum", level.join("_"));
    record(&name, &format!("sum by ({}) ({metric}{{J}})", level.join(", ")))
}

/// The rate of a counter over a window, summed by these labels.
fn rate(metric: &str, labels: &[&str], only: &str, window: &str) -> Rule {
    let level = [&["cluster", "pool"], labels].concat();
    let plain = metric.trim_end_matches("_total");
    let name = format!("{}:{plain}:rate{window}", level.join("_"));
    record(&name, &format!("sum by ({}) (rate({metric}{{J{only}}}[{window}]))", level.join(", ")))
}

fn sums() -> Vec<Rule> {
    let mut rules = vec![
        sum("gleaner_capacity_cpu_cores", &[]),
        sum("gleaner_capacity_memory_bytes", &[]),
        sum("gleaner_allocated_cpu_cores", &["class"]),
        sum("gleaner_allocated_memory_bytes", &["class"]),
        sum("gleaner_usage_cpu_cores", &["class"]),
        sum("gleaner_working_set_bytes", &["class"]),
        sum("gleaner_tasks", &["class"]),
    ];
    for what in ["slack", "lent", "offer"] {
        for of in ["cpu_cores", "memory_bytes"] {
            rules.push(sum(&format!("gleaner_{what}_{of}"), &[]));
        }
    }
    for of in ["cpu_cores", "memory_bytes"] {
        let metric = format!("gleaner_predicted_peak_{of}");
        let name = format!("cluster_pool_horizon:{metric}:sum");
        let expr = format!("sum by (cluster, pool, horizon) ({metric}{{J,of=\"node\"}})");
        rules.push(record(&name, &expr));
    }
    rules
}

fn health() -> Vec<Rule> {
    let mut rules = vec![
        record("cluster_pool:gleaner_up:count", "count by (cluster, pool) (up{J})"),
        record(
            "cluster_pool:gleaner_deciding:sum",
            "sum by (cluster, pool) (rate(gleaner_tick_duration_seconds_count{J}[2m]) > bool 0)",
        ),
        record(
            "cluster_pool_mode:gleaner_mode:count",
            "sum by (cluster, pool, mode) (gleaner_mode_info{J})",
        ),
        record(
            "cluster_pool_version:gleaner_build_info:count",
            "count by (cluster, pool, version) (gleaner_build_info{J})",
        ),
    ];
    for (number, level) in Level::ALL.into_iter().enumerate() {
        let mut rule =
            record("cluster_pool_resource_level:gleaner_level:nodes", &nodes_at(number, level));
        rule.labels.push(("level", level.word().to_owned()));
        rules.push(rule);
    }
    rules.push(rate("gleaner_ticks_total", &["resource", "bound"], "", "5m"));
    rules
}

/// How many nodes are at a level. A resource without any signal says that it is strained, and is not counted.
fn nodes_at(number: usize, level: Level) -> String {
    let by = "cluster, pool, instance, resource";
    let seen = match level {
        Level::Strained => format!("\n* on ({by}) max by ({by}) (gleaner_signal_available{{J}})"),
        Level::Calm | Level::Critical => String::new(),
    };
    format!("sum by (cluster, pool, resource) ((gleaner_level{{J}} == bool {number}){seen})")
}

fn decisions() -> Vec<Rule> {
    let prediction = ["resource", "horizon", "policy", "role"];
    vec![
        rate("gleaner_corrections_total", &["action", "resource", "outcome"], "", "5m"),
        record(
            "cluster_pool_action_reason:gleaner_corrections:rate5m",
            "sum by (cluster, pool, action, reason) (rate(gleaner_corrections_by_reason_total{J}[5m]))",
        ),
        record(
            "cluster_pool:gleaner_evictions:increase10m",
            "sum by (cluster, pool) \
             (increase(gleaner_corrections_total{J,action=\"evict\",outcome!=\"observed\"}[10m]))",
        ),
        rate("gleaner_level_transitions_total", &["resource", "to"], "", "5m"),
        rate("gleaner_reaction_seconds_bucket", &["le"], "", "5m"),
        rate("gleaner_reaction_seconds_count", &[], "", "5m"),
        rate("gleaner_predictions_total", &prediction, "", "30m"),
        rate("gleaner_prediction_violations_total", &prediction, "", "30m"),
        record(
            "cluster_pool_resource:gleaner_risk_asked_ratio:max",
            "max by (cluster, pool, resource) (gleaner_risk_asked_ratio{J})",
        ),
    ]
}

fn distribution() -> Vec<Rule> {
    let mut rules = vec![record(
        "instance:gleaner_cpu_usage:ratio",
        "sum by (cluster, pool, instance) (gleaner_usage_cpu_cores{J})\n\
         / sum by (cluster, pool, instance) (gleaner_capacity_cpu_cores{J})",
    )];
    for bound in SHARES {
        let expr =
            format!("sum by (cluster, pool) (instance:gleaner_cpu_usage:ratio <= bool {bound})");
        let mut rule = record("cluster_pool_le:gleaner_cpu_usage_ratio:nodes", &expr);
        rule.labels.push(("le", bound.to_owned()));
        rules.push(rule);
    }
    rules
}

/// Series for the nodes that need a person, and for no others.
fn trouble() -> Vec<Rule> {
    let of = |why: &str, short: &str| {
        let mut rule = record("instance:gleaner_trouble:reason", short);
        rule.labels.push(("why", why.to_owned()));
        rule
    };
    vec![
        of("down", "max by (cluster, pool, instance) (up{J}) == 0"),
        of(
            "stuck",
            "max by (cluster, pool, instance) (rate(gleaner_tick_duration_seconds_count{J}[2m])) == 0",
        ),
        of(
            "critical",
            "max by (cluster, pool, instance) (min_over_time(gleaner_level{J}[2m])) == 2",
        ),
        of("actuator", "max by (cluster, pool, instance) (gleaner_actuator_broken{J}) == 1"),
        of(
            "readings",
            "max by (cluster, pool, instance) (rate(gleaner_readings_failed_total{J}[10m]) \
             / rate(gleaner_tick_duration_seconds_count{J}[10m])) > 0.05",
        ),
        of("panicked", "max by (cluster, pool, instance) (gleaner_poisoned{J}) == 1"),
    ]
}
