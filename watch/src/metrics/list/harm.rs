// SPDX-License-Identifier: Apache-2.0
//! Harm to guaranteed tasks: the signals, their edges, and the levels they lead to.

use super::{counter, entry};
use crate::about::About;
use crate::metrics::entry::{Metric, Series, Source};
use crate::metrics::labels::{EDGE, HARM, LEVEL, RESOURCE, SIGNAL, TO};
use crate::snapshot::Snapshot;
use gleaner_estimator::reason::Resource;
use gleaner_qos::assessment::Assessment;
use gleaner_qos::config::Edges;
use gleaner_qos::level::Level;
use gleaner_qos::signal::{Reading, Signal, Unit};

pub(super) const METRICS: &[Metric] = &[
    entry(
        "gleaner_level",
        &[RESOURCE],
        "Harm to guaranteed tasks: 0 calm, 1 strained (nothing more is lent), 2 critical (lent resource is taken back).",
        Source::Snapshot(levels),
    ),
    counter(
        "gleaner_level_transitions_total",
        &[RESOURCE, TO],
        "Changes of level, by the level they led to.",
    ),
    Metric {
        only: Some(signal_is_of_resource),
        ..entry(
            "gleaner_signal_available",
            &[RESOURCE, SIGNAL],
            "1 where a signal of harm can be known now; a resource with none is never calm.",
            Source::Harm(|harm, s| {
                // A signal without edges is one that was not configured.
                let judged = |r: &&Reading| r.strained.or(r.critical).is_some();
                for reading in harm.readings.iter().filter(judged) {
                    s.flag(&names(reading), reading.value.is_some());
                }
            }),
        )
    },
    Metric {
        only: Some(signal_is_a_ratio),
        ..entry(
            "gleaner_pressure_ratio",
            &[RESOURCE, SIGNAL],
            "A signal of harm, of the guaranteed task that it is worst for; of headroom low values are bad.",
            Source::Harm(|harm, s| {
                for reading in ratios(harm) {
                    s.put(&names(reading), reading.value);
                }
            }),
        )
    },
    Metric {
        only: Some(signal_is_a_ratio),
        ..entry(
            "gleaner_pressure_threshold_ratio",
            &[RESOURCE, SIGNAL, LEVEL, EDGE],
            "Where a signal enters and leaves a level now.",
            Source::Harm(|harm, s| {
                for reading in ratios(harm) {
                    for (level, edges) in HARM.into_iter().zip([reading.strained, reading.critical])
                    {
                        threshold(reading, level, edges, s);
                    }
                }
            }),
        )
    },
];

fn levels(shot: &Snapshot, series: &mut Series) {
    for resource in Resource::ALL {
        let index = |level| Level::ALL.iter().position(|known| *known == level);
        let value = shot.level(resource).and_then(index);
        series.put(&[resource.word()], value.map(|index| index as f64));
    }
}

fn names(reading: &Reading) -> [&'static str; 2] {
    [reading.signal.resource().word(), reading.signal.word()]
}

/// Only these can be shown as a ratio; the others are counts of rare events.
fn ratios(harm: &Assessment) -> impl Iterator<Item = &Reading> {
    harm.readings.iter().filter(|reading| reading.signal.unit() == Unit::Ratio)
}

fn threshold(reading: &Reading, level: Level, edges: Option<Edges>, series: &mut Series) {
    let [resource, signal] = names(reading);
    if let Some(edges) = edges {
        series.put(&[resource, signal, level.word(), "enter"], Some(edges.enter));
        series.put(&[resource, signal, level.word(), "leave"], Some(edges.leave));
    }
}

fn signal_is_of_resource(_: &About, row: &[&str]) -> bool {
    named(row).is_some()
}

fn signal_is_a_ratio(_: &About, row: &[&str]) -> bool {
    named(row).is_some_and(|signal| signal.unit() == Unit::Ratio)
}

/// The signal that a row of labels names, if it is one of that resource.
fn named(row: &[&str]) -> Option<Signal> {
    let is_named = |signal: &Signal| signal.resource().word() == row[0] && signal.word() == row[1];
    Signal::ALL.into_iter().find(is_named)
}
