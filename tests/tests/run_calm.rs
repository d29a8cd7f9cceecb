// SPDX-License-Identifier: Apache-2.0
//! What looks like trouble and is none: a quota of one's own is nobody's fault, and nobody is hurt for it.

use gleaner_tests::cgroup_rig::{CgroupRig, Group, Layout};
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use std::fs;

/// Lets a group use a tenth of a processor.
fn throttle(rig: &CgroupRig, group: &Group) {
    let directory = group.directory("cpu").expect("the rig needs it");
    let written = match rig.layout() {
        Layout::V2 => fs::write(directory.join("cpu.max"), "10000 100000"),
        Layout::V1 | Layout::Hybrid => fs::write(directory.join("cpu.cfs_quota_us"), "10000"),
    };
    written.expect("a quota can be set");
}

/// Lets a daemon that may do anything watch a throttled group beside one that spins.
fn nobody_is_hurt_when(throttled: &str) {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let top = rig.group("calm").expect("a group");
    let [service, batch] = ["svc", "be"].map(|name| top.child(name).expect("a group"));
    throttle(&rig, if throttled == "svc" { &service } else { &batch });
    let spin = |group| Load::start(&Work::Spin { threads: 1 }, group).expect("a load starts");
    let mut loads = [spin(&service), spin(&batch)];
    let gleaner = Gleaner::start(&top, "evict", "");
    gleaner.let_decide(8);
    let acts = gleaner.acts();
    let mild = |act: &String| ["standing_class", "io_weight"].contains(&act.as_str());
    assert!(acts.iter().all(mild), "{}", gleaner.story());
    assert!(loads.iter_mut().all(|load| load.runs().expect("it can be asked")));
}

#[test]
fn a_best_effort_task_throttled_by_its_own_quota_is_let_be() {
    nobody_is_hurt_when("be");
}

#[test]
fn a_guaranteed_task_throttled_by_its_own_quota_accuses_nobody() {
    nobody_is_hurt_when("svc");
}
