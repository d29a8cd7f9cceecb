// SPDX-License-Identifier: Apache-2.0
//! Each anchor against a plain, slow transcription of its definition, on random machines.

use crate::machines::{Step, machine, observation, spec, sums};
use gleaner_estimator::predict::{Load, PredictorKind};
use proptest::prelude::*;

/// Rings hold singles.
const TOLERANCE: f64 = 1e-5;
const HOURS: usize = 12;

fn find(step: &Step, arrival: u64) -> Option<&Load> {
    step.loads.iter().find(|l| l.arrival == arrival)
}

/// Slots since a task was first seen.
fn age(past: &[Step], arrival: u64) -> usize {
    past.iter().rev().take_while(|s| find(s, arrival).is_some()).count() - 1
}

fn borg(past: &[Step]) -> f64 {
    0.9 * sums(&past[past.len() - 1].loads).0
}

fn fixed(past: &[Step]) -> f64 {
    sums(&past[past.len() - 1].loads).0 - 2.0
}

fn percentile(past: &[Step]) -> f64 {
    let window = &past[past.len().saturating_sub(10 * HOURS)..];
    let of_task = |load: &Load| {
        if age(past, load.arrival) < 2 * HOURS {
            return load.limit;
        }
        let seen = window.iter().filter_map(|s| find(s, load.arrival));
        let mut ratios: Vec<f64> = seen.map(|l| l.usage / l.limit).collect();
        ratios.sort_by(f64::total_cmp);
        let rank = 0.99 * (ratios.len() - 1) as f64;
        let below = (0..ratios.len()).rev().find(|at| *at as f64 <= rank).expect("at least one");
        let (low, high) = (ratios[below], ratios[(below + 1).min(ratios.len() - 1)]);
        (low + (high - low) * rank.fract()) * load.limit
    };
    past[past.len() - 1].loads.iter().map(of_task).sum()
}

fn n_sigma(past: &[Step]) -> f64 {
    let window = &past[past.len().saturating_sub(10 * HOURS)..];
    let now = &past[past.len() - 1].loads;
    let (warm, cold): (Vec<&Load>, Vec<&Load>) =
        now.iter().partition(|l| age(past, l.arrival) >= 2 * HOURS);
    let ratio = |step: &Step| {
        let then: Vec<&Load> = warm.iter().filter_map(|l| find(step, l.arrival)).collect();
        let usage: f64 = then.iter().map(|l| l.usage).sum();
        (!then.is_empty()).then(|| usage / then.iter().map(|l| l.limit).sum::<f64>())
    };
    let ratios: Vec<f64> = window.iter().filter_map(ratio).collect();
    let cold: f64 = cold.iter().map(|l| l.limit).sum();
    let warm: f64 = warm.iter().map(|l| l.limit).sum();
    if ratios.len() < 2 {
        return warm + cold;
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    let squares: f64 = ratios.iter().map(|r| (r - mean).powi(2)).sum();
    (mean + 5.0 * (squares / (ratios.len() - 1) as f64).sqrt()) * warm + cold
}

fn max(past: &[Step]) -> f64 {
    percentile(past).max(n_sigma(past))
}

/// 1.1 × the end of the bucket in which the faded 95th percentile of the newest-first values lies.
fn faded(values: impl Iterator<Item = f64>) -> f64 {
    let mut ends = vec![0.025];
    while ends.len() < 210 {
        ends.push(ends[ends.len() - 1] + 0.025 * 1.05_f64.powf(ends.len() as f64));
    }
    let mut weights = vec![0.0; ends.len()];
    for (age, value) in values.enumerate() {
        let bucket = ends.iter().position(|end| value < *end).expect("below the last bucket");
        weights[bucket] += 0.5_f64.powf(age as f64 / (12 * HOURS) as f64);
    }
    let wanted = 0.95 * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let at = weights.iter().position(|w| {
        sum += w;
        sum >= wanted
    });
    1.1 * ends[at.expect("the sum reaches its share")]
}

fn decaying(past: &[Step]) -> f64 {
    let now = &past[past.len() - 1].loads;
    let of_task = |load: &Load| {
        let age = age(past, load.arrival);
        if age < 24 * HOURS {
            return load.limit;
        }
        let seen = past.iter().rev().take(age + 1).filter_map(|s| find(s, load.arrival));
        faded(seen.map(|l| l.usage)).min(load.limit)
    };
    let tasks: f64 = now.iter().map(of_task).sum();
    if past.len() <= 24 * HOURS {
        return tasks;
    }
    tasks.min(faded(past.iter().rev().map(|s| sums(&s.loads).1)))
}

fn ema(past: &[Step]) -> f64 {
    let now = &past[past.len() - 1].loads;
    let of_task = |load: &Load| {
        let from = past.len() - 1 - age(past, load.arrival);
        let mut seen = past[from..].iter().filter_map(|s| find(s, load.arrival)).map(|l| l.usage);
        let first = seen.next().expect("it is present");
        seen.fold(first, |average, usage| 0.2 * usage + 0.8 * average)
    };
    1.5 * now.iter().map(of_task).sum::<f64>()
}

/// Compares at the start, around the end of warm-up, and now and then later.
fn agrees(
    kind: PredictorKind,
    definition: fn(&[Step]) -> f64,
    seed: u64,
) -> Result<(), TestCaseError> {
    let steps = machine(seed, 500, 300, 5);
    let mut predictor = spec(kind, 1.0).build();
    for (at, step) in steps.iter().enumerate() {
        predictor.observe(&observation(step.secs, &step.loads));
        if at > 26 && at % 7 != 0 {
            continue;
        }
        let (limit, usage) = sums(&step.loads);
        let wanted = definition(&steps[..=at]).max(usage).min(limit);
        for horizon in 0..3 {
            let peak = predictor.peak(horizon).expect("a peak");
            let close = (peak - wanted).abs() <= TOLERANCE * wanted.max(1.0);
            prop_assert!(close, "{kind} at step {at}: {peak}, by definition {wanted}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn constants(seed: u64) {
        agrees(PredictorKind::Fixed, fixed, seed)?;
        agrees(PredictorKind::Threshold, fixed, seed)?;
        agrees(PredictorKind::Borg, borg, seed)?;
    }

    #[test]
    fn percentile_of_tasks(seed: u64) {
        agrees(PredictorKind::Percentile, percentile, seed)?;
    }

    #[test]
    fn deviations_of_the_group(seed: u64) {
        agrees(PredictorKind::NSigma, n_sigma, seed)?;
    }

    #[test]
    fn larger_of_both(seed: u64) {
        agrees(PredictorKind::Max, max, seed)?;
    }

    #[test]
    fn fading_histograms(seed: u64) {
        agrees(PredictorKind::Decaying, decaying, seed)?;
    }

    #[test]
    fn moving_average(seed: u64) {
        agrees(PredictorKind::Ema, ema, seed)?;
    }
}
