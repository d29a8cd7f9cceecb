// SPDX-License-Identifier: Apache-2.0
//! The daemon on a machine whose memory runs out: the grower goes in time, page cache is nobody's crime.

use gleaner_tests::acting::{LONG, deaf, disk};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;
use std::path::Path;

const MIB: u64 = 1 << 20;

/// Far more than the machine has, at a rate that fills it in some seconds.
const GROWER: Work = Work::Grow { bytes: 4096 * MIB, rate: 50 * MIB };

/// A service that holds some memory, beside what a test adds.
struct Node {
    top: Group,
    batch: Group,
    service: Load,
    _held: Group,
}

impl Node {
    fn new(rig: &CgroupRig) -> Self {
        let top = rig.group("memory").expect("a group");
        let [held, batch] = ["svc", "be"].map(|name| top.child(name).expect("a group"));
        let work = Work::Hold { bytes: 32 * MIB };
        let service = Load::start(&work, &held).expect("a load starts");
        Self { top, batch, service, _held: held }
    }

    fn service_runs(&mut self) -> bool {
        self.service.runs().expect("it can be asked")
    }
}

/// Whether the grower was evicted. Where there is `memory.high` a limit may hold it before that is needed, and then the
/// gentler answer is the right one.
fn assert_answered(node: &mut Node, gleaner: &Gleaner, victim: &mut Load) -> bool {
    let any = |of: &[&str]| gleaner.acts().iter().any(|act| of.contains(&act.as_str()));
    wait_until("an answer", LONG, || any(&["evict", "memory_high"]).then_some(()));
    gleaner.let_decide(15);
    let evicted = any(&["evict"]);
    if evicted {
        assert_evicted(node, gleaner, victim);
    } else {
        gleaner.wait_for("memory_high", "be", "done");
        assert!(node.service_runs() && victim.runs().expect("it can be asked"));
    }
    evicted
}

/// The victim goes by our hand and the service stays. How soon is not judged here: an emulated machine that is itself
/// held up may see the kernel strike the same victim at the same time.
fn assert_evicted(node: &mut Node, gleaner: &Gleaner, victim: &mut Load) {
    let end = gleaner.wait_for("evict", "be", "done");
    wait_until("the victim's end", LONG, || {
        (!victim.runs().expect("it can be asked")).then_some(())
    });
    assert!(node.service_runs());
    let story = gleaner.explain("last");
    assert_eq!(end["resource"], "memory");
    for word in ["evict", "/be", "memory", "Who could be chosen", "done by"] {
        assert!(story.contains(word), "no {word:?} in\n{story}");
    }
}

#[test]
fn a_grower_is_stopped_and_the_service_lives() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut node = Node::new(&rig);
    let gleaner = Gleaner::start(&node.top, "evict", "");
    let mut grower = Load::start(&GROWER, &node.batch).expect("a load starts");
    assert_answered(&mut node, &gleaner, &mut grower);
}

#[test]
fn a_grower_beside_one_who_ignores_sigterm_and_one_who_forks_goes_with_both() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut node = Node::new(&rig);
    let mut stubborn = deaf(&node.batch);
    let mut storm = Load::start(&Work::Chain { chains: 1 }, &node.batch).expect("a load starts");
    let gleaner = Gleaner::start(&node.top, "evict", "");
    let mut grower = Load::start(&GROWER, &node.batch).expect("a load starts");
    if !assert_answered(&mut node, &gleaner, &mut grower) {
        return;
    }
    for load in [&mut stubborn, &mut storm] {
        wait_until("the end of all", LONG, || {
            (!load.runs().expect("it can be asked")).then_some(())
        });
    }
    assert!(node.batch.processes().expect("it is there").is_empty());
}

#[test]
fn in_mode_squeeze_nobody_is_killed_by_us() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let node = Node::new(&rig);
    let gleaner = Gleaner::start(&node.top, "squeeze", "");
    let half = Work::Grow { bytes: 300 * MIB, rate: 50 * MIB };
    let mut grower = Load::start(&half, &node.batch).expect("a load starts");
    gleaner.let_decide(12);
    assert!(!gleaner.acts().contains(&"evict".to_owned()), "{}", gleaner.story());
    assert!(grower.runs().expect("it can be asked"));
}

#[test]
fn page_cache_that_fills_memory_kills_nobody() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(path) = disk(Path::new("/tmp")) else { return };
    let mut node = Node::new(&rig);
    let gleaner = Gleaner::start(&node.top, "evict", "");
    let work = Work::Cache { path, bytes: 900 * MIB };
    let mut reader = Load::start(&work, &node.batch).expect("a load starts");
    let full = || {
        let text = std::fs::read_to_string("/proc/meminfo").expect("it is there");
        let free = text.lines().find_map(|line| line.strip_prefix("MemFree:"))?;
        let kib: u64 = free.split_whitespace().next()?.parse().ok()?;
        (kib < 100 << 10).then_some(())
    };
    wait_until("memory full of page cache", LONG, full);
    gleaner.let_decide(8);
    let acts = gleaner.acts();
    assert!(!acts.contains(&"evict".to_owned()), "{}", gleaner.story());
    assert!(reader.runs().expect("it can be asked") && node.service_runs());
}
