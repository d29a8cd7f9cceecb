// SPDX-License-Identifier: Apache-2.0
//! The last hours as columns of numbers for the charts: ten minutes by the second, six hours by quarter minutes.

use crate::snapshot::Snapshot;
use gleaner_engine::decision::{Decision, Health, ResourceDecision};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Amount;
use gleaner_qos::assessment::Assessment;
use gleaner_qos::level::Level;
use gleaner_qos::signal::{Reading, Unit};
use serde::Serialize;
use std::collections::VecDeque;

/// Number of columns.
pub const WIDTH: usize = 22;

/// Names of the columns. CPU in thousandths of a core; memory in KiB; pressure in thousandths of the
/// edge at which the resource becomes strained; level as in the metric of that name.
pub const COLUMNS: [&str; WIDTH] = [
    "cpu_owners",
    "cpu_system",
    "cpu_best_effort",
    "cpu_peak",
    "cpu_limit",
    "cpu_slack",
    "cpu_lent",
    "cpu_offer",
    "memory_owners",
    "memory_system",
    "memory_best_effort",
    "memory_peak",
    "memory_limit",
    "memory_slack",
    "memory_lent",
    "memory_offer",
    "pressure_cpu",
    "pressure_memory",
    "pressure_io",
    "level_cpu",
    "level_memory",
    "level_io",
];

/// One moment; `None` where a number is unknown.
pub type Row = [Option<u32>; WIDTH];

/// What a snapshot adds to the history; nothing while its numbers are not to be relied on.
#[must_use]
pub fn row(shot: &Snapshot, decision: &Decision) -> Row {
    let mut row = [None; WIDTH];
    if matches!(decision.health, Health::Failed { .. }) {
        return row;
    }
    // A whole number of thousandths of a core, or of KiB: both fit for any node that exists.
    resource(&decision.cpu, 1, &mut row[0..8]);
    resource(&decision.memory, 1024, &mut row[8..16]);
    for (i, which) in Resource::ALL.into_iter().enumerate() {
        row[16 + i] = decision.assessment.as_ref().and_then(|harm| pressure(harm, which));
        row[19 + i] = shot.level(which).and_then(index);
    }
    row
}

fn resource<Q: Amount>(r: &ResourceDecision<Q>, raw_per_unit: u64, row: &mut [Option<u32>]) {
    let number = |q: Q| u32::try_from(q.raw() / raw_per_unit).ok();
    row[0] = r.usage.guaranteed.and_then(number);
    row[1] = r.usage.system.and_then(number);
    row[2] = r.usage.best_effort.and_then(number);
    row[3] = r.peak.and_then(|peak| number(peak.node));
    row[4] = number(r.capacity.less(r.reserve));
    row[5] = number(r.slack);
    row[6] = number(r.lent);
    row[7] = number(r.offer.amount);
}

/// The signal nearest to the edge at which it would be strained, as a share of that edge, in thousandths.
fn pressure(harm: &Assessment, resource: Resource) -> Option<u32> {
    let counted = |r: &&Reading| r.signal.unit() == Unit::Ratio && r.ignored.is_none();
    let share = |r: &Reading| {
        let edge = r.strained.or(r.critical)?.enter;
        let value = r.value?;
        let share = if r.signal.harms_below() { edge / value } else { value / edge };
        share.is_finite().then_some((share * 1000.0).clamp(0.0, 1e6).round())
    };
    let worst = harm.readings_of(resource).filter(counted).filter_map(share).reduce(f64::max)?;
    u32::try_from(gleaner_estimator::units::Bytes::from_base(worst).0).ok()
}

fn index(level: Level) -> Option<u32> {
    u32::try_from(Level::ALL.iter().position(|known| *known == level)?).ok()
}

/// Rows that are one step apart, the oldest dropped first.
#[derive(Debug)]
struct Ring {
    step_ms: u64,
    most: usize,
    rows: VecDeque<(u64, Row)>,
}

impl Ring {
    fn new(step_ms: u64, most: usize) -> Self {
        Self { step_ms, most, rows: VecDeque::new() }
    }

    /// Adds a row, or folds it into the last one if that is of the same step: the larger number counts,
    /// so that no short peak is lost.
    fn push(&mut self, at_ms: u64, row: &Row) {
        let step = at_ms / self.step_ms;
        // The clock was put back: rows ahead of it would no longer be in order, and charts need that.
        while self.rows.back().is_some_and(|(last, _)| *last / self.step_ms > step) {
            self.rows.pop_back();
        }
        match self.rows.back_mut() {
            Some((last, kept)) if *last / self.step_ms == step => {
                for (kept, new) in kept.iter_mut().zip(row) {
                    *kept = (*kept).max(*new);
                }
            }
            Some(_) | None => {
                if self.rows.len() == self.most {
                    self.rows.pop_front();
                }
                self.rows.push_back((at_ms, *row));
            }
        }
    }
}

/// How far back a chart looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Ten minutes, by the second.
    TenMinutes,
    /// One hour, by quarter minutes.
    Hour,
    /// Six hours, by quarter minutes.
    SixHours,
}

impl Range {
    /// The range of a word in a URL.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "10m" => Some(Self::TenMinutes),
            "1h" => Some(Self::Hour),
            "6h" => Some(Self::SixHours),
            _ => None,
        }
    }
}

/// The columns of one range, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Distance of two rows where nothing is missing.
    pub step_ms: u64,
    /// When, milliseconds since 1970-01-01 UTC.
    pub at_ms: Vec<u64>,
    /// Names, in the order of `columns`.
    pub names: [&'static str; WIDTH],
    /// One list a column, as long as `at_ms`.
    pub columns: Vec<Vec<Option<u32>>>,
}

/// All that is kept. Some 400 KiB when full.
#[derive(Debug)]
pub struct History {
    fine: Ring,
    coarse: Ring,
}

impl Default for History {
    fn default() -> Self {
        Self { fine: Ring::new(1_000, 600), coarse: Ring::new(15_000, 1_440) }
    }
}

impl History {
    /// Adds one moment.
    pub fn push(&mut self, at_ms: u64, row: &Row) {
        self.fine.push(at_ms, row);
        self.coarse.push(at_ms, row);
    }

    /// The columns of a range.
    #[must_use]
    pub fn columns(&self, range: Range) -> Columns {
        let (ring, most) = match range {
            Range::TenMinutes => (&self.fine, 600),
            Range::Hour => (&self.coarse, 240),
            Range::SixHours => (&self.coarse, 1_440),
        };
        let from = ring.rows.len().saturating_sub(most);
        let rows: Vec<&(u64, Row)> = ring.rows.range(from..).collect();
        Columns {
            step_ms: ring.step_ms,
            at_ms: rows.iter().map(|(at, _)| *at).collect(),
            names: COLUMNS,
            columns: (0..WIDTH).map(|c| rows.iter().map(|(_, row)| row[c]).collect()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(moments: impl IntoIterator<Item = (u64, u32)>) -> History {
        let mut history = History::default();
        for (at_ms, owners) in moments {
            let mut row = [None; WIDTH];
            row[0] = Some(owners);
            history.push(at_ms, &row);
        }
        history
    }

    #[test]
    fn ticks_of_one_step_keep_their_peak() {
        let history = pushed([(1_000, 5), (1_100, 9), (1_900, 7), (2_000, 1), (16_000, 3)]);
        let fine = history.columns(Range::TenMinutes);
        assert_eq!(fine.at_ms, [1_000, 2_000, 16_000]);
        assert_eq!(fine.columns[0], [Some(9), Some(1), Some(3)]);
        assert_eq!(fine.columns[1], [None; 3], "unknown stays unknown");
        let coarse = history.columns(Range::SixHours);
        assert_eq!(coarse.columns[0], [Some(9), Some(3)]);
    }

    #[test]
    fn a_clock_put_back_leaves_rows_in_order() {
        let history = pushed([(1_000, 5), (90_000, 9), (91_000, 9), (30_000, 1), (31_000, 2)]);
        let fine = history.columns(Range::TenMinutes);
        assert_eq!(fine.at_ms, [1_000, 30_000, 31_000]);
        assert_eq!(fine.columns[0], [Some(5), Some(1), Some(2)]);
        assert_eq!(history.columns(Range::Hour).at_ms, [1_000, 30_000]);
    }

    #[test]
    fn a_day_costs_no_more_than_six_hours() {
        let history = pushed((0..86_400).map(|s| (s * 1_000, 1)));
        assert_eq!(history.columns(Range::TenMinutes).at_ms.len(), 600);
        assert_eq!(history.columns(Range::Hour).at_ms.len(), 240);
        assert_eq!(history.columns(Range::SixHours).at_ms.len(), 1_440);
        assert_eq!(history.columns(Range::Hour).at_ms.last(), Some(&86_385_000));
    }
}
