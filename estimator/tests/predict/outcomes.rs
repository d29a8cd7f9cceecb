// SPDX-License-Identifier: Apache-2.0
//! The score that a predictor keeps of itself, against the definitions applied to everything that was seen.

use crate::machines::{Step, machine, observation, peaks, spec};
use gleaner_estimator::predict::{Load, Observation, Predictor, PredictorKind, Tally};
use gleaner_estimator::units::Ratio;
use proptest::prelude::*;

/// The slot that an observation belongs to: slot 0 is centred on the first.
fn slot(step: &Step) -> u64 {
    (step.secs + 150) / 300
}

/// The largest total of the tasks present at `from` in the observations after it, up to and with `to`.
fn peak_within(steps: &[Step], from: usize, to: usize) -> f64 {
    let present = |arrival| steps[from].loads.iter().any(|l| l.arrival == arrival);
    let total = |step: &Step| -> f64 {
        step.loads.iter().filter(|l| present(l.arrival)).map(|l| l.usage).sum()
    };
    steps[from + 1..=to].iter().map(total).fold(0.0, f64::max)
}

/// Tallies since the start and of the last day, per horizon, by definition. Of no tasks nothing is predicted.
fn by_definition(steps: &[Step], peaks: &[Vec<f64>]) -> Vec<(Tally, Tally)> {
    let opening: Vec<usize> = (0..steps.len())
        .filter(|at| *at == 0 || slot(&steps[*at]) != slot(&steps[at - 1]))
        .collect();
    let last = slot(&steps[steps.len() - 1]);
    let one = |horizon: usize, slots: usize| {
        let (mut all, mut day) = (Tally::default(), Tally::default());
        for pair in opening.windows(slots + 1) {
            let (from, to) = (pair[0], pair[slots]);
            if steps[from].loads.is_empty() {
                continue;
            }
            let predicted = peaks[from][horizon];
            let violated = peak_within(steps, from, to) > predicted * (1.0 + 1e-6) + 1e-6;
            let recent = slot(&steps[to]) + 288 > last;
            for tally in [Some(&mut all), recent.then_some(&mut day)].into_iter().flatten() {
                tally.predictions += 1;
                tally.violations += u64::from(violated);
            }
        }
        (all, day)
    };
    vec![one(0, 1), one(1, 6), one(2, 288)]
}

fn agrees(kind: PredictorKind, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut spec = spec(kind, 10.0);
    // Low enough to be violated often.
    (spec.parameters.phi, spec.parameters.ema_factor) = (0.4, 1.05);
    (spec.parameters.sigma, spec.parameters.start_ramp) = (0.5, false);
    let mut predictor = spec.build();
    let mut seen = Vec::new();
    for step in steps {
        predictor.observe(&observation(step.secs, &step.loads));
        seen.push(peaks(&*predictor));
    }
    let mut violations = 0;
    for (horizon, (all, day)) in by_definition(steps, &seen).into_iter().enumerate() {
        let score = predictor.score(horizon).expect("a score");
        prop_assert_eq!(score.since_start, all, "{} horizon {}", kind, horizon);
        prop_assert_eq!(score.last_day, day, "{} horizon {}, last day", kind, horizon);
        violations += all.violations;
    }
    prop_assert!(violations > 0, "{} was never violated: nothing is tested", kind);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_sample_a_slot(seed: u64) {
        for kind in [PredictorKind::Borg, PredictorKind::NSigma, PredictorKind::Calibrated] {
            agrees(kind, &machine(seed, 700, 300, 6))?;
        }
    }

    #[test]
    fn five_samples_a_slot(seed: u64) {
        for kind in [PredictorKind::Ema, PredictorKind::Calibrated] {
            agrees(kind, &machine(seed, 2000, 60, 6))?;
        }
    }
}

#[test]
fn a_gap_longer_than_half_a_horizon_is_not_judged() {
    let loads = vec![Load { arrival: 1, usage: 1.0, limit: 2.0 }];
    let steps: Vec<_> = (0..200).map(|at| Step { secs: at * 300, loads: loads.clone() }).collect();
    let mut predictor = spec(PredictorKind::Borg, 1.0).build();
    let judged =
        |p: &dyn Predictor| [0, 1].map(|h| p.score(h).expect("a score").since_start.predictions);
    for step in &steps[..100] {
        predictor.observe(&observation(step.secs, &step.loads));
    }
    assert_eq!(judged(&*predictor), [99, 94]);
    // Three slots are missing: all of five minutes, half of thirty.
    for step in &steps[103..105] {
        predictor.observe(&observation(step.secs, &step.loads));
    }
    assert_eq!(judged(&*predictor), [100, 99]);
    // Four are missing.
    for step in &steps[109..111] {
        predictor.observe(&observation(step.secs, &step.loads));
    }
    assert_eq!(judged(&*predictor), [101, 99]);
}

#[test]
fn what_pressure_hid_counts_only_when_violated() {
    let steps = machine(11, 60, 300, 3);
    let mut predictor = spec(PredictorKind::Borg, 1.0).build();
    for step in &steps[..20] {
        predictor.observe(&observation(step.secs, &step.loads));
    }
    let before = predictor.score(0).expect("a score").since_start;
    let mut loads = steps[19].loads.clone();
    for load in &mut loads {
        load.usage = 0.0;
    }
    let quiet = Observation { calm: false, ..observation(20 * 300, &loads) };
    predictor.observe(&quiet);
    assert_eq!(predictor.score(0).expect("a score").since_start, before);
    predictor.observe(&observation(21 * 300, &steps[19].loads));
    for load in &mut loads {
        load.usage = load.limit;
    }
    predictor.observe(&Observation { calm: false, ..observation(22 * 300, &loads) });
    let after = predictor.score(0).expect("a score").since_start;
    assert_eq!(
        (after.predictions, after.violations),
        (before.predictions + 1, before.violations + 1)
    );
}

#[test]
fn reliability_is_achieved_over_asked_and_knows_how_little_it_knows() {
    let steps = machine(3, 2000, 300, 6);
    let mut predictor = spec(PredictorKind::Calibrated, 10.0).build();
    assert_eq!(predictor.score(0).expect("a score").reliability(), None);
    assert_eq!(predictor.score(0).expect("a score").interval(), None);
    for step in &steps {
        predictor.observe(&observation(step.secs, &step.loads));
    }
    let width = |horizon| {
        let score = predictor.score(horizon).expect("a score");
        assert_eq!(score.asked, Ratio::from_milli(100));
        let (rate, reliability) = (score.since_start.rate(), score.reliability());
        let (rate, reliability) = (rate.expect("judged").get(), reliability.expect("judged").get());
        assert!((reliability - rate / 0.1).abs() < 1e-9);
        let (low, high) = score.interval().expect("judged");
        assert!(low.get() <= rate && rate <= high.get());
        high.get() - low.get()
    };
    let widths = [width(0), width(1), width(2)];
    assert!(widths[0] < widths[1] && widths[1] < widths[2], "{widths:?}");
    assert!(predictor.score(3).is_none());
}
