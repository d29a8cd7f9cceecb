// SPDX-License-Identifier: Apache-2.0
//! The screen of `gleaner status`: at most twenty lines, understood without colours.

use crate::shown::{Event, Lending, Score, Shown, Words};
use crate::table::printable;
use gleaner_estimator::units::{Bytes, MilliCpus, Span};
use gleaner_watch::state::State;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

/// Most troubles, and most events, that are listed.
const MOST: usize = 3;

/// The screen.
pub(super) fn screen(
    shown: &Shown,
    events: &[Event],
    corrections: &BTreeMap<String, u64>,
) -> String {
    let mut text = head(shown);
    let Shown { decision, why, .. } = shown;
    resource(&mut text, "CPU", &why.cpu, Some(&sums(&decision.cpu, cores)));
    resource(
        &mut text,
        "Memory",
        &why.memory,
        Some(&sums(&decision.memory, |b: Bytes| b.to_string())),
    );
    if let Some(io) = &why.io {
        resource(&mut text, "IO", io, None);
    }
    let mut line = |name: &str, value: &str| {
        let written = writeln!(text, "  {name:<7} {}", printable(value));
        debug_assert!(written.is_ok(), "a String takes everything");
    };
    if let Some(risk) = risk(&decision.cpu.scores, decision.cpu.peak.as_ref().map(|p| p.horizon)) {
        line("Risk", &risk);
    }
    line("Did", &did(shown, corrections));
    for event in events.iter().take(MOST) {
        line("", &format!("{} {}", crate::civil::date_time(event.at_ms), event.text));
    }
    for trouble in shown.host.troubles.iter().take(MOST) {
        line("!", &troubled(&trouble.what, &trouble.command));
    }
    if let Some(more) = shown.host.troubles.len().checked_sub(MOST).filter(|more| *more > 0) {
        line("!", &format!("and {more} more: gleaner top"));
    }
    text
}

fn head(shown: &Shown) -> String {
    let up = Span::from_millis(shown.wall_ms.saturating_sub(shown.about.started_ms));
    printable(&format!(
        "{} gleaner {} on {}: {}, {}; up {up}, last decision {} ago",
        sign(shown.state()),
        shown.about.version,
        shown.node,
        shown.doing(),
        shown.state().word(),
        Span::from_millis(shown.age_ms),
    )) + "\n"
}

/// Told apart by shape, for those who see no colours.
const fn sign(state: State) -> char {
    match state {
        State::Calm => '●',
        State::Cold => '◐',
        State::Degraded | State::Strained => '▲',
        State::Blind | State::Critical | State::Stale | State::Poisoned => '✖',
    }
}

fn resource(text: &mut String, name: &str, words: &Words, sums: Option<&str>) {
    let word = words.state().word();
    let said = printable(&format!("{} {}", words.headline, words.limit));
    let written = match sums {
        Some(sums) => writeln!(text, "  {name:<7} {word:<9} {sums}\n          {}", said.trim()),
        None => writeln!(text, "  {name:<7} {word:<9} {}", said.trim()),
    };
    debug_assert!(written.is_ok(), "a String takes everything");
}

fn cores(cpu: MilliCpus) -> String {
    format!("{cpu} cores")
}

fn sums<Q: Copy>(r: &Lending<Q>, show: impl Fn(Q) -> String) -> String {
    let peak = r.peak.as_ref().map_or_else(|| "no peak".to_owned(), |peak| show(peak.node));
    format!(
        "{} capacity, {peak} predicted, {} lent, {} offered",
        show(r.capacity),
        show(r.lent),
        show(r.offer.amount)
    )
}

/// How the predictions that offers are made from have turned out.
fn risk(scores: &[Option<Score>], horizon: Option<Span>) -> Option<String> {
    let score = scores.iter().flatten().find(|score| Some(score.horizon) == horizon)?;
    let tally = score.since_start;
    let asked = percent(score.asked);
    if tally.predictions == 0 {
        return Some(format!("asked {asked}, nothing judged yet"));
    }
    let achieved = percent(tally.violations as f64 / tally.predictions as f64);
    Some(format!(
        "asked {asked}, achieved {achieved} ({} of {} predictions of CPU)",
        tally.violations, tally.predictions
    ))
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

fn did(shown: &Shown, corrections: &BTreeMap<String, u64>) -> String {
    let done = corrections.iter().filter(|(_, count)| **count > 0);
    let list: Vec<String> = done.map(|(action, count)| format!("{action} {count}")).collect();
    let past = if list.is_empty() { "nothing taken back".to_owned() } else { list.join(", ") };
    let held = shown.host.held;
    format!(
        "{past} since the start; held back now: {} throttled, {} frozen",
        held.throttled, held.frozen
    )
}

fn troubled(what: impl Display, command: &str) -> String {
    if command.is_empty() { what.to_string() } else { format!("{what}: {command}") }
}

/// How often each action was taken since the start, from the text of `/metrics`.
pub(super) fn corrections(metrics: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in metrics.lines() {
        let Some(rest) = line.strip_prefix("gleaner_corrections_total{") else { continue };
        let Some((labels, value)) = rest.split_once("} ") else { continue };
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\""))?;
            rest.split('"').next()
        };
        let (Some(action), Ok(count)) = (label("action"), value.trim().parse::<u64>()) else {
            continue;
        };
        if label("outcome") != Some("observed") {
            *counts.entry(action.to_owned()).or_default() += count;
        }
    }
    counts
}

/// What to say when nobody answers.
pub(super) fn unanswered(url: &str, why: &str) -> String {
    format!(
        "○ no gleaner answers at {url}\n  {}\n  Start one with `gleaner run`; `--url` asks another, `gleaner top` looks at this node by itself.\n",
        printable(why)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_added_up_and_what_was_only_shown_is_not() {
        let metrics = "# TYPE gleaner_corrections_total counter\n\
            gleaner_corrections_total{action=\"evict\",outcome=\"done\",resource=\"cpu\"} 1\n\
            gleaner_corrections_total{action=\"evict\",outcome=\"failed\",resource=\"io\"} 2\n\
            gleaner_corrections_total{action=\"evict\",outcome=\"observed\",resource=\"io\"} 40\n\
            gleaner_ticks_total{bound=\"cap\"} 9\n";
        assert_eq!(corrections(metrics), BTreeMap::from([("evict".to_owned(), 3)]));
    }
}
