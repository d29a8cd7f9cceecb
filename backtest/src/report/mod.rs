// SPDX-License-Identifier: Apache-2.0
//! What came out, as tables for people and as JSON for programs.

mod mean;
mod table;
mod verdicts;
mod winners;

pub use mean::{Mean, means};
pub(crate) use table::churn;
pub use table::table;
pub use verdicts::verdicts;
pub use winners::{cheapest, winners};

use crate::study::{Line, TraceResult};
use gleaner_estimator::units::Span;
use serde::Serialize;

/// One combination as JSON; the keys are stable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JsonLine {
    /// The trace's short name.
    pub trace: String,
    /// `cpu` or `memory`.
    pub resource: &'static str,
    /// Name, in a sweep with the parameters that differ from the defaults.
    pub predictor: String,
    /// The risk asked for, as a share.
    pub risk: f64,
    /// How far ahead, seconds.
    pub horizon_s: u64,
    /// Machines judged.
    pub machines: u64,
    /// Intervals judged.
    pub intervals: u64,
    /// Share of them whose peak exceeded the prediction.
    pub violation_rate: f64,
    /// The largest such share of one machine.
    pub worst_machine_violation_rate: f64,
    /// Mean share of the peak that was not foreseen.
    pub severity: f64,
    /// Share of what was promised that could have been lent.
    pub savings: f64,
}

impl From<Line<'_>> for JsonLine {
    fn from(line: Line<'_>) -> Self {
        let score = &line.tally.score;
        Self {
            trace: line.trace.name.clone(),
            resource: line.resource.word(),
            predictor: line.setting.label(),
            risk: line.risk.get(),
            horizon_s: line.horizon.0 / Span::from_secs(1).0,
            machines: score.machines,
            intervals: score.intervals,
            violation_rate: score.violation_rate(),
            worst_machine_violation_rate: score.worst,
            severity: score.severity(),
            savings: score.savings(),
        }
    }
}

/// One JSON object a line.
#[must_use]
pub fn json(results: &[TraceResult]) -> String {
    let mut text = String::new();
    for line in results.iter().flat_map(TraceResult::lines) {
        let line = serde_json::to_string(&JsonLine::from(line));
        text.push_str(&line.expect("numbers and text under text keys"));
        text.push('\n');
    }
    text
}

/// A share as a percentage with so many decimals.
#[must_use]
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$} %", share * 100.0)
}
