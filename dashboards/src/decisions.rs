// SPDX-License-Identifier: Apache-2.0
//! The Decisions dashboard: what was taken back, was it right, in time, and are the predictions calibrated?

use crate::Places;
use crate::board::{Board, Row};
use crate::fleet::{annotations, variables};
use crate::panel::{Kind, Panel, Style, Unit, panel};
use gleaner_watch::metrics::look;

const NOTHING: &str = "nothing was taken back: good";
const NONE_DUE: &str = "no prediction has come due yet";

/// The dashboard.
#[must_use]
pub fn board(places: &Places) -> Board {
    let mut taken = taken(places);
    taken.extend(why(places));
    Board {
        uid: "gleaner-decisions",
        title: "Gleaner / Decisions",
        description: "What was taken back, was it right, was it in time, and are the predictions calibrated?",
        refresh: "1m",
        from: "now-24h",
        variables: variables(),
        annotations: annotations(),
        links: vec![("Runbooks", format!("{}/operating.md", places.docs))],
        rows: vec![
            Row { title: "At a glance", open: true, panels: [glance(), promises()].concat() },
            Row { title: "What was taken back, and why?", open: true, panels: taken },
            Row { title: "Are the predictions calibrated?", open: true, panels: calibrated() },
            Row {
                title: "What if it acted, what makes it restless?",
                open: false,
                panels: other(),
            },
        ],
    }
}

/// Corrections a second, averaged over the time range.
fn corrections(by: &str, outcome: &str) -> String {
    format!(
        "sum{by}(avg_over_time(cluster_pool_action_resource_outcome:gleaner_corrections:rate5m{{F,{outcome}}}[R]))"
    )
}

/// Predictions, or their violations, a second, averaged over the time range.
fn predictions(by: &str, of: &str) -> String {
    format!(
        "sum by ({by}) (avg_over_time(cluster_pool_resource_horizon_policy_role:gleaner_{of}:rate30m{{F,role=\"live\"}}[R]))"
    )
}

fn glance() -> Vec<Panel> {
    let made = "outcome!=\"observed\"";
    vec![
        panel(
            "How much was taken back?",
            Kind::Stat,
            Unit::Count("times"),
            "Corrections in the time range, by what was done. Evictions should be the fewest: mostly evictions \
             means that the milder ways do not work, see \"What works here?\" of a node.",
        )
        .ask(&format!("round({} * $__range_s) > 0", corrections(" by (action) ", made)), "{{action}}")
        .steps(look::SYSTEM, &[])
        .quiet(NOTHING)
        .size(12, 4),
        panel(
            "How many helped?",
            Kind::Stat,
            Unit::Share,
            "Corrections after which the harm was measured to fall, of those really made. Under 80 %: see how \
             the others ended, then the runbook of GleanerNoRelief.",
        )
        .ask(&format!("{} / ({} > 0)", corrections("", "outcome=\"done\""), corrections("", made)), "helped")
        .steps(look::CRITICAL, &[(0.5, look::STRAINED), (0.8, look::CALM)])
        .quiet(NOTHING)
        .size(4, 4),
    ]
}

fn promises() -> Vec<Panel> {
    let achieved = format!(
        "{} / ({} > 0) / on (resource) max by (resource) (cluster_pool_resource:gleaner_risk_asked_ratio:max{{F}})",
        predictions("resource", "prediction_violations"),
        predictions("resource", "predictions"),
    );
    vec![
        panel(
            "How many on time?",
            Kind::Stat,
            Unit::Share,
            "Corrections written within 0.15 s of the first sign of harm. Under 95 %: nodes starve Gleaner of \
             CPU; give its unit more weight.",
        )
        .ask(
            "sum(avg_over_time(cluster_pool_le:gleaner_reaction_seconds_bucket:rate5m{F,le=\"0.15\"}[R])) \
             / (sum(avg_over_time(cluster_pool:gleaner_reaction_seconds_count:rate5m{F}[R])) > 0)",
            "on time",
        )
        .steps(look::CRITICAL, &[(0.95, look::CALM)])
        .quiet(NOTHING)
        .size(4, 4),
        panel(
            "Risk, of asked?",
            Kind::Stat,
            Unit::Of("×"),
            "Share of predictions that the true peak exceeded, divided by the share asked for. 0.2 means that \
             more could be lent at the risk you accepted; above 2 raise `reserve` and backtest.",
        )
        .ask(&achieved, "{{resource}}")
        .steps(look::CALM, &[(1.0, look::STRAINED), (2.0, look::CRITICAL)])
        .quiet(NONE_DUE)
        .size(4, 4),
    ]
}

fn taken(places: &Places) -> Vec<Panel> {
    let rate = "cluster_pool_action_resource_outcome:gleaner_corrections:rate5m";
    vec![
        panel(
            "What was taken back, and how?",
            Kind::Bars,
            Unit::PerMinute,
            "Corrections a minute by what was done, the mildest first in the ladder: limits, freezing, eviction. \
             Evictions without anything milder before them: the ladder is broken, see \"What works here?\".",
        )
        .ask(&format!("sum by (action) ({rate}{{F,outcome!=\"observed\"}}) * 60 > 0"), "{{action}}")
        .quiet(NOTHING)
        .size(8, 8),
        panel(
            "Did it help?",
            Kind::Shares,
            Unit::Share,
            "Share of corrections by how they ended. `vanished`: the task ended by itself. `ignored`: the agent \
             did not do what it was asked. `no_relief` often: the harm has another cause.",
        )
        .ask(&format!("sum by (outcome) ({rate}{{F,outcome!=\"observed\"}}) > 0"), "{{outcome}}")
        .quiet(NOTHING)
        .size(8, 8),
        panel(
            "For which reason?",
            Kind::Bars,
            Unit::PerMinute,
            format!(
                "Corrections a minute by action and reason. Each word is explained in \
                 [operating.md]({}/operating.md#reasons). One reason far ahead is what to tune.",
                places.docs
            ),
        )
        .ask(
            "sum by (action, reason) (cluster_pool_action_reason:gleaner_corrections:rate5m{F}) * 60 > 0",
            "{{action}}: {{reason}}",
        )
        .quiet(NOTHING)
        .size(8, 8),
    ]
}

fn why(places: &Places) -> Vec<Panel> {
    vec![
        panel(
            "How soon after trouble began?",
            Kind::Heat,
            Unit::Seconds,
            "Corrections by the time from the first sign of harm until they were written. The promise is 0.15 s. \
             A second band at seconds: some nodes starve Gleaner of CPU, find them with GleanerReactionSlow.",
        )
        .ask("sum by (le) (cluster_pool_le:gleaner_reaction_seconds_bucket:rate5m{F})", "{{le}}")
        .size(16, 8),
        panel(
            "How do I see one decision?",
            Kind::Text,
            Unit::Mixed,
            format!(
                "Prometheus has no names of tasks: a node has the same series whatever runs on it. A single \
                 decision is told\n\n* on the node's own page, linked from the **Node** dashboard;\n* by \
                 `gleaner explain` on the node, from the audit file: inputs, every candidate, why this one, what \
                 relief came;\n* at `/v1/events` and `/v1/decision` of the node, as JSON.\n\nWhat each alert asks \
                 you to do: [operating.md]({}/operating.md).",
                places.docs
            ),
        )
        .size(8, 8),
    ]
}

fn calibrated() -> Vec<Panel> {
    let of = |name: &str| {
        format!(
            "sum by (policy, role) (cluster_pool_resource_horizon_policy_role:gleaner_{name}:rate30m{{F,resource=\"cpu\"}})"
        )
    };
    vec![
        panel(
            "Who predicts best, live or shadow?",
            Kind::Lines,
            Unit::ShareLog,
            "Share of CPU predictions that the true peak exceeded, of the policy that decides and of those that \
             run beside it. Lower is safer but lends less: compare with `gleaner backtest`, then change \
             `predict.predictor`.",
        )
        .ask(&format!("{} / ({} > 0)", of("prediction_violations"), of("predictions")), "{{policy}}, {{role}}")
        .draw(
            "max(cluster_pool_resource:gleaner_risk_asked_ratio:max{F,resource=\"cpu\"})",
            "asked",
            Style::Dashed(look::STRAINED),
        )
        .quiet(NONE_DUE),
        panel(
            "Achieved by resource and horizon?",
            Kind::Table,
            Unit::Share,
            "Share of predictions that the true peak exceeded in the time range, by horizon. One horizon far off \
             and the others fine: a daily pattern that has not been seen often enough; wait, or lend by another \
             horizon.",
        )
        .ask(
            &format!(
                "{} / ({} > 0)",
                predictions("resource, horizon", "prediction_violations"),
                predictions("resource, horizon", "predictions"),
            ),
            "",
        )
        .columns(&[("resource", "resource"), ("horizon", "horizon"), ("Value", "achieved")])
        .sorted("achieved", false)
        .quiet(NONE_DUE),
    ]
}

fn other() -> Vec<Panel> {
    vec![
        panel(
            "What would observe mode have done?",
            Kind::Bars,
            Unit::PerMinute,
            "Corrections a minute that the mode forbade. This is the evidence for, or against, a mode that acts: \
             on nodes that calm down by themselves it would only have cost work.",
        )
        .ask(
            "sum by (action) (cluster_pool_action_resource_outcome:gleaner_corrections:rate5m{F,outcome=\"observed\"}) \
             * 60 > 0",
            "{{action}}",
        )
        .quiet("nothing would have been taken back"),
        panel(
            "How restless are the levels?",
            Kind::Lines,
            Unit::Of("changes per node and hour"),
            "Changes of level, by where to. Above 5: lengthen the dwell time or spread the thresholds, see the \
             runbook of GleanerLevelFlapping.",
        )
        .ask(
            "sum by (resource, to) (cluster_pool_resource_to:gleaner_level_transitions:rate5m{F}) * 3600 \
             / scalar(sum(cluster_pool:gleaner_up:count{F}))",
            "{{resource}} to {{to}}",
        )
        .steps(look::GUARANTEED, &[(5.0, look::STRAINED)]),
    ]
}
