// SPDX-License-Identifier: Apache-2.0
//! What a policy is told: one event at a time, as one JSON object.
//!
//! `{"sample": {"at": …, "wall_ms": …, "sample": {…}}}`, `{"failed": {…, "why": "…"}}`,
//! `{"glance": {…}}`, `{"report": {…}}`, `{"can": {…}}`. Samples and failures are answered with a
//! decision, the others with `{"alarm": true}`, a settlement, or `{}`.

use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Capabilities;
use gleaner_qos::report::Report;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event<'a> {
    /// What the host can do here, before the first sample and whenever it changes.
    Can(Capabilities),
    /// A whole reading: decide.
    Sample {
        /// When it was taken, on the host's monotonic clock.
        at: Timestamp,
        /// The same as wall-clock time, milliseconds since 1970-01-01 UTC.
        wall_ms: u64,
        /// What was read.
        sample: Cow<'a, Sample>,
    },
    /// Reading failed: decide.
    Failed {
        /// When.
        at: Timestamp,
        /// The same as wall-clock time.
        wall_ms: u64,
        /// One sentence.
        why: Cow<'a, str>,
    },
    /// A fast reading between two samples.
    Glance(Cow<'a, Glance>),
    /// What became of a correction.
    Report(Report),
}

impl<'a> Event<'a> {
    /// A reading as an event.
    #[must_use]
    pub fn of(reading: &Reading<'a>) -> Self {
        let Reading { at, wall_ms, body } = *reading;
        match body {
            Body::Fresh(sample) => Self::Sample { at, wall_ms, sample: Cow::Borrowed(sample) },
            Body::Failed(why) => Self::Failed { at, wall_ms, why: Cow::Borrowed(why) },
        }
    }

    /// As JSON without a line break.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Plain data without maps of foreign keys and without floats.
        serde_json::to_vec(self).expect("an event is plain data")
    }
}
