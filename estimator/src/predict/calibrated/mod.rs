// SPDX-License-Identifier: Apache-2.0
//! `calibrated`: a peak predictor with one knob, the risk, which it keeps by learning from its own outcomes.
//!
//! ```text
//! peak = clip(level + k · risk,  usage now,  limits)
//! ```
//!
//! `level` and `risk` are fixed, cheap blends of a few [`features`] of the tasks present now; `k` is learned
//! ([`calibration`]) so that the share of intervals in which the true peak exceeds the prediction is the one
//! asked for. A new group starts at its limits and comes down over the longer of two hours and the horizon.
//!
//! Blends were found by a search on public usage traces, cross-checked between them. With limits beyond the
//! node (many tasks without an allocation), whatever is relative to limits is relative to the ceiling instead.
//!
//! It is not monotone in the newest usage, and by design: usage that rises without setting a new maximum leaves the
//! level as it is, while what that task can still add shrinks with it (`head`), and a higher mean under an old
//! peak is less spread. The level never falls when any usage is higher, and within a slot the prediction does not.

mod calibration;
mod features;
mod part;
mod prior;

pub use part::Part;

use super::outcomes::{Mark, Outcome};
use super::roster::{Group, Member};
use super::rule::Rule;
use super::slot::{PER_DAY, slots_in};
use super::spec::PredictorSpec;
use super::{Basis, NodeLoad};
use crate::units::{Ratio, Span};
use calibration::Calibration;
use features::{Features, Now, Trace};
use serde::{Deserialize, Serialize};

/// How far ahead a horizon looks, as far as the blend is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Reach {
    /// Up to ten minutes.
    Short,
    /// Up to four hours: nearer to thirty minutes than to a day, in ratio.
    Medium,
    /// Beyond.
    Long,
}

impl Reach {
    fn of(horizon: Span) -> Self {
        match horizon.secs() {
            secs if secs <= 600.0 => Self::Short,
            secs if secs <= 4.0 * 3600.0 => Self::Medium,
            _ => Self::Long,
        }
    }

    fn prior(self) -> &'static prior::Prior {
        match self {
            Self::Short => &prior::SHORT,
            Self::Medium => &prior::MEDIUM,
            Self::Long => &prior::LONG,
        }
    }

    /// Where the peak is expected.
    fn level(self, now: &Now) -> f64 {
        match self {
            Self::Short => 0.3 * now.total + 0.5 * now.half_hour + 0.3 * now.two_hours,
            Self::Medium => {
                0.5 * now.half_hour + 0.3 * now.two_hours + 0.17 * now.day + 0.1 * now.yesterday
            }
            Self::Long => {
                let recent = 0.15 * now.total + 0.25 * now.day + 0.1 * now.mean;
                recent + 0.25 * now.high + 0.2 * now.peak
            }
        }
    }

    /// How far it may lie from there.
    fn risk(self, now: &Now) -> f64 {
        let risk = match self {
            Self::Short | Self::Medium => 0.3 * now.spread_day + 0.05 * now.head,
            Self::Long => 0.3 * now.spread_week + 0.16 * now.head,
        };
        risk.max(0.002 * now.limit)
    }
}

/// One horizon.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Aim {
    reach: Reach,
    /// Slots of the start ramp; 0 for none.
    ramp: u64,
    calibration: Calibration,
    level: f64,
    risk: f64,
}

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Calibrated {
    features: Features,
    aims: Vec<Aim>,
    /// Whether what is learned now will be forgotten: see `Parameters::forget_first_day`.
    early: bool,
    /// For ablation.
    #[serde(skip)]
    without: Option<Part>,
}

impl Calibrated {
    pub(super) fn new(spec: &PredictorSpec) -> Self {
        let forgets = spec.parameters.forget_first_day;
        let prior_days = if forgets { 1.0 } else { 2.0 };
        let aims = spec.horizons.iter().map(|horizon| {
            let reach = Reach::of(*horizon);
            let ramp = slots_in((*horizon).max(Span::from_secs(2 * 3600)));
            Aim {
                reach,
                ramp: if spec.parameters.start_ramp { ramp } else { 0 },
                calibration: Calibration::new(*horizon, spec.risk, reach.prior(), prior_days)
                    .without(spec.parameters.without, reach.prior()),
                level: 0.0,
                risk: 0.0,
            }
        });
        let without = spec.parameters.without;
        Self { features: Features::new(), aims: aims.collect(), early: forgets, without }
    }
}

impl Aim {
    /// The prediction without start ramp.
    fn bare(&self, group: &Group) -> f64 {
        (self.level + self.calibration.k() * self.risk).max(group.total).min(group.limit)
    }
}

impl Rule for Calibrated {
    type Memory = Trace;
    const SLOTTED: bool = true;

    fn admit(&self, trace: &mut Trace) {
        self.features.admit(trace);
    }

    fn leave(&mut self, member: &Member<Trace>) {
        self.features.leave(member);
    }

    fn turn(&mut self, members: &mut [Member<Trace>], step: u64) {
        self.features.turn(members, step);
    }

    fn weigh(&mut self, group: &Group, members: &mut [Member<Trace>], _: &NodeLoad) {
        self.features.weigh(group, members);
        if self.early && group.slot >= PER_DAY as u64 {
            self.early = false;
            for aim in &mut self.aims {
                aim.calibration.restart(aim.reach.prior());
            }
        }
        let now = match self.without {
            Some(part) => self.features.now.without(part),
            None => self.features.now,
        };
        for aim in &mut self.aims {
            aim.level = aim.reach.level(&now);
            aim.risk = aim.reach.risk(&now);
        }
    }

    fn peak(&self, horizon: usize, group: &Group) -> f64 {
        let Some(aim) = self.aims.get(horizon) else { return group.limit };
        let bare = aim.bare(group);
        if group.slot >= aim.ramp {
            return bare;
        }
        bare + (group.limit - bare) * (1.0 - group.slot as f64 / aim.ramp as f64)
    }

    fn mark(&self, horizon: usize, peak: f64, group: &Group) -> Mark {
        match self.aims.get(horizon) {
            Some(aim) => {
                let (bare, early) = (aim.bare(group), self.early);
                Mark { peak, bare, level: aim.level, risk: aim.risk, early }
            }
            None => Mark { peak, ..Mark::default() },
        }
    }

    fn judged(&mut self, horizon: usize, outcome: &Outcome) {
        // What was predicted on the first day says nothing about later ones.
        if outcome.mark.early && !self.early {
            return;
        }
        if let Some(aim) = self.aims.get_mut(horizon) {
            aim.calibration.learn(outcome);
        }
    }

    fn basis(&self, horizon: usize) -> Option<Basis> {
        let aim = self.aims.get(horizon)?;
        Some(Basis { level: aim.level, risk: aim.risk, k: aim.calibration.k() })
    }

    fn aim(&mut self, risk: Ratio) {
        for aim in &mut self.aims {
            aim.calibration.aim(risk);
        }
    }

    fn is_sound(&self, members: &[Member<Trace>]) -> bool {
        self.features.is_sound(members) && self.aims.iter().all(|aim| aim.calibration.is_sound())
    }
}
