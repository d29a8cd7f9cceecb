// SPDX-License-Identifier: Apache-2.0
//! What `calibrated` knows of the tasks present now: a few numbers, kept up to date in O(tasks).

use crate::predict::numeric::{bin, fade};
use crate::predict::roster::{Group, Member};
use crate::predict::slot::PER_DAY;
use crate::predict::window::{Ring, Window};
use serde::{Deserialize, Serialize};

/// Bins of the group's ratio of usage to limits.
const RATIO_BINS: usize = 200;
/// Half-lives in slots: of a task's mean, and of peaks.
const SIX_HOURS: f64 = 72.0;
const DAY: f64 = 288.0;
const WEEK: f64 = 7.0 * DAY;
/// Ages in slots: within half an hour, within two, and the two hours that come next, as of yesterday.
const HALF_HOUR: usize = 6;
const TWO_HOURS: usize = 24;
const YESTERDAY: std::ops::Range<usize> = PER_DAY - TWO_HOURS..PER_DAY;

/// What is remembered of one task: 2.3 KiB, nearly all of it the day's slots.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::predict) struct Trace {
    ring: Ring,
    /// Weight of the mean with the open slot counted in.
    weight: f64,
    /// Over ended slots, as are the peaks.
    mean: f64,
    /// Peaks that fade towards the mean, over a day and over a week.
    day: f64,
    week: f64,
}

/// How much of the ended slots is left in the open one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Fades {
    mean: f64,
    day: f64,
    week: f64,
}

impl Fades {
    fn over(step: u64) -> Self {
        Self { mean: fade(step, SIX_HOURS), day: fade(step, DAY), week: fade(step, WEEK) }
    }
}

impl Trace {
    /// Mean and peaks with `usage` as the open slot's.
    fn with(&self, usage: f64, fades: &Fades) -> (f64, f64, f64) {
        let mean = self.mean + (usage - self.mean) / self.weight;
        let day = usage.max(mean + (self.day - mean) * fades.day);
        let week = usage.max(mean + (self.week - mean) * fades.week);
        (mean, day, week)
    }
}

/// The features, in base units.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Now {
    /// The largest total of the open slot.
    pub(super) total: f64,
    /// The largest total of the tasks present now within half an hour, two hours and a day.
    pub(super) half_hour: f64,
    pub(super) two_hours: f64,
    pub(super) day: f64,
    /// The largest ratio from 24 to 22 hours ago, times the limits.
    pub(super) yesterday: f64,
    /// The mean ratio over a day, times the limits.
    pub(super) mean: f64,
    /// The ratio's 99.8th percentile over weeks, times the limits.
    pub(super) high: f64,
    /// The ratio's peak, fading to its mean over a week, times the limits.
    pub(super) peak: f64,
    /// How far tasks peak above their mean, if they do so independently: root of squares, over a day and a week.
    pub(super) spread_day: f64,
    pub(super) spread_week: f64,
    /// The most that one task can add at once.
    pub(super) head: f64,
    /// What all can use.
    pub(super) limit: f64,
}

/// Sums and maxima over the ended slots of the day.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Ended {
    half_hour: f64,
    two_hours: f64,
    day: f64,
    yesterday: f64,
    ratios: f64,
    count: f64,
}

/// Keeps the features up to date.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Features {
    window: Window,
    fades: Fades,
    ended: Ended,
    /// The ceiling under which `ended` was found; `None` when it must be found anew.
    ended_under: Option<f64>,
    /// The group's ratio: as a task's usage, with a week for half-lives, in `Trace`'s fields.
    ratio: Trace,
    ratio_now: f64,
    ratio_weights: Vec<f64>,
    /// Bin of the ratio now, and the percentile under it; `None` when it must be found anew.
    high: Option<(usize, f64)>,
    pub(super) now: Now,
}

impl Features {
    pub(super) fn new() -> Self {
        Self {
            window: Window::new(PER_DAY),
            fades: Fades::over(1),
            ended: Ended::default(),
            ended_under: None,
            ratio: Trace { weight: 1.0, ..Trace::default() },
            ratio_now: 0.0,
            ratio_weights: vec![0.0; RATIO_BINS],
            high: None,
            now: Now::default(),
        }
    }

    pub(super) fn admit(&self, trace: &mut Trace) {
        trace.ring.reset(self.window.len());
        (trace.weight, trace.mean, trace.day, trace.week) = (1.0, 0.0, 0.0, 0.0);
    }

    pub(super) fn leave(&mut self, member: &Member<Trace>) {
        self.window.remove(&member.memory.ring);
        self.ended_under = None;
    }

    pub(super) fn turn(&mut self, members: &mut [Member<Trace>], step: u64) {
        let next = Fades::over(step);
        for member in members.iter_mut() {
            let trace = &mut member.memory;
            (trace.mean, trace.day, trace.week) = trace.with(member.peak, &self.fades);
            trace.weight = next.mean * trace.weight + 1.0;
            self.window.write(&mut trace.ring, member.share, member.limit, true);
        }
        self.window.advance(step, members.iter_mut().map(|m| &mut m.memory.ring));
        self.ended_under = None;
        let (mean, _, week) = self.ratio.with(self.ratio_now, &self.fades);
        self.ratio =
            Trace { weight: next.week * self.ratio.weight + 1.0, mean, week, ..Trace::default() };
        self.ratio_weights[bin(self.ratio_now * RATIO_BINS as f64, RATIO_BINS)] += 1.0;
        for weight in &mut self.ratio_weights {
            *weight *= next.week;
        }
        self.high = None;
        self.fades = next;
    }

    pub(super) fn weigh(&mut self, group: &Group, members: &[Member<Trace>]) {
        if self.ended_under.map(f64::to_bits) != Some(group.ceiling.to_bits()) {
            self.ended = self.look_back(group.ceiling);
            self.ended_under = Some(group.ceiling);
        }
        let limit = group.limit;
        self.ratio_now = if limit > 0.0 { group.peak / limit } else { 0.0 };
        let high = self.high();
        let (_, _, peak) = self.ratio.with(self.ratio_now, &self.fades);
        let (mut day, mut week, mut head) = (0.0, 0.0, 0.0_f64);
        for member in members {
            let (mean, high_day, high_week) = member.memory.with(member.peak, &self.fades);
            day += (high_day - mean) * (high_day - mean);
            week += (high_week - mean) * (high_week - mean);
            head = head.max(member.limit - member.peak);
        }
        let Ended { half_hour, two_hours, day: all_day, yesterday, ratios, count } = self.ended;
        self.now = Now {
            total: group.peak,
            half_hour: half_hour.max(group.peak),
            two_hours: two_hours.max(group.peak),
            day: all_day.max(group.peak),
            yesterday: yesterday * limit,
            mean: (ratios + self.ratio_now) / (count + 1.0) * limit,
            high: high * limit,
            peak: peak * limit,
            spread_day: day.sqrt(),
            spread_week: week.sqrt(),
            // No task can add more than the node has left.
            head: head.min(limit - group.peak),
            limit,
        };
    }

    fn look_back(&self, ceiling: f64) -> Ended {
        let mut ended = Ended::default();
        for (age, usage, limit) in self.window.ended() {
            if age < HALF_HOUR {
                ended.half_hour = ended.half_hour.max(usage);
            }
            if age < TWO_HOURS {
                ended.two_hours = ended.two_hours.max(usage);
            }
            ended.day = ended.day.max(usage);
            // Limits beyond what the node has would make any usage look small.
            let ratio = (usage / limit.min(ceiling)).min(1.0);
            if YESTERDAY.contains(&age) {
                ended.yesterday = ended.yesterday.max(ratio);
            }
            ended.ratios += ratio;
            ended.count += 1.0;
        }
        ended
    }

    /// Upper end of the bin at which 99.8 % of the ratios are reached, the open slot's included.
    fn high(&mut self) -> f64 {
        let newest = bin(self.ratio_now * RATIO_BINS as f64, RATIO_BINS);
        match self.high {
            Some((bin, high)) if bin == newest => high,
            Some(_) | None => {
                let wanted = 0.998 * (self.ratio_weights.iter().sum::<f64>() + 1.0);
                let mut sum = 0.0;
                let reached = self.ratio_weights.iter().enumerate().position(|(at, weight)| {
                    sum += weight + if at == newest { 1.0 } else { 0.0 };
                    sum >= wanted
                });
                let high = (reached.unwrap_or(RATIO_BINS - 1) + 1) as f64 / RATIO_BINS as f64;
                self.high = Some((newest, high));
                high
            }
        }
    }

    pub(super) fn is_sound(&self, members: &[Member<Trace>]) -> bool {
        self.window.is_sound()
            && self.window.len() == PER_DAY
            && self.ratio_weights.len() == RATIO_BINS
            && members.iter().all(|m| self.window.fits(&m.memory.ring))
    }
}
