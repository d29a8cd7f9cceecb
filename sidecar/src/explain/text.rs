// SPDX-License-Identifier: Apache-2.0
//! A decision's story for a person: how things stood, who could have been chosen, what was done, what came of it.

use super::{Story, corrections};
use crate::civil::{date_time, time};
use crate::table::{Align, Table, printable};
use gleaner_act::audit::{Ended, Entry};
use gleaner_estimator::units::{Bytes, MilliCpus, Span};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The whole text.
pub(super) fn render(story: &Story) -> String {
    let decision = &story.decision;
    let mut text = format!(
        "Decision {}, {} UTC, mode {}\n",
        decision["tick"],
        date_time(decision["wall_ms"].as_u64().unwrap_or(0)),
        word(&decision["mode"]),
    );
    if decision["health"]["state"] == "failed" {
        let why = printable(&word(&decision["health"]["why"]));
        let _ = writeln!(text, "The reading failed, so nothing was decided: {why}");
    }
    section(&mut text, "How things stood", &levels(decision));
    section(&mut text, "What was measured", &readings(decision));
    section(&mut text, "What a probe showed", &probe(&decision["assessment"]["probe"]));
    section(&mut text, "Who could be chosen, the best victim first", &candidates(decision));
    section(&mut text, "What was done, and why", &acts(story));
    section(&mut text, "Why no more was done", &held(decision));
    if story.unread.lines > 0 {
        let _ = writeln!(text, "\n{} lines of the audit file cannot be read.", story.unread.lines);
    }
    text
}

fn section(text: &mut String, heading: &str, body: &str) {
    if !body.is_empty() {
        let _ = write!(text, "\n{heading}\n{body}");
    }
}

fn levels(decision: &Value) -> String {
    let at = &decision["assessment"]["at"];
    let mut table = Table::new(&[
        ("  RESOURCE", Align::Left),
        ("LEVEL", Align::Left),
        ("SINCE", Align::Right),
        ("LED BY", Align::Left),
    ]);
    let resources = list(&decision["assessment"]["resources"]);
    for resource in &resources {
        let unknown = resource["no_signal"] == true;
        let since =
            at.as_u64().zip(resource["since"].as_u64()).map(|(at, since)| Span(at - since.min(at)));
        table.row([
            format!("  {}", word(&resource["resource"])),
            if unknown { "unknown, no signal".to_owned() } else { word(&resource["level"]) },
            since.map_or_else(dash, |span| span.to_string()),
            word(&resource["leading"]),
        ]);
    }
    if resources.is_empty() { String::new() } else { table.text() }
}

fn readings(decision: &Value) -> String {
    let known: Vec<&Value> = list(&decision["assessment"]["readings"])
        .into_iter()
        .filter(|reading| !reading["value"].is_null())
        .collect();
    let mut table = Table::new(&[
        ("  SIGNAL", Align::Left),
        ("VALUE", Align::Right),
        ("STRAINED", Align::Right),
        ("CRITICAL", Align::Right),
        ("ASKS FOR", Align::Left),
        ("WORST FOR", Align::Left),
    ]);
    for reading in &known {
        let asks = if reading["ignored"].is_null() {
            word(&reading["over"])
        } else {
            format!("not counted: {}", word(&reading["ignored"]))
        };
        table.row([
            format!("  {}", word(&reading["signal"])),
            number(&reading["value"]),
            number(&reading["strained"]["enter"]),
            number(&reading["critical"]["enter"]),
            asks,
            word(&reading["task"]["name"]),
        ]);
    }
    if known.is_empty() { String::new() } else { table.text() }
}

fn probe(probe: &Value) -> String {
    if probe.is_null() {
        return String::new();
    }
    let after = match probe["after"].is_null() {
        true => String::new(),
        false => format!(", and {} when they ran again", number(&probe["after"])),
    };
    printable(&format!(
        "  {}: {} of {} was {} before and {} while {} suspects were frozen{after}: {}",
        word(&probe["resource"]),
        word(&probe["measure"]),
        word(&probe["harmed"]["name"]),
        number(&probe["before"]),
        number(&probe["during"]),
        probe["suspects"],
        word(&probe["verdict"]),
    )) + "\n"
}

fn candidates(decision: &Value) -> String {
    let mut table = Table::new(&[
        ("  PRIORITY", Align::Right),
        ("WOULD GIVE", Align::Right),
        ("AGE", Align::Right),
        ("CPU SPENT", Align::Right),
        ("TENANT", Align::Left),
        ("TASK", Align::Left),
        ("NOT CHOSEN BECAUSE", Align::Left),
    ]);
    let all = list(&decision["verdict"]["candidates"]);
    for candidate in &all {
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
    if all.is_empty() { String::new() } else { table.text() }
}

fn acts(story: &Story) -> String {
    let mut text = String::new();
    for correction in corrections(&story.decision) {
        let name = word(&correction["task"]["name"]);
        let line = format!(
            "  {} {name}, for {}: {}",
            action(&correction["action"]),
            word(&correction["resource"]),
            reason(&correction["why"]),
        );
        text.push_str(&printable(&line));
        text.push('\n');
        if !correction["relief"].is_null() {
            let _ = writeln!(text, "      expected to give {}", relief(&correction["relief"]));
        }
        if correction["would"] == true {
            text.push_str("      only shown: the mode allows no more\n");
        }
        text.push_str(&ends(story, correction));
    }
    text
}

/// What the audit file tells of one correction.
fn ends(story: &Story, correction: &Value) -> String {
    let same = |task: &gleaner_estimator::sample::TaskId, action: &Value| {
        correction["task"]["name"] == *task.name
            && correction["task"]["inode"] == task.inode
            && correction["action"] == *action
    };
    let (mut begun, mut ended) = (None, String::new());
    for entry in &story.entries {
        match entry {
            Entry::Intent(intent) if same(&intent.task, &json!(intent.action)) => {
                begun = Some(intent.wall_ms);
            }
            Entry::Outcome(end) if same(&end.task, &json!(end.action)) => {
                ended.push_str(&end_line(end));
            }
            Entry::Intent(_) | Entry::Outcome(_) | Entry::Undone { .. } => {}
        }
    }
    match begun {
        Some(wall_ms) if ended.is_empty() => {
            format!("      begun {}, and no end of it is known\n", time(wall_ms))
        }
        Some(_) | None => ended,
    }
}

fn end_line(end: &Ended) -> String {
    let by = end.means.map(|means| format!(" by {}", means.word())).unwrap_or_default();
    let result = format!("{}{by}, after {}", end.outcome, end.took);
    let came = end.relief.map(|back| format!("; {} came back", relief(&json!(back))));
    printable(&format!("      {} {result}{}", time(end.wall_ms), came.unwrap_or_default())) + "\n"
}

fn held(decision: &Value) -> String {
    let why = list(&decision["verdict"]["held"]);
    let named = ["cpu", "memory", "io"].into_iter().zip(why).filter(|(_, why)| !why.is_null());
    named.map(|(resource, why)| format!("  {resource}: {}\n", word(why))).collect()
}

/// `headroom 0.02 past 0.176, harming web`.
fn reason(why: &Value) -> String {
    let mut text = word(&why["reason"]);
    if !why["signal"].is_null() {
        let value = number(&why["value"]);
        let _ =
            write!(text, " ({} {value}, edge {}", word(&why["signal"]), number(&why["threshold"]));
        if !why["harmed"].is_null() {
            let _ = write!(text, ", harming {}", word(&why["harmed"]["name"]));
        }
        text.push(')');
    }
    text
}

/// `evict`, `freeze`, `undo cpu_quota`.
fn action(action: &Value) -> String {
    let Some((name, details)) = action.as_object().and_then(|object| object.iter().next()) else {
        return word(action);
    };
    let details = &details;
    if let Some(cpu) = details["limit"].as_u64().filter(|_| name == "cpu_quota") {
        return format!("{name} {} cores", MilliCpus(cpu));
    }
    if let Some(bytes) = details["limit"].as_u64().or(details["amount"].as_u64()) {
        return format!("{name} {}", Bytes(bytes));
    }
    if let Some(actuator) = details["actuator"].as_str() {
        return format!("{name} {actuator}");
    }
    name.clone()
}

/// What comes, or came, back.
fn relief(relief: &Value) -> String {
    let amount = |key: &str| relief[key].as_u64();
    if let Some(bytes) = amount("memory") {
        return Bytes(bytes).to_string();
    }
    if let Some(cpu) = amount("cpu") {
        return format!("{} cores", MilliCpus(cpu));
    }
    match relief["io"].as_f64() {
        Some(share) => format!("{:.0}% of the time", share * 100.0),
        None => dash(),
    }
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

/// A word as it stands in the file; a dash for none.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(dash, str::to_owned)
}

/// Three digits that count.
fn number(value: &Value) -> String {
    match value.as_f64() {
        None => dash(),
        Some(number) if number.abs() >= 100.0 => format!("{number:.0}"),
        Some(number) if number.abs() >= 1.0 => format!("{number:.2}"),
        Some(number) => format!("{number:.3}"),
    }
}

fn dash() -> String {
    "–".to_owned()
}
