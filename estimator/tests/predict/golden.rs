// SPDX-License-Identifier: Apache-2.0
//! `calibrated` agrees with an independent implementation on twelve days of a real machine.
#![expect(clippy::disallowed_methods, reason = "reads the golden file")]

use crate::machines::observation;
use crate::traces::{machines, trace};
use gleaner_estimator::predict::{Parameters, PredictorSpec};
use gleaner_estimator::units::Span;

/// Cores, and the same for k, which has no unit.
const TOLERANCE: f64 = 1e-4;

#[test]
fn agrees_with_the_golden_machine() {
    let Some(golden) = trace("golden_bitbrains_machine.csv.gz") else { return };
    let Some(machines) = machines("bitbrains_5min.parquet") else { return };
    let file = std::fs::File::open(golden).expect("the golden file can be opened");
    let mut golden = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));

    let parameters = Parameters { start_ramp: false, forget_first_day: false, ..Parameters::cpu() };
    let mut predictor = PredictorSpec { parameters, ..PredictorSpec::default() }.build();
    let mut ours: [Vec<[f64; 4]>; 3] = Default::default();
    for step in machines[&3].iter().take(3456) {
        predictor.observe(&observation(step.secs, &step.loads));
        for (horizon, ours) in ours.iter_mut().enumerate() {
            let basis = predictor.basis(horizon).expect("calibrated says how");
            let peak = predictor.peak(horizon).expect("a peak");
            ours.push([peak, basis.level, basis.risk, basis.k]);
        }
    }
    let mut rows = 0;
    for row in golden.deserialize::<(usize, u64, f64, f64, f64, f64)>() {
        let (step, secs, peak, level, risk, k) = row.expect("six columns");
        let mut horizons = predictor.horizons().iter();
        let horizon = horizons.position(|h| *h == Span::from_secs(secs)).expect("our horizon");
        for (ours, theirs) in ours[horizon][step].into_iter().zip([peak, level, risk, k]) {
            assert!(
                (ours - theirs).abs() < TOLERANCE,
                "step {step}, {secs} s: {ours}, not {theirs}"
            );
        }
        rows += 1;
    }
    assert_eq!(rows, 3 * 3456);
}
