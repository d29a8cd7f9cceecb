// SPDX-License-Identifier: Apache-2.0
//! The table: slices of every cell, in an order drawn anew for each round, and rows made from them.

use super::kind::Kind;
use super::report::{Impact, Percentiles, Row};
use super::schedule::Random;
use super::slice::{Bench, Cell, Seen, Setting};
use super::stats::{Spread, quantile, spread};
use anyhow::Result;
use std::collections::BTreeSet;
use std::time::Instant;

/// The load at which kinds other than the first are compared.
const ONE_LOAD: u32 = 60;

/// A slice that was run.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Of which round.
    pub round: usize,
    /// What of.
    pub cell: Cell,
    /// What was seen.
    pub seen: Seen,
}

/// The cells: the first kind at every load, the others at one of them.
#[must_use]
pub fn cells(loads: &[u32], kinds: &[Kind]) -> Vec<Cell> {
    let Some(first) = kinds.first().copied() else { return Vec::new() };
    let one = if loads.contains(&ONE_LOAD) { Some(&ONE_LOAD) } else { loads.last() };
    let others = kinds[1..].iter().flat_map(|kind| one.map(|load| (*load, *kind)));
    let pairs: Vec<(u32, Kind)> = loads.iter().map(|load| (*load, first)).chain(others).collect();
    let mut cells = BTreeSet::new();
    for (load, kind) in pairs {
        // Alone is alone, whatever it is compared with.
        cells.insert(Cell { load, kind: first, setting: Setting::Alone });
        cells.insert(Cell { load, kind, setting: Setting::Without });
        cells.insert(Cell { load, kind, setting: Setting::Class });
        cells.insert(Cell { load, kind, setting: Setting::With });
        cells.insert(Cell { load: 0, kind, setting: Setting::BestEffort });
    }
    cells.into_iter().collect()
}

/// Runs rounds of all cells until the time is over; the first round is always run whole.
///
/// # Errors
/// A slice cannot be run.
pub fn run(
    bench: &mut Bench<'_>,
    cells: &[Cell],
    until: Instant,
    random: &mut Random,
    mut told: impl FnMut(&Slice),
) -> Result<Vec<Slice>> {
    let mut slices = Vec::new();
    let first = cells.iter().find(|cell| cell.setting == Setting::Alone).map(|cell| cell.kind);
    for round in 0.. {
        let mut order = cells.to_vec();
        random.shuffle(&mut order);
        for cell in order {
            if round > 0 && Instant::now() >= until {
                return Ok(slices);
            }
            if !wanted(cell, first, round) {
                continue;
            }
            let seen = bench.run(cell, random.next_u64())?;
            let slice = Slice { round, cell, seen };
            told(&slice);
            slices.push(slice);
        }
        if Instant::now() >= until {
            break;
        }
    }
    Ok(slices)
}

/// The first kind is compared in every round, others in every second; best-effort work alone hardly varies.
fn wanted(cell: Cell, first: Option<Kind>, round: usize) -> bool {
    match cell.setting {
        Setting::BestEffort => round < 2,
        Setting::Alone | Setting::Without | Setting::Class | Setting::With => {
            Some(cell.kind) == first || round.is_multiple_of(2)
        }
    }
}

/// One row for each load and kind that was run beside one another.
#[must_use]
pub fn rows(slices: &[Slice]) -> Vec<Row> {
    let pairs: BTreeSet<(Kind, u32)> = slices
        .iter()
        .filter(|slice| slice.cell.setting == Setting::With)
        .map(|slice| (slice.cell.kind, slice.cell.load))
        .collect();
    pairs.into_iter().map(|(kind, load)| row(slices, kind, load)).collect()
}

fn row(slices: &[Slice], kind: Kind, load: u32) -> Row {
    let of = |setting| -> Vec<&Slice> {
        let own = |cell: &Cell| match setting {
            Setting::Alone => cell.load == load,
            Setting::BestEffort => cell.kind == kind,
            Setting::Without | Setting::Class | Setting::With => {
                cell.load == load && cell.kind == kind
            }
        };
        slices.iter().filter(|s| s.cell.setting == setting && own(&s.cell)).collect()
    };
    let alone = of(Setting::Alone);
    let cores: Vec<f64> = of(Setting::BestEffort).iter().map(|s| used_cores(&s.seen)).collect();
    let with = of(Setting::With);
    Row {
        load,
        kind,
        alone: pooled(&alone),
        alone_p99_spread: noise(&alone),
        without: impact(&alone, &of(Setting::Without)),
        class: impact(&alone, &of(Setting::Class)),
        harsh_acts: with.iter().map(|slice| slice.seen.harsh_acts).sum(),
        with: impact(&alone, &with),
        best_effort_alone_cores: spread(&cores),
    }
}

/// The p99 of slices of one cell against their median.
fn noise(slices: &[&Slice]) -> Option<Spread> {
    let p99 = |slice: &&Slice| quantile(&slice.seen.latencies_us, 990).map(|us| us as f64);
    let all: Vec<f64> = slices.iter().filter_map(p99).collect();
    let median = spread(&all)?.median.max(1.0);
    spread(&all.iter().map(|p99| p99 / median).collect::<Vec<_>>())
}

fn impact(alone: &[&Slice], beside: &[&Slice]) -> Impact {
    let (latency, base) = (pooled(beside), pooled(alone));
    let each = |of: fn(&Seen) -> f64| {
        let values: Vec<f64> = beside.iter().map(|slice| of(&slice.seen)).collect();
        spread(&values)
    };
    let ratio = |permille| {
        let ratios: Vec<f64> =
            beside.iter().filter_map(|slice| ratio_to(alone, slice, permille)).collect();
        spread(&ratios)
    };
    Impact {
        latency,
        p50_ratio: ratio(500),
        p99_ratio: ratio(990),
        p999_ratio: if base.p999_ms > 0.0 { latency.p999_ms / base.p999_ms } else { f64::NAN },
        conserved: each(Seen::conserved),
        best_effort_cores: each(used_cores),
    }
}

/// A slice's percentile against that of the slice alone of the same round.
#[must_use]
pub fn ratio_to(alone: &[&Slice], slice: &Slice, permille: usize) -> Option<f64> {
    let same = alone.iter().find(|other| other.round == slice.round)?;
    let of = |slice: &Slice| quantile(&slice.seen.latencies_us, permille).map(|us| us as f64);
    Some(of(slice)? / of(same)?.max(1.0))
}

fn used_cores(seen: &Seen) -> f64 {
    seen.best_effort_cpu / seen.seconds
}

fn pooled(slices: &[&Slice]) -> Percentiles {
    let all = slices.iter().flat_map(|slice| slice.seen.latencies_us.iter().copied());
    percentiles(all.collect())
}

/// Percentiles of latencies in microseconds.
#[must_use]
pub fn percentiles(mut latencies: Vec<u64>) -> Percentiles {
    latencies.sort_unstable();
    let ms = |permille| quantile(&latencies, permille).map_or(0.0, |us| us as f64 / 1e3);
    Percentiles { count: latencies.len(), p50_ms: ms(500), p99_ms: ms(990), p999_ms: ms(999) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(round: usize, setting: Setting, latency: u64) -> Slice {
        let seen = Seen { latencies_us: vec![latency; 100], seconds: 1.0, ..Seen::default() };
        Slice { round, cell: Cell { load: 60, kind: Kind::Spin, setting }, seen }
    }

    #[test]
    fn alone_and_best_effort_alone_are_measured_once_for_all() {
        let cells = cells(&[20, 60], &[Kind::Spin, Kind::Fork]);
        let count = |setting| cells.iter().filter(|cell| cell.setting == setting).count();
        assert_eq!(count(Setting::Alone), 2);
        assert_eq!(count(Setting::Without), 3);
        assert_eq!(count(Setting::Class), 3);
        assert_eq!(count(Setting::With), 3);
        assert_eq!(count(Setting::BestEffort), 2);
    }

    #[test]
    fn a_slice_is_compared_with_the_one_alone_of_its_round() {
        let slices = [
            slice(0, Setting::Alone, 100),
            slice(0, Setting::With, 200),
            slice(1, Setting::Alone, 1000),
            slice(1, Setting::With, 1000),
        ];
        let rows = rows(&slices);
        let ratio = rows[0].with.p99_ratio.expect("two slices");
        assert_eq!((ratio.least, ratio.most, ratio.count), (1.0, 2.0, 2));
    }
}
