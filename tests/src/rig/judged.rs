// SPDX-License-Identifier: Apache-2.0
//! What slices say about numbers that the design took from judgement: leave values, the probe's fall, steal, freezes.

use super::slice::Setting;
use super::stats::{Spread, spread};
use super::table::{Slice, ratio_to};
use serde::{Deserialize, Serialize};

/// A p99 this many times that alone is harm …
const HARM: f64 = 2.0;
/// … and up to this many times it is what the same service alone shows from slice to slice.
const NO_HARM: f64 = 1.4;

/// How thresholds separate harmed slices from others.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Judged {
    /// Slices with a p99 of at least twice that alone.
    pub harmed: usize,
    /// Slices with at most 1.4 times.
    pub unharmed: usize,
    /// Fall of the wait per CPU time in a probe.
    pub probe: Vec<Split>,
    /// `D`: wait per CPU time × cores of best-effort work.
    pub run_wait: Vec<Split>,
    /// `E`: stall time above that alone at the same load.
    pub stall_excess: Vec<Split>,
    /// The service alone, by how much the hypervisor took.
    pub steal: Vec<Stolen>,
    /// Freeze that would have worked off the queue which best-effort work left behind, by load.
    pub backlog: Vec<Backlog>,
}

/// How many values lie above a threshold.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Split {
    /// The threshold.
    pub threshold: f64,
    /// Share of the harmed slices above it.
    pub harmed_above: Option<f64>,
    /// Share of the unharmed slices above it.
    pub unharmed_above: Option<f64>,
}

/// Slices alone in which the hypervisor took about as much.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stolen {
    /// Share of the machine, from here …
    pub from: f64,
    /// … to below here.
    pub to: f64,
    /// Wait per CPU time.
    pub wait_per_cpu: Option<Spread>,
    /// The p99 against the median of its load.
    pub p99_ratio: Option<Spread>,
}

/// A queue left behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backlog {
    /// Per cent of the capacity.
    pub load: u32,
    /// Seconds without best-effort work until the queue would be empty, requests still arriving.
    pub freeze_s: Option<Spread>,
}

/// What the slices of a table say.
#[must_use]
pub fn judge(slices: &[Slice]) -> Judged {
    let (harmed, unharmed): (Vec<&Slice>, Vec<&Slice>) = (
        beside(slices).filter(|s| ratio(slices, s).is_some_and(|r| r >= HARM)).collect(),
        beside(slices).filter(|s| ratio(slices, s).is_some_and(|r| r <= NO_HARM)).collect(),
    );
    let split = |thresholds: &[f64], value: &dyn Fn(&Slice) -> Option<f64>| {
        let above = |group: &[&Slice], threshold| {
            let values: Vec<f64> = group.iter().filter_map(|slice| value(slice)).collect();
            let above = values.iter().filter(|value| **value > threshold).count();
            (!values.is_empty()).then(|| above as f64 / values.len() as f64)
        };
        let one = |threshold: &f64| Split {
            threshold: *threshold,
            harmed_above: above(&harmed, *threshold),
            unharmed_above: above(&unharmed, *threshold),
        };
        thresholds.iter().map(one).collect()
    };
    Judged {
        harmed: harmed.len(),
        unharmed: unharmed.len(),
        probe: split(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8], &|slice| slice.seen.probe_fall),
        run_wait: split(&[0.25, 0.5, 0.75, 1.0, 1.2, 2.0], &|slice| slice.seen.run_wait()),
        stall_excess: split(&[0.02, 0.05, 0.1, 0.15, 0.2, 0.3], &|s| stall_excess(slices, s)),
        steal: steal(slices),
        backlog: backlog(slices),
    }
}

fn beside(slices: &[Slice]) -> impl Iterator<Item = &Slice> {
    slices.iter().filter(|s| matches!(s.cell.setting, Setting::Without | Setting::With))
}

fn alone_at(slices: &[Slice], load: u32) -> Vec<&Slice> {
    let own = |s: &&Slice| s.cell.setting == Setting::Alone && s.cell.load == load;
    slices.iter().filter(own).collect()
}

fn ratio(slices: &[Slice], slice: &Slice) -> Option<f64> {
    ratio_to(&alone_at(slices, slice.cell.load), slice, 990)
}

fn stall_excess(slices: &[Slice], slice: &Slice) -> Option<f64> {
    let alone = alone_at(slices, slice.cell.load);
    let same = alone.iter().find(|other| other.round == slice.round)?;
    Some(slice.seen.stalled? - same.seen.stalled?)
}

fn p99(slice: &Slice) -> Option<f64> {
    super::stats::quantile(&slice.seen.latencies_us, 990).map(|us| us as f64)
}

fn steal(slices: &[Slice]) -> Vec<Stolen> {
    const BOUNDS: [f64; 6] = [0.0, 0.01, 0.05, 0.1, 0.2, 1.0];
    let alone = || slices.iter().filter(|slice| slice.cell.setting == Setting::Alone);
    let against = |slice: &Slice| {
        let all: Vec<f64> = alone_at(slices, slice.cell.load).into_iter().filter_map(p99).collect();
        Some(p99(slice)? / spread(&all)?.median.max(1.0))
    };
    let one = |bounds: &[f64]| {
        let (from, to) = (bounds[0], bounds[1]);
        let own: Vec<&Slice> =
            alone().filter(|slice| (from..to).contains(&slice.seen.stolen())).collect();
        let waits: Vec<f64> = own.iter().filter_map(|slice| slice.seen.wait_per_cpu).collect();
        let ratios: Vec<f64> = own.iter().filter_map(|slice| against(slice)).collect();
        Stolen { from, to, wait_per_cpu: spread(&waits), p99_ratio: spread(&ratios) }
    };
    BOUNDS.windows(2).map(one).collect()
}

/// A queue drains at the rate that arrivals leave free, while in a slice nothing arrived any more.
fn backlog(slices: &[Slice]) -> Vec<Backlog> {
    let without = |s: &&Slice| s.cell.setting == Setting::Without;
    let mut loads: Vec<u32> = slices.iter().filter(without).map(|s| s.cell.load).collect();
    loads.sort_unstable();
    loads.dedup();
    let one = |load: u32| {
        let free = (1.0 - f64::from(load) / 100.0).max(0.01);
        let own = slices.iter().filter(without).filter(|slice| slice.cell.load == load);
        let needed: Vec<f64> = own.map(|slice| slice.seen.drained_s / free).collect();
        Backlog { load, freeze_s: spread(&needed) }
    };
    loads.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::kind::Kind;
    use crate::rig::slice::{Cell, Seen};

    #[test]
    fn a_threshold_separates_the_harmed_from_the_others() {
        let slice = |setting, latency, fall| {
            let cell = Cell { load: 60, kind: Kind::Spin, setting };
            let latencies_us = vec![latency; 100];
            let seen = Seen { latencies_us, probe_fall: fall, seconds: 1.0, ..Seen::default() };
            Slice { round: 0, cell, seen }
        };
        let judged = judge(&[
            slice(Setting::Alone, 1000, None),
            slice(Setting::Without, 9000, Some(0.55)),
            slice(Setting::With, 1100, Some(0.05)),
        ]);
        assert_eq!((judged.harmed, judged.unharmed), (1, 1));
        let at = |threshold: f64| {
            let split = judged.probe.iter().find(|s| (s.threshold - threshold).abs() < 1e-9);
            split.map(|split| (split.harmed_above, split.unharmed_above))
        };
        assert_eq!(at(0.3), Some((Some(1.0), Some(0.0))));
        assert_eq!(at(0.6), Some((Some(0.0), Some(0.0))));
    }
}
