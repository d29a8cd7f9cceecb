// SPDX-License-Identifier: Apache-2.0
//! What was taken back, why, how soon and with what effect; and whether the predictions behind lending held.

use crate::Places;
use crate::panel::{Kind, Panel, Style, Unit, panel};
use gleaner_watch::metrics::look;

const NOTHING: &str = "nothing was taken back: good";
const NONE_DUE: &str = "no prediction has come due yet";

pub(super) fn panels(places: &Places) -> Vec<Panel> {
    vec![
        panel(
            "What was taken back, and did it work?",
            Kind::Bars,
            Unit::Of("corrections"),
            "Corrections that ended, by what was done and how it ended. `no_relief`, `failed` or `ignored` again \
             and again: see \"What works here?\" and the runbook of GleanerNoRelief. `observed` means that the \
             mode forbade it.",
        )
        .ask(
            "sum by (action, outcome) (increase(gleaner_corrections_total{N}[RI])) > 0",
            "{{action}}: {{outcome}}",
        )
        .quiet(NOTHING)
        .size(12, 8),
        panel(
            "Why was it taken back?",
            Kind::Bars,
            Unit::Of("corrections"),
            format!(
                "Corrections that were really made, by why. Each word is explained in \
                 [operating.md]({}/operating.md#reasons). One reason again and again: the node is lent too \
                 full, ask for a smaller risk or set a cap.",
                places.docs
            ),
        )
        .ask(
            "sum by (action, reason) (increase(gleaner_corrections_by_reason_total{N}[RI])) > 0",
            "{{action}}: {{reason}}",
        )
        .quiet(NOTHING)
        .size(12, 8),
        panel(
            "How soon after trouble began?",
            Kind::Heat,
            Unit::Seconds,
            "Time from the first sign of harm until the correction was written. The promise is 0.15 s. Slower: \
             the node was too busy to run Gleaner; give its unit more CPU weight and `memory.min`.",
        )
        .ask("sum by (le) (increase(gleaner_reaction_seconds_bucket{N}[RI]))", "{{le}}"),
        panel(
            "How many tasks, how many held back?",
            Kind::Lines,
            Unit::Of("tasks"),
            "Tasks by class, and best-effort tasks that are throttled or frozen now. Frozen ones should be free \
             again within seconds; if not, see the runbook of GleanerFreezeStuck.",
        )
        .ask("sum by (class) (gleaner_tasks{N})", "{{class}}")
        .ask("sum by (how) (gleaner_tasks_held{N})", "{{how}}"),
    ]
}

pub(super) fn risk() -> Vec<Panel> {
    let seven_days = "sum(increase(gleaner_prediction_violations_total{N,resource=\"cpu\",role=\"live\"}[7d])) \
         / (sum(increase(gleaner_predictions_total{N,resource=\"cpu\",role=\"live\"}[7d])) > 0) \
         / scalar(max(gleaner_risk_asked_ratio{N,resource=\"cpu\"}))";
    vec![
        panel(
            "Does the risk hold, over 7 days?",
            Kind::Stat,
            Unit::Of("× asked"),
            "Risk achieved divided by risk asked, of CPU, always over 7 days: one node has few intervals, so a \
             single bad one weighs. Under 1 is the promise; over 2, raise `reserve` and run `gleaner backtest` \
             on a recording.",
        )
        .ask(seven_days, "achieved ÷ asked")
        .steps(look::CALM, &[(1.0, look::STRAINED), (2.0, look::CRITICAL)])
        .quiet(NONE_DUE)
        .size(6, 8),
        panel(
            "Asked and achieved, since learning began?",
            Kind::Lines,
            Unit::Share,
            "Share of predictions that the true peak exceeded, by horizon, since learning began and over the \
             last day, beside what was asked for. Above the dashed line for a day: ask for less, or keep more in \
             reserve until it has learned.",
        )
        .ask("gleaner_risk_achieved_ratio{N,resource=\"cpu\"}", "{{horizon}}, {{window}}")
        .quiet(NONE_DUE)
        .draw(
            "gleaner_risk_asked_ratio{N,resource=\"cpu\"}",
            "asked",
            Style::Dashed(look::STRAINED),
        )
        .size(9, 8),
        panel(
            "What does the asked risk cost here?",
            Kind::Lines,
            Unit::Of("times"),
            "How many times its own uncertainty a prediction lies above what is expected. A rising scale means that this node is harder to foresee than it was, and lends \
             less; nothing has to be done.",
        )
        .ask("gleaner_prediction_scale_ratio{N,resource=\"cpu\"}", "scale, {{horizon}}")
        .quiet(NONE_DUE)
        .size(9, 8),
    ]
}

/// The last correction of each kind, for the first row.
pub(super) fn last(places: &Places) -> Panel {
    panel(
        "What was done last, and why?",
        Kind::Table,
        Unit::Moment,
        "The last correction of each kind, with its reason. Which task it was says the node's own page, or \
         `gleaner explain` on the node; names of tasks are no labels, so that a node has the same series \
         whatever runs on it.",
    )
    .ask("gleaner_last_correction_timestamp_seconds{N} * 1000", "")
    .columns(&[
        ("action", "action"),
        ("reason", "reason"),
        ("Value", "when"),
        ("cluster", ""),
        ("pool", ""),
        ("instance", ""),
        ("job", ""),
    ])
    .sorted("when", false)
    .quiet(NOTHING)
    .link("This node's own page", places.page.clone())
    .size(8, 6)
}
