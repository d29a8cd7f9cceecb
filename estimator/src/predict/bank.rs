// SPDX-License-Identifier: Apache-2.0
//! Many settings of one predictor that differ only in what is looked at last: they learn once.
//!
//! For sweeps. Which parameter that is depends on the predictor (a factor, a margin, a number of deviations); each
//! setting predicts to the bit what a predictor of its own would. Nothing is scored here.

use super::Observation;
use super::borg::Borg;
use super::decaying::Decaying;
use super::ema::Ema;
use super::fixed::Fixed;
use super::learner::Learner;
use super::max::Max;
use super::n_sigma::NSigma;
use super::percentile::Percentile;
use super::rule::Rule;
use super::spec::{Parameters, PredictorKind};

/// Predictors that share what they learn.
pub trait Bank: Send {
    /// Takes in what was used in the last interval.
    fn observe(&mut self, seen: &Observation<'_>);

    /// What each setting predicts, in their order, whatever the horizon; empty before the first observation.
    fn peaks(&self) -> &[f64];
}

/// One rule under several parameters.
struct Tuned<R: Rule> {
    learner: Learner<R>,
    settings: Vec<Parameters>,
    peaks: Vec<f64>,
}

impl<R: Rule> Bank for Tuned<R> {
    fn observe(&mut self, seen: &Observation<'_>) {
        let holds = self.learner.take(seen).holds;
        self.peaks.resize(self.settings.len(), 0.0);
        let settings = self.settings.iter().zip(&mut self.peaks).enumerate();
        for (i, (parameters, held)) in settings {
            self.learner.rule.retune(parameters);
            if i == 0 || R::WEIGHS_ANEW {
                self.learner.weigh(seen);
            }
            *held = self.learner.peak(0, holds.then_some(*held));
        }
    }

    fn peaks(&self) -> &[f64] {
        &self.peaks
    }
}

/// The parameters without the one that is looked at last: settings that agree in these share a bank. `None` for a
/// predictor that learns from its own predictions, or looks at more than usage.
#[must_use]
pub fn shared(kind: PredictorKind, parameters: &Parameters) -> Option<Parameters> {
    let mut shared = parameters.clone();
    match kind {
        PredictorKind::Fixed => shared.amount = 0.0,
        PredictorKind::Borg => shared.phi = 0.0,
        PredictorKind::Percentile => {}
        PredictorKind::NSigma | PredictorKind::Max => shared.sigma = 0.0,
        PredictorKind::Decaying => shared.decaying_margin = 0.0,
        PredictorKind::Ema => shared.ema_factor = 0.0,
        PredictorKind::Threshold | PredictorKind::Calibrated => return None,
    }
    Some(shared)
}

/// A bank of these settings, which agree in what is [`shared`]; they must be in bounds. `None` where the predictor
/// has none, or without any setting.
#[must_use]
pub fn bank(kind: PredictorKind, settings: Vec<Parameters>) -> Option<Box<dyn Bank>> {
    fn tuned<R: Rule + 'static>(rule: R, settings: Vec<Parameters>) -> Option<Box<dyn Bank>> {
        let learner = Learner::new(rule);
        Some(Box::new(Tuned { learner, settings, peaks: Vec::new() }))
    }
    let first = settings.first()?.clone();
    match kind {
        PredictorKind::Fixed => tuned(Fixed::new(&first), settings),
        PredictorKind::Borg => tuned(Borg::new(&first), settings),
        PredictorKind::Percentile => tuned(Percentile::new(&first), settings),
        PredictorKind::NSigma => tuned(NSigma::new(&first), settings),
        PredictorKind::Max => tuned(Max::new(&first), settings),
        PredictorKind::Decaying => tuned(Decaying::new(&first), settings),
        PredictorKind::Ema => tuned(Ema::new(&first), settings),
        PredictorKind::Threshold | PredictorKind::Calibrated => None,
    }
}
