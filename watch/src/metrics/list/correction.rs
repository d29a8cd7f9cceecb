// SPDX-License-Identifier: Apache-2.0
//! What was taken back, how soon, and whether it helped.

use super::{counter, entry};
use crate::about::About;
use crate::correction::Counted;
use crate::metrics::entry::{Metric, Source};
use crate::metrics::labels::{ACTION, ACTUATOR, HOW, OUTCOME, REASON, RESOURCE};
use gleaner_qos::capability::{Ability, Actuator};

pub(super) const METRICS: &[Metric] = &[
    Metric {
        only: Some(action_serves_resource),
        ..counter(
            "gleaner_corrections_total",
            &[ACTION, RESOURCE, OUTCOME],
            "Corrections of best-effort tasks that have ended, the mildest action first; observed means that the mode forbade it.",
        )
    },
    Metric {
        only: Some(action_has_reason),
        ..counter(
            "gleaner_corrections_by_reason_total",
            &[ACTION, REASON],
            "Corrections that were really made and have ended, by why; docs/operating.md explains each word.",
        )
    },
    Metric {
        only: Some(action_has_reason),
        ..entry(
            "gleaner_last_correction_timestamp_seconds",
            &[ACTION, REASON],
            "End of the last correction that was really made, since 1970-01-01 UTC; not there before the first.",
            Source::Stamp,
        )
    },
    entry(
        "gleaner_reaction_seconds",
        &[],
        "Time from the first sign of harm until the correction was written.",
        // 0.15 is the promise, so it is a bound.
        Source::Histogram(&[0.01, 0.05, 0.1, 0.15, 0.2, 0.5, 1.0, 5.0, 30.0]),
    ),
    entry(
        "gleaner_tasks_held",
        &[HOW],
        "Best-effort tasks that are held back now; frozen ones should be few and soon free.",
        Source::Host(|host, s| {
            s.count(&["throttled"], u64::from(host.held.throttled));
            s.count(&["frozen"], u64::from(host.held.frozen));
        }),
    ),
    entry(
        "gleaner_actuator_broken",
        &[ACTUATOR],
        "1 where an actuator was tried and had no effect; the next rung is taken instead.",
        Source::Host(|host, s| {
            for actuator in Actuator::ALL {
                s.flag(&[actuator.word()], host.abilities.ability(actuator) == Ability::Broken);
            }
        }),
    ),
];

fn action_serves_resource(_: &About, row: &[&str]) -> bool {
    Counted::of(row[0]).is_some_and(|counted| counted.ends(row[1], row[2]))
}

fn action_has_reason(_: &About, row: &[&str]) -> bool {
    let has = |counted: &Counted| counted.reasons.iter().any(|r| r.word() == row[1]);
    Counted::of(row[0]).is_some_and(has)
}
