// SPDX-License-Identifier: Apache-2.0
//! Predictions and how they turned out.

use super::{gauge, total};
use crate::about::{About, horizon_word};
use crate::metrics::entry::{Metric, Series};
use crate::metrics::labels::{HORIZON, LENT_RESOURCE, OF, POLICY, ROLE, WINDOW};
use crate::snapshot::Snapshot;
use gleaner_engine::decision::{Decision, ResourceDecision};
use gleaner_estimator::predict::{Score, Tally};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, Ratio};

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
    gauge(
        "gleaner_risk_achieved_ratio",
        &[LENT_RESOURCE, HORIZON, WINDOW],
        "Share of the live policy's predictions that the true peak exceeded, over the last day and since learning began.",
        |d, s| {
            each_score(d, s, Some("day"), |score| score.last_day.rate().map(Ratio::get));
            each_score(d, s, Some("start"), |score| score.since_start.rate().map(Ratio::get));
        },
    ),
    gauge(
        "gleaner_prediction_scale_ratio",
        &[LENT_RESOURCE, HORIZON],
        "What the asked risk costs on this node: how many times its own uncertainty a prediction lies above what is expected.",
        |d, s| each_score(d, s, None, |score| score.k),
    ),
    Metric {
        only: Some(policy_has_role),
        ..total(
            "gleaner_predictions_total",
            &[LENT_RESOURCE, HORIZON, POLICY, ROLE],
            "Predictions whose horizon has passed.",
            |shot, s| {
                tallies(shot, s, |tally| tally.predictions);
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
                tallies(shot, s, |tally| tally.violations);
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
    (row[2] == about.policy) == (row[3] == "live")
}

/// The live policy's predictions of the node's peak, by resource and horizon.
fn live(decision: &Decision) -> impl Iterator<Item = (Resource, &Score)> {
    let cpu = decision.cpu.scores.iter().flatten().map(|score| (Resource::Cpu, score));
    cpu.chain(decision.memory.scores.iter().flatten().map(|score| (Resource::Memory, score)))
}

fn tallies(shot: &Snapshot, series: &mut Series, number: fn(Tally) -> u64) {
    let live = live(&shot.decision).map(|(r, score)| (r, score, &shot.about.policy, "live"));
    let shadows = shot.host.shadows.iter().map(|s| (s.resource, &s.score, &s.policy, "shadow"));
    for (resource, score, policy, role) in live.chain(shadows) {
        let labels = [resource.word(), &horizon_word(score.horizon), policy, role];
        series.count(&labels, number(score.since_start));
    }
}

fn each_score(
    decision: &Decision,
    series: &mut Series,
    window: Option<&str>,
    number: fn(&Score) -> Option<f64>,
) {
    for (resource, score) in live(decision) {
        let horizon = horizon_word(score.horizon);
        let mut labels = vec![resource.word(), horizon.as_str()];
        labels.extend(window);
        series.put(&labels, number(score));
    }
}
