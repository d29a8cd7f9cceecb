// SPDX-License-Identifier: Apache-2.0
//! What all predictors share: a rule that learns, its outcomes, saved state.

use super::learner::{Learner, Taken};
use super::outcomes::{Outcomes, Score};
use super::rule::Rule;
use super::slot::{Turn, slots_in};
use super::spec::PredictorSpec;
use super::state::{self, StateError};
use super::{Basis, Observation, Predictor};
use crate::units::Span;
use serde::{Deserialize, Serialize};

/// A rule, applied: the predictor that hosts see.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "R: Rule")]
pub(super) struct Scored<R: Rule> {
    #[serde(skip)]
    spec: PredictorSpec,
    learner: Learner<R>,
    outcomes: Outcomes,
    /// Per horizon; empty before the first observation.
    peaks: Vec<f64>,
}

impl<R: Rule + 'static> Scored<R> {
    /// A predictor that has seen nothing. `spec` is in bounds.
    pub(super) fn new(spec: PredictorSpec, rule: R) -> Self {
        let outcomes = Outcomes::new(spec.horizons.iter().map(|h| slots_in(*h)));
        let peaks = Vec::with_capacity(spec.horizons.len());
        Self { learner: Learner::new(rule), outcomes, peaks, spec }
    }

    /// A predictor as it was saved. `spec` is in bounds and the one it was saved under, but for the risk.
    pub(super) fn restore(spec: PredictorSpec, body: &[u8]) -> Result<Self, StateError> {
        let mut saved: Self = state::decode(body)?;
        let members = saved.learner.roster.members();
        let sound = saved.outcomes.restore(spec.horizons.iter().map(|h| slots_in(*h)))
            && (saved.peaks.is_empty() || saved.peaks.len() == spec.horizons.len())
            && saved.peaks.iter().all(|p| p.is_finite())
            && members.is_sorted_by(|a, b| a.arrival < b.arrival)
            && saved.learner.rule.is_sound(members);
        if !sound {
            return Err(StateError::Malformed);
        }
        saved.learner.rule.aim(spec.risk);
        saved.spec = spec;
        Ok(saved)
    }
}

impl<R: Rule + 'static> Predictor for Scored<R> {
    fn observe(&mut self, seen: &Observation<'_>) {
        let Taken { beat, ceiling, holds } = self.learner.take(seen);
        let Learner { rule, loads, .. } = &mut self.learner;
        if beat.crossed || beat.turn != Turn::Same {
            self.outcomes.open(beat.slot, loads, ceiling, seen.calm, |horizon, outcome| {
                rule.judged(horizon, outcome);
            });
        } else {
            self.outcomes.fold(loads);
        }
        self.learner.weigh(seen);
        self.peaks.resize(self.spec.horizons.len(), 0.0);
        for (horizon, held) in self.peaks.iter_mut().enumerate() {
            *held = self.learner.peak(horizon, holds.then_some(*held));
        }
        let step = match beat.turn {
            Turn::Next(step) => step,
            Turn::First => 1,
            Turn::Same => return,
        };
        let Learner { rule, group, .. } = &self.learner;
        if seen.calm && group.limit > 0.0 {
            let marks = self.peaks.iter().enumerate().map(|(h, peak)| rule.mark(h, *peak, group));
            self.outcomes.take(group.total, step, marks);
        }
    }

    fn horizons(&self) -> &[Span] {
        &self.spec.horizons
    }

    fn peak(&self, horizon: usize) -> Option<f64> {
        self.peaks.get(horizon).copied()
    }

    fn score(&self, horizon: usize) -> Option<Score> {
        let (since_start, last_day) = self.outcomes.tallies(horizon)?;
        Some(Score {
            horizon: *self.spec.horizons.get(horizon)?,
            asked: self.spec.risk,
            since_start,
            last_day,
            k: self.learner.rule.basis(horizon).map(|basis| basis.k),
        })
    }

    fn basis(&self, horizon: usize) -> Option<Basis> {
        self.learner.rule.basis(horizon)
    }

    fn save(&self) -> Vec<u8> {
        state::encode(&self.spec, self)
    }

    fn duplicate(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
