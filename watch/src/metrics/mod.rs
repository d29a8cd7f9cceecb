// SPDX-License-Identifier: Apache-2.0
//! The Prometheus side: counters that are kept between ticks, and the text that a scrape gets.

mod collect;
pub mod docs;
pub mod entry;
mod labels;
pub mod list;
pub mod own;

use crate::published::Published;
use collect::Rendered;
use entry::{Metric, Source};
use gleaner_engine::decision::{Decision, Health};
use gleaner_estimator::reason::Resource;
use gleaner_qos::level::Level;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};
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
}

impl Metrics {
    /// Registers everything of the list; every counter is at 0.
    ///
    /// # Errors
    /// An entry of the list is malformed or there twice; a test of this crate makes sure that none is.
    pub fn new(published: Arc<Published>) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let (mut counters, mut histograms) = (BTreeMap::new(), BTreeMap::new());
        let about = published.about();
        for metric in list::all() {
            match metric.source {
                Source::Counter => {
                    let labels: Vec<&str> = metric.labels.iter().map(|l| l.name).collect();
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
                Source::About(_)
                | Source::Decision(_)
                | Source::Host(_)
                | Source::Total(_)
                | Source::OwnGauge(_)
                | Source::OwnCounter(_) => {}
            }
        }
        registry.register(Box::new(Rendered::new(published)?))?;
        Ok(Self { registry, counters, histograms })
    }

    /// The text of one scrape, in the Prometheus text format, version 0.0.4.
    ///
    /// # Errors
    /// The text cannot be made; that would be a bug of this crate.
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Counts what one decision says. `before` is the level of each lent resource until then.
    pub(crate) fn count(&self, decision: &Decision, before: Option<[Level; 2]>) {
        let resources = [
            (Resource::Cpu, decision.cpu.offer.bound, decision.cpu.level),
            (Resource::Memory, decision.memory.offer.bound, decision.memory.level),
        ];
        for (i, (resource, bound, level)) in resources.into_iter().enumerate() {
            self.add("gleaner_ticks_total", &[resource.word(), bound.word()], 1);
            if before.is_some_and(|before| before[i] != level) {
                let labels = [resource.word(), level.word()];
                self.add("gleaner_level_transitions_total", &labels, 1);
            }
        }
        self.add("gleaner_tasks_vanished_total", &[], u64::from(decision.vanished));
        match decision.health {
            Health::Failed { .. } => self.add("gleaner_readings_failed_total", &[], 1),
            Health::Fresh | Health::Cold { .. } => {}
        }
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

    fn observe(&self, name: &str, took: Duration) {
        match self.histograms.get(name) {
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
            | Source::Host(_)
            | Source::Total(_)
            | Source::Counter
            | Source::OwnGauge(_)
            | Source::OwnCounter(_) => 1,
        };
        each * metric.combinations(about).len()
    };
    list::all().map(of).sum()
}
