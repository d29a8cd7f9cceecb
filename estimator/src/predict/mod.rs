// SPDX-License-Identifier: Apache-2.0
//! Predictors: the peak that a group of tasks will reach within a horizon. One file each, one trait.

use crate::units::Timestamp;

/// One task's load of one resource over the last interval, in base units (cores or bytes).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Arrival number: unique for ever, later arrivals are larger. Loads are sorted by it.
    pub arrival: u64,
    /// Usage in the interval that ends at `Observation::at`; never above `limit`.
    pub usage: f64,
    /// What it may use at most: its allocation, or the node's capacity where it has none.
    pub limit: f64,
}

/// What a predictor learns from: the tasks present now and what each used in the last interval.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// End of the interval.
    pub at: Timestamp,
    /// Sorted by arrival number.
    pub loads: &'a [Load],
    /// What the whole group can use at most (node capacity), in base units; infinite where there is no such bound.
    pub ceiling: f64,
    /// False while the resource is not Calm: contention hides demand, so this observation may raise
    /// what was learned but never lower it.
    pub calm: bool,
}
