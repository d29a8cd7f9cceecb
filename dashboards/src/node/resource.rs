// SPDX-License-Identifier: Apache-2.0
//! One row a resource: where it goes, what could be lent, whether the prediction held, who is harmed, what holds back.

use crate::Places;
use crate::panel::{Kind, Panel, Style, Unit, panel};
use gleaner_estimator::reason::Resource;
use gleaner_watch::metrics::look;

/// How the metrics of a resource are called.
struct Names {
    resource: Resource,
    /// End of most names.
    end: &'static str,
    /// What is used.
    usage: &'static str,
    unit: Unit,
    thing: &'static str,
}

const CPU: Names = Names {
    resource: Resource::Cpu,
    end: "cpu_cores",
    usage: "gleaner_usage_cpu_cores",
    unit: Unit::Of("cores"),
    thing: "CPU",
};

const MEMORY: Names = Names {
    resource: Resource::Memory,
    end: "memory_bytes",
    usage: "gleaner_working_set_bytes",
    unit: Unit::Bytes,
    thing: "memory",
};

pub(super) fn cpu(places: &Places) -> Vec<Panel> {
    vec![
        goes("Where do the cores go?", &CPU),
        slack("What could be lent, is lent, is offered?", &CPU),
        harmed("Is anybody harmed?", &CPU),
        bound("What held the offer back?", &CPU, places),
        peak("Did the peak stay under the prediction?", &CPU).size(24, 7),
    ]
}

pub(super) fn memory(places: &Places) -> Vec<Panel> {
    vec![
        goes("Where does the memory go?", &MEMORY),
        slack("What memory could be lent, is lent, is offered?", &MEMORY),
        harmed("Is anybody harmed over memory?", &MEMORY),
        bound("What held the offer of memory back?", &MEMORY, places),
        peak("Did memory stay under the prediction?", &MEMORY),
        panel(
            "How much more memory may be lent?",
            Kind::Stat,
            Unit::Bytes,
            "The offer of memory now. It is 0 unless memory lending is switched on, because lent memory comes \
             back only by ending tasks.",
        )
        .ask("gleaner_offer_memory_bytes{N}", "offer")
        .steps(look::BEST_EFFORT, &[]),
    ]
}

pub(super) fn io() -> Panel {
    harm(
        "Is IO contended?",
        Resource::Io,
        "Owners' stall on IO beyond what they show alone, as multiple of what makes IO strained. IO is never lent, \
         only guarded: above the dashed line best-effort tasks get a limit. Always near the line: the disk is too \
         small for its owners.",
    )
    .size(24, 8)
}

fn goes(title: &'static str, names: &Names) -> Panel {
    let Names { end, usage, thing, .. } = names;
    panel(
        title,
        Kind::Lines,
        names.unit,
        format!(
            "The node's {thing}: what each class uses, stacked, best effort on top; what owners were promised; \
             what all that is not best effort is predicted to reach. Between prediction and the dashed line of capacity less reserve \
             lies what may be lent. A prediction far above use for days: ask for a larger risk, after a backtest."
        ),
    )
    // First what the prediction is about, so that its line can be compared with the top of that.
    .draw(
        &format!("sum by (class) ({usage}{{N,class!=\"best_effort\"}})"),
        "{{class}}",
        Style::Stacked,
    )
    .draw(
        &format!("sum by (class) ({usage}{{N,class=\"best_effort\"}})"),
        "{{class}}",
        Style::Stacked,
    )
    .draw(&format!("gleaner_capacity_{end}{{N}}"), "capacity", Style::Line(look::SYSTEM))
    .draw(
        &format!("gleaner_capacity_{end}{{N}} - gleaner_reserve_{end}{{N}}"),
        "capacity less reserve",
        Style::Dashed(look::SYSTEM),
    )
    .draw(
        &format!("gleaner_predicted_peak_{end}{{N,horizon=\"$horizon\",of=\"node\"}}"),
        "predicted peak",
        Style::Line(look::PREDICTION),
    )
    .draw(
        &format!("gleaner_allocated_{end}{{N,class=\"guaranteed\"}}"),
        "promised to owners",
        Style::Dashed(look::GUARANTEED),
    )
}

fn slack(title: &'static str, names: &Names) -> Panel {
    let end = names.end;
    panel(
        title,
        Kind::Lines,
        names.unit,
        "Slack is what may be lent in all; lent is what best-effort tasks hold; the offer is what may be lent on \
         top. Lent above slack means that owners came back: best-effort work must be squeezed within seconds, \
         see \"What was taken back?\". Offered and never lent: the scheduler does not take it.",
    )
    .draw(&format!("gleaner_slack_{end}{{N}}"), "slack", Style::Line(look::CALM))
    .draw(&format!("gleaner_lent_{end}{{N}}"), "lent", Style::Line(look::BEST_EFFORT))
    .draw(
        &format!("gleaner_lent_{end}{{N}} + gleaner_offer_{end}{{N}}"),
        "lent and offered",
        Style::Steps(look::STRAINED),
    )
}

fn peak(title: &'static str, names: &Names) -> Panel {
    let Names { end, usage, .. } = names;
    let end_predicted =
        format!("gleaner_predicted_peak_{end}{{N,horizon=\"$horizon\",of=\"node\"}}");
    panel(
        title,
        Kind::Lines,
        names.unit,
        "What was predicted one horizon ago, and the peak of everything that is not best-effort since. The peak \
         above the prediction is a violation; the risk that was asked for says how often that may be. Scrapes \
         miss short peaks, the counters under \"Does the risk hold?\" do not.",
    )
    .draw(&format!("{end_predicted} offset $horizon"), "predicted then", Style::Line(look::PREDICTION))
    .draw(
        &format!("max_over_time(sum by (instance) ({usage}{{N,class!=\"best_effort\"}})[$horizon:])"),
        "peak that came",
        Style::Line(look::GUARANTEED),
    )
}

fn harmed(title: &'static str, names: &Names) -> Panel {
    harm(
        title,
        names.resource,
        "Each signal of harm, of the guaranteed task that it is worst for, as multiple of the value at which the \
         resource becomes strained (or critical, where only that is judged): above the dashed line for the dwell \
         time changes the level. One task always above it harms itself, see `gleaner sample`; all of them only \
         while best-effort work runs: look at what was taken back.",
    )
}

fn harm(title: &'static str, resource: Resource, says: &'static str) -> Panel {
    let word = resource.word();
    let high = format!(
        "gleaner_pressure_ratio{{N,resource=\"{word}\",signal!=\"headroom\"}} / on (resource, signal) \
         min by (resource, signal) (gleaner_pressure_threshold_ratio{{N,resource=\"{word}\",edge=\"enter\"}})"
    );
    let harm = panel(title, Kind::Lines, Unit::Of("times its limit"), says)
        .ask(&high, "{{signal}}")
        .steps(look::GUARANTEED, &[(1.0, look::STRAINED)]);
    if resource != Resource::Memory {
        return harm;
    }
    // Of headroom low values are bad.
    harm.ask(
        "gleaner_pressure_threshold_ratio{N,signal=\"headroom\",level=\"strained\",edge=\"enter\"} \
         / on (resource, signal) gleaner_pressure_ratio{N,signal=\"headroom\"}",
        "{{signal}}",
    )
}

fn bound(title: &'static str, names: &Names, places: &Places) -> Panel {
    let word = names.resource.word();
    panel(
        title,
        Kind::Shares,
        Unit::Share,
        format!(
            "Share of decisions by what bound the offer. `headroom`: the node is full. `usage_slack`: owners use \
             what they were promised. `cap`, `threshold`, `rise`: your settings. `cold`, `stale`, `no_signal`: \
             nothing is known, see \"Which readings fail?\". `level`, `hold_off`: contention. What to change for \
             each: [why.md]({}/why.md).",
            places.docs
        ),
    )
    .ask(
        &format!("sum by (bound) (rate(gleaner_ticks_total{{N,resource=\"{word}\"}}[RI])) > 0"),
        "{{bound}}",
    )
}
