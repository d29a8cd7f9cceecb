// SPDX-License-Identifier: Apache-2.0
//! How predictions turned out: for any predictor, the share of them that the true peak exceeded.
//!
//! Definitions as in Bashir et al., "Take it to the limit: peak prediction-driven resource overcommitment in
//! datacenters", EuroSys 2021 (code: googleinterns/cluster-resource-forecast). A prediction made at `t` for the
//! tasks present then is compared with the largest total that *these tasks* reach in `(t, t + horizon]`: the
//! observation at `t` is excluded, tasks that arrive later are excluded, departed ones count 0. It is violated
//! if the peak is above `prediction · (1 + 1e-6) + 1e-6`.
//!
//! One prediction a slot is judged (the one made when the slot opens), whatever the sampling interval; between
//! two of them only the largest prefix sums in arrival order are kept. So memory is bounded by the longest
//! horizon, and an observation costs O(tasks).
//!
//! Not judged: predictions for no tasks at all, and those whose horizon has a gap of more than half of it without observations. Where half of the
//! horizon or more was not calm, demand may have been hidden: then only violations are counted, so the rate
//! reported is never too good.

use super::Load;
use super::slot::PER_DAY;
use crate::units::{Ratio, Span};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Judged predictions and how many of them were violated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Predictions whose horizon has passed.
    pub predictions: u64,
    /// Those whose peak was above the prediction.
    pub violations: u64,
}

impl Tally {
    /// The achieved violation rate; `None` before the first outcome.
    #[must_use]
    pub fn rate(&self) -> Option<Ratio> {
        Ratio::of(self.violations as f64, self.predictions as f64)
    }

    fn count(&mut self, violated: bool) {
        self.predictions += 1;
        self.violations += u64::from(violated);
    }
}

/// How predictions for one horizon turned out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The horizon.
    pub horizon: Span,
    /// The share of intervals in which the peak may exceed the prediction.
    pub asked: Ratio,
    /// Since learning began, restored state included.
    pub since_start: Tally,
    /// Judged within the last day.
    pub last_day: Tally,
    /// `calibrated` only: what the asked risk costs on this node, in scales of its own uncertainty.
    pub k: Option<f64>,
}

impl Score {
    /// Achieved ÷ asked rate since the start: 1 is as promised, above 1 is worse. `None` before the first outcome.
    #[must_use]
    pub fn reliability(&self) -> Option<Ratio> {
        Ratio::of(self.since_start.rate()?.get(), self.asked.get())
    }

    /// The achieved rate since the start, as a 95 % interval: what can honestly be known of it.
    ///
    /// Wilson's score interval (Wilson, JASA 1927). Predictions whose horizons overlap share their peak, so
    /// only one a horizon counts as independent: a month of 24 h predictions is 30 outcomes.
    #[must_use]
    pub fn interval(&self) -> Option<(Ratio, Ratio)> {
        let rate = self.since_start.rate()?.get();
        let overlap = super::slot::slots_in(self.horizon) as f64;
        let n = (self.since_start.predictions as f64 / overlap).max(1.0);
        let z2 = 1.96 * 1.96;
        let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = (z2 * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n))).sqrt() / (1.0 + z2 / n);
        Some((Ratio::new((centre - half).max(0.0))?, Ratio::new((centre + half).min(1.0))?))
    }
}

/// What is remembered of one prediction for one horizon. Base units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// What was predicted.
    pub(super) peak: f64,
    /// `calibrated`: the prediction without start ramp.
    pub(super) bare: f64,
    /// `calibrated`: its level.
    pub(super) level: f64,
    /// `calibrated`: its risk scale; above 0.
    pub(super) risk: f64,
    /// `calibrated`: made on the group's first day, when its features still lacked a day's history.
    pub(super) early: bool,
}

/// How one prediction turned out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// The prediction.
    pub(super) mark: Mark,
    /// Usage when it was made.
    pub(super) total: f64,
    /// The peak within the horizon.
    pub(super) reached: f64,
    /// Slots between this prediction and the one before, at most the horizon: what it stands for.
    pub(super) step: u64,
    /// Half of the horizon or more was not calm: the true peak may have been higher.
    pub(super) hidden: bool,
}

/// Whether a peak violates a prediction. The margin (1e-6 of it, and 1e-6 cores or bytes) is the definition's.
pub(super) fn is_violation(reached: f64, predicted: f64) -> bool {
    reached > predicted * (1.0 + 1e-6) + 1e-6
}

/// A moment at which predictions were made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Origin {
    slot: u64,
    /// The highest arrival number ever seen then: whoever is above came later.
    newest: u64,
    total: f64,
    /// The peak so far; `None` before the next observation.
    reached: Option<f64>,
    step: u64,
    /// `Outcomes::pressed` when it was made.
    pressed: u64,
}

/// The largest total of all tasks up to one arrival number since the open slot began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Prefix {
    arrival: u64,
    most: f64,
}

/// One horizon's score.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    /// The horizon in slots.
    slots: u64,
    /// Index in `Outcomes::origins` of the oldest prediction not yet judged.
    next: usize,
    since_start: Tally,
    last_day: Tally,
    /// Outcomes per slot of the last day, by slot number modulo a day.
    day: Vec<Tally>,
}

/// Keeps predictions until their horizon has passed, and judges them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Outcomes {
    accounts: Vec<Account>,
    /// The slot last opened.
    slot: u64,
    newest: u64,
    /// Slots that opened under pressure, ever.
    pressed: u64,
    origins: VecDeque<Origin>,
    /// As many marks per origin as there are horizons.
    marks: VecDeque<Mark>,
    /// Sorted by arrival number; tasks that left within the slot included.
    prefixes: Vec<Prefix>,
    #[serde(skip)]
    spare: Vec<Prefix>,
}

impl Outcomes {
    /// Nothing judged yet. Horizons in slots.
    pub(super) fn new(horizons: impl Iterator<Item = u64>) -> Self {
        let accounts: Vec<_> = horizons
            .map(|slots| Account {
                slots,
                next: 0,
                since_start: Tally::default(),
                last_day: Tally::default(),
                day: vec![Tally::default(); PER_DAY],
            })
            .collect();
        let mut new = Self {
            accounts,
            slot: 0,
            newest: 0,
            pressed: 0,
            origins: VecDeque::new(),
            marks: VecDeque::new(),
            prefixes: Vec::new(),
            spare: Vec::new(),
        };
        new.reserve();
        new
    }

    /// Room for every prediction that can be pending, so that none is ever made later.
    fn reserve(&mut self) {
        let most = self.capacity() + 1;
        self.origins.reserve_exact(most.saturating_sub(self.origins.len()));
        let marks = most * self.accounts.len();
        self.marks.reserve_exact(marks.saturating_sub(self.marks.len()));
    }

    fn capacity(&self) -> usize {
        let longest = self.accounts.iter().map(|a| a.slots).max().unwrap_or(0);
        usize::try_from(longest).unwrap_or(0) + 1
    }

    /// Whether lengths fit together: false only for a state that was made up. Makes room if they do.
    pub(super) fn restore(&mut self, horizons: impl ExactSizeIterator<Item = u64>) -> bool {
        let sound = self.accounts.len() == horizons.len()
            && self.accounts.iter().zip(horizons).all(|(a, slots)| {
                a.slots == slots && a.day.len() == PER_DAY && a.next <= self.origins.len()
            })
            && self.marks.len() == self.origins.len() * self.accounts.len()
            && self.origins.len() <= self.capacity()
            && self.origins.iter().all(|o| o.slot <= self.slot);
        if sound {
            self.reserve();
        }
        sound
    }

    /// Tallies of one horizon: since the start, and of the last day.
    pub(super) fn tallies(&self, horizon: usize) -> Option<(Tally, Tally)> {
        self.accounts.get(horizon).map(|a| (a.since_start, a.last_day))
    }

    /// An observation within the open slot.
    pub(super) fn fold(&mut self, loads: &[Load]) {
        let same = self.prefixes.len() == loads.len()
            && self.prefixes.iter().zip(loads).all(|(p, l)| p.arrival == l.arrival);
        if same {
            let mut sum = 0.0;
            for (prefix, load) in self.prefixes.iter_mut().zip(loads) {
                sum += load.usage;
                prefix.most = prefix.most.max(sum);
            }
        } else {
            self.merge(loads);
        }
        if let Some(last) = loads.last() {
            self.newest = self.newest.max(last.arrival);
        }
    }

    /// Like `fold`, where tasks came or left since the slot began.
    fn merge(&mut self, loads: &[Load]) {
        self.spare.clear();
        let (mut old, mut new) = (self.prefixes.iter().peekable(), loads.iter().peekable());
        let (mut sum, mut most) = (0.0, 0.0_f64);
        loop {
            let arrival = match (old.peek(), new.peek()) {
                (Some(o), Some(n)) => o.arrival.min(n.arrival),
                (Some(o), None) => o.arrival,
                (None, Some(n)) => n.arrival,
                (None, None) => break,
            };
            if let Some(load) = new.next_if(|n| n.arrival == arrival) {
                sum += load.usage;
            }
            // Before a task came, the total up to it was the total up to the one before it.
            if let Some(prefix) = old.next_if(|o| o.arrival == arrival) {
                most = most.max(prefix.most);
            }
            most = most.max(sum);
            self.spare.push(Prefix { arrival, most });
        }
        std::mem::swap(&mut self.prefixes, &mut self.spare);
    }

    /// Raises the peaks of the pending predictions to what was seen since the slot began, and starts anew.
    fn settle(&mut self, ceiling: f64) {
        let mut up_to = 0;
        for origin in &mut self.origins {
            while self.prefixes.get(up_to).is_some_and(|p| p.arrival <= origin.newest) {
                up_to += 1;
            }
            let most = if up_to == 0 { 0.0 } else { self.prefixes[up_to - 1].most };
            origin.reached = Some(origin.reached.unwrap_or(0.0).max(most.min(ceiling)));
        }
        self.prefixes.clear();
    }

    /// An observation that opens `slot`. `judged` hears of every outcome: the horizon's number and the outcome.
    pub(super) fn open(
        &mut self,
        slot: u64,
        loads: &[Load],
        ceiling: f64,
        calm: bool,
        mut judged: impl FnMut(usize, &Outcome),
    ) {
        if !self.prefixes.is_empty() {
            self.settle(ceiling);
        }
        self.drop_unseen(slot.saturating_sub(self.slot + 1));
        self.forget_day(slot);
        self.slot = slot;
        // First those whose horizon ended before this observation, then those that it still belongs to.
        self.judge(1, &mut judged);
        self.pressed += u64::from(!calm);
        self.fold(loads);
        self.settle(ceiling);
        self.judge(0, &mut judged);
        let done = self.accounts.iter().map(|a| a.next).min().unwrap_or(0);
        self.origins.drain(..done);
        self.marks.drain(..done * self.accounts.len());
        for account in &mut self.accounts {
            account.next -= done;
        }
    }

    /// Leaves unjudged what nobody watched for more than half of its horizon.
    fn drop_unseen(&mut self, missing: u64) {
        for account in &mut self.accounts {
            if missing.saturating_mul(2) > account.slots {
                account.next = self.origins.len();
            }
        }
    }

    /// Empties the slots of the day that have passed since the last one.
    fn forget_day(&mut self, slot: u64) {
        let passed = slot.saturating_sub(self.slot).min(PER_DAY as u64);
        for account in &mut self.accounts {
            for step in 0..passed {
                let gone = std::mem::take(&mut account.day[day_index(slot - step)]);
                account.last_day.predictions -= gone.predictions.min(account.last_day.predictions);
                account.last_day.violations -= gone.violations.min(account.last_day.violations);
            }
        }
    }

    /// Judges what is at least `beyond` slots past its horizon.
    fn judge(&mut self, beyond: u64, judged: &mut impl FnMut(usize, &Outcome)) {
        let horizons = self.accounts.len();
        for (horizon, account) in self.accounts.iter_mut().enumerate() {
            while let Some(origin) = self.origins.get(account.next) {
                if self.slot < origin.slot.saturating_add(account.slots).saturating_add(beyond) {
                    break;
                }
                let mark = self.marks[account.next * horizons + horizon];
                account.next += 1;
                let Some(reached) = origin.reached else { continue };
                let hidden = (self.pressed - origin.pressed.min(self.pressed)).saturating_mul(2)
                    >= account.slots.max(2);
                let violated = is_violation(reached, mark.peak);
                if violated || !hidden {
                    account.since_start.count(violated);
                    account.last_day.count(violated);
                    account.day[day_index(self.slot)].count(violated);
                }
                let step = origin.step.min(account.slots);
                judged(horizon, &Outcome { mark, total: origin.total, reached, step, hidden });
            }
        }
    }

    /// Remembers the predictions made now, one mark per horizon.
    pub(super) fn take(&mut self, total: f64, step: u64, marks: impl Iterator<Item = Mark>) {
        if self.origins.len() >= self.capacity() {
            self.origins.pop_front();
            self.marks.drain(..self.accounts.len());
            for account in &mut self.accounts {
                account.next = account.next.saturating_sub(1);
            }
        }
        self.origins.push_back(Origin {
            slot: self.slot,
            newest: self.newest,
            total,
            reached: None,
            step,
            pressed: self.pressed,
        });
        self.marks.extend(marks);
    }
}

fn day_index(slot: u64) -> usize {
    usize::try_from(slot % PER_DAY as u64).unwrap_or(0)
}
