// SPDX-License-Identifier: Apache-2.0
//! The nodes, pools and versions that need somebody; whether predictions hold and corrections are on time.

use crate::panel::{Kind, Panel, Style, Unit, panel};
use gleaner_watch::metrics::look;

/// The Node dashboard for the row that was chosen.
const TO_NODE: &str = "/d/gleaner-node?var-cluster=${__data.fields.cluster}&var-pool=${__data.fields.pool}\
     &var-instance=${__data.fields.instance}&${__url_time_range}";

pub(super) fn panels() -> Vec<Panel> {
    vec![
        panel(
            "How many nodes are contended?",
            Kind::Lines,
            Unit::Of("nodes"),
            "Nodes that are strained or critical, by resource. A few are what lending costs. A step up on many \
             nodes at once is a roll-out or a change of load: compare the time, then open Decisions.",
        )
        .ask(
            "sum by (resource, level) (cluster_pool_resource_level:gleaner_level:nodes{F,level!=\"calm\"})",
            "{{resource}} {{level}}",
        )
        .size(7, 8),
        panel(
            "Which nodes need a person?",
            Kind::Table,
            Unit::Mixed,
            "Nodes that are down, stuck, critical, cannot read or act, or stopped themselves. Click a node to see \
             it; the runbook of the alert of that name says what to do.",
        )
        .ask("instance:gleaner_trouble:reason{F}", "")
        .columns(&[
            ("instance", "instance"),
            ("why", "what is wrong"),
            ("pool", "pool"),
            ("cluster", "cluster"),
            ("Value", ""),
            ("__name__", ""),
            ("job", ""),
        ])
        .quiet("no node needs anybody: good")
        .link("Open this node", TO_NODE)
        .size(10, 8),
        panel(
            "Which pools gain least?",
            Kind::Table,
            Unit::Share,
            "Share of each pool's cores that is lent, the smallest first. Start tuning at the top row: choose the \
             pool above and see what stops it from lending more.",
        )
        .ask(
            "sum by (cluster, pool) (cluster_pool:gleaner_lent_cpu_cores:sum{F}) \
             / sum by (cluster, pool) (cluster_pool:gleaner_capacity_cpu_cores:sum{F})",
            "",
        )
        .columns(&[("pool", "pool"), ("cluster", "cluster"), ("Value", "lent")])
        .sorted("lent", true)
        .size(7, 8),
    ]
}

pub(super) fn running() -> Vec<Panel> {
    vec![
        panel(
            "Which versions run?",
            Kind::Table,
            Unit::Mixed,
            "Nodes by version. Two are a roll-out; three for a day mean that one is stuck: finish it.",
        )
        .ask("sum by (version) (cluster_pool_version:gleaner_build_info:count{F})", "")
        .columns(&[("version", "version"), ("Value", "nodes")])
        .sorted("nodes", false)
        .size(12, 5),
        panel(
            "Which modes run?",
            Kind::Table,
            Unit::Mixed,
            "Nodes by mode. In `observe` nothing is done: Decisions shows what would have been.",
        )
        .ask("sum by (mode) (cluster_pool_mode:gleaner_mode:count{F}) > 0", "")
        .columns(&[("mode", "mode"), ("Value", "nodes")])
        .sorted("nodes", false)
        .size(12, 5),
    ]
}

pub(super) fn calibrated() -> Vec<Panel> {
    let rate = |of: &str| {
        format!(
            "sum by (resource) (cluster_pool_resource_horizon_policy_role:gleaner_{of}:rate30m{{F,role=\"live\"}})"
        )
    };
    vec![
        panel(
            "Does the risk hold?",
            Kind::Lines,
            Unit::ShareLog,
            "Share of predictions that the true peak exceeded, beside what was asked for. Achieved under asked is \
             the promise. Far above: Decisions says for which horizon, then the runbook of GleanerRiskExceeded.",
        )
        .ask(
            &format!("{} / ({} > 0)", rate("prediction_violations"), rate("predictions")),
            "{{resource}} achieved",
        )
        .draw(
            "max by (resource) (cluster_pool_resource:gleaner_risk_asked_ratio:max{F})",
            "{{resource}} asked",
            Style::Dashed(look::STRAINED),
        )
        .quiet("no prediction has come due yet"),
        panel(
            "Are corrections on time?",
            Kind::Lines,
            Unit::Share,
            "Share of corrections written within 0.15 s of the first sign of harm. Under 95 %: nodes starve \
             Gleaner of CPU, see the runbook of GleanerReactionSlow.",
        )
        .ask(
            "sum(cluster_pool_le:gleaner_reaction_seconds_bucket:rate5m{F,le=\"0.15\"}) \
             / (sum(cluster_pool:gleaner_reaction_seconds_count:rate5m{F}) > 0)",
            "within 0.15 s",
        )
        .steps(look::CRITICAL, &[(0.95, look::CALM)])
        .quiet("nothing was corrected: good"),
    ]
}

pub(super) fn evicting() -> Vec<Panel> {
    vec![
        panel(
            "Which nodes evicted most in an hour?",
            Kind::Table,
            Unit::Count("evictions"),
            "The one table over unrecorded series: it is asked only while this row is open. One node far ahead \
             has a noisy neighbour or a fault: open it.",
        )
        .ask(
            "topk(20, sum by (cluster, pool, instance) (increase(gleaner_corrections_total{J,cluster=~\"$cluster\",\
             pool=~\"$pool\",action=\"evict\",outcome!=\"observed\"}[1h])) > 0)",
            "",
        )
        .columns(&[
            ("instance", "instance"),
            ("Value", "evictions"),
            ("pool", "pool"),
            ("cluster", "cluster"),
        ])
        .sorted("evictions", false)
        .quiet("no node evicted anything: good")
        .link("Open this node", TO_NODE),
        panel(
            "Why were tasks evicted?",
            Kind::Bars,
            Unit::PerMinute,
            "Evictions a minute by reason, over all nodes chosen. Whose tasks they were says `gleaner explain` on \
             the node: tenants are no label, so that the number of series does not grow with them.",
        )
        .ask(
            "sum by (reason) (cluster_pool_action_reason:gleaner_corrections:rate5m{F,action=\"evict\"}) * 60 > 0",
            "{{reason}}",
        )
        .quiet("nothing was evicted: good"),
    ]
}

pub(super) fn rules() -> Panel {
    panel(
        "Do these rules keep up?",
        Kind::Lines,
        Unit::Share,
        "Time that evaluating each group of recording rules takes, of its interval. Above the dashed line: shard \
         Prometheus by cluster, or lengthen the interval. Skipped evaluations leave gaps in every panel above.",
    )
    .ask(
        "prometheus_rule_group_last_duration_seconds{rule_group=~\".*gleaner.*\"} \
         / prometheus_rule_group_interval_seconds{rule_group=~\".*gleaner.*\"}",
        "{{rule_group}}",
    )
    .steps(look::GUARANTEED, &[(0.5, look::CRITICAL)])
    .quiet("Prometheus does not scrape itself")
    .size(24, 8)
}
