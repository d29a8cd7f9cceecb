// SPDX-License-Identifier: Apache-2.0
//! The horizons: one that offers use and others that are only shown, kept as one rising list for both resources.

use super::Config;
use gleaner_estimator::units::Span;

/// The horizon that offers use.
pub(super) fn offer_horizon(config: &Config) -> Span {
    let horizons = &config.engine.cpu.predictor.horizons;
    horizons.get(config.engine.offer_horizon).copied().unwrap_or_default()
}

/// The horizons that are only shown.
pub(super) fn other_horizons(config: &Config) -> Vec<Span> {
    let offer = offer_horizon(config);
    let horizons = &config.engine.cpu.predictor.horizons;
    horizons.iter().copied().filter(|horizon| *horizon != offer).collect()
}

/// Sets all horizons, shortest first.
pub(super) fn set_horizons(config: &mut Config, offer: Span, others: &[Span]) {
    let mut all: Vec<Span> = others.iter().copied().chain([offer]).collect();
    all.sort_unstable();
    all.dedup();
    let engine = &mut config.engine;
    engine.offer_horizon = all.iter().position(|horizon| *horizon == offer).unwrap_or_default();
    engine.cpu.predictor.horizons.clone_from(&all);
    engine.memory.predictor.horizons = all;
}
