// SPDX-License-Identifier: Apache-2.0
//! The cgroup helpers on this machine's own kernel: what they make works, and is gone afterwards.

use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_failing_test_leaves_nothing_behind() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut made: Option<(PathBuf, u32)> = None;
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let group = rig.group("failing").expect("a group");
        let child = group.child("child").expect("a child");
        let load = Load::start(&Work::Spin { threads: 1 }, &child).expect("a load");
        made = Some((child.directory("cpu").expect("cpu is mounted"), load.pid()));
        assert!(child.processes().expect("readable").contains(&load.pid()));
        panic!("as a failing test does");
    }));
    assert!(failed.is_err());
    let (directory, pid) = made.expect("the group was made");
    assert!(!directory.exists() && !directory.parent().is_some_and(|parent| parent.exists()));
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
}

#[test]
fn a_group_left_by_a_killed_process_is_swept() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mount = rig.mounts().of("cpu").expect("cpu is mounted");
    // No process has this id: the kernel's largest is below 2^22.
    let left = mount.join("gleaner-test-4194305-0-left");
    std::fs::create_dir_all(left.join("child")).expect("a directory");
    drop(CgroupRig::new().expect("a rig"));
    assert!(!left.exists());
}

#[test]
fn a_load_runs_where_it_was_put_and_can_be_frozen() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("busy").expect("a group");
    let _load = Load::start(&Work::Spin { threads: 1 }, &group).expect("a load");
    let usage = || group.cpu_usage().expect("readable");
    wait_until("100 ms of use", LONG, || (usage() > Duration::from_millis(100)).then_some(()));
    group.set_frozen(true).expect("frozen");
    let before = usage();
    let other = rig.group("other").expect("a group");
    let _other = Load::start(&Work::Spin { threads: 1 }, &other).expect("a load");
    let other_usage = || other.cpu_usage().expect("readable");
    wait_until("the other runs", LONG, || (other_usage() > before / 2).then_some(()));
    assert!(usage() - before < Duration::from_millis(10));
    group.kill_all().expect("killed");
    assert!(group.processes().expect("readable").is_empty());
}

#[test]
fn memory_is_charged_to_its_group() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("memory").expect("a group");
    group.set_memory_limit(128 << 20).expect("a limit");
    let _load = Load::start(&Work::Hold { bytes: 32 << 20 }, &group).expect("a load");
    wait_until("32 MiB", LONG, || {
        (group.memory_current().expect("readable") >= 32 << 20).then_some(())
    });
}
