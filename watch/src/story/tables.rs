// SPDX-License-Identifier: Apache-2.0
//! How things stood: levels, signals, the probe, and everybody who was weighed.

use super::words::{dash, list, number, relief, word};
use super::{Section, corrections, takes_back};
use crate::order::{places, why};
use gleaner_estimator::units::Span;
use gleaner_qos::rank::Candidate;
use serde_json::Value;

pub(super) fn levels(decision: &Value) -> Section {
    let at = &decision["assessment"]["at"];
    let columns = [("Resource", false), ("Level", false), ("Since", true), ("Led by", false)];
    let mut table = Section::table("How things stood", &columns);
    for resource in list(&decision["assessment"]["resources"]) {
        let unknown = resource["no_signal"] == true;
        let since =
            at.as_u64().zip(resource["since"].as_u64()).map(|(at, since)| Span(at - since.min(at)));
        table.row([
            word(&resource["resource"]),
            if unknown { "unknown, no signal".to_owned() } else { word(&resource["level"]) },
            since.map_or_else(dash, |span| span.to_string()),
            word(&resource["leading"]),
        ]);
    }
    table
}

pub(super) fn readings(decision: &Value) -> Section {
    let columns = [
        ("Signal", false),
        ("Value", true),
        ("Strained", true),
        ("Critical", true),
        ("Asks for", false),
        ("Worst for", false),
    ];
    let mut table = Section::table("What was measured", &columns);
    let all = list(&decision["assessment"]["readings"]);
    for reading in all.into_iter().filter(|reading| !reading["value"].is_null()) {
        let asks = match reading["ignored"].is_null() {
            true => word(&reading["over"]),
            false => format!("not counted: {}", word(&reading["ignored"])),
        };
        table.row([
            word(&reading["signal"]),
            number(&reading["value"]),
            number(&reading["strained"]["enter"]),
            number(&reading["critical"]["enter"]),
            asks,
            word(&reading["task"]["name"]),
        ]);
    }
    table
}

pub(super) fn probe(probe: &Value) -> Section {
    let mut section = Section::named("What a probe showed");
    if probe.is_null() {
        return section;
    }
    let after = match probe["after"].is_null() {
        true => String::new(),
        false => format!(", and {} when they ran again", number(&probe["after"])),
    };
    let text = format!(
        "{}: {} of {} was {} before and {} while {} suspects were frozen{after}: {}",
        word(&probe["resource"]),
        word(&probe["measure"]),
        word(&probe["harmed"]["name"]),
        number(&probe["before"]),
        number(&probe["during"]),
        probe["suspects"],
        word(&probe["verdict"]),
    );
    section.line(false, &text);
    section
}

pub(super) fn candidates(decision: &Value) -> Section {
    let columns = [
        ("Priority", true),
        ("Would give", true),
        ("Age", true),
        ("CPU spent", true),
        ("Tenant", false),
        ("Task", false),
        ("Not chosen because", false),
    ];
    let mut table = Section::table("Who could be chosen, the best victim first", &columns);
    for candidate in list(&decision["verdict"]["candidates"]) {
        let cost = &candidate["cost"];
        let spent = cost["cpu_usec"].as_u64().map(|usec| Span(usec.saturating_mul(1000)));
        let mut against: Vec<String> = Vec::new();
        if !candidate["excluded"].is_null() {
            against.push(word(&candidate["excluded"]));
        }
        if candidate["failed"] == true {
            against.push("failed lately".to_owned());
        }
        if candidate["tenant_hit"] == true {
            against.push("its tenant was hit lately".to_owned());
        }
        table.row([
            candidate["priority"].to_string(),
            relief(&candidate["relief"]),
            cost["age"].as_u64().map_or_else(dash, |age| Span(age).to_string()),
            spent.map_or_else(dash, |span| span.to_string()),
            word(&candidate["tenant"]),
            word(&candidate["task"]["name"]),
            if against.is_empty() { dash() } else { against.join(", ") },
        ]);
    }
    if let Some(line) = why_this_one(decision) {
        table.line(false, &line);
    }
    table
}

/// Why the one in front was chosen, where it was.
fn why_this_one(decision: &Value) -> Option<String> {
    let all = &decision["verdict"]["candidates"];
    let ranked: Vec<Candidate> = serde_json::from_value(all.clone()).ok()?;
    let first = ranked.first().filter(|first| first.excluded.is_none())?;
    let chosen =
        |correction: &Value| takes_back(correction) && correction["task"] == all[0]["task"];
    corrections(decision).find(|correction| chosen(correction))?;
    let places = places(&ranked);
    let reason = why(places.first()?, places.get(1));
    Some(format!("{} goes first: {reason}", first.task.name))
}
