// SPDX-License-Identifier: Apache-2.0
//! Numbers that no node can show: they are unknown, and nobody is corrected because of them.

mod rig;

use gleaner_estimator::sample::TaskCounters;
use gleaner_estimator::units::Bytes;
use rig::{Rig, best_effort, guaranteed};

/// A node so full that headroom is small and memory signals count, where nothing moves.
fn full() -> Rig {
    let mut rig = Rig::new(vec![guaranteed("web", 0.5, 300.0), best_effort("batch", 0.5, 3_300.0)]);
    rig.run(15_000);
    assert!(rig.evicted().is_empty());
    rig
}

/// One sample in which the task at this place shows nonsense, then a second of sense.
fn show(rig: &mut Rig, place: usize, nonsense: fn(&mut TaskCounters)) {
    rig.advance(1_000);
    let mut sample = rig.sample();
    nonsense(&mut sample.tasks[place].counters);
    rig.tick_on(&sample);
    rig.run(1_000);
}

#[test]
fn memory_beyond_the_node_is_unknown() {
    let cache: fn(&mut TaskCounters) = |c| c.file_cache = Some(Bytes(u64::MAX / 5));
    let held: fn(&mut TaskCounters) = |c| c.working_set = Some(Bytes(u64::MAX / 5));
    for (place, nonsense) in [(0, held), (1, cache), (1, held)] {
        let mut rig = full();
        rig.job("batch").grows = 10.0;
        show(&mut rig, place, nonsense);
        assert!(rig.evicted().is_empty(), "{}", rig.story());
    }
}

#[test]
fn more_faults_than_disks_can_serve_are_unknown() {
    let mut rig = full();
    show(&mut rig, 1, |c| c.major_faults = Some(u64::MAX / 5));
    assert!(rig.evicted().is_empty(), "{}", rig.story());
    rig.advance(100);
    let mut glance = rig.glance();
    glance.tasks[0].major_faults = Some(u64::MAX / 5);
    let _ = rig.controller.glance(&glance);
    rig.tick();
    assert!(rig.evicted().is_empty(), "{}", rig.story());
}

#[test]
fn more_cores_than_there_are_are_unknown() {
    let mut rig = full();
    rig.can = rig::everything().with_foreign_class(false);
    rig.run(2_000);
    rig.advance(100);
    let mut glance = rig.glance();
    glance.tasks[0].run_cpu_ns = Some(u64::MAX / 5);
    glance.tasks[0].run_wait_ns = Some(u64::MAX / 2);
    assert!(!rig.controller.glance(&glance).rings());
}
