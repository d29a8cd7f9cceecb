// SPDX-License-Identifier: Apache-2.0
//! How metrics are shown wherever they are: one colour per meaning, and the promises that thresholds are drawn at.
//!
//! Colours are those of Okabe and Ito (<https://jfly.uni-koeln.de/color/>), which colour-blind people can
//! tell apart. The page's style sheet darkens or lightens them until text in them can be read.

/// Guaranteed tasks.
pub const GUARANTEED: &str = "#0072B2";
/// Best-effort tasks, and what they hold.
pub const BEST_EFFORT: &str = "#56B4E9";
/// Everything that is no task; also what is neither good nor bad.
pub const SYSTEM: &str = "#999999";
/// Predictions.
pub const PREDICTION: &str = "#CC79A7";
/// What is offered.
pub const OFFER: &str = "#F0E442";
/// Nobody is harmed.
pub const CALM: &str = "#009E73";
/// Harm shows.
pub const STRAINED: &str = "#E69F00";
/// Harm lasts.
pub const CRITICAL: &str = "#D55E00";

/// Words of labels that have a colour of their own wherever they occur.
pub const WORDS: [(&str, &str); 23] = [
    ("guaranteed", GUARANTEED),
    ("best_effort", BEST_EFFORT),
    ("system", SYSTEM),
    ("calm", CALM),
    ("strained", STRAINED),
    ("critical", CRITICAL),
    ("throttled", STRAINED),
    ("frozen", CRITICAL),
    // What binds: the node is used, a setting holds back, something is amiss.
    ("headroom", GUARANTEED),
    ("usage_slack", BEST_EFFORT),
    ("cap", "#CC79A7"),
    ("threshold", "#B294C7"),
    ("rise", "#F0E442"),
    ("off", SYSTEM),
    ("cold", "#C8C8C8"),
    ("stale", "#000000"),
    ("no_signal", "#6B4C2A"),
    ("level", STRAINED),
    ("hold_off", CRITICAL),
    // How a correction ended.
    ("done", CALM),
    ("no_relief", STRAINED),
    ("failed", CRITICAL),
    ("evict", CRITICAL),
];

/// Longest time from the first sign of harm until a correction is written, seconds. A bound of
/// `gleaner_reaction_seconds`.
pub const REACTION_SECONDS: f64 = 0.15;
/// Promise of the program's own cost at 150 tasks: CPU, cores.
pub const OWN_CPU_CORES: f64 = 0.01;
/// Promise of the program's own cost at 150 tasks: resident memory, bytes.
pub const OWN_RESIDENT_BYTES: f64 = 10.0 * 1024.0 * 1024.0;
/// Alerts on the program's own cost are given at this many times the promise.
pub const OWN_COST_ALERT_FACTOR: f64 = 3.0;

/// The colour of a label's word, if it has one.
#[must_use]
pub fn colour(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, colour)| *colour)
}
