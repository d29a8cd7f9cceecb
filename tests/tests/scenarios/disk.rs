// SPDX-License-Identifier: Apache-2.0
//! The daemon beside a slow disk: who takes it from the service is limited, and nothing harsher is needed.

use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::skip;
use std::path::Path;
use std::time::Instant;

/// The guest's slow disk.
const DISK: &str = "/dev/nvme1n1";

/// The limits of a group's disks, whatever they are called here.
fn limits(group: &Group) -> Vec<String> {
    let files = [("io", "io.max"), ("blkio", "blkio.throttle.write_bps_device")];
    files.iter().filter_map(|(controller, file)| group.read(controller, file).ok()).collect()
}

/// The share of the time until some more decisions in which something in the group waits for IO.
fn waits(group: &Group, gleaner: &Gleaner) -> f64 {
    let stalled = || group.stall("io").expect("this kernel has pressure").some;
    let (from, before) = (Instant::now(), stalled());
    gleaner.let_decide(3);
    (stalled() - before).as_secs_f64() / from.elapsed().as_secs_f64()
}

#[test]
fn who_takes_the_disk_is_limited_and_lives() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    if !Path::new(DISK).exists() {
        return skip("there is no slow disk here");
    }
    let top = rig.group("disk").expect("a group");
    let [service, batch] = ["svc", "be"].map(|name| top.child(name).expect("a group"));
    let commit = Work::Commit { path: DISK.into(), bytes: 4 << 10, a_second: 20 };
    let mut served = Load::start(&commit, &service).expect("a load starts");
    // Best-effort is there from the start, and is not at the disk yet.
    let mut other = Load::start(&Work::Idle, &batch).expect("a load starts");
    let before = limits(&batch);
    let gleaner = Gleaner::start(&top, "evict", "");
    gleaner.let_decide(10);
    assert!(!gleaner.acts().contains(&"io_limit".to_owned()), "{}", gleaner.story());
    let copy = Work::Commit { path: DISK.into(), bytes: 1 << 20, a_second: 0 };
    let mut copier = Load::start(&copy, &batch).expect("a load starts");
    let act = gleaner.wait_for("io_limit", "be", "done");
    assert_eq!(act["resource"], "io");
    let beside = waits(&service, &gleaner);
    assert!(beside < 0.4, "{beside}\n{}", gleaner.story());
    assert!(!gleaner.acts().contains(&"evict".to_owned()), "{}", gleaner.story());
    let story = gleaner.explain(&act["tick"].to_string());
    assert!(story.contains("io_stall_excess") && story.contains("svc"), "{story}");
    let (status, _files) = gleaner.stop();
    assert!(status.success(), "{status}");
    assert_eq!(limits(&batch), before, "put back at the end");
    for load in [&mut served, &mut other, &mut copier] {
        assert!(load.runs().expect("it can be asked"));
    }
}
