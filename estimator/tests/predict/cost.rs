// SPDX-License-Identifier: Apache-2.0
//! Promises about memory: bounded per task and per group, and nothing is allocated once warm.

use crate::machines::{Step, machine, observation, spec};
use gleaner_estimator::predict::{Load, Predictor, PredictorKind};

fn allocations(predictor: &mut dyn Predictor, steps: &[Step]) -> u64 {
    let counted = allocation_counter::measure(|| {
        for step in steps {
            predictor.observe(&observation(step.secs, &step.loads));
            assert!(predictor.peak(1).is_some() && predictor.score(1).is_some());
        }
    });
    counted.count_total
}

/// Warm: longer than the longest horizon and window, as many tasks present and gone as ever will be. Tasks come and
/// go all the while.
#[test]
fn nothing_is_allocated_once_warm() {
    for secs in [60, 300] {
        let steps = machine(4, 900 * 300 / secs, secs, 8);
        let (warm_up, rest) = steps.split_at(steps.len() / 2);
        let arrivals =
            |steps: &[Step]| steps.iter().filter_map(|s| s.loads.last()).map(|l| l.arrival).max();
        assert!(arrivals(rest) > arrivals(warm_up), "tasks arrive after the warm-up too");
        for kind in PredictorKind::ALL {
            let mut predictor = spec(kind, 1.0).build();
            let cold = allocations(&mut *predictor, warm_up);
            assert!(cold > 0, "{kind}: the counter counts");
            assert_eq!(allocations(&mut *predictor, rest), 0, "{kind} at {secs} s");
        }
    }
}

fn saved_bytes(tasks: u64, slots: u64) -> usize {
    let mut predictor = spec(PredictorKind::Calibrated, 1.0).build();
    for slot in 0..slots {
        // Each task lives for a day; as many come as go.
        let load = |n: u64| Load {
            arrival: n * 288 / tasks + (slot + n * 288 / tasks) / 288 * 1_000_000,
            usage: 0.5,
            limit: 1.0,
        };
        let mut loads: Vec<_> = (0..tasks).map(load).collect();
        loads.sort_by_key(|l| l.arrival);
        predictor.observe(&observation(slot * 300, &loads));
    }
    predictor.save().len()
}

#[test]
fn state_grows_with_tasks_present_and_not_with_time() {
    let (few, many) = (saved_bytes(10, 600), saved_bytes(110, 600));
    let per_task = (many - few) / 100;
    assert!((2300..2400).contains(&per_task), "{per_task} bytes a task");
    let group = few - 10 * per_task;
    assert!(group < 64 * 1024, "{group} bytes a group");
    let longer = saved_bytes(10, 3000);
    assert!(longer < few + few / 50, "{few} bytes after two days, {longer} after ten");
}
