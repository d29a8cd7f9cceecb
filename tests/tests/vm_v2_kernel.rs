// SPDX-License-Identifier: Apache-2.0
//! What a v2 kernel does that the product builds on: pressure, quota, freezer, kill, page cache.

use gleaner_tests::cgroup_rig::{CgroupRig, Layout};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;
use std::path::PathBuf;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);
const MIB: u64 = 1 << 20;

fn rig() -> CgroupRig {
    let rig = CgroupRig::new().expect("the guest mounts cgroups");
    assert_eq!(rig.layout(), Layout::V2);
    rig
}

#[test]
fn cpu_pressure_rises_under_contention_only() {
    let rig = rig();
    let group = rig.group("contended").unwrap();
    for resource in ["cpu", "memory", "io"] {
        group.stall(resource).unwrap();
    }
    let before = group.stall("cpu").unwrap().some;
    let _spinner = Load::start(&Work::Spin { threads: 6 }, &group).unwrap();
    // Six spinners on two processors: somebody waits all the time.
    wait_until("half a second of stall", LONG, || {
        let stalled = group.stall("cpu").unwrap().some - before;
        (stalled > Duration::from_millis(500)).then_some(())
    });
    let idle = rig.group("idle").unwrap();
    let _idle = Load::start(&Work::Idle, &idle).unwrap();
    assert!(idle.stall("cpu").unwrap().some < Duration::from_millis(250));
}

#[test]
fn a_quota_throttles_and_the_kernel_counts_it() {
    let group = rig().group("quota").unwrap();
    group.set_cpu_quota(200).unwrap();
    let _spinner = Load::start(&Work::Spin { threads: 2 }, &group).unwrap();
    wait_until("20 throttled periods", LONG, || {
        let throttled = group.value("cpu", "cpu.stat", "nr_throttled").unwrap();
        (throttled >= 20).then_some(())
    });
    let periods = group.value("cpu", "cpu.stat", "nr_periods").unwrap();
    // A period of 100 ms allows 20 ms; slices handed out per processor let it pass by a few.
    let allowed = Duration::from_millis(20) * u32::try_from(periods + 1).unwrap();
    let used = group.cpu_usage().unwrap();
    assert!(used > allowed / 2, "{used:?} of {allowed:?} in {periods} periods");
    assert!(used < allowed * 3 / 2, "{used:?} of {allowed:?} in {periods} periods");
    assert!(group.value("cpu", "cpu.stat", "throttled_usec").unwrap() > 0);
}

#[test]
fn a_frozen_group_uses_nothing_and_can_be_killed() {
    let group = rig().group("frozen").unwrap();
    let mut spinner = Load::start(&Work::Spin { threads: 1 }, &group).unwrap();
    let usage = || group.cpu_usage().unwrap();
    wait_until("it runs", LONG, || (usage() > Duration::from_millis(50)).then_some(()));
    group.set_frozen(true).unwrap();
    let frozen_at = usage();
    let other = rig().group("other").unwrap();
    let _other = Load::start(&Work::Spin { threads: 1 }, &other).unwrap();
    let other_usage = || other.cpu_usage().unwrap();
    wait_until("the other runs", LONG, || {
        (other_usage() > Duration::from_millis(200)).then_some(())
    });
    assert!(usage() - frozen_at < Duration::from_millis(5));

    group.write("cpu", "cgroup.kill", "1").unwrap();
    wait_until("its end", LONG, || (!spinner.runs().unwrap()).then_some(()));
    assert_eq!(group.value("cpu", "cgroup.events", "populated").unwrap(), 0);
}

#[test]
fn page_cache_is_charged_and_dropped_without_a_kill() {
    let group = rig().group("cache").unwrap();
    group.set_memory_limit(64 * MIB).unwrap();
    let work = Work::Cache { path: PathBuf::from("/dev/nvme0n1"), bytes: 256 * MIB };
    let mut filler = Load::start(&work, &group).unwrap();
    wait_until("reclaim at the limit", LONG, || {
        let events = group.value("memory", "memory.events", "max").unwrap();
        (events > 0).then_some(())
    });
    assert!(group.value("memory", "memory.stat", "file").unwrap() > 32 * MIB);
    assert!(group.value("memory", "memory.stat", "anon").unwrap() < 16 * MIB);
    assert_eq!(group.value("memory", "memory.events", "oom_kill").unwrap(), 0);
    assert!(filler.runs().unwrap());
}

#[test]
fn anonymous_memory_over_the_limit_ends_in_a_kill() {
    let group = rig().group("hog").unwrap();
    group.set_memory_limit(32 * MIB).unwrap();
    let mut hog = Load::start(&Work::Hold { bytes: 96 * MIB }, &group).unwrap();
    wait_until("the OOM killer", LONG, || (!hog.runs().unwrap()).then_some(()));
    assert_eq!(group.value("memory", "memory.events", "oom_kill").unwrap(), 1);
}

#[test]
fn a_removed_group_leaves_nothing_behind() {
    let rig = rig();
    let group = rig.group("parent").unwrap();
    let child = group.child("child").unwrap();
    let directory = child.unified().unwrap();
    let mut spinner = Load::start(&Work::Spin { threads: 1 }, &child).unwrap();
    std::mem::forget(child);
    drop(group);
    assert!(!directory.exists() && !directory.parent().unwrap().exists());
    assert!(!spinner.runs().unwrap());
}
