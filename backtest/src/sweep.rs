// SPDX-License-Identifier: Apache-2.0
//! Settings worth trying, and the cheapest of them that keeps a target.

use crate::plan::Setting;
use gleaner_estimator::predict::{Parameters, PredictorKind};
use gleaner_estimator::units::{Ratio, Span};

/// Risks that a sweep asks `calibrated` for, in hundredths of a percent.
const RISKS: [u32; 12] = [10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000];

/// The horizon that offers use by default.
pub const OFFER_HORIZON: Span = Span::from_secs(30 * 60);

/// Risks to draw a curve through.
#[must_use]
pub fn risks() -> Vec<Ratio> {
    RISKS.iter().filter_map(|risk| Ratio::new(f64::from(*risk) / 1e4)).collect()
}

const fn hours(hours: u64) -> Span {
    Span::from_secs(hours * 3600)
}

const fn shown(span: Span) -> u64 {
    span.0 / hours(1).0
}

/// What a machine is promised at most: the scale of a constant that is never needed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scale {
    /// Cores.
    pub cpu: f64,
    /// Bytes.
    pub memory: f64,
}

/// The settings that a sweep tries of one predictor. None of `threshold`: without a host's load averages, which
/// no trace has, it is `fixed`.
#[must_use]
pub fn grid(kind: PredictorKind, scale: Scale) -> Vec<Setting> {
    match kind {
        PredictorKind::Calibrated => {
            risks().into_iter().map(|risk| Setting::new(kind, risk)).collect()
        }
        PredictorKind::Fixed => fixed(scale),
        PredictorKind::Threshold => Vec::new(),
        PredictorKind::Borg => (1..50)
            .map(|i| f64::from(i) * 0.02)
            .map(|phi| varied(kind, format!("phi={phi:.2}"), |p| p.phi = phi))
            .collect(),
        PredictorKind::Percentile => percentile(),
        PredictorKind::NSigma => n_sigma(),
        PredictorKind::Max => max(),
        PredictorKind::Decaying => decaying(),
        PredictorKind::Ema => ema(),
    }
}

fn varied(kind: PredictorKind, detail: String, change: impl Fn(&mut Parameters)) -> Setting {
    let mut setting = Setting { detail, ..Setting::new(kind, Ratio::from_milli(10)) };
    change(&mut setting.cpu);
    change(&mut setting.memory);
    setting
}

fn fixed(scale: Scale) -> Vec<Setting> {
    let one = |i: u32| {
        let share = f64::from(i) * 0.05;
        let mut setting = varied(PredictorKind::Fixed, format!("amount={share:.2}"), |_| {});
        setting.cpu.amount = share * scale.cpu;
        setting.memory.amount = share * scale.memory;
        setting
    };
    (0..20).map(one).collect()
}

const PERCENTILES: [f64; 7] = [0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.0];
const WINDOWS: [Span; 4] = [hours(2), hours(10), hours(24), hours(72)];

fn percentile() -> Vec<Setting> {
    let mut all = Vec::new();
    for window in WINDOWS {
        for share in PERCENTILES {
            let detail = format!("percentile={share} window={}h", shown(window));
            all.push(varied(PredictorKind::Percentile, detail, |p| {
                (p.percentile, p.window) = (share, window);
            }));
        }
    }
    all
}

/// 1 to 10 in steps of a half.
fn sigmas() -> impl Iterator<Item = f64> {
    (2..=20).map(|i| f64::from(i) * 0.5)
}

fn n_sigma() -> Vec<Setting> {
    let mut all = Vec::new();
    for window in WINDOWS {
        for sigma in sigmas() {
            let detail = format!("sigma={sigma} window={}h", shown(window));
            all.push(varied(PredictorKind::NSigma, detail, |p| {
                (p.sigma, p.window) = (sigma, window);
            }));
        }
    }
    all
}

fn max() -> Vec<Setting> {
    let mut all = Vec::new();
    for window in [hours(10), hours(24)] {
        for share in [0.8, 0.95, 0.99] {
            for sigma in [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0] {
                let detail = format!("percentile={share} sigma={sigma} window={}h", shown(window));
                all.push(varied(PredictorKind::Max, detail, |p| {
                    (p.percentile, p.sigma, p.window) = (share, sigma, window);
                }));
            }
        }
    }
    all
}

fn decaying() -> Vec<Setting> {
    let mut all = Vec::new();
    for (half_life, warm_up) in
        [(6, 2), (24, 2), (72, 2), (6, 24), (24, 24), (72, 24)].map(|(h, w)| (hours(h), hours(w)))
    {
        for share in [0.9, 0.95, 0.99, 0.999] {
            for margin in [1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0] {
                let detail = format!(
                    "percentile={share} margin={margin} half-life={}h warm-up={}h",
                    shown(half_life),
                    shown(warm_up)
                );
                all.push(varied(PredictorKind::Decaying, detail, |p| {
                    p.decaying_percentile = share;
                    p.decaying_margin = margin;
                    p.decaying_half_life = half_life;
                    p.decaying_warm_up = warm_up;
                }));
            }
        }
    }
    all
}

fn ema() -> Vec<Setting> {
    let mut all = Vec::new();
    for weight in [0.02, 0.05, 0.1, 0.2, 0.4, 0.8] {
        for factor in (4..=16).map(|i| f64::from(i) * 0.25).chain([5.0, 6.0, 8.0]) {
            let detail = format!("weight={weight} factor={factor}");
            all.push(varied(PredictorKind::Ema, detail, |p| {
                (p.ema_weight, p.ema_factor) = (weight, factor);
            }));
        }
    }
    all
}

/// The place of the largest savings among those whose violation rate is not above the target; of equal ones the
/// one that violates less, then the first.
pub fn cheapest(
    candidates: impl IntoIterator<Item = (usize, f64, f64)>,
    target: f64,
) -> Option<usize> {
    let mut best: Option<(usize, f64, f64)> = None;
    for (place, rate, savings) in candidates {
        let better = best.is_none_or(|(_, best_rate, best_savings)| {
            savings > best_savings || (savings >= best_savings && rate < best_rate)
        });
        if rate <= target && better {
            best = Some((place, rate, savings));
        }
    }
    best.map(|(place, ..)| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::predict::PredictorSpec;

    #[test]
    fn every_setting_is_within_bounds_and_told_apart() {
        let scale = Scale { cpu: 40.0, memory: 1e11 };
        for kind in PredictorKind::ALL {
            let mut labels = Vec::new();
            for setting in grid(kind, scale) {
                for parameters in [&setting.cpu, &setting.memory] {
                    let (risk, parameters) = (setting.risk, parameters.clone());
                    let spec = PredictorSpec { kind, risk, parameters, ..PredictorSpec::default() };
                    assert_eq!(spec.mistakes(), [], "{}", setting.label());
                }
                labels.push(format!("{} {}", setting.label(), setting.risk));
            }
            let count = labels.len();
            labels.sort();
            labels.dedup();
            assert_eq!(labels.len(), count, "{kind}");
        }
    }

    #[test]
    fn the_cheapest_keeps_the_target() {
        let candidates = [(0, 0.02, 0.9), (1, 0.01, 0.7), (2, 0.005, 0.7), (3, 0.0, 0.6)];
        assert_eq!(cheapest(candidates, 0.01), Some(2));
        assert_eq!(cheapest(candidates, 0.05), Some(0));
        assert_eq!(cheapest(candidates, -1.0), None);
    }
}
