// SPDX-License-Identifier: Apache-2.0
//! Harm to guaranteed tasks.

use super::{counter, gauge};
use crate::metrics::entry::Metric;
use crate::metrics::labels::{LENT_RESOURCE, TO};
use gleaner_engine::decision::ResourceDecision;
use gleaner_estimator::units::Amount;

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gleaner_level",
        &[LENT_RESOURCE],
        "Harm to guaranteed tasks: 0 calm, 1 strained (nothing more is lent), 2 critical (lent resource is taken back).",
        |d, s| {
            s.count(&["cpu"], level(&d.cpu));
            s.count(&["memory"], level(&d.memory));
        },
    ),
    counter(
        "gleaner_level_transitions_total",
        &[LENT_RESOURCE, TO],
        "Changes of level, by the level they led to.",
    ),
];

/// The index in `Level::ALL`, which is the order of the enumeration.
fn level<Q: Amount>(resource: &ResourceDecision<Q>) -> u64 {
    resource.level as u64
}
