// SPDX-License-Identifier: Apache-2.0
//! What was done because of a decision, why, what came of it, and why no more was done.

use super::words::{action, because, list, reason, relief, word};
use super::{Act, End, Section, corrections};
use crate::civil::time;
use crate::order::amount;
use serde_json::{Value, json};

pub(super) fn done(decision: &Value, acts: &[Act]) -> Section {
    let mut section = Section::named("What was done, and why");
    for correction in corrections(decision) {
        let name = word(&correction["task"]["name"]);
        let line = format!(
            "{} {name}, for {}: {}",
            action(&correction["action"]),
            word(&correction["resource"]),
            reason(&correction["why"]),
        );
        section.line(false, &line);
        if let Some(because) = because(&correction["why"]) {
            section.line(true, &because);
        }
        if !correction["relief"].is_null() {
            section.line(true, &format!("expected to give {}", relief(&correction["relief"])));
        }
        if correction["would"] == true {
            section.line(true, "only shown: the mode allows no more");
        }
        for line in ends(acts, correction) {
            section.line(true, &line);
        }
    }
    section
}

/// What is known of one correction's end.
fn ends(acts: &[Act], correction: &Value) -> Vec<String> {
    let same = |act: &&Act| {
        correction["task"] == json!(act.task) && correction["action"] == json!(act.action)
    };
    let (ended, begun): (Vec<&Act>, Vec<&Act>) =
        acts.iter().filter(same).partition(|act| act.end.is_some());
    let line =
        |act: &&Act| act.end.as_ref().map(|end| format!("{} {}", time(act.wall_ms), said(end)));
    let lines: Vec<String> = ended.iter().filter_map(line).collect();
    match begun.last() {
        Some(begun) if lines.is_empty() => {
            vec![format!("begun {}, and no end of it is known", time(begun.wall_ms))]
        }
        Some(_) | None => lines,
    }
}

/// `done by cgroup.kill, after 340 ms; 2.6 GiB came back`.
pub(crate) fn said(end: &End) -> String {
    let by = end.means.map(|means| format!(" by {means}")).unwrap_or_default();
    let came = end.relief.map(|back| format!("; {} came back", amount(back)));
    format!("{}{by}, after {}{}", end.outcome, end.took, came.unwrap_or_default())
}

pub(super) fn held(decision: &Value) -> Section {
    let mut section = Section::named("Why no more was done");
    let why = list(&decision["verdict"]["held"]);
    let named = ["cpu", "memory", "io"].into_iter().zip(why).filter(|(_, why)| !why.is_null());
    for (resource, why) in named {
        section.line(false, &format!("{resource}: {}", word(why)));
    }
    section
}
