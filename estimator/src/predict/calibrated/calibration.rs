// SPDX-License-Identifier: Apache-2.0
//! How many scales of its own uncertainty the asked risk costs on this node: `k`, learned from outcomes.
//!
//! A prediction of a horizon ago scores `s = (peak − level) / risk`. Scores fade; `k` is their `1 − a` quantile, where
//! `a` starts at the asked risk and is nudged so that the achieved rate meets it: adaptive conformal inference
//! (Gibbs and Candès, NeurIPS 2021) with delayed feedback, on a quantile that fades.

use super::part::Part;
use super::prior::Prior;
use crate::predict::numeric::{bin, fade};
use crate::predict::outcomes::{Outcome, is_violation};
use crate::predict::slot::PER_DAY;
use crate::units::{Ratio, Span};
use serde::{Deserialize, Serialize};

/// Bins over `z = sign(s) · ln(1 + |s| / 0.1)`: fine around zero and wide far out.
pub(super) const BINS: usize = 240;
/// Width of a bin in `z`.
const WIDTH: f64 = 0.04;
/// The bin that begins at a score of zero. Scores from −5.4 to 27 have bins of their own.
const ZERO: f64 = 100.0;
const SCALE: f64 = 0.1;
/// `a` stays within these multiples of the asked risk.
const TILT: (f64, f64) = (0.2, 4.0);

/// One horizon's scores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Calibration {
    horizon: Span,
    risk: f64,
    /// How much prior: in days of outcomes, as a multiple of the days in which one violation is expected.
    prior_days: f64,
    scores: Vec<f64>,
    /// `a` as a multiple of the asked risk.
    tilt: f64,
    k: f64,
    /// For ablation.
    #[serde(skip)]
    without: Option<Part>,
}

/// The shortest horizon for which outcomes count as independent: load lasts longer than five minutes.
fn effective_days(horizon: Span) -> f64 {
    horizon.secs().max(1800.0) / 86_400.0
}

fn bin_of(score: f64) -> usize {
    let z = score.signum() * (score.abs() / SCALE).ln_1p();
    bin(z / WIDTH + ZERO, BINS)
}

/// The score at a place between bins.
fn score_at(place: f64) -> f64 {
    let z = (place - ZERO) * WIDTH;
    z.signum() * SCALE * z.abs().exp_m1()
}

impl Calibration {
    /// Knows the prior only. `prior_days` as in the field.
    pub(super) fn new(horizon: Span, risk: Ratio, prior: &Prior, prior_days: f64) -> Self {
        let scores = vec![0.0; BINS];
        let (risk, without) = (risk.get(), None);
        let mut new = Self { horizon, risk, prior_days, scores, tilt: 1.0, k: 0.0, without };
        new.restart(prior);
        new
    }

    /// The same without a part.
    pub(super) fn without(mut self, part: Option<Part>, prior: &Prior) -> Self {
        self.without = part;
        if part == Some(Part::Prior) {
            self.prior_days *= 0.01;
            self.restart(prior);
        }
        self
    }

    /// Forgets every outcome.
    pub(super) fn restart(&mut self, prior: &Prior) {
        let days = self.prior_days * effective_days(self.horizon) / self.risk;
        for (score, weight) in self.scores.iter_mut().zip(prior) {
            *score = f64::from(*weight) * 1e-9 * days * PER_DAY as f64;
        }
        self.tilt = 1.0;
        self.k = self.quantile();
    }

    /// Scales of uncertainty that the asked risk costs.
    pub(super) fn k(&self) -> f64 {
        self.k
    }

    /// Aims at another risk: the scores stay.
    pub(super) fn aim(&mut self, risk: Ratio) {
        if risk.get().to_bits() != self.risk.to_bits() {
            self.risk = risk.get();
            self.tilt = 1.0;
            self.k = self.quantile();
        }
    }

    /// Learns from an outcome. One whose peak may have been hidden can only raise `k`.
    pub(super) fn learn(&mut self, outcome: &Outcome) {
        if self.without == Some(Part::Outcomes) {
            return;
        }
        let Outcome { mark, reached, total, step, hidden } = *outcome;
        let score = (reached - mark.level) / mark.risk;
        let violated = is_violation(reached, mark.bare);
        if hidden && !(violated && score > self.k) {
            return;
        }
        let slots = step as f64;
        if !hidden {
            let half_life = (2.0 * effective_days(self.horizon) / self.risk).max(3.0);
            let faded = fade(step, half_life * PER_DAY as f64);
            for weight in &mut self.scores {
                *weight *= faded;
            }
        }
        // Where current usage already covered the peak, any k would have done.
        let into = if reached <= total { 0 } else { bin_of(score) };
        self.scores[into] += slots;
        let gain = 10.0 * 1800.0 / self.horizon.secs().max(1800.0);
        let missed = self.risk - if violated { 1.0 } else { 0.0 };
        if self.without != Some(Part::Nudge) {
            let tilt = self.tilt + gain * missed * slots / PER_DAY as f64;
            self.tilt = tilt.clamp(TILT.0, TILT.1);
        }
        self.k = if hidden { self.k.max(self.quantile()) } else { self.quantile() };
    }

    fn quantile(&self) -> f64 {
        let allowed = (self.risk * self.tilt).clamp(0.0, 1.0);
        let wanted = (1.0 - allowed) * self.scores.iter().sum::<f64>();
        let mut below = 0.0;
        for (at, weight) in self.scores.iter().enumerate() {
            if below + weight >= wanted {
                let inside = if *weight > 0.0 { (wanted - below) / weight } else { 0.0 };
                return score_at(at as f64 + inside.clamp(0.0, 1.0));
            }
            below += weight;
        }
        score_at(BINS as f64)
    }

    /// Whether a restored state can be calculated with.
    pub(super) fn is_sound(&self) -> bool {
        self.scores.len() == BINS && self.scores.iter().all(|w| *w >= 0.0) && self.risk > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::prior;
    use super::*;
    use crate::predict::outcomes::Mark;

    fn outcome(reached: f64, hidden: bool) -> Outcome {
        let mark = Mark { peak: 3.0, bare: 3.0, level: 1.0, risk: 1.0, early: false };
        Outcome { mark, total: 0.5, reached, step: 1, hidden }
    }

    fn thirty_minutes() -> Calibration {
        Calibration::new(Span::from_secs(1800), Ratio::from_milli(10), &prior::MEDIUM, 2.0)
    }

    #[test]
    fn the_prior_gives_the_published_k() {
        let one = Ratio::from_milli(10);
        for (secs, prior, want) in
            [(300, &prior::SHORT, 0.72), (1800, &prior::MEDIUM, 1.65), (86_400, &prior::LONG, 2.50)]
        {
            let k = Calibration::new(Span::from_secs(secs), one, prior, 2.0).k();
            assert!((k - want).abs() < 0.005, "{secs} s: {k}");
        }
    }

    #[test]
    fn violations_raise_k_and_quiet_lowers_it() {
        let before = thirty_minutes().k();
        let (mut busy, mut quiet) = (thirty_minutes(), thirty_minutes());
        for _ in 0..PER_DAY {
            busy.learn(&outcome(4.0, false));
            quiet.learn(&outcome(0.4, false));
        }
        assert!(busy.k() > before && quiet.k() < before);
    }

    #[test]
    fn what_pressure_hid_only_raises_k() {
        let mut it = thirty_minutes();
        let before = it.k();
        it.learn(&outcome(0.4, true));
        assert_eq!(it.k().to_bits(), before.to_bits());
        it.learn(&outcome(5.0, true));
        assert!(it.k() > before);
        it.restart(&prior::MEDIUM);
        assert_eq!(it.k().to_bits(), before.to_bits());
    }

    #[test]
    fn bins_go_both_ways() {
        for place in [0.5, 60.25, 99.9, 100.0, 163.7, 239.5] {
            let score = score_at(place);
            let z = score.signum() * (score.abs() / SCALE).ln_1p();
            assert!((z / WIDTH + ZERO - place).abs() < 1e-9);
        }
    }
}
