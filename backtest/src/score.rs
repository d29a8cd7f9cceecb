// SPDX-License-Identifier: Apache-2.0
//! How good predictions were: violation rate, worst machine, severity, savings.
//!
//! An interval is one update of one machine at which at least one task ran, the first [`WARM_UP_S`]
//! seconds of each machine excluded. With `P` the prediction, `L` the sum of limits, `PO` the
//! [oracle](crate::oracle):
//!
//! * violation: `PO > P·(1 + 1e-6) + 1e-6`; the rate is violating intervals ÷ all intervals;
//! * savings: `Σ(L − P) ÷ ΣL`, `P` counted as at most `L`;
//! * severity: `max(0, PO − P) ÷ PO`, averaged over all intervals, those without a violation being 0;
//! * worst machine: the largest violation rate of one machine. A mean that holds while one node
//!   suffers is no promise.

use crate::trace::{Machine, Series};

/// What of each machine's beginning is left out, seconds.
pub const WARM_UP_S: u32 = 86_400;

/// Rounding that is no violation, relative and absolute (base units).
const TOLERANCE: f64 = 1e-6;

/// Sums from which the figures follow; sums of several machines can be added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Machines with at least one interval.
    pub machines: u64,
    /// Intervals.
    pub intervals: u64,
    /// Intervals whose peak exceeded the prediction.
    pub violations: u64,
    /// Largest rate of one machine.
    pub worst: f64,
    /// The trace's number of that machine: the first of several; `None` before a machine is closed.
    pub worst_machine: Option<i64>,
    /// Sum of severities.
    severity: f64,
    /// ΣL, base unit × intervals.
    limits: f64,
    /// Σ(L − P), base unit × intervals.
    saved: f64,
}

impl Score {
    /// Adds one interval of one machine.
    pub fn add(&mut self, limit: f64, predicted: f64, peak: f64) {
        let predicted = predicted.min(limit);
        self.intervals += 1;
        self.violations += u64::from(violates(predicted, peak));
        self.severity += severity(predicted, peak);
        self.limits += limit;
        self.saved += limit - predicted;
    }

    /// Closes one machine, so that its rate can be the worst.
    #[must_use]
    pub fn of_machine(mut self, id: i64) -> Self {
        self.machines = u64::from(self.intervals > 0);
        self.worst = self.violation_rate();
        self.worst_machine = (self.intervals > 0).then_some(id);
        self
    }

    /// Adds a closed machine, or several.
    pub fn merge(&mut self, other: &Self) {
        self.machines += other.machines;
        self.intervals += other.intervals;
        self.violations += other.violations;
        if self.worst_machine.is_none() || other.worst > self.worst {
            (self.worst, self.worst_machine) = (other.worst, other.worst_machine);
        }
        self.severity += other.severity;
        self.limits += other.limits;
        self.saved += other.saved;
    }

    /// Share of intervals whose peak exceeded the prediction; 0 without intervals.
    #[must_use]
    pub fn violation_rate(&self) -> f64 {
        ratio(self.violations as f64, self.intervals as f64)
    }

    /// Mean share of the peak that was not foreseen.
    #[must_use]
    pub fn severity(&self) -> f64 {
        ratio(self.severity, self.intervals as f64)
    }

    /// Share of what was promised that could be lent.
    #[must_use]
    pub fn savings(&self) -> f64 {
        ratio(self.saved, self.limits)
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Whether a peak is above a prediction by more than rounding.
#[must_use]
pub fn violates(predicted: f64, peak: f64) -> bool {
    peak > predicted * (1.0 + TOLERANCE) + TOLERANCE
}

fn severity(predicted: f64, peak: f64) -> f64 {
    ratio((peak - predicted).max(0.0), peak)
}

/// What was promised at each step: Σ limits of the tasks present; `None` where there are none.
#[must_use]
pub fn limits(machine: &Machine, series: &Series) -> Vec<Option<f64>> {
    let mut limits = vec![None; machine.steps];
    machine.walk(|step, present| {
        let rows = present.iter().filter_map(|run| machine.runs[*run].row_at(step));
        limits[step] = (!present.is_empty()).then(|| rows.map(|row| series.limit[row]).sum());
    });
    limits
}

/// The first step that counts.
#[must_use]
pub fn first_step(machine: &Machine, warm_up_s: u32) -> usize {
    usize::try_from(warm_up_s.div_ceil(machine.step_s.max(1))).unwrap_or(usize::MAX)
}
