// SPDX-License-Identifier: Apache-2.0
//! Gauges and foreign totals, made from one snapshot at the moment somebody asks: never half old and half new.

use super::entry::{Metric, Series, Source};
use super::list;
use super::own::Own;
use crate::about::About;
use crate::published::Published;
use crate::snapshot::HostState;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, LabelPair, MetricFamily, MetricType};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// Renders everything of the list that is not counted in [`super::Metrics`] itself.
pub(super) struct Rendered {
    published: Arc<Published>,
    descriptions: Vec<Desc>,
}

impl Rendered {
    pub(super) fn new(published: Arc<Published>) -> prometheus::Result<Self> {
        let descriptions =
            list::all().filter(is_rendered).map(describe).collect::<Result<_, _>>()?;
        Ok(Self { published, descriptions })
    }
}

fn is_rendered(metric: &&Metric) -> bool {
    !matches!(metric.source, Source::Counter | Source::Histogram(_) | Source::Stamp)
}

fn describe(metric: &Metric) -> prometheus::Result<Desc> {
    let labels = metric.labels.iter().map(|label| label.name.to_owned()).collect();
    Desc::new(metric.name.to_owned(), metric.help.to_owned(), labels, HashMap::new())
}

impl Collector for Rendered {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let about = self.published.about();
        let shot = self.published.load();
        let decision = shot.as_ref().map(|shot| shot.decision_at(Instant::now()));
        let own = Own::read();
        let collect = |metric: &Metric| {
            let mut series = Series::default();
            match metric.source {
                Source::About(read) => read(&about, &mut series),
                Source::Decision(read) => {
                    if let Some(decision) = &decision {
                        read(decision, &mut series);
                    }
                }
                Source::Snapshot(read) => {
                    if let Some(shot) = &shot {
                        read(shot, &mut series);
                    }
                }
                Source::Harm(read) => {
                    if let Some(harm) = decision.as_ref().and_then(|d| d.assessment.as_ref()) {
                        read(harm, &mut series);
                    }
                }
                Source::Host(read) => match &shot {
                    Some(shot) => read(&shot.host, &mut series),
                    None => read(&HostState::default(), &mut series),
                },
                Source::Total(read) => {
                    if let Some(shot) = &shot {
                        read(shot, &mut series);
                    }
                    series = from_zero(metric, &about, series);
                }
                Source::OwnGauge(read) | Source::OwnCounter(read) => series.put(&[], read(&own)),
                Source::Counter | Source::Histogram(_) | Source::Stamp => {}
            }
            family(metric, series)
        };
        list::all().filter(is_rendered).map(collect).collect()
    }
}

/// Adds what was not mentioned, at 0: `increase()` misses the birth of a series.
fn from_zero(metric: &Metric, about: &About, series: Series) -> Series {
    let mut all: BTreeMap<Vec<String>, f64> =
        metric.combinations(about).into_iter().map(|labels| (labels, 0.0)).collect();
    all.extend(series.0);
    Series(all.into_iter().collect())
}

fn family(metric: &Metric, series: Series) -> MetricFamily {
    let counter = metric.kind() == "counter";
    let mut family = MetricFamily::default();
    family.set_name(metric.name.to_owned());
    family.set_help(metric.help.to_owned());
    family.set_field_type(if counter { MetricType::COUNTER } else { MetricType::GAUGE });
    let rows = series.0.into_iter().map(|(values, number)| {
        let mut row = proto::Metric::from_label(pairs(metric, values));
        if counter {
            let mut value = proto::Counter::default();
            value.set_value(number);
            row.set_counter(value);
        } else {
            let mut value = proto::Gauge::default();
            value.set_value(number);
            row.set_gauge(value);
        }
        row
    });
    family.set_metric(rows.collect());
    family
}

fn pairs(metric: &Metric, values: Vec<String>) -> Vec<LabelPair> {
    let pair = |(label, value): (&super::entry::Label, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(label.name.to_owned());
        pair.set_value(value);
        pair
    };
    let mut pairs: Vec<LabelPair> = metric.labels.iter().zip(values).map(pair).collect();
    // The order in which the crate writes the labels of its own counters.
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    pairs
}
