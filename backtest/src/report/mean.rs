// SPDX-License-Identifier: Apache-2.0
//! Means over traces and resources: each trace counts the same, however many machines it has.

use crate::study::TraceResult;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::units::{Ratio, Span};
use std::collections::BTreeMap;

/// A mean over traces and resources of one setting and horizon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mean {
    /// The predictor.
    pub kind: PredictorKind,
    /// Predictor and parameters.
    pub label: String,
    /// The risk asked for.
    pub risk: Ratio,
    /// How many traces and resources.
    pub count: usize,
    /// Mean violation rate.
    pub violation_rate: f64,
    /// Mean of the worst machines' rates.
    pub worst: f64,
    /// Mean savings.
    pub savings: f64,
}

/// Means over traces and resources, by horizon, in the order of the first trace's lines. Each trace counts the same.
#[must_use]
pub fn means(results: &[TraceResult]) -> Vec<(Span, Vec<Mean>)> {
    let mut horizons: Vec<(Span, Vec<Mean>)> = Vec::new();
    let mut places: BTreeMap<(Span, String, String), (usize, usize)> = BTreeMap::new();
    for line in results.iter().flat_map(TraceResult::lines) {
        let label = line.setting.label();
        let key = (line.horizon, label.clone(), line.risk.to_string());
        let (h, m) = *places.entry(key).or_insert_with(|| {
            let known = horizons.iter().position(|(horizon, _)| *horizon == line.horizon);
            let h = known.unwrap_or_else(|| {
                horizons.push((line.horizon, Vec::new()));
                horizons.len() - 1
            });
            let kind = line.setting.kind;
            horizons[h].1.push(Mean { kind, label, risk: line.risk, ..Mean::default() });
            (h, horizons[h].1.len() - 1)
        });
        let (mean, score) = (&mut horizons[h].1[m], &line.tally.score);
        mean.count += 1;
        mean.violation_rate += score.violation_rate();
        mean.worst += score.worst;
        mean.savings += score.savings();
    }
    for mean in horizons.iter_mut().flat_map(|(_, means)| means) {
        let count = mean.count as f64;
        mean.violation_rate /= count;
        mean.worst /= count;
        mean.savings /= count;
    }
    horizons
}
