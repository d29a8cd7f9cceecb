// SPDX-License-Identifier: Apache-2.0
//! How soon corrections came, since the start: the data of `gleaner_reaction_seconds` for those who look without Prometheus.

use super::Metrics;
use super::look::REACTION_SECONDS;
use prometheus::Histogram;
use prometheus::core::Collector as _;
use serde::Serialize;

/// A histogram and what it comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reactions {
    /// Upper bounds, seconds.
    pub bounds_seconds: Vec<f64>,
    /// How many lie between one bound and the next; the last is above all bounds.
    pub counts: Vec<u64>,
    /// The promise; one of the bounds.
    pub promise_seconds: f64,
    /// In words.
    pub said: String,
}

impl Metrics {
    /// How soon corrections came, since the start.
    #[must_use]
    pub fn reactions(&self) -> Reactions {
        let (bounds, counts) =
            self.histogram("gleaner_reaction_seconds").map(buckets).unwrap_or_default();
        let all: u64 = counts.iter().sum();
        let kept = bounds.iter().zip(&counts).filter(|(bound, _)| **bound <= REACTION_SECONDS);
        let kept: u64 = kept.map(|(_, count)| count).sum();
        let said = match all {
            0 => "Nothing had to be answered since the start.".to_owned(),
            all => format!(
                "{kept} of {all} corrections were in force within {:.0} ms of the first sign of harm.",
                REACTION_SECONDS * 1e3
            ),
        };
        Reactions { bounds_seconds: bounds, counts, promise_seconds: REACTION_SECONDS, said }
    }

    /// Mean of a histogram; `None` before the first observation.
    #[must_use]
    pub fn mean_seconds(&self, name: &str) -> Option<f64> {
        let histogram = self.histogram(name)?;
        let count = histogram.get_sample_count();
        (count > 0).then(|| histogram.get_sample_sum() / count as f64)
    }
}

/// Bounds, and the count below each that is above the one before.
fn buckets(histogram: &Histogram) -> (Vec<f64>, Vec<u64>) {
    let families = histogram.collect();
    let metrics = families.first().map(|family| family.get_metric()).unwrap_or_default();
    let Some(metric) = metrics.first() else { return Default::default() };
    let all = metric.get_histogram();
    let (mut bounds, mut counts, mut below) = (Vec::new(), Vec::new(), 0);
    for bucket in all.get_bucket() {
        bounds.push(bucket.upper_bound());
        counts.push(bucket.cumulative_count() - below);
        below = bucket.cumulative_count();
    }
    counts.push(all.get_sample_count() - below);
    (bounds, counts)
}

#[cfg(test)]
mod tests {
    use crate::about::About;
    use crate::publisher::Publisher;
    use gleaner_estimator::units::Span;
    use std::time::Duration;

    #[test]
    fn each_reaction_is_counted_once_below_its_bound() {
        let about = About {
            node: String::new(),
            version: String::new(),
            revision: String::new(),
            started_ms: 0,
            interval: Span::default(),
            stale_after: Span::default(),
            horizons: Vec::new(),
            policy: String::new(),
            shadows: Vec::new(),
            places: std::collections::BTreeMap::new(),
            layout: serde_json::Value::Null,
        };
        let publisher = Publisher::new(about).expect("the list is well formed");
        let metrics = publisher.metrics();
        assert_eq!(metrics.reactions().said, "Nothing had to be answered since the start.");
        for millis in [4, 120, 140, 700, 60_000] {
            publisher.tell_reaction(Duration::from_millis(millis));
        }
        let reactions = metrics.reactions();
        assert_eq!(reactions.counts, [1, 0, 0, 2, 0, 0, 1, 0, 0, 1]);
        assert_eq!(reactions.bounds_seconds.len() + 1, reactions.counts.len());
        assert!(reactions.said.starts_with("3 of 5 corrections"), "{}", reactions.said);
    }
}
