// SPDX-License-Identifier: Apache-2.0
//! What a daemon shows of itself over HTTP, as far as a terminal needs it. What is not named here is passed over, so
//! that a daemon of another version can be looked at too.

use gleaner_estimator::units::{Bytes, MilliCpus, Span};
use gleaner_watch::state::State;
use serde::Deserialize;

/// `/v1/decision`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Shown {
    pub(crate) node: String,
    pub(crate) tick: u64,
    /// When it was decided, milliseconds since 1970-01-01 UTC.
    pub(crate) wall_ms: u64,
    /// Time from then until it was asked.
    pub(crate) age_ms: u64,
    pub(crate) mode: String,
    state: String,
    pub(crate) about: About,
    pub(crate) why: Whys,
    pub(crate) decision: Decision,
    pub(crate) host: Host,
    pub(crate) own: Own,
}

/// Lasting facts.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct About {
    pub(crate) version: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) started_ms: u64,
    pub(crate) policy: String,
    #[serde(rename = "interval_ns")]
    pub(crate) interval: Span,
    #[serde(rename = "stale_after_ns")]
    pub(crate) stale_after: Span,
}

/// The sentences.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Whys {
    pub(crate) cpu: Words,
    pub(crate) memory: Words,
    pub(crate) io: Option<Words>,
}

/// What is said of one resource.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Words {
    state: String,
    pub(crate) bound: Option<String>,
    pub(crate) headline: String,
    pub(crate) limit: String,
    /// Both on one short line.
    pub(crate) line: String,
}

/// What was decided.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Decision {
    pub(crate) cpu: Lending<MilliCpus>,
    pub(crate) memory: Lending<Bytes>,
    pub(crate) assessment: Option<Assessment>,
    pub(crate) verdict: Verdict,
}

/// One resource that can be lent.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Lending<Q> {
    pub(crate) capacity: Q,
    pub(crate) usage: PerClass<Option<Q>>,
    pub(crate) peak: Option<Peak<Q>>,
    pub(crate) scores: Vec<Option<Score>>,
    pub(crate) lent: Q,
    pub(crate) offer: Offer<Q>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PerClass<T> {
    pub(crate) guaranteed: T,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Peak<Q> {
    pub(crate) horizon: Span,
    pub(crate) node: Q,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Offer<Q> {
    pub(crate) amount: Q,
}

/// How predictions turned out.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Score {
    pub(crate) horizon: Span,
    pub(crate) asked: f64,
    pub(crate) since_start: Tally,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Tally {
    pub(crate) predictions: u64,
    pub(crate) violations: u64,
}

/// How every resource stands.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Assessment {
    pub(crate) readings: Vec<Reading>,
}

/// One signal.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reading {
    pub(crate) signal: String,
    pub(crate) value: Option<f64>,
    pub(crate) task: Option<TaskId>,
    pub(crate) strained: Option<Edges>,
    pub(crate) critical: Option<Edges>,
    pub(crate) over: Option<String>,
    pub(crate) ignored: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Edges {
    pub(crate) enter: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TaskId {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Verdict {
    /// In the order in which they would go.
    pub(crate) candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Candidate {
    pub(crate) task: TaskId,
    pub(crate) excluded: Option<String>,
}

/// What the daemon knows of itself.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Host {
    pub(crate) held: Held,
    pub(crate) audit_lines_dropped: u64,
    pub(crate) troubles: Vec<Trouble>,
    /// What of its own goes on, the most pressing first; empty from a daemon that does not say.
    #[serde(default)]
    pub(crate) under_way: Vec<UnderWay>,
    /// How many more there are.
    #[serde(default)]
    pub(crate) under_way_more: usize,
}

/// An eviction whose grace runs, a freeze that lasts, a limit in force.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UnderWay {
    pub(crate) task: TaskId,
    pub(crate) action: String,
    pub(crate) resource: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) since_ms: u64,
    /// When it is over at the latest; `None` where that is decided as things go.
    pub(crate) until_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Held {
    pub(crate) throttled: u32,
    pub(crate) frozen: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) what: String,
    pub(crate) command: String,
}

/// What the daemon costs.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Own {
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) resident_bytes: Option<f64>,
    pub(crate) threads: Option<f64>,
    pub(crate) open_fds: Option<f64>,
}

/// `/v1/tasks`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tasks {
    pub(crate) tasks: Vec<Task>,
}

/// One task.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) class: String,
    /// Why it has that class.
    pub(crate) why: String,
    pub(crate) priority: i32,
    pub(crate) tenant: Option<String>,
    pub(crate) allocation_millicpus: Option<MilliCpus>,
    pub(crate) allocation_bytes: Option<Bytes>,
    pub(crate) used_cores: Option<f64>,
    pub(crate) working_set_bytes: Option<Bytes>,
    pub(crate) file_cache_bytes: Option<Bytes>,
    pub(crate) throttled_ratio: Option<f64>,
    pub(crate) wait_per_cpu_ratio: Option<f64>,
    pub(crate) stalls: Stalls,
    pub(crate) pids: Option<u64>,
    pub(crate) age_seconds: f64,
    /// What is in force on it; empty from a daemon that does not say.
    #[serde(default)]
    pub(crate) held: Vec<String>,
    #[serde(default)]
    pub(crate) goes: Goes,
}

/// A task's place among those who would be evicted, by resource.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Goes {
    pub(crate) cpu: Option<Place>,
    pub(crate) memory: Option<Place>,
    pub(crate) io: Option<Place>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Place {
    /// From 1; `None` for who cannot be chosen.
    pub(crate) number: Option<usize>,
    pub(crate) why: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Stalls {
    pub(crate) cpu: Stall,
    pub(crate) memory: Stall,
    pub(crate) io: Stall,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Stall {
    pub(crate) some: Option<f64>,
}

/// One of `/v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    pub(crate) number: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) at_ms: u64,
    pub(crate) resource: String,
    pub(crate) text: String,
    /// The decision that it came from, where the daemon can still explain it.
    #[serde(default)]
    pub(crate) tick: Option<u64>,
    /// `None` for a change of level.
    #[serde(default)]
    pub(crate) correction: Option<Corrected>,
}

/// More about a correction that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Corrected {
    /// Whether it took something back, beyond what stands for good.
    pub(crate) takes: bool,
    /// Why, in words.
    pub(crate) because: String,
    /// What came of it, in words.
    pub(crate) came: String,
}

/// The state of a word; one that only a newer daemon knows counts as the worst, not as the best.
fn state(word: &str) -> State {
    State::ALL.into_iter().find(|state| state.word() == word).unwrap_or(State::Poisoned)
}

impl Shown {
    /// How the node stands.
    pub(crate) fn state(&self) -> State {
        state(&self.state)
    }

    /// `acting (evict)` or `observing`.
    pub(crate) fn doing(&self) -> String {
        match self.mode.as_str() {
            "observe" => "observing".to_owned(),
            mode => format!("acting ({mode})"),
        }
    }
}

impl Words {
    /// How the resource stands.
    pub(crate) fn state(&self) -> State {
        state(&self.state)
    }
}
