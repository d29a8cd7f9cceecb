// SPDX-License-Identifier: Apache-2.0
//! The Prometheus side: counters that are kept between ticks, and the text that a scrape gets.

mod collect;
pub mod docs;
pub mod entry;
mod labels;
pub mod list;
pub mod look;
pub mod own;
mod reactions;

use crate::correction::{Counted, Ended, Ending};
use crate::published::Published;
use crate::snapshot::Snapshot;
use collect::Rendered;
use entry::{Metric, Source};
use gleaner_engine::decision::Health;
use gleaner_estimator::reason::Resource;
use prometheus::{GaugeVec, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};
pub use reactions::Reactions;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The media type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of one Gleaner. Counting takes atomics only; a scrape never stops a tick.
pub struct Metrics {
    registry: Registry,
    counters: BTreeMap<&'static str, IntCounterVec>,
    histograms: BTreeMap<&'static str, Histogram>,
    stamps: BTreeMap<&'static str, GaugeVec>,
}

impl Metrics {
    /// Registers everything of the list; every counter is at 0.
    ///
    /// # Errors
    /// An entry of the list is malformed or there twice; a test of this crate makes sure that none is.
    pub fn new(published: Arc<Published>) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let mut counters = BTreeMap::new();
        let (mut histograms, mut stamps) = (BTreeMap::new(), BTreeMap::new());
        let about = published.about();
        for metric in list::all() {
            let labels: Vec<&str> = metric.labels.iter().map(|l| l.name).collect();
            match metric.source {
                Source::Counter => {
                    let vec = IntCounterVec::new(Opts::new(metric.name, metric.help), &labels)?;
                    for row in metric.combinations(&about) {
                        vec.get_metric_with_label_values(&row)?;
                    }
                    registry.register(Box::new(vec.clone()))?;
                    counters.insert(metric.name, vec);
                }
                Source::Histogram(bounds) => {
                    let options = HistogramOpts::new(metric.name, metric.help);
                    let histogram = Histogram::with_opts(options.buckets(bounds.to_vec()))?;
                    registry.register(Box::new(histogram.clone()))?;
                    histograms.insert(metric.name, histogram);
                }
                Source::Stamp => {
                    let vec = GaugeVec::new(Opts::new(metric.name, metric.help), &labels)?;
                    registry.register(Box::new(vec.clone()))?;
                    stamps.insert(metric.name, vec);
                }
                // Rendered from the snapshot.
                Source::About(_)
                | Source::Decision(_)
                | Source::Snapshot(_)
                | Source::Harm(_)
                | Source::Host(_)
                | Source::Total(_)
                | Source::OwnGauge(_)
                | Source::OwnCounter(_) => {}
            }
        }
        registry.register(Box::new(Rendered::new(published)?))?;
        Ok(Self { registry, counters, histograms, stamps })
    }

    /// The text of one scrape, in the Prometheus text format, version 0.0.4.
    ///
    /// # Errors
    /// The text cannot be made; that would be a bug of this crate.
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Counts what one snapshot says; `before` is the one before it.
    pub(crate) fn count(&self, shot: &Snapshot, before: Option<&Snapshot>) {
        let decision = &shot.decision;
        let bounds = [
            (Resource::Cpu, decision.cpu.offer.bound),
            (Resource::Memory, decision.memory.offer.bound),
        ];
        for (resource, bound) in bounds {
            self.add("gleaner_ticks_total", &[resource.word(), bound.word()], 1);
        }
        for (resource, level) in shot.changed_levels(before) {
            self.add("gleaner_level_transitions_total", &[resource.word(), level.word()], 1);
        }
        self.add("gleaner_tasks_vanished_total", &[], u64::from(decision.vanished));
        match decision.health {
            Health::Failed { .. } => self.add("gleaner_readings_failed_total", &[], 1),
            Health::Fresh | Health::Cold { .. } => {}
        }
    }

    /// Counts a correction that has ended.
    pub(crate) fn ended(&self, ended: &Ended) {
        let action = ended.action.word();
        let Some(counted) = Counted::of(action) else { return };
        let (resource, ending) = (ended.resource.word(), ended.ending.word());
        if !counted.ends(resource, ending) {
            return;
        }
        let labels = [action, resource, ending];
        self.add("gleaner_corrections_total", &labels, 1);
        if ended.ending == Ending::Observed || !counted.reasons.contains(&ended.reason) {
            return;
        }
        let labels = [action, ended.reason.word()];
        self.add("gleaner_corrections_by_reason_total", &labels, 1);
        self.stamp("gleaner_last_correction_timestamp_seconds", &labels, ended.wall_ms);
    }

    /// Records the time from the first sign of harm until the correction was written.
    pub(crate) fn reacted(&self, took: Duration) {
        self.observe("gleaner_reaction_seconds", took);
    }

    /// Records how long reading took.
    pub(crate) fn sampled(&self, took: Duration) {
        self.observe("gleaner_sample_duration_seconds", took);
    }

    /// Records how long deciding took.
    pub(crate) fn ticked(&self, took: Duration) {
        self.observe("gleaner_tick_duration_seconds", took);
    }

    fn add(&self, name: &str, labels: &[&str], by: u64) {
        let counter = self.counters.get(name).map(|vec| vec.get_metric_with_label_values(labels));
        match counter {
            Some(Ok(counter)) => counter.inc_by(by),
            Some(Err(_)) | None => debug_assert!(false, "{name}{labels:?} is not in the list"),
        }
    }

    fn stamp(&self, name: &str, labels: &[&str], wall_ms: u64) {
        match self.stamps.get(name).map(|vec| vec.get_metric_with_label_values(labels)) {
            Some(Ok(stamp)) => stamp.set(wall_ms as f64 / 1e3),
            Some(Err(_)) | None => debug_assert!(false, "{name}{labels:?} is not in the list"),
        }
    }

    fn histogram(&self, name: &str) -> Option<&Histogram> {
        self.histograms.get(name)
    }

    fn observe(&self, name: &str, took: Duration) {
        match self.histogram(name) {
            Some(histogram) => histogram.observe(took.as_secs_f64()),
            None => debug_assert!(false, "{name} is not in the list"),
        }
    }
}

/// The number of series of the list under these settings, histograms' buckets included.
#[must_use]
pub fn series(about: &crate::about::About) -> usize {
    let of = |metric: &Metric| {
        let each = match metric.source {
            // One per bound, then +Inf, sum and count.
            Source::Histogram(bounds) => bounds.len() + 3,
            Source::About(_)
            | Source::Decision(_)
            | Source::Snapshot(_)
            | Source::Harm(_)
            | Source::Host(_)
            | Source::Total(_)
            | Source::Stamp
            | Source::Counter
            | Source::OwnGauge(_)
            | Source::OwnCounter(_) => 1,
        };
        each * metric.combinations(about).len()
    };
    list::all().map(of).sum()
}
