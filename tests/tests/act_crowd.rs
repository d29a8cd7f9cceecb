// SPDX-License-Identifier: Apache-2.0
//! An eviction of more processes than are signalled at once, on the host alone: a guest starts them too slowly.

use gleaner_act::means::Means;
use gleaner_act::outcome::Outcome;
use gleaner_act::setting::Deed;
use gleaner_estimator::units::Span;
use gleaner_tests::acting::{evict, hands, now, target};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::load::{Load, Work};

#[test]
fn each_of_a_crowd_is_struck() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("crowd").expect("a group");
    let start = |_| Load::start(&Work::Idle, &group).expect("a load starts");
    let loads: Vec<Load> = (0..150).map(start).collect();
    assert_eq!(group.processes().expect("readable").len(), loads.len());
    let mut hands = hands();
    hands.means.rule_out(Means::KillCgroup, now());
    let deed = evict(&mut hands, target(&rig, &group), Span::default());
    assert_eq!(deed, Deed { means: Some(Means::KillEach), outcome: Outcome::Done });
    assert_eq!(group.processes().expect("readable"), [].into());
}
