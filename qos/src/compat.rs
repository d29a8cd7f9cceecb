// SPDX-License-Identifier: Apache-2.0
//! Load average and used memory as the threshold modules for Mesos judged them, for those who configured them.
//!
//! Kept exactly: `≥`, the conjunctions (a longer average counts only while every shorter one exceeds
//! the same number), MemTotal − MemAvailable, one correction at a time. Left out on purpose: an
//! unreadable file is not "exceeded" here, it is unknown and evicts nobody.

use gleaner_estimator::sample::{LoadAverage, MemoryInfo};
use gleaner_estimator::units::{Amount, Bytes, Span};
use serde::Serialize;

/// One set of thresholds; `None` never exceeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Thresholds {
    /// For the one-minute load average of the whole node.
    pub load_1: Option<f64>,
    /// For the five-minute load average.
    pub load_5: Option<f64>,
    /// For the fifteen-minute load average.
    pub load_15: Option<f64>,
    /// For MemTotal − MemAvailable.
    pub memory: Option<Bytes>,
}

/// Two sets, as the estimator and the controller were configured apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Compat {
    /// Beyond these nothing is offered: Strained.
    pub offer: Thresholds,
    /// Beyond these one task is evicted: Critical.
    pub evict: Thresholds,
    /// Wait after an eviction for load: load averages lag by minutes, and without a wait everything
    /// is evicted before they fall. Judgement: the time constant of the shortest.
    pub wait: Span,
}

impl Default for Compat {
    fn default() -> Self {
        Self {
            offer: Thresholds::default(),
            evict: Thresholds::default(),
            wait: Span::from_secs(60),
        }
    }
}

impl Thresholds {
    /// Whether any load threshold is set.
    #[must_use]
    pub fn has_load(&self) -> bool {
        self.load_1.is_some() || self.load_5.is_some() || self.load_15.is_some()
    }

    /// Whether the load exceeds one of its thresholds, and the largest load ÷ threshold.
    #[must_use]
    pub fn load(&self, load: &LoadAverage) -> (bool, f64) {
        let [one, five, fifteen] = [load.one_milli, load.five_milli, load.fifteen_milli]
            .map(|milli| milli as f64 / 1000.0);
        let rules = [
            (self.load_1, one),
            (self.load_5, five.min(one)),
            (self.load_15, fifteen.min(five).min(one)),
        ];
        let mut worst = (false, 0.0_f64);
        for (threshold, value) in rules {
            if let Some(t) = threshold {
                let ratio = value / t;
                worst.0 |= value >= t;
                worst.1 = worst.1.max(if ratio.is_finite() { ratio } else { 0.0 });
            }
        }
        worst
    }

    /// Whether used memory exceeds its threshold, and used ÷ threshold. `None` where either is unknown.
    #[must_use]
    pub fn memory(&self, info: &MemoryInfo) -> Option<(bool, f64)> {
        let (limit, used) = (self.memory?, info.total.less(info.available?));
        let ratio = used.to_base() / limit.to_base();
        Some((used >= limit, if ratio.is_finite() { ratio } else { 0.0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(one: u64, five: u64, fifteen: u64) -> LoadAverage {
        LoadAverage { one_milli: one, five_milli: five, fifteen_milli: fifteen }
    }

    #[test]
    fn a_longer_average_counts_only_while_the_shorter_ones_agree() {
        let t = Thresholds { load_5: Some(8.0), load_15: Some(6.0), ..Thresholds::default() };
        assert!(!t.load(&load(7_900, 20_000, 5_000)).0, "five exceeds, one does not");
        assert!(t.load(&load(8_000, 8_000, 0)).0, "equal is exceeded");
        assert!(t.load(&load(6_000, 6_000, 6_000)).0);
        assert!(!t.load(&load(5_999, 6_000, 60_000)).0);
        assert!(!Thresholds::default().load(&load(u64::MAX, u64::MAX, u64::MAX)).0);
    }

    #[test]
    fn used_memory_is_total_less_available_and_unknown_without_it() {
        let t = Thresholds { memory: Some(Bytes(100)), ..Thresholds::default() };
        let info = |available| MemoryInfo {
            total: Bytes(300),
            available,
            free: Bytes(0),
            ..MemoryInfo::default()
        };
        assert_eq!(t.memory(&info(Some(Bytes(200)))), Some((true, 1.0)));
        assert!(t.memory(&info(Some(Bytes(201)))).is_some_and(|(over, _)| !over));
        assert_eq!(t.memory(&info(None)), None, "an unreadable reading exceeds nothing");
    }
}
