// SPDX-License-Identifier: Apache-2.0
//! The daemon beside a slow disk: who takes it from the service is limited, and nothing harsher is needed.

use gleaner_tests::acting::LONG;
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::{skip, wait_until};
use std::path::Path;
use std::time::Instant;

/// The guest's slow disk.
const DISK: &str = "/dev/nvme1n1";

/// Microseconds for which something in the group has waited for IO.
fn stalled(group: &Group) -> f64 {
    let text = group.read("io", "io.pressure").expect("the rig needs it");
    let total = text.lines().next().and_then(|some| some.rsplit_once("total=")).expect("a total");
    total.1.trim().parse().expect("a number")
}

/// The share of the next seconds in which something in the group waits for IO.
fn waits(group: &Group, secs: f64) -> f64 {
    let (from, before) = (Instant::now(), stalled(group));
    wait_until("some seconds", LONG, || (from.elapsed().as_secs_f64() >= secs).then_some(()));
    (stalled(group) - before) / 1e6 / from.elapsed().as_secs_f64()
}

#[test]
fn who_takes_the_disk_is_limited_and_lives() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    if !Path::new(DISK).exists() {
        return skip("there is no slow disk here");
    }
    let top = rig.group("disk").expect("a group");
    let [service, batch] = ["svc", "be"].map(|name| top.child(name).expect("a group"));
    let commit = Work::Commit { path: DISK.into(), a_second: 20 };
    let mut served = Load::start(&commit, &service).expect("a load starts");
    // Best-effort is there from the start, and is not at the disk yet.
    let mut other = Load::start(&Work::Idle, &batch).expect("a load starts");
    let before = batch.read("io", "io.max").expect("v2 has it");
    let gleaner = Gleaner::start(&top, "evict", "");
    gleaner.let_decide(10);
    assert!(!gleaner.acts().contains(&"io_limit".to_owned()), "{}", gleaner.story());
    let copy = Work::Disk { path: DISK.into(), bytes: 256 << 20 };
    let mut copier = Load::start(&copy, &batch).expect("a load starts");
    let act = gleaner.wait_for("io_limit", "be", "done");
    assert_eq!(act["resource"], "io");
    let beside = waits(&service, 3.0);
    assert!(beside < 0.4, "{beside}\n{}", gleaner.story());
    assert!(!gleaner.acts().contains(&"evict".to_owned()), "{}", gleaner.story());
    let story = gleaner.explain(&act["tick"].to_string());
    assert!(story.contains("io_stall_excess") && story.contains("svc"), "{story}");
    let (status, _files) = gleaner.stop();
    assert!(status.success(), "{status}");
    assert_eq!(batch.read("io", "io.max").expect("v2 has it"), before, "put back at the end");
    for load in [&mut served, &mut other, &mut copier] {
        assert!(load.runs().expect("it can be asked"));
    }
}
