// SPDX-License-Identifier: Apache-2.0
//! Utilisation against allocation over the fleet, what is lent of it, and what holds lending back.

use crate::Places;
use crate::panel::{Kind, Panel, Style, Unit, panel};
use gleaner_watch::metrics::look;

pub(super) fn glance() -> Vec<Panel> {
    let mut panels = worth();
    panels.extend(safe());
    panels
}

fn worth() -> Vec<Panel> {
    vec![
        panel(
            "How much is lent?",
            Kind::Stat,
            Unit::Of("cores"),
            "Cores that best-effort tasks hold now, over all nodes chosen above. Falling while the offer stays: \
             the scheduler has less to place.",
        )
        .ask("sum(cluster_pool:gleaner_lent_cpu_cores:sum{F})", "lent")
        .steps(look::BEST_EFFORT, &[])
        .size(4, 4),
        panel(
            "Worth how many?",
            Kind::Stat,
            Unit::Of("machines"),
            "Cores lent, divided by the cores of an average node: nodes that did not have to be bought. Multiply \
             by what a node costs you.",
        )
        .ask(
            "sum(cluster_pool:gleaner_lent_cpu_cores:sum{F}) / (sum(cluster_pool:gleaner_capacity_cpu_cores:sum{F}) \
             / sum(cluster_pool:gleaner_up:count{F}))",
            "machines",
        )
        .steps(look::BEST_EFFORT, &[])
        .size(4, 4),
        panel(
            "How much was used?",
            Kind::Stat,
            Unit::Of("core-hours"),
            "Core-hours that best-effort tasks really used in the time range: used, not merely lent, so this is \
             the honest gain. Times the price of a core-hour it is money.",
        )
        .ask(
            "sum(avg_over_time(cluster_pool_class:gleaner_usage_cpu_cores:sum{F,class=\"best_effort\"}[R])) \
             * $__range_s / 3600",
            "used",
        )
        .steps(look::BEST_EFFORT, &[])
        .size(4, 4),
    ]
}

fn safe() -> Vec<Panel> {
    vec![
        panel(
            "Nodes watched?",
            Kind::Stat,
            Unit::Share,
            "Nodes where Gleaner decides, of those that Prometheus knows. Under 99 % see \"Which nodes need a \
             person?\": on the others best-effort tasks run unwatched.",
        )
        .ask(
            "sum(cluster_pool:gleaner_deciding:sum{F}) / sum(cluster_pool:gleaner_up:count{F})",
            "deciding",
        )
        .steps(look::CRITICAL, &[(0.95, look::STRAINED), (0.99, look::CALM)])
        .size(4, 4),
        panel(
            "Nodes critical?",
            Kind::Stat,
            Unit::Share,
            "Nodes where guaranteed tasks are harmed lastingly, of the resource where they are most. At 2 % \
             GleanerHarmWidespread pages: look for what was rolled out, stop lending more, keep correcting.",
        )
        .ask(
            "max(sum by (resource) (cluster_pool_resource_level:gleaner_level:nodes{F,level=\"critical\"})) \
             / sum(cluster_pool:gleaner_up:count{F})",
            "critical",
        )
        .steps(look::CALM, &[(0.005, look::STRAINED), (0.02, look::CRITICAL)])
        .size(4, 4),
        panel(
            "Evicted in 10 min?",
            Kind::Stat,
            Unit::Share,
            "Evicted best-effort tasks, of those and the ones that still run. At 10 % GleanerEvictionStorm pages: \
             mass eviction is more often a fault of ours than real harm.",
        )
        .ask(
            "sum(cluster_pool:gleaner_evictions:increase10m{F}) / (sum(cluster_pool:gleaner_evictions:increase10m{F}) \
             + sum(cluster_pool_class:gleaner_tasks:sum{F,class=\"best_effort\"}) > 0)",
            "evicted",
        )
        .steps(look::CALM, &[(0.02, look::STRAINED), (0.1, look::CRITICAL)])
        .quiet("no best-effort tasks")
        .size(4, 4),
    ]
}

pub(super) fn panels() -> Vec<Panel> {
    vec![
        panel(
            "Where do the fleet's cores go?",
            Kind::Lines,
            Unit::Share,
            "Use of all cores by class, stacked, best effort on top, and the share that is promised to owners. The distance between \
             the dashed line and what guaranteed tasks use is what overbooking can win; the light band is what \
             it does win. No light band and much distance: see what stops lending.",
        )
        .draw(
            "sum by (class) (cluster_pool_class:gleaner_usage_cpu_cores:sum{F,class!=\"best_effort\"}) \
             / scalar(sum(cluster_pool:gleaner_capacity_cpu_cores:sum{F}))",
            "{{class}}",
            Style::Stacked,
        )
        .draw(
            "sum by (class) (cluster_pool_class:gleaner_usage_cpu_cores:sum{F,class=\"best_effort\"}) \
             / scalar(sum(cluster_pool:gleaner_capacity_cpu_cores:sum{F}))",
            "{{class}}",
            Style::Stacked,
        )
        .draw(
            "sum(cluster_pool_class:gleaner_allocated_cpu_cores:sum{F,class=\"guaranteed\"}) \
             / sum(cluster_pool:gleaner_capacity_cpu_cores:sum{F})",
            "promised to owners",
            Style::Dashed(look::GUARANTEED),
        )
        .draw(
            "sum(cluster_pool_horizon:gleaner_predicted_peak_cpu_cores:sum{F,horizon=\"$horizon\"}) \
             / sum(cluster_pool:gleaner_capacity_cpu_cores:sum{F})",
            "predicted peak",
            Style::Line(look::PREDICTION),
        )
        .size(12, 9),
        panel(
            "How much is lent, offered, possible?",
            Kind::Lines,
            Unit::Of("cores"),
            "Slack is what may be lent in all. Offer high and lent low: the scheduler does not take what is \
             offered, which is no fault of Gleaner; look at its log of offers.",
        )
        .draw("sum(cluster_pool:gleaner_slack_cpu_cores:sum{F})", "slack", Style::Line(look::CALM))
        .draw("sum(cluster_pool:gleaner_lent_cpu_cores:sum{F})", "lent", Style::Line(look::BEST_EFFORT))
        .draw("sum(cluster_pool:gleaner_offer_cpu_cores:sum{F})", "offered", Style::Steps(look::STRAINED))
        .size(12, 9),
    ]
}

pub(super) fn limits(places: &Places) -> Vec<Panel> {
    vec![
        panel(
            "What stops us lending more?",
            Kind::Shares,
            Unit::Share,
            format!(
                "Share of decisions by what bound the offer. Mostly `cap`, `threshold` or `rise`: settings cost \
                 you money. Mostly `headroom` or `usage_slack`: the nodes are used, which is what they are for. \
                 Each word: [why.md]({}/why.md).",
                places.docs
            ),
        )
        .ask(
            "sum by (bound) (cluster_pool_resource_bound:gleaner_ticks:rate5m{F,resource=\"$resource\"}) > 0",
            "{{bound}}",
        ),
        panel(
            "How full are the nodes?",
            Kind::Heat,
            Unit::Share,
            "Nodes by the share of their cores that is used by anybody: ten thousand nodes in eleven series. A \
             dark band low: lending would pay there. A dark band at the top: it is done.",
        )
        .ask("sum by (le) (cluster_pool_le:gleaner_cpu_usage_ratio:nodes{F})", "{{le}}"),
    ]
}

pub(super) fn memory() -> Vec<Panel> {
    vec![
        panel(
            "Where does the fleet's memory go?",
            Kind::Lines,
            Unit::Share,
            "Working set of all memory by class, stacked, and the share that is promised to owners; page cache is \
             not in it. Much distance between the dashed line and what guaranteed tasks use can be lent too, after \
             a backtest.",
        )
        .draw(
            "sum by (class) (cluster_pool_class:gleaner_working_set_bytes:sum{F,class!=\"best_effort\"}) \
             / scalar(sum(cluster_pool:gleaner_capacity_memory_bytes:sum{F}))",
            "{{class}}",
            Style::Stacked,
        )
        .draw(
            "sum by (class) (cluster_pool_class:gleaner_working_set_bytes:sum{F,class=\"best_effort\"}) \
             / scalar(sum(cluster_pool:gleaner_capacity_memory_bytes:sum{F}))",
            "{{class}}",
            Style::Stacked,
        )
        .draw(
            "sum(cluster_pool_class:gleaner_allocated_memory_bytes:sum{F,class=\"guaranteed\"}) \
             / sum(cluster_pool:gleaner_capacity_memory_bytes:sum{F})",
            "promised to owners",
            Style::Dashed(look::GUARANTEED),
        )
        .draw(
            "sum(cluster_pool_horizon:gleaner_predicted_peak_memory_bytes:sum{F,horizon=\"$horizon\"}) \
             / sum(cluster_pool:gleaner_capacity_memory_bytes:sum{F})",
            "predicted peak",
            Style::Line(look::PREDICTION),
        )
        .size(12, 9),
        panel(
            "How much memory is lent, offered, possible?",
            Kind::Lines,
            Unit::Bytes,
            "As above, of memory. All 0 unless memory lending is switched on somewhere: lent memory comes back \
             only by ending tasks, so backtest first.",
        )
        .draw("sum(cluster_pool:gleaner_slack_memory_bytes:sum{F})", "slack", Style::Line(look::CALM))
        .draw("sum(cluster_pool:gleaner_lent_memory_bytes:sum{F})", "lent", Style::Line(look::BEST_EFFORT))
        .draw("sum(cluster_pool:gleaner_offer_memory_bytes:sum{F})", "offered", Style::Steps(look::STRAINED))
        .size(12, 9),
    ]
}
