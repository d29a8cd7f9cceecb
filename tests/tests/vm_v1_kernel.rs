// SPDX-License-Identifier: Apache-2.0
//! What a v1 kernel does that the product builds on: separate hierarchies, quota, the older freezer.

use gleaner_tests::cgroup_rig::{CgroupRig, Layout};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

fn rig() -> CgroupRig {
    let rig = CgroupRig::new().expect("the guest mounts cgroups");
    assert_eq!(rig.layout(), Layout::V1);
    rig
}

#[test]
fn controllers_are_mounted_together_and_linked() {
    let rig = rig();
    let mounts = rig.mounts();
    assert_eq!(mounts.unified(), None);
    assert_eq!(mounts.of("cpu"), mounts.of("cpuacct"));
    let cpu = mounts.of("cpu").unwrap();
    assert!(cpu.ends_with("cpu,cpuacct"), "{}", cpu.display());
    let link = cpu.with_file_name("cpu");
    assert_eq!(std::fs::canonicalize(link).unwrap(), cpu);
    assert_ne!(mounts.of("memory"), mounts.of("cpu"));
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
    let allowed = Duration::from_millis(20) * u32::try_from(periods + 1).unwrap();
    let used = group.cpu_usage().unwrap();
    assert!(used > allowed / 2, "{used:?} of {allowed:?} in {periods} periods");
    assert!(used < allowed * 3 / 2, "{used:?} of {allowed:?} in {periods} periods");
    assert!(group.value("cpu", "cpu.stat", "throttled_time").unwrap() > 0);
}

#[test]
fn a_frozen_process_dies_only_when_thawed() {
    let group = rig().group("frozen").unwrap();
    let mut idle = Load::start(&Work::Idle, &group).unwrap();
    group.set_frozen(true).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(idle.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    // The kill is pending while another process gets a good deal done.
    let other = rig().group("other").unwrap();
    let _other = Load::start(&Work::Spin { threads: 1 }, &other).unwrap();
    wait_until("the other runs", LONG, || {
        (other.cpu_usage().unwrap() > Duration::from_millis(200)).then_some(())
    });
    assert!(idle.runs().unwrap());
    group.set_frozen(false).unwrap();
    wait_until("its end", LONG, || (!idle.runs().unwrap()).then_some(()));
}

#[test]
fn a_kill_reaches_what_was_frozen() {
    let group = rig().group("frozen").unwrap();
    let mut idle = Load::start(&Work::Idle, &group).unwrap();
    group.set_frozen(true).unwrap();
    group.kill_all().unwrap();
    wait_until("its end", LONG, || (!idle.runs().unwrap()).then_some(()));
}
