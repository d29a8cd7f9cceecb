// SPDX-License-Identifier: Apache-2.0
//! How much memory of its own the daemon takes, without tasks, with 150 and with 1,000: real cgroups, the real program.
//!
//! What it has allocated (`RssAnon`) is bounded in every build. What it has mapped of its program, whose size depends on the
//! build, is bounded together with that in a release build.

use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::Gleaner;
use std::fs;

/// Decisions until every buffer has its size.
const DECISIONS: usize = 8;
const KIB_PER_MIB: u64 = 1024;
/// Measured in a release build: 1.4 MiB, 3.3 MiB and 16.8 MiB. Twice that, for builds and kernels differ.
const MOST: [(usize, u64); 3] = [(0, 3), (150, 7), (1000, 34)];
/// In all, in a release build with up to 150 tasks, MiB; 9.5 were measured.
const MOST_IN_ALL: u64 = 10;

/// A field of `/proc/<pid>/status`, KiB.
fn status(pid: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.expect("the kernel tells it")
}

#[test]
fn its_own_memory_is_bounded_and_grows_with_tasks_alone() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let top = rig.group("footprint").expect("a group");
    let mut tasks: Vec<Group> = Vec::new();
    for (count, most) in MOST {
        let first = tasks.len();
        let name = |number: usize| {
            format!("{}{number}", if number.is_multiple_of(2) { "svc" } else { "be" })
        };
        tasks.extend((first..count).map(|number| top.child(&name(number)).expect("a group")));
        let gleaner = Gleaner::start(&top, "observe", "");
        gleaner.let_decide(DECISIONS);
        let [own, program, all] =
            ["RssAnon", "RssFile", "VmRSS"].map(|field| status(gleaner.pid(), field));
        eprintln!(
            "{count} tasks: {own} KiB of its own, {program} KiB of its program, {all} KiB in all"
        );
        assert!(own <= most * KIB_PER_MIB, "{count} tasks: {own} KiB, at most {most} MiB");
        if !cfg!(debug_assertions) && count <= 150 {
            assert!(all <= MOST_IN_ALL * KIB_PER_MIB, "{count} tasks: {all} KiB in all");
        }
    }
}
