// SPDX-License-Identifier: Apache-2.0
//! `decaying`: a percentile of histograms that fade, plus a margin; the smaller of the tasks' sum and the group's own.
//!
//! Source: Koordinator, `pkg/koordlet/prediction` (percentiles, margin, half-lives, 24 h cold start), on the histogram
//! of the Kubernetes vertical pod autoscaler (buckets that grow by 5 %, the percentile is the end of its bucket).
//! One slot's maximum counts 1. A task younger than the warm-up counts at its limit, and a younger group as a whole.

use super::NodeLoad;
use super::numeric::{bin, fade};
use super::roster::{Group, Member};
use super::rule::Rule;
use super::slot::{SLOT, slots_in};
use super::spec::Parameters;
use serde::{Deserialize, Serialize};

/// Growth of a bucket over the one before.
const GROWTH: f64 = 1.05;
/// From 0.025 to 14,000 cores, or from 5 MiB to 2.7 TiB; what is above counts in the last.
const BUCKETS: usize = 210;

/// How much was used how often, newer slots counting more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Histogram {
    weights: Vec<f64>,
    /// Bucket of the open slot and the percentile it gave, until either changes.
    found: Option<(usize, f64)>,
}

/// See the module's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Decaying {
    share: f64,
    /// In slots.
    half_life: f64,
    bucket: f64,
    margin: f64,
    /// In slots.
    warm_up: u64,
    group: Histogram,
    /// Largest usage of the group in the open slot, as of the last `weigh`.
    open: f64,
    peak: f64,
}

impl Histogram {
    fn reset(&mut self) {
        self.weights.clear();
        self.weights.resize(BUCKETS, 0.0);
        self.found = None;
    }
}

impl Decaying {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let mut group = Histogram::default();
        group.reset();
        Self {
            share: parameters.decaying_percentile,
            half_life: parameters.decaying_half_life.secs() / SLOT.secs(),
            bucket: parameters.decaying_bucket,
            margin: parameters.decaying_margin,
            warm_up: slots_in(parameters.decaying_warm_up),
            group,
            open: 0.0,
            peak: 0.0,
        }
    }

    fn bucket_of(&self, value: f64) -> usize {
        bin((value * (GROWTH - 1.0) / self.bucket + 1.0).ln() / GROWTH.ln(), BUCKETS)
    }

    fn bucket_end(&self, bucket: usize) -> f64 {
        self.bucket * (GROWTH.powf(bucket as f64 + 1.0) - 1.0) / (GROWTH - 1.0)
    }

    fn end_slot(&self, histogram: &mut Histogram, value: f64, step: u64) {
        let faded = fade(step, self.half_life);
        histogram.weights[self.bucket_of(value)] += 1.0;
        for weight in &mut histogram.weights {
            *weight *= faded;
        }
        histogram.found = None;
    }

    /// The percentile with the open slot counted in, without the margin.
    fn bound(&self, histogram: &mut Histogram, open: f64) -> f64 {
        let newest = self.bucket_of(open);
        match histogram.found {
            Some((bucket, found)) if bucket == newest => found,
            Some(_) | None => {
                let weights = &histogram.weights;
                let wanted = self.share * (weights.iter().sum::<f64>() + 1.0);
                let mut sum = 0.0;
                let reached = weights.iter().enumerate().position(|(bucket, weight)| {
                    sum += weight + if bucket == newest { 1.0 } else { 0.0 };
                    sum >= wanted
                });
                let found = self.bucket_end(reached.unwrap_or(BUCKETS - 1));
                histogram.found = Some((newest, found));
                found
            }
        }
    }
}

impl Rule for Decaying {
    type Memory = Histogram;
    const SLOTTED: bool = true;

    const WEIGHS_ANEW: bool = true;

    fn retune(&mut self, parameters: &Parameters) {
        self.margin = parameters.decaying_margin;
    }

    fn admit(&self, histogram: &mut Histogram) {
        histogram.reset();
    }

    fn leave(&mut self, _: &Member<Histogram>) {}

    fn turn(&mut self, members: &mut [Member<Histogram>], step: u64) {
        for member in members {
            self.end_slot(&mut member.memory, member.peak, step);
        }
        let mut group = std::mem::take(&mut self.group);
        self.end_slot(&mut group, self.open, step);
        self.group = group;
    }

    fn weigh(&mut self, group: &Group, members: &mut [Member<Histogram>], _: &NodeLoad) {
        let mut tasks = 0.0;
        for member in members {
            let warm = group.slot.saturating_sub(member.born) >= self.warm_up;
            tasks += if warm {
                (self.margin * self.bound(&mut member.memory, member.peak)).min(member.limit)
            } else {
                member.limit
            };
        }
        self.open = group.peak;
        let mut own = std::mem::take(&mut self.group);
        let whole = if group.slot >= self.warm_up {
            self.margin * self.bound(&mut own, self.open)
        } else {
            group.limit
        };
        self.group = own;
        self.peak = tasks.min(whole);
    }

    fn peak(&self, _: usize, _: &Group) -> f64 {
        self.peak
    }

    fn is_sound(&self, members: &[Member<Histogram>]) -> bool {
        let mut all = members.iter().map(|m| &m.memory).chain([&self.group]);
        all.all(|histogram| histogram.weights.len() == BUCKETS)
    }
}
