// SPDX-License-Identifier: Apache-2.0
//! The first row: everything that one minute of looking should tell.

use crate::Places;
use crate::panel::{Kind, Panel, Unit, panel};
use gleaner_watch::metrics::look;

/// Level, in the order of its numbers; three more where there is no signal.
const LEVELS: &[(u8, &str, &str)] = &[
    (0, "calm", look::CALM),
    (1, "strained", look::STRAINED),
    (2, "critical", look::CRITICAL),
    (4, "no signal", look::SYSTEM),
];

pub(super) fn panels(places: &Places) -> Vec<Panel> {
    let mut panels = lending(places);
    panels.extend(state(places));
    panels.push(
        panel(
            "How contended was each resource?",
            Kind::States,
            Unit::Of("level"),
            "Harm to guaranteed tasks. Strained stops lending, critical takes back. Short amber is normal; \
             red for more than a minute is not: see which signal shows it under \"Is anybody harmed?\", then what \
             was tried under \"What was taken back?\". Without any signal a resource counts as strained and is \
             grey here. A gap means that Gleaner was not scraped.",
        )
        .ask(
            "gleaner_level{N} + on (resource) 3 * (1 - max by (resource) (gleaner_signal_available{N}))",
            "{{resource}}",
        )
        .states(LEVELS)
        .size(16, 6),
    );
    panels.push(super::work::last(places));
    panels
}

fn lending(places: &Places) -> Vec<Panel> {
    vec![
        panel(
            "Lent now?",
            Kind::Stat,
            Unit::Of("cores"),
            "Cores that best-effort tasks hold now. Nothing is wrong with 0; if it stays 0 while more is \
             offered, the scheduler does not use the offer.",
        )
        .ask("gleaner_lent_cpu_cores{N}", "lent")
        .steps(look::BEST_EFFORT, &[])
        .size(3, 4),
        panel(
            "Offered?",
            Kind::Stat,
            Unit::Of("cores"),
            "The offer of CPU now. 0 is no error: the panel beside it says what it is held back by.",
        )
        .ask("gleaner_offer_cpu_cores{N}", "offer")
        .steps(look::BEST_EFFORT, &[])
        .size(3, 4),
        panel(
            "Why not more?",
            Kind::Name,
            Unit::Of("ticks"),
            format!(
                "What kept the CPU offer from being larger most often in the last minutes. \
                 `headroom`: the node is as full as it should be. `cap`, `threshold`, `rise`: your settings. \
                 Each word, and what to change, is in [why.md]({}/why.md).",
                places.docs
            ),
        )
        .ask(
            "topk(1, sum by (bound) (increase(gleaner_ticks_total{N,resource=\"cpu\"}[RI])))",
            "{{bound}}",
        )
        .steps(look::SYSTEM, &[])
        .link("What does the word mean?", format!("{}/why.md", places.docs))
        .size(4, 4),
        panel(
            "What share is lent?",
            Kind::Stat,
            Unit::Share,
            "Cores that best-effort tasks hold, of all cores. Compare with what owners use below: the rest \
             between them is reserve, or not predicted to stay free.",
        )
        .ask("gleaner_lent_cpu_cores{N} / gleaner_capacity_cpu_cores{N}", "lent")
        .steps(look::BEST_EFFORT, &[])
        .size(4, 4),
    ]
}

fn state(places: &Places) -> Vec<Panel> {
    vec![
        panel(
            "How many evicted?",
            Kind::Stat,
            Unit::Count("tasks"),
            "Best-effort tasks evicted in the time range shown. A few a day are what lending costs; many at \
             once are more often a fault of ours than harm. What was evicted last and why: the marks in the \
             graphs, the node's own page, and `gleaner explain`.",
        )
        .ask(
            "sum(increase(gleaner_corrections_total{N,action=\"evict\",outcome!=\"observed\"}[R]))",
            "evicted",
        )
        .steps(look::CALM, &[(1.0, look::STRAINED), (10.0, look::CRITICAL)])
        .link("This node's own page", places.page.clone())
        .size(4, 4),
        panel(
            "Acting?",
            Kind::Name,
            Unit::Of("modes"),
            "How far Gleaner may go. In `observe` it decides, shows, and touches nothing; `squeeze` holds \
             best-effort tasks back; `evict` also ends them. Change `mode` in the configuration.",
        )
        .ask("max by (mode) (gleaner_mode_info{N}) == 1", "{{mode}}")
        .steps(look::SYSTEM, &[])
        .size(3, 4),
        panel(
            "Deciding?",
            Kind::Stat,
            Unit::PerSecond,
            "Decisions a second: about one, more under contention. 0 means that it is stuck: restart it, and \
             keep the audit file and the log.",
        )
        .ask("rate(gleaner_tick_duration_seconds_count{N}[RI])", "decisions")
        .steps(look::CRITICAL, &[(0.5, look::STRAINED), (0.9, look::CALM)])
        .size(3, 4),
    ]
}
