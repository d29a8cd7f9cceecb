// SPDX-License-Identifier: Apache-2.0
//! What a calm tick costs: no allocation once warm, and time that grows linearly with tasks.

mod rig;

use gleaner_qos::verdict::Mode;
use rig::{Rig, best_effort, everything, guaranteed};

/// A calm node with so many tasks, half of them best-effort, past its first minutes.
fn warm(tasks: usize) -> Rig {
    let jobs = (0..tasks)
        .map(|i| match i % 2 {
            0 => guaranteed(&format!("kubepods/burstable/pod{i:04}"), 0.06, 1.0),
            _ => best_effort(&format!("kubepods/besteffort/pod{i:04}"), 0.06, 1.0),
        })
        .collect();
    let mut rig = Rig::new(jobs);
    rig.cores = 64.0;
    rig.total = 1_000_000.0;
    rig.run(5_000);
    rig
}

#[test]
fn a_calm_tick_and_a_glance_of_a_thousand_tasks_allocate_nothing_once_warm() {
    let mut rig = warm(1_000);
    rig.run(30_000);
    rig.advance(100);
    let glance = rig.glance();
    rig.advance(900);
    let sample = rig.sample();
    rig.tracker.update(&sample);
    let usage = rig.tracker.usage().clone();
    let can = everything();
    let mut candidates = 0;
    let counted = allocation_counter::measure(|| {
        let _ = rig.controller.glance(&glance);
        let assessment = rig.controller.assess(&sample, &usage);
        let verdict = rig.controller.decide(&sample, &usage, &assessment, Mode::Evict, &can);
        candidates = verdict.candidates.len() + verdict.corrections.len();
    });
    assert_eq!(candidates, 0, "the node is calm");
    assert_eq!(counted.count_total, 0);
}
