// SPDX-License-Identifier: Apache-2.0
//! THE list of metrics. Registration, `docs/metrics.md` and dashboards are made from it; adding a metric is adding an entry.
//!
//! Rules: base units; every counter series there at 0 from the start; never a label per task, cgroup or
//! path; at most 300 series a node whatever the number of tasks; unknown is left out, never 0.

mod correction;
mod harm;
mod itself;
mod lending;
mod node;
mod prediction;

use super::entry::{Group, Label, Metric, Series, Source};
use crate::snapshot::Snapshot;
use gleaner_engine::decision::{Decision, PerClass};
use gleaner_estimator::sample::Class;
use gleaner_estimator::units::Amount;

/// Every metric by section, in the order of the documentation.
pub static ALL: [(Group, &[Metric]); 6] = [
    (Group::Node, node::METRICS),
    (Group::Prediction, prediction::METRICS),
    (Group::Lending, lending::METRICS),
    (Group::Harm, harm::METRICS),
    (Group::Correction, correction::METRICS),
    (Group::Itself, itself::METRICS),
];

/// Every metric.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    ALL.iter().flat_map(|(_, metrics)| *metrics)
}

/// The entry of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.name == name)
}

const fn entry(
    name: &'static str,
    labels: &'static [Label],
    help: &'static str,
    source: Source,
) -> Metric {
    Metric { name, help, labels, only: None, source, unshown: None }
}

const fn counter(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    entry(name, labels, help, Source::Counter)
}

const fn gauge(
    name: &'static str,
    labels: &'static [Label],
    help: &'static str,
    read: fn(&Decision, &mut Series),
) -> Metric {
    entry(name, labels, help, Source::Decision(read))
}

const fn total(
    name: &'static str,
    labels: &'static [Label],
    help: &'static str,
    read: fn(&Snapshot, &mut Series),
) -> Metric {
    entry(name, labels, help, Source::Total(read))
}

fn classes<Q: Amount>(amounts: &PerClass<Q>, series: &mut Series) {
    for class in Class::ALL {
        series.amount(&[class.word()], Some(*amounts.of(class)));
    }
}

fn known<Q: Amount>(amounts: &PerClass<Option<Q>>, series: &mut Series) {
    for class in Class::ALL {
        series.amount(&[class.word()], *amounts.of(class));
    }
}
