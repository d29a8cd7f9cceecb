// SPDX-License-Identifier: Apache-2.0
//! The peak that really came: `PO(t) = max over t < s ≤ t+H of Σ over i in S(t) of u_i(s)`.
//!
//! The current sample is excluded, tasks that arrive later are excluded, departed ones count 0
//! (the oracle of googleinterns/cluster-resource-forecast).
//!
//! What makes it costly is that every origin `t` has its own set of tasks `S(t)`. A run of a task
//! has no holes, so at `s > t` exactly the runs that arrived by `t` are counted. Going through
//! the origins backwards, each arrival takes one run out of the sums of the steps at which it ran;
//! what remains at such a step is the sum of the earlier arrivals there, known beforehand from one pass.
//! A tree of maxima over the steps answers every horizon. Exact, no sum is ever subtracted from:
//! O(rows + steps · log steps), whatever the horizon and however many tasks come and go.

use crate::trace::{Machine, Series};

/// The peaks of one machine and resource at several horizons.
#[derive(Clone, Debug, PartialEq)]
pub struct Oracle {
    /// One list per horizon, in base units; one entry a step. 0 where nothing came after.
    pub peaks: Vec<Vec<f64>>,
}

impl Oracle {
    /// The peaks within each of `horizons`, given in steps.
    #[must_use]
    pub fn new(machine: &Machine, series: &Series, horizons: &[usize]) -> Self {
        let Prefixes { earlier, total } = Prefixes::new(machine, series);
        let mut tree = MaxTree::new(&total);
        let mut peaks = vec![vec![0.0; machine.steps]; horizons.len()];
        let mut arrived = machine.runs.len();
        for origin in (0..machine.steps).rev() {
            while arrived > 0 && machine.runs[arrived - 1].first > origin {
                arrived -= 1;
                let run = &machine.runs[arrived];
                tree.replace(run.first, &earlier[run.rows.clone()]);
            }
            for (peaks, horizon) in peaks.iter_mut().zip(horizons) {
                let end = origin.saturating_add(*horizon).min(machine.steps - 1);
                peaks[origin] = tree.max(origin + 1, end + 1);
            }
        }
        Self { peaks }
    }

    /// What the tasks present at each step use there.
    #[must_use]
    pub fn totals(machine: &Machine, series: &Series) -> Vec<f64> {
        Prefixes::new(machine, series).total
    }
}

/// Sums in order of arrival.
struct Prefixes {
    /// For each row: what the runs that arrived before this one used at the row's step.
    earlier: Vec<f64>,
    /// For each step: what all runs present used.
    total: Vec<f64>,
}

impl Prefixes {
    fn new(machine: &Machine, series: &Series) -> Self {
        let mut earlier = vec![0.0; series.used.len()];
        let mut total = vec![0.0; machine.steps];
        machine.walk(|step, present| {
            let mut sum = 0.0;
            for run in present {
                if let Some(row) = machine.runs[*run].row_at(step) {
                    earlier[row] = sum;
                    sum += series.used[row];
                }
            }
            total[step] = sum;
        });
        Self { earlier, total }
    }
}

/// Maxima over ranges of a list whose values may be replaced; a perfect binary tree in an array.
struct MaxTree {
    /// Node 1 is the root, node i has the children 2i and 2i+1, the leaves start at `leaves`.
    nodes: Vec<f64>,
    leaves: usize,
}

impl MaxTree {
    fn new(values: &[f64]) -> Self {
        let leaves = values.len().next_power_of_two();
        let mut tree = Self { nodes: vec![0.0; 2 * leaves], leaves };
        tree.replace(0, values);
        tree
    }

    /// Replaces the values from `start` on; O(values + log length).
    fn replace(&mut self, start: usize, values: &[f64]) {
        if values.is_empty() {
            return;
        }
        let (mut low, mut high) = (self.leaves + start, self.leaves + start + values.len() - 1);
        self.nodes[low..=high].copy_from_slice(values);
        while low > 1 {
            (low, high) = (low / 2, high / 2);
            for node in low..=high {
                self.nodes[node] = self.nodes[2 * node].max(self.nodes[2 * node + 1]);
            }
        }
    }

    /// The largest value in `start..end`, 0 for an empty range.
    fn max(&self, start: usize, end: usize) -> f64 {
        let (mut low, mut high) = (self.leaves + start, self.leaves + end);
        let mut largest = 0.0_f64;
        while low < high {
            if low % 2 == 1 {
                largest = largest.max(self.nodes[low]);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                largest = largest.max(self.nodes[high]);
            }
            (low, high) = (low / 2, high / 2);
        }
        largest
    }
}
