// SPDX-License-Identifier: Apache-2.0
//! What holds for every predictor and every input: bounds, order, monotonicity, pressure.

use crate::machines::{Dice, machine, observation, peaks, spec, sums};
use gleaner_estimator::predict::{Load, Observation, Predictor, PredictorKind};
use gleaner_estimator::units::Timestamp;
use proptest::prelude::*;

/// Rounding of sums that are added up in different orders.
const ROUNDING: f64 = 1e-9;

fn bits(predictor: &dyn Predictor) -> Vec<u64> {
    peaks(predictor).into_iter().map(f64::to_bits).collect()
}

fn any_amount() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..8.0_f64,
        1 => Just(0.0),
        1 => -10.0..0.0_f64,
        1 => any::<f64>().prop_filter("finite", |v| v.is_finite()),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ]
}

fn any_load() -> impl Strategy<Value = Load> {
    let arrival = prop_oneof![8 => 0..12_u64, 1 => any::<u64>()];
    (arrival, any_amount(), any_amount()).prop_map(|(arrival, usage, limit)| Load {
        arrival,
        usage,
        limit,
    })
}

type AnyStep = (u64, Vec<Load>, f64, bool);

/// Seconds since the last observation, loads, ceiling, calm.
fn any_step() -> impl Strategy<Value = AnyStep> {
    let gap = prop_oneof![6 => 1..400_u64, 1 => Just(0), 1 => any::<u64>()];
    (gap, proptest::collection::vec(any_load(), 0..8), any_amount(), any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_input_gives_a_finite_peak(steps in proptest::collection::vec(any_step(), 1..60)) {
        for kind in PredictorKind::ALL {
            let mut predictor = spec(kind, 1.0).build();
            let mut at = 0_u64;
            for (gap, loads, ceiling, calm) in &steps {
                at = at.wrapping_add(gap.wrapping_mul(1_000_000_000));
                let seen = observation(0, loads);
                predictor.observe(&Observation { at: Timestamp(at), ceiling: *ceiling, calm: *calm, ..seen });
                for peak in peaks(&*predictor) {
                    prop_assert!(peak.is_finite() && peak >= 0.0, "{kind}: {peak}");
                    prop_assert!(ceiling.is_nan() || peak <= ceiling.max(0.0), "{kind}: {peak} above {ceiling}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn between_usage_and_limits(seed: u64, secs in prop_oneof![Just(60_u64), Just(300), Just(900)]) {
        let mut dice = Dice(seed);
        for kind in PredictorKind::ALL {
            let mut predictor = spec(kind, 1.0).build();
            for step in machine(seed, 400, secs, 6) {
                let ceiling = if dice.one_in(2) { f64::INFINITY } else { 6.0 };
                predictor.observe(&Observation { ceiling, ..observation(step.secs, &step.loads) });
                let (limit, usage) = sums(&step.loads);
                let limit = limit.min(ceiling);
                for peak in peaks(&*predictor) {
                    prop_assert!(peak <= limit + ROUNDING, "{kind}: {peak} above {limit}");
                    prop_assert!(peak >= usage.min(limit) - ROUNDING, "{kind}: {peak} below {usage}");
                }
            }
        }
    }

    #[test]
    fn order_and_names_of_tasks_do_not_matter(seed: u64) {
        let mut dice = Dice(seed);
        let (first, second) = founders(seed);
        for kind in PredictorKind::ALL {
            let [mut sorted, mut shuffled, mut renamed, mut swapped] = [(); 4].map(|()| spec(kind, 1.0).build());
            for step in machine(seed, 600, 300, 5) {
                sorted.observe(&observation(step.secs, &step.loads));
                let mut loads = step.loads.clone();
                loads.sort_by_cached_key(|_| dice.next());
                shuffled.observe(&observation(step.secs, &loads));
                prop_assert_eq!(bits(&*sorted), bits(&*shuffled), "{}", kind);
                // Other numbers in the same order: nothing changes.
                for load in &mut loads {
                    load.arrival = load.arrival * 1000 + 7;
                }
                renamed.observe(&observation(step.secs, &loads));
                prop_assert_eq!(bits(&*sorted), bits(&*renamed), "{}", kind);
                // Tasks that arrived together may be numbered either way round.
                let mut loads = step.loads.clone();
                for load in &mut loads {
                    load.arrival = match load.arrival {
                        a if a == first => second,
                        a if a == second => first,
                        a => a,
                    };
                }
                swapped.observe(&observation(step.secs, &loads));
            }
            for (one, other) in peaks(&*sorted).into_iter().zip(peaks(&*swapped)) {
                prop_assert!((one - other).abs() <= 1e-6 * one.max(1.0), "{kind}: {one} and {other}");
            }
        }
    }

    /// Until nothing but one observation differs: the one in which a task used more.
    #[test]
    fn more_usage_now_does_not_lower_what_is_expected(seed: u64, folded: bool) {
        for kind in PredictorKind::ALL {
            let [mut less, mut more] = [(); 2].map(|()| spec(kind, 1.0).build());
            let steps = machine(seed, 400, 300, 5);
            let Some((last, before)) = steps.split_last() else { return Ok(()) };
            for step in before {
                less.observe(&observation(step.secs, &step.loads));
                more.observe(&observation(step.secs, &step.loads));
            }
            let secs = if folded { before[before.len() - 1].secs + 30 } else { last.secs };
            let loads = if folded { &before[before.len() - 1].loads } else { &last.loads };
            let Some(raised) = raise(loads, seed) else { continue };
            let by = sums(&raised).1 - sums(loads).1;
            less.observe(&observation(secs, loads));
            more.observe(&observation(secs, &raised));
            not_lower(kind, &*less, &*more, by)?;
        }
    }

    /// The same tasks seen again within a slot, whatever they use.
    #[test]
    fn within_a_slot_a_prediction_only_rises(seed: u64) {
        for kind in PredictorKind::ALL.into_iter().filter(|kind| *kind != PredictorKind::Threshold) {
            let mut predictor = spec(kind, 1.0).build();
            let mut dice = Dice(seed);
            for step in machine(seed, 300, 300, 5) {
                predictor.observe(&observation(step.secs, &step.loads));
                let mut before = peaks(&*predictor);
                for second in 1..4 {
                    let loads = reused(&step.loads, &mut dice);
                    predictor.observe(&observation(step.secs + second, &loads));
                    let now = peaks(&*predictor);
                    if !matches!(kind, PredictorKind::Fixed | PredictorKind::Borg) {
                        prop_assert!(now.iter().zip(&before).all(|(n, b)| n >= b), "{kind}: {before:?}, {now:?}");
                    }
                    before = now;
                }
            }
        }
    }

    /// However long it lasts, and whatever is measured: until a task leaves or a limit shrinks.
    #[test]
    fn under_pressure_no_prediction_falls(seed: u64) {
        for kind in PredictorKind::ALL {
            let mut predictor = spec(kind, 1.0).build();
            let mut dice = Dice(seed);
            let steps = machine(seed, 400, 300, 5);
            for step in &steps {
                predictor.observe(&observation(step.secs, &step.loads));
            }
            let last = &steps[steps.len() - 1];
            let mut before = peaks(&*predictor);
            for minute in 1..500 {
                let loads = reused(&last.loads, &mut dice);
                let seen = observation(last.secs + minute * 60, &loads);
                predictor.observe(&Observation { calm: false, ..seen });
                let now = peaks(&*predictor);
                prop_assert!(now.iter().zip(&before).all(|(n, b)| n >= b), "{kind}: {before:?}, {now:?}");
                before = now;
            }
        }
    }

    /// What was measured under pressure, and was no more than before it, leaves no trace in what is expected later.
    #[test]
    fn low_readings_under_pressure_teach_nothing(seed: u64) {
        for kind in PredictorKind::ALL {
            let [mut starved, mut blind] = [(); 2].map(|()| spec(kind, 1.0).build());
            let mut dice = Dice(seed);
            let mut calm_usage: Vec<Load> = Vec::new();
            for (at, step) in machine(seed, 500, 300, 5).into_iter().enumerate() {
                let same = step.loads.len() == calm_usage.len()
                    && step.loads.iter().zip(&calm_usage).all(|(a, b)| a.arrival == b.arrival && a.limit >= b.limit);
                let pressed = at > 50 && at % 20 < 5 && same;
                if !pressed {
                    calm_usage.clone_from(&step.loads);
                }
                for (predictor, factor) in [(&mut starved, dice.unit()), (&mut blind, 0.0)] {
                    let mut loads = step.loads.clone();
                    if pressed {
                        for (load, calm) in loads.iter_mut().zip(&calm_usage) {
                            load.usage = calm.usage * factor;
                        }
                    }
                    predictor.observe(&Observation { calm: !pressed, ..observation(step.secs, &loads) });
                }
                match (starved.basis(1), blind.basis(1)) {
                    (Some(a), Some(b)) => {
                        prop_assert_eq!(a.level.to_bits(), b.level.to_bits());
                        prop_assert_eq!(a.risk.to_bits(), b.risk.to_bits());
                    }
                    _ => prop_assert_eq!(bits(&*starved), bits(&*blind), "{} at {}", kind, at),
                }
            }
        }
    }
}

/// The two lowest arrival numbers of a machine at its start.
fn founders(seed: u64) -> (u64, u64) {
    let first = &machine(seed, 1, 300, 5)[0].loads;
    (first[0].arrival, first[1].arrival)
}

/// One task, chosen by the seed, uses more.
fn raise(loads: &[Load], seed: u64) -> Option<Vec<Load>> {
    let mut dice = Dice(seed);
    let mut raised = loads.to_vec();
    let count = u64::try_from(raised.len()).ok().filter(|n| *n > 0)?;
    let at = usize::try_from(dice.next() % count).ok()?;
    let load = raised.get_mut(at)?;
    load.usage += dice.unit() * (load.limit - load.usage);
    Some(raised)
}

/// The same tasks with any usage.
fn reused(loads: &[Load], dice: &mut Dice) -> Vec<Load> {
    loads.iter().map(|load| Load { usage: load.limit * dice.unit().powi(3), ..*load }).collect()
}

/// Constants, percentiles and averages never fall when usage rises. A deviation falls when an outlier below the mean
/// joins it. Of `calibrated` the level never falls; its scale may, with what the task can still add and with its
/// spread over a higher mean, by no more than their weights.
fn not_lower(
    kind: PredictorKind,
    less: &dyn Predictor,
    more: &dyn Predictor,
    by: f64,
) -> Result<(), TestCaseError> {
    for (horizon, (low, high)) in peaks(less).into_iter().zip(peaks(more)).enumerate() {
        match kind {
            PredictorKind::NSigma | PredictorKind::Max => {}
            PredictorKind::Calibrated => {
                let (Some(a), Some(b)) = (less.basis(horizon), more.basis(horizon)) else {
                    return Err(TestCaseError::fail("calibrated says how"));
                };
                prop_assert!(b.level >= a.level - ROUNDING, "level {} to {}", a.level, b.level);
                prop_assert!(
                    (b.risk - a.risk).abs() <= 0.46 * by + ROUNDING,
                    "risk {} to {}",
                    a.risk,
                    b.risk
                );
                prop_assert!(high >= low - a.k.abs() * 0.46 * by - ROUNDING, "{low} to {high}");
            }
            PredictorKind::Fixed
            | PredictorKind::Threshold
            | PredictorKind::Borg
            | PredictorKind::Percentile
            | PredictorKind::Decaying
            | PredictorKind::Ema => {
                prop_assert!(high >= low - ROUNDING, "{kind}: {low} falls to {high}");
            }
        }
    }
    Ok(())
}

/// Two days of a node of 64 cores that uses about `used` of them, told as a hundred services that state no
/// allocation, so that each could take all of it, and as one.
fn unlimited(used: f64) -> [Box<dyn Predictor>; 2] {
    let [mut many, mut one] = [(); 2].map(|()| spec(PredictorKind::Calibrated, 1.0).build());
    let mut dice = Dice(5);
    for slot in 0..3 * 288 {
        let load = |arrival| Load {
            arrival,
            usage: used / 100.0 * (0.8 + 0.4 * dice.unit()),
            limit: 64.0,
        };
        let loads: Vec<_> = (0..100).map(load).collect();
        let all = [Load { arrival: 0, usage: sums(&loads).1, limit: 64.0 }];
        many.observe(&Observation { ceiling: 64.0, ..observation(slot * 300, &loads) });
        one.observe(&Observation { ceiling: 64.0, ..observation(slot * 300, &all) });
    }
    [many, one]
}

#[test]
fn services_without_a_limit_do_not_make_the_prediction_silly() {
    let [many, one] = unlimited(10.0);
    let found = peaks(&*many);
    assert!(found[0] > 9.0 && found[0] < 16.0, "about 10 cores are used: {found:?}");
    assert!(found[1] > 9.0 && found[1] < 20.0, "about 10 cores are used: {found:?}");
    assert!(found[2] > 9.0 && found[2] < 48.0, "about 10 cores are used: {found:?}");
    for horizon in 0..3 {
        let (many, one) =
            (many.basis(horizon).expect("a basis"), one.basis(horizon).expect("a basis"));
        assert!(
            (many.level - one.level).abs() < 1e-4,
            "{horizon}: {} and {}",
            many.level,
            one.level
        );
    }
}

#[test]
fn no_service_can_add_more_than_the_node_has_left() {
    let [many, _] = unlimited(60.0);
    let risk = many.basis(2).expect("a basis").risk;
    assert!(
        risk < 0.16 * 6.0 + 1.0,
        "{risk} cores, of which the spread is below 1 and about 4 cores are left"
    );
}

/// Fifty services sampled each second, with bursts that do not coincide: slots hold totals that occurred, not the sum
/// of each one's largest second.
#[test]
fn a_slot_of_seconds_is_not_the_sum_of_bursts() {
    let mut predictor = spec(PredictorKind::Calibrated, 1.0).build();
    let mut dice = Dice(9);
    let mut highest = 0.0_f64;
    for second in 0..4 * 3600 {
        let loads: Vec<_> = (0..50)
            .map(|arrival| {
                let usage = if dice.one_in(60) { 2.0 } else { 0.1 };
                Load { arrival, usage, limit: 2.0 }
            })
            .collect();
        highest = highest.max(sums(&loads).1);
        predictor.observe(&observation(second, &loads));
    }
    let level = predictor.basis(1).expect("calibrated says how").level;
    assert!(
        highest < 25.0 && level < 1.2 * highest,
        "level {level}, highest total {highest}, bursts add up to 100"
    );
}
