// SPDX-License-Identifier: Apache-2.0
//! The words and numbers of a story.

use crate::harm;
use crate::order::amount;
use gleaner_estimator::units::{Bytes, MilliCpus};
use gleaner_qos::rank::Relief;
use gleaner_qos::signal::Signal;
use gleaner_qos::verdict::Reason;
use serde_json::Value;

/// A word as it stands in the file; a dash for none.
pub(super) fn word(value: &Value) -> String {
    value.as_str().map_or_else(dash, str::to_owned)
}

/// Three digits that count.
pub(super) fn number(value: &Value) -> String {
    match value.as_f64() {
        None => dash(),
        Some(number) if number.abs() >= 100.0 => format!("{number:.0}"),
        Some(number) if number.abs() >= 1.0 => format!("{number:.2}"),
        Some(number) => format!("{number:.3}"),
    }
}

pub(super) fn dash() -> String {
    "–".to_owned()
}

pub(super) fn list(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

/// What comes, or came, back.
pub(super) fn relief(relief: &Value) -> String {
    let relief: Option<Relief> = serde_json::from_value(relief.clone()).unwrap_or_default();
    relief.map_or_else(dash, amount)
}

/// `evict`, `freeze`, `undo cpu_quota`.
pub(super) fn action(action: &Value) -> String {
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

/// `runs_out (headroom 0.02, edge 0.176, harming web)`.
pub(super) fn reason(why: &Value) -> String {
    use std::fmt::Write as _;
    let mut text = word(&why["reason"]);
    if !why["signal"].is_null() {
        let value = number(&why["value"]);
        // Writing to a String cannot fail.
        let _ =
            write!(text, " ({} {value}, edge {}", word(&why["signal"]), number(&why["threshold"]));
        if !why["harmed"].is_null() {
            let _ = write!(text, ", harming {}", word(&why["harmed"]["name"]));
        }
        text.push(')');
    }
    text
}

/// The same as a sentence would say it; `None` for what only this program's later versions know.
pub(super) fn because(why: &Value) -> Option<String> {
    let named = |word: &str| Reason::ALL.iter().find(|reason| reason.word() == word);
    let signal = |word: &str| Signal::ALL.into_iter().find(|signal| signal.word() == word);
    let reason = *why["reason"].as_str().and_then(named)?;
    let led = why["signal"].as_str().and_then(signal);
    Some(sentence(reason, led, why["value"].as_f64(), why["threshold"].as_f64()))
}

/// `memory runs out: memory left beside what owners keep hot 2.0%, limit 17.6%`.
pub(crate) fn sentence(
    reason: Reason,
    led: Option<Signal>,
    value: Option<f64>,
    edge: Option<f64>,
) -> String {
    let phrase = phrase(reason);
    let stands = matches!(
        reason,
        Reason::Standing | Reason::FreezeOver | Reason::CalmAgain | Reason::ModeChanged
    );
    match led.filter(|_| !stands) {
        Some(signal) => format!("{phrase}: {}", harm::beyond(signal, value, edge)),
        None => phrase.to_owned(),
    }
}

const fn phrase(reason: Reason) -> &'static str {
    match reason {
        Reason::Standing => "best-effort work always stands in the lowest class",
        Reason::Unprotected => "harm shows, and it is not in the lowest class",
        Reason::Probe => "to learn whether it is the cause",
        Reason::Strained => "harm shows",
        Reason::Proved => "a probe proved that best-effort work causes the harm",
        Reason::Recurs => "freezing helped, and the harm came back too often",
        Reason::Starves => "to freeze it again would starve it",
        Reason::Grows => "it grows while memory is about to run out",
        Reason::RunsOut => "memory runs out",
        Reason::Stalls => "owners wait for memory",
        Reason::OomKill => "the kernel killed an owner's process for want of memory",
        Reason::Threshold => "a threshold of the configuration is exceeded",
        Reason::FreezeOver => "the freeze is over",
        Reason::CalmAgain => "all is calm again",
        Reason::ModeChanged => "the mode no longer allows it",
        Reason::Policy => "the loaded policy asks for it",
    }
}
