// SPDX-License-Identifier: Apache-2.0
//! The alerts. Critical pages somebody, and only a pool can; a warning is a ticket; information is for dashboards.
//!
//! A gauge of one node is taken over a few minutes, so that a missed scrape neither starts nor ends an alert.

use super::{Group, Rule, Yields};
use crate::Places;
use crate::expr::full;
use gleaner_watch::metrics::look;

/// Who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Wakes somebody.
    Critical,
    /// For the working day.
    Warning,
    /// Only to be seen.
    Info,
    /// For a dead man's switch.
    None,
}

impl Severity {
    /// The label's value.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::None => "none",
        }
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// In capitals and small letters, with our name first; the heading of its runbook.
    pub name: &'static str,
    /// Who is told.
    pub severity: Severity,
    /// How long it must hold, and how long it lingers; empty for not at all.
    pub holds: [&'static str; 2],
    /// PromQL, with the short forms.
    pub expr: String,
    /// A sentence that is true without labels.
    pub summary: &'static str,
    /// With labels and the value.
    pub description: &'static str,
    /// The dashboard to look at first, with its variables.
    pub look_at: &'static str,
}

const NODE: &str = "gleaner-node?var-cluster={{ $labels.cluster }}&var-pool={{ $labels.pool }}\
    &var-instance={{ $labels.instance }}";
const FLEET: &str = "gleaner-fleet?var-cluster={{ $labels.cluster }}&var-pool={{ $labels.pool }}";
const DECISIONS: &str =
    "gleaner-decisions?var-cluster={{ $labels.cluster }}&var-pool={{ $labels.pool }}";

fn counts_over_an_hour(alert: &Alert) -> bool {
    alert.expr.contains("increase(") && alert.expr.contains("[1h]")
}

/// Every group, with links to these places.
#[must_use]
pub fn alerts(places: &Places) -> Vec<Group> {
    let rules = |alerts: Vec<Alert>| alerts.iter().map(|alert| rule(alert, places)).collect();
    // A window of an hour over every node's counters is most of what all rules read, and hardly another after 30 s.
    let (hour, now) = nodes().into_iter().partition(counts_over_an_hour);
    vec![
        Group { name: "gleaner.alerts.pool", interval: "30s", rules: rules(pools()) },
        Group { name: "gleaner.alerts.node", interval: "30s", rules: rules(now) },
        Group { name: "gleaner.alerts.hour", interval: "5m", rules: rules(hour) },
    ]
}

/// Every alert.
#[must_use]
pub fn all() -> Vec<Alert> {
    [pools(), nodes()].concat()
}

fn rule(alert: &Alert, places: &Places) -> Rule {
    let times = ["for", "keep_firing_for"].into_iter().zip(alert.holds);
    let runbook = format!("{}/operating.md#{}", places.docs, alert.name.to_lowercase());
    Rule {
        yields: Yields::Alert(alert.name.to_owned()),
        expr: full(&alert.expr),
        times: times.filter(|(_, time)| !time.is_empty()).collect(),
        labels: vec![("severity", alert.severity.word().to_owned())],
        annotations: vec![
            ("summary", alert.summary.to_owned()),
            ("description", alert.description.to_owned()),
            ("runbook_url", runbook),
            ("dashboard_url", format!("{}/d/{}", places.grafana, alert.look_at)),
        ],
    }
}

fn pools() -> Vec<Alert> {
    let mut alerts = pages();
    alerts.extend(tickets_of_pools());
    alerts.push(idle());
    alerts.push(Alert {
        name: "GleanerVersionSkew",
        severity: Severity::Info,
        holds: ["1d", ""],
        expr: "count by (cluster, pool) (cluster_pool_version:gleaner_build_info:count) > 2".to_owned(),
        summary: "More than two versions of Gleaner have run in a pool for a day.",
        description: "{{ $labels.cluster }}/{{ $labels.pool }} runs {{ $value | humanize }} versions.",
        look_at: FLEET,
    });
    alerts.push(Alert {
        name: "GleanerWatchdog",
        severity: Severity::None,
        holds: ["", ""],
        expr: "vector(1) > 0".to_owned(),
        summary: "This alert always fires: route it to a dead man's switch.",
        description: "This alert fires for as long as alerting on Gleaner works.",
        look_at: "gleaner-fleet",
    });
    alerts
}

fn pages() -> Vec<Alert> {
    let critical = "max by (cluster, pool) (cluster_pool_resource_level:gleaner_level:nodes{level=\"critical\"})";
    let evictions = "cluster_pool:gleaner_evictions:increase10m";
    let best_effort = "cluster_pool_class:gleaner_tasks:sum{class=\"best_effort\"}";
    let count = "cluster_pool:gleaner_up:count";
    let blind = format!("({count} - (cluster_pool:gleaner_deciding:sum or {count} * 0))");
    vec![
        Alert {
            name: "GleanerHarmWidespread",
            severity: Severity::Critical,
            holds: ["5m", ""],
            expr: format!("{critical} / {count} > 0.02\nand {critical} >= 3"),
            summary: "Guaranteed tasks are harmed on many nodes of a pool.",
            description: "{{ $value | humanizePercentage }} of the nodes of {{ $labels.cluster }}/{{ $labels.pool }} are critical.",
            look_at: FLEET,
        },
        Alert {
            name: "GleanerEvictionStorm",
            severity: Severity::Critical,
            holds: ["2m", "15m"],
            expr: format!(
                "{evictions} / ({evictions} + ignoring (class) {best_effort}) > 0.1\nand {evictions} >= 10"
            ),
            summary: "Gleaner evicts a large share of a pool's best-effort tasks.",
            description: "{{ $value | humanizePercentage }} of the best-effort tasks of {{ $labels.cluster }}/{{ $labels.pool }} were evicted within 10 minutes.",
            look_at: DECISIONS,
        },
        Alert {
            name: "GleanerFleetBlind",
            severity: Severity::Critical,
            holds: ["5m", ""],
            // Where all are down there is no sum at all: it counts as 0.
            expr: format!("{blind} / {count} > 0.05\nand {blind} >= 3"),
            summary: "Gleaner does not decide on many nodes of a pool.",
            description: "On {{ $value | humanizePercentage }} of the nodes of {{ $labels.cluster }}/{{ $labels.pool }} nothing is decided: best-effort tasks run unwatched.",
            look_at: FLEET,
        },
    ]
}

fn tickets_of_pools() -> Vec<Alert> {
    let rate = |of: &str, window: &str| {
        format!(
            "sum by (cluster, pool, resource) (avg_over_time(cluster_pool_resource_horizon_policy_role:gleaner_{of}:rate30m{{role=\"live\"}}[{window}]))"
        )
    };
    let over = |window: &str| {
        let (violations, all) =
            (rate("prediction_violations", window), rate("predictions", window));
        format!("{violations}\n/ {all}\n> 2 * cluster_pool_resource:gleaner_risk_asked_ratio:max")
    };
    let late = "sum by (cluster, pool) (avg_over_time(cluster_pool_le:gleaner_reaction_seconds_bucket:rate5m{le=\"0.15\"}[1h]))";
    let made = "sum by (cluster, pool) (avg_over_time(cluster_pool:gleaner_reaction_seconds_count:rate5m[1h]))";
    vec![
        Alert {
            name: "GleanerRiskExceeded",
            severity: Severity::Warning,
            holds: ["15m", ""],
            // Six hours and the newest half hour: a burst that is over stays quiet. At least ten, because a
            // single one of few is already more than was asked.
            expr: format!(
                "{}\nand {}\nand {} * 21600 >= 10",
                over("6h"),
                over("30m"),
                rate("prediction_violations", "6h")
            ),
            summary: "Predicted peaks are exceeded more than twice as often as was asked for.",
            description: "In {{ $labels.cluster }}/{{ $labels.pool }} the true peak of {{ $labels.resource }} exceeded {{ $value | humanizePercentage }} of the predictions.",
            look_at: DECISIONS,
        },
        Alert {
            name: "GleanerReactionSlow",
            severity: Severity::Warning,
            holds: ["15m", ""],
            expr: format!("1 - {late}\n/ {made} > 0.05\nand {made} * 3600 >= 20"),
            summary: "Corrections come later than promised after harm begins.",
            description: "In {{ $labels.cluster }}/{{ $labels.pool }} {{ $value | humanizePercentage }} of the corrections of the last hour came later than 0.15 s.",
            look_at: DECISIONS,
        },
    ]
}

fn idle() -> Alert {
    let capacity = "cluster_pool:gleaner_capacity_cpu_cores:sum";
    Alert {
        name: "GleanerLendsNothing",
        severity: Severity::Info,
        holds: ["2h", ""],
        expr: format!(
            "(cluster_pool:gleaner_lent_cpu_cores:sum + cluster_pool:gleaner_offer_cpu_cores:sum) / {capacity} < 0.01\n\
                 and sum by (cluster, pool) (cluster_pool_class:gleaner_usage_cpu_cores:sum) / {capacity} < 0.5"
        ),
        summary: "A pool is half idle and lends nothing.",
        description: "{{ $labels.cluster }}/{{ $labels.pool }} lends and offers {{ $value | humanizePercentage }} of its cores, and uses less than half of them.",
        look_at: FLEET,
    }
}

fn nodes() -> Vec<Alert> {
    let mut alerts = harm();
    alerts.extend(blind());
    alerts.extend(broken());
    alerts.extend(noise());
    alerts
}

fn ticket(name: &'static str, holds: [&'static str; 2], expr: &str) -> Alert {
    Alert {
        name,
        severity: Severity::Warning,
        holds,
        expr: expr.to_owned(),
        summary: "",
        description: "",
        look_at: NODE,
    }
}

fn harm() -> Vec<Alert> {
    let node = "cluster, pool, instance";
    let all = format!(
        "sum by ({node}) (increase(gleaner_corrections_total{{J,outcome!=\"observed\"}}[1h]))"
    );
    let vain = format!(
        "sum by ({node}) (increase(gleaner_corrections_total{{J,outcome=~\"no_relief|failed|ignored\"}}[1h]))"
    );
    vec![
        Alert {
            summary: "Guaranteed tasks are harmed on a node and it does not pass.",
            description: "{{ $labels.resource }} of {{ $labels.instance }} has been critical for minutes.",
            ..ticket(
                "GleanerHarmNotCleared",
                ["2m", ""],
                "min_over_time(gleaner_level{J}[3m]) == 2\n\
                 unless on (cluster, pool, instance) gleaner_mode_info{J,mode=\"observe\"} == 1",
            )
        },
        Alert {
            summary: "Taking back brings no relief on a node.",
            description: "{{ $value | humanizePercentage }} of the corrections on {{ $labels.instance }} in the last hour had no effect.",
            ..ticket("GleanerNoRelief", ["5m", ""], &format!("{vain} / ({all} >= 3) > 0.5"))
        },
        Alert {
            summary: "Best-effort tasks stay frozen on a node.",
            description: "On {{ $labels.instance }} at least {{ $value | humanize }} tasks have been frozen for 10 minutes.",
            ..ticket(
                "GleanerFreezeStuck",
                ["1m", ""],
                "min_over_time(gleaner_tasks_held{J,how=\"frozen\"}[10m]) > 0",
            )
        },
    ]
}

fn blind() -> Vec<Alert> {
    vec![
        Alert {
            summary: "A node has lent resource and nobody watches it.",
            description: "Gleaner on {{ $labels.instance }} is down or stuck, and best-effort tasks held cores within the last hour.",
            ..ticket(
                "GleanerBlindWhileLending",
                ["2m", "5m"],
                "(up{J} == 0 or rate(gleaner_tick_duration_seconds_count{J}[2m]) == 0)\n\
                 and on (cluster, pool, instance) last_over_time(gleaner_lent_cpu_cores{J}[1h]) > 0",
            )
        },
        Alert {
            summary: "Prometheus knows no Gleaner at all.",
            description: "No target of the job gleaner has been there for 15 minutes.",
            look_at: "gleaner-fleet",
            ..ticket("GleanerAbsent", ["15m", ""], "absent(up{J})")
        },
        Alert {
            summary: "Gleaner stopped itself over a bug.",
            description: "Gleaner on {{ $labels.instance }} lends nothing and takes nothing back until it is restarted.",
            ..ticket("GleanerPanicked", ["", "1h"], "max_over_time(gleaner_poisoned{J}[5m]) == 1")
        },
        Alert {
            summary: "A node often cannot be read, so it lends nothing.",
            description: "{{ $value | humanizePercentage }} of the readings of {{ $labels.instance }} fail.",
            ..ticket(
                "GleanerReadingsFailing",
                ["10m", ""],
                "rate(gleaner_readings_failed_total{J}[10m]) / rate(gleaner_tick_duration_seconds_count{J}[10m]) > 0.05",
            )
        },
    ]
}

fn broken() -> Vec<Alert> {
    vec![
        Alert {
            summary: "A way of taking back does not work on a node.",
            description: "{{ $labels.actuator }} was tried on {{ $labels.instance }} and had no effect; the next, harsher way is taken instead.",
            ..ticket(
                "GleanerActuatorBroken",
                ["5m", ""],
                "max_over_time(gleaner_actuator_broken{J}[5m]) == 1",
            )
        },
        Alert {
            summary: "A node's configuration was refused; the old one is in force.",
            description: "The last reload on {{ $labels.instance }} was refused.",
            ..ticket(
                "GleanerConfigRejected",
                ["10m", ""],
                "max_over_time(gleaner_config_last_reload_successful{J}[5m]) == 0",
            )
        },
        Alert {
            summary: "Decisions of a node are not written down.",
            description: "{{ $labels.instance }} dropped {{ $value | humanize }} audit lines within 15 minutes.",
            ..ticket(
                "GleanerAuditDropping",
                ["15m", ""],
                "increase(gleaner_audit_lines_dropped_total{J}[15m]) > 0",
            )
        },
        Alert {
            severity: Severity::Info,
            summary: "A node has no signal of harm for a resource, which is therefore never lent.",
            description: "{{ $labels.resource }} of {{ $labels.instance }} has no signal of harm.",
            ..ticket(
                "GleanerNoSignal",
                ["15m", ""],
                "max by (cluster, pool, instance, resource) (max_over_time(gleaner_signal_available{J}[5m])) == 0",
            )
        },
    ]
}

fn noise() -> Vec<Alert> {
    let (cpu, memory) = (look::OWN_CPU_CORES, look::OWN_RESIDENT_BYTES);
    let factor = look::OWN_COST_ALERT_FACTOR;
    vec![
        Alert {
            severity: Severity::Info,
            summary: "Gleaner costs more than three times what it promises.",
            description: "Gleaner on {{ $labels.instance }} uses more than 0.03 cores or 30 MiB.",
            ..ticket(
                "GleanerTooHeavy",
                ["30m", ""],
                &format!(
                    "rate(process_cpu_seconds_total{{J}}[5m]) > {}\n\
                     or max_over_time(process_resident_memory_bytes{{J}}[5m]) > {}",
                    factor * cpu,
                    factor * memory
                ),
            )
        },
        Alert {
            severity: Severity::Info,
            summary: "A node's level goes up and down all the time.",
            description: "{{ $labels.resource }} of {{ $labels.instance }} left calm {{ $value | humanize }} times in an hour.",
            ..ticket(
                "GleanerLevelFlapping",
                ["30m", ""],
                "sum by (cluster, pool, instance, resource) (increase(gleaner_level_transitions_total{J,to!=\"calm\"}[1h])) > 20",
            )
        },
    ]
}
