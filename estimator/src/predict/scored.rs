// SPDX-License-Identifier: Apache-2.0
//! What all predictors share: slots, tasks that come and go, bounds, outcomes, saved state.

use super::intake::take_in;
use super::outcomes::{Outcomes, Score};
use super::roster::{Group, Roster};
use super::rule::Rule;
use super::slot::{Beat, SlotClock, Turn, slots_in};
use super::spec::PredictorSpec;
use super::state::{self, StateError};
use super::{Basis, Load, Observation, Predictor};
use crate::units::Span;
use serde::{Deserialize, Serialize};

/// A rule, applied: the predictor that hosts see.
#[derive(Serialize, Deserialize)]
#[serde(bound = "R: Rule")]
pub(super) struct Scored<R: Rule> {
    #[serde(skip)]
    spec: PredictorSpec,
    rule: R,
    clock: SlotClock,
    roster: Roster<R::Memory>,
    group: Group,
    outcomes: Outcomes,
    /// Per horizon; empty before the first observation.
    peaks: Vec<f64>,
    #[serde(skip)]
    loads: Vec<Load>,
}

impl<R: Rule + 'static> Scored<R> {
    /// A predictor that has seen nothing. `spec` is in bounds.
    pub(super) fn new(spec: PredictorSpec, rule: R) -> Self {
        let outcomes = Outcomes::new(spec.horizons.iter().map(|h| slots_in(*h)));
        Self {
            rule,
            clock: SlotClock::default(),
            roster: Roster::default(),
            group: Group::default(),
            outcomes,
            peaks: Vec::with_capacity(spec.horizons.len()),
            loads: Vec::new(),
            spec,
        }
    }

    /// A predictor as it was saved. `spec` is in bounds and the one it was saved under, but for the risk.
    pub(super) fn restore(spec: PredictorSpec, body: &[u8]) -> Result<Self, StateError> {
        let mut saved: Self = state::decode(body)?;
        let sound = saved.outcomes.restore(spec.horizons.iter().map(|h| slots_in(*h)))
            && (saved.peaks.is_empty() || saved.peaks.len() == spec.horizons.len())
            && saved.peaks.iter().all(|p| p.is_finite())
            && saved.roster.members().is_sorted_by(|a, b| a.arrival < b.arrival)
            && saved.rule.is_sound(saved.roster.members());
        if !sound {
            return Err(StateError::Malformed);
        }
        saved.rule.aim(spec.risk);
        saved.spec = spec;
        Ok(saved)
    }

    /// Lets tasks go, ends the open slot if it is over, takes tasks in; says whether held peaks still hold.
    fn align(&mut self, beat: &Beat) -> bool {
        let known = self.roster.matches(&self.loads);
        let rule = &mut self.rule;
        let left = !known && self.roster.retire(&self.loads, |gone| rule.leave(gone));
        if let Turn::Next(step) = beat.turn {
            rule.turn(self.roster.members_mut(), step);
            self.roster.open();
            self.group.slot = self.group.slot.saturating_add(step);
        }
        if !known {
            self.roster.admit(&self.loads, self.group.slot, |memory| rule.admit(memory));
        }
        !left && beat.turn == Turn::Same
    }

    /// Predicts for every horizon, within the bounds.
    fn predict(&mut self, holds: bool) {
        let Group { total, limit, .. } = self.group;
        self.peaks.resize(self.spec.horizons.len(), 0.0);
        for (horizon, held) in self.peaks.iter_mut().enumerate() {
            let peak = self.rule.peak(horizon, &self.group);
            let peak = if peak.is_nan() { limit } else { peak.max(total) };
            *held = if holds { peak.max(*held) } else { peak }.min(limit);
        }
    }
}

impl<R: Rule + 'static> Predictor for Scored<R> {
    fn observe(&mut self, seen: &Observation<'_>) {
        let ceiling = take_in(&mut self.loads, seen);
        let beat = self.clock.read(seen.at, seen.calm);
        let limit_before = self.group.limit;
        let holds = self.align(&beat);
        self.roster.fold(&self.loads, ceiling, &mut self.group);
        if beat.crossed || beat.turn != Turn::Same {
            let rule = &mut self.rule;
            self.outcomes.open(beat.slot, &self.loads, ceiling, seen.calm, |horizon, outcome| {
                rule.judged(horizon, outcome);
            });
        } else {
            self.outcomes.fold(&self.loads);
        }
        self.rule.weigh(&self.group, self.roster.members_mut(), &seen.node);
        let holds = holds && self.group.limit >= limit_before && (R::SLOTTED || !seen.calm);
        self.predict(holds);
        let step = match beat.turn {
            Turn::Next(step) => step,
            Turn::First => 1,
            Turn::Same => return,
        };
        if seen.calm && self.group.limit > 0.0 {
            let (rule, group) = (&self.rule, &self.group);
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
            k: self.rule.basis(horizon).map(|basis| basis.k),
        })
    }

    fn basis(&self, horizon: usize) -> Option<Basis> {
        self.rule.basis(horizon)
    }

    fn save(&self) -> Vec<u8> {
        state::encode(&self.spec, self)
    }
}
