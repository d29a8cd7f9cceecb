// SPDX-License-Identifier: Apache-2.0
//! Predictions and how they turned out.

use super::{gauge, total};
use crate::about::{About, horizon_word};
use crate::metrics::entry::{Metric, Series};
use crate::metrics::labels::{HORIZON, LENT_RESOURCE, OF, POLICY, ROLE};
use crate::snapshot::{PolicyScore, Snapshot};
use gleaner_engine::decision::ResourceDecision;
use gleaner_estimator::units::Amount;

pub(super) const METRICS: &[Metric] = &[
    gauge(
        "gleaner_predicted_peak_cpu_cores",
        &[HORIZON, OF],
        "CPU peak predicted within the horizon, of guaranteed tasks or of them and the system together (node).",
        |d, s| {
            peaks(&d.cpu, s);
        },
    ),
    gauge(
        "gleaner_predicted_peak_memory_bytes",
        &[HORIZON, OF],
        "Memory peak predicted within the horizon, of guaranteed tasks or of them and the system together (node).",
        |d, s| {
            peaks(&d.memory, s);
        },
    ),
    gauge(
        "gleaner_risk_asked_ratio",
        &[LENT_RESOURCE],
        "Share of intervals in which the true peak may exceed the prediction, as configured.",
        |d, s| {
            s.put(&["cpu"], Some(d.cpu.risk.get()));
            s.put(&["memory"], Some(d.memory.risk.get()));
        },
    ),
    Metric {
        only: Some(policy_has_role),
        ..total(
            "gleaner_predictions_total",
            &[LENT_RESOURCE, HORIZON, POLICY, ROLE],
            "Predictions whose horizon has passed.",
            |shot, s| {
                scores(shot, s, |score| score.predictions);
            },
        )
    },
    Metric {
        only: Some(policy_has_role),
        ..total(
            "gleaner_prediction_violations_total",
            &[LENT_RESOURCE, HORIZON, POLICY, ROLE],
            "Predictions that the true peak exceeded.",
            |shot, s| {
                scores(shot, s, |score| score.violations);
            },
        )
    },
];

fn peaks<Q: Amount>(resource: &ResourceDecision<Q>, series: &mut Series) {
    for peak in resource.peaks.iter().flatten() {
        let horizon = horizon_word(peak.horizon);
        series.amount(&[&horizon, "guaranteed"], Some(peak.guaranteed));
        series.amount(&[&horizon, "node"], Some(peak.node));
    }
}

fn policy_has_role(about: &About, row: &[&str]) -> bool {
    row[3] == role(about, row[2])
}

fn role(about: &About, policy: &str) -> &'static str {
    if policy == about.policy { "live" } else { "shadow" }
}

fn scores(shot: &Snapshot, series: &mut Series, number: fn(&PolicyScore) -> u64) {
    for score in &shot.host.scores[..] {
        let horizon = horizon_word(score.horizon);
        let role = role(&shot.about, &score.policy);
        series.count(&[score.resource.word(), &horizon, &score.policy, role], number(score));
    }
}
