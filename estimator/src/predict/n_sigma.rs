// SPDX-License-Identifier: Apache-2.0
//! `n-sigma`: mean and N standard deviations of the group's ratio of usage to limits over a window, times the limits.
//!
//! Source: "N-sigma" in Bashir et al., "Take it to the limit", EuroSys 2021. The ratio of each slot is that of the warm
//! tasks present now, as far as they were present then; the deviation is the sample's (n − 1). A task younger than
//! the warm-up counts at its limit; so does the whole group while fewer than two slots are known.

use super::NodeLoad;
use super::past::{History, Keeps, Past};
use super::roster::{Group, Member};
use super::rule::Rule;
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NSigma {
    history: History,
    spread: Spread,
}

/// Count, mean and sum of squared deviations (Welford, Technometrics 1962).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn with(self, value: f64) -> Self {
        let count = self.count + 1.0;
        let mean = self.mean + (value - self.mean) / count;
        let squares = self.squares + (value - self.mean) * (value - mean);
        Self { count, mean, squares }
    }
}

/// The group's bound of N standard deviations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Spread {
    sigma: f64,
    /// Of the ended slots.
    ended: Moments,
    /// As of the last `weigh`.
    #[serde(skip)]
    now: Weighed,
}

/// Mean and deviation of the ratio, and the limits of warm and of cold tasks, base units.
#[derive(Clone, Copy, Debug, Default)]
struct Weighed {
    mean: f64,
    deviation: f64,
    warm: f64,
    cold: f64,
}

impl Spread {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let (ended, now) = (Moments::default(), Weighed::default());
        Self { sigma: parameters.sigma, ended, now }
    }

    pub(super) fn weigh(&mut self, history: &mut History, members: &[Member<Past>]) {
        if history.changed {
            history.changed = false;
            let ratios = history.window.ended().map(|(_, usage, limit)| usage / limit);
            self.ended = ratios.fold(Moments::default(), Moments::with);
        }
        let (mut usage, mut warm, mut cold) = (0.0, 0.0, 0.0);
        for member in members {
            if history.is_warm(member) {
                usage += member.share;
                warm += member.limit;
            } else {
                cold += member.limit;
            }
        }
        let all = if warm > 0.0 { self.ended.with(usage / warm) } else { self.ended };
        let (mean, deviation) = match all.count < 2.0 {
            true => (1.0, 0.0),
            false => (all.mean, (all.squares / (all.count - 1.0)).sqrt()),
        };
        self.now = Weighed { mean, deviation, warm, cold };
    }

    pub(super) fn retune(&mut self, parameters: &Parameters) {
        self.sigma = parameters.sigma;
    }

    /// As of the last `weigh`, base units.
    pub(super) fn peak(&self) -> f64 {
        let Weighed { mean, deviation, warm, cold } = self.now;
        (mean + self.sigma * deviation) * warm + cold
    }
}

impl NSigma {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { history: History::new(parameters, Keeps::Shares), spread: Spread::new(parameters) }
    }
}

impl Rule for NSigma {
    type Memory = Past;
    const SLOTTED: bool = true;

    fn retune(&mut self, parameters: &Parameters) {
        self.spread.retune(parameters);
    }

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
        self.spread.weigh(&mut self.history, members);
    }

    fn peak(&self, _: usize, _: &Group) -> f64 {
        self.spread.peak()
    }

    fn is_sound(&self, members: &[Member<Past>]) -> bool {
        self.history.is_sound(members)
    }
}
