// SPDX-License-Identifier: Apache-2.0
//! What a hybrid node does that the product builds on: v1 controllers, and a unified tree that can only kill,
//! freeze and tell pressure.

use gleaner_tests::cgroup_rig::{CgroupRig, Layout};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

fn rig() -> CgroupRig {
    let rig = CgroupRig::new().expect("the guest mounts cgroups");
    assert_eq!(rig.layout(), Layout::Hybrid);
    rig
}

#[test]
fn the_unified_tree_has_no_cpu_or_memory_but_can_kill() {
    let rig = rig();
    assert_ne!(rig.mounts().of("cpu"), rig.mounts().of("cpuacct"));
    let group = rig.group("task").unwrap();
    let unified = group.unified().unwrap();
    for file in ["cpu.max", "cpu.weight", "memory.current", "memory.max"] {
        assert!(!unified.join(file).exists(), "{file}");
    }
    for file in ["cgroup.kill", "cgroup.freeze", "cgroup.events", "cpu.stat", "cpu.pressure"] {
        assert!(unified.join(file).exists(), "{file}");
    }

    let mut idle = Load::start(&Work::Idle, &group).unwrap();
    std::fs::write(unified.join("cgroup.kill"), "1").unwrap();
    wait_until("its end", LONG, || (!idle.runs().unwrap()).then_some(()));
}

#[test]
fn pressure_and_usage_come_from_different_trees() {
    let group = rig().group("contended").unwrap();
    let _spinner = Load::start(&Work::Spin { threads: 6 }, &group).unwrap();
    wait_until("half a second of stall", LONG, || {
        (group.stall("cpu").unwrap().some > Duration::from_millis(500)).then_some(())
    });
    assert!(group.cpu_usage().unwrap() > Duration::from_millis(200));
}
