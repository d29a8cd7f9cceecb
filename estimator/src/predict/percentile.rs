// SPDX-License-Identifier: Apache-2.0
//! `percentile`: the sum over tasks of a percentile of usage ÷ limit over a window, times the limit.
//!
//! Source: "RC-like" in Bashir et al., "Take it to the limit", EuroSys 2021, after Resource Central (Cortez et al.,
//! SOSP 2017). The percentile is interpolated linearly between the two nearest slots. A task younger than the
//! warm-up counts at its limit; so does the whole group when it starts.

use super::NodeLoad;
use super::numeric::bin;
use super::past::{History, Keeps, Past};
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Percentile {
    history: History,
    tasks: TaskPercentiles,
}

/// The sum of the tasks' percentiles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TaskPercentiles {
    share: f64,
    /// As of the last `weigh`, base units.
    pub(super) sum: f64,
    #[serde(skip)]
    scratch: Vec<f32>,
}

impl TaskPercentiles {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { share: parameters.percentile, sum: 0.0, scratch: Vec::new() }
    }

    pub(super) fn weigh(&mut self, history: &History, members: &mut [Member<Past>]) {
        self.sum = 0.0;
        self.scratch.reserve(history.window.len());
        for member in members {
            self.sum += if history.is_warm(member) {
                self.of(history, member) * member.limit
            } else {
                member.limit
            };
        }
    }

    /// One task's percentile of usage ÷ limit; found anew only when its open slot changed.
    fn of(&mut self, history: &History, member: &mut Member<Past>) -> f64 {
        let past = &mut member.memory;
        let key = (member.peak.to_bits(), member.limit.to_bits());
        match past.found {
            Some((peak, limit, found)) if (peak.to_bits(), limit.to_bits()) == key => found,
            Some(_) | None => {
                self.scratch.clear();
                let ended = history.window.past(&past.peaks);
                self.scratch.extend(ended.map(|(usage, limit)| usage / limit));
                if member.limit > 0.0 {
                    self.scratch.push(super::numeric::narrow(member.peak / member.limit));
                }
                let found = percentile(&mut self.scratch, self.share);
                past.found = Some((member.peak, member.limit, found));
                found
            }
        }
    }
}

/// The `share`-quantile with linear interpolation; 1 for no values.
fn percentile(values: &mut [f32], share: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return 1.0 };
    let rank = share * last as f64;
    let low = bin(rank, values.len());
    let (_, at, above) = values.select_nth_unstable_by(low, f32::total_cmp);
    let at = f64::from(*at);
    match above.iter().copied().min_by(f32::total_cmp) {
        Some(next) => at + (f64::from(next) - at) * (rank - low as f64),
        None => at,
    }
}

impl Percentile {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            history: History::new(parameters, Keeps::Peaks),
            tasks: TaskPercentiles::new(parameters),
        }
    }
}

impl Rule for Percentile {
    type Memory = Past;
    const SLOTTED: bool = true;

    fn admit(&self, past: &mut Past) {
        self.history.admit(past);
    }

    fn leave(&mut self, member: &Member<Past>) {
        self.history.leave(member);
    }

    fn turn(&mut self, members: &mut [Member<Past>], step: u64) {
        self.history.turn(members, step);
    }

    fn weigh(&mut self, group: &Group, members: &mut [Member<Past>], _: &NodeLoad) {
        self.history.promote(group, members);
        self.tasks.weigh(&self.history, members);
    }

    fn peak(&self, _: usize, _: &Group) -> f64 {
        self.tasks.sum
    }

    fn is_sound(&self, members: &[Member<Past>]) -> bool {
        self.history.is_sound(members)
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn interpolates_between_the_nearest() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        for (share, want) in [(0.0, 1.0), (0.5, 2.5), (0.99, 3.97), (1.0, 4.0)] {
            assert!((percentile(&mut values, share) - want).abs() < 1e-9);
        }
        assert!((percentile(&mut [0.7], 0.99) - 0.7).abs() < 1e-6);
    }
}
