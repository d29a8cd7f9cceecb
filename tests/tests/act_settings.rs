// SPDX-License-Identifier: Apache-2.0
//! Every setting on real cgroups: written, read back, its effect measured where it has one, and put back.

use gleaner_act::freezer::{Freeze, Frozen};
use gleaner_act::io::Limit;
use gleaner_act::means::Means;
use gleaner_act::memory::{self, Reclaim};
use gleaner_act::outcome::Outcome;
use gleaner_act::quota;
use gleaner_act::setting::{Deed, Hands, Setting};
use gleaner_act::slot::Slot;
use gleaner_act::standing::{self, Weights};
use gleaner_act::target::{Target, Tree};
use gleaner_collector::Controller;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio};
use gleaner_tests::acting::{LONG, disk, hands, now, target};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::{skip, wait_until};
use rustix::io::Errno;
use std::time::Duration;

fn spinner(group: &Group) -> Load {
    Load::start(&Work::Spin { threads: 2 }, group).expect("a load starts")
}

/// The weight and the quota as the kernel shows them, whatever they are called here.
fn class(group: &Group) -> Vec<String> {
    let files = ["cpu.shares", "cpu.weight", "cpu.idle", "cpu.cfs_quota_us", "cpu.max"];
    files.iter().filter_map(|file| group.read("cpu", file).ok()).collect()
}

fn frozen(hands: &mut Hands, target: &Target) -> Freeze {
    let freeze = Freeze::order(hands, target, now()).expect("a freezer is there");
    let judged = wait_until("the freeze", LONG, || match freeze.poll(hands, now()) {
        Frozen::Pending => None,
        Frozen::Judged(outcome) => Some(outcome),
    });
    assert_eq!(judged, Outcome::Done);
    freeze
}

/// Waits until another group has used this much CPU, so that time has passed for everybody.
fn let_others_run(rig: &CgroupRig, time: Duration) {
    let other = rig.group("other").expect("a group");
    let _spinner = spinner(&other);
    wait_until("the others' turn", LONG, || (other.cpu_usage().ok()? > time).then_some(()));
}

#[test]
fn a_frozen_spinner_stands_still_and_runs_when_thawed() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("freeze").expect("a group");
    let _spinner = spinner(&group);
    let target = target(&rig, &group);
    let mut hands = hands();
    let freeze = frozen(&mut hands, &target);
    let before = group.cpu_usage().expect("readable");
    let_others_run(&rig, Duration::from_millis(300));
    let used = group.cpu_usage().expect("readable") - before;
    assert!(used < Duration::from_millis(10), "it ran for {used:?} while frozen");
    assert_eq!(freeze.thaw(&mut hands), Outcome::Done);
    wait_until("it runs again", LONG, || {
        (group.cpu_usage().ok()? > before + Duration::from_millis(100)).then_some(())
    });
    assert_eq!(hands.journal.spots().count(), 0);
}

#[test]
fn what_somebody_else_froze_stays_frozen() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("theirs").expect("a group");
    let _idle = Load::start(&Work::Idle, &group).expect("a load starts");
    let target = target(&rig, &group);
    let mut hands = hands();
    let v1 = frozen(&mut hands, &target).means() == Means::FreezerV1;
    let freezer =
        if v1 { ("freezer", "freezer.state", "FROZEN") } else { ("unified", "cgroup.freeze", "1") };
    hands.put_back_all(&target);
    let path = match freezer.0 {
        "unified" => group.unified().expect("it froze there"),
        controller => group.directory(controller).expect("it froze there"),
    };
    std::fs::write(path.join(freezer.1), freezer.2).expect("writable");
    let freeze = frozen(&mut hands, &target);
    assert_eq!(freeze.thaw(&mut hands), Outcome::Done);
    let state = std::fs::read_to_string(path.join(freezer.1)).expect("readable");
    assert_eq!(state.trim(), freezer.2, "it was not ours to thaw");
    std::fs::write(path.join(freezer.1), if freezer.2 == "1" { "0" } else { "THAWED" })
        .expect("writable");
}

#[test]
fn the_lowest_class_yields_to_others_and_is_put_back() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("lowest").expect("a group");
    let other = rig.group("normal").expect("a group");
    let shares = if group.read("cpu", "cpu.shares").is_ok() { "cpu.shares" } else { "cpu.weight" };
    group.write("cpu", shares, "500").expect("writable");
    let before = class(&group);
    let target = target(&rig, &group);
    let mut hands = hands();
    let deed = standing::cpu(&mut hands, &target, Weights::Ours, None, now());
    assert_eq!(deed, Deed { means: Some(Means::CpuIdle), outcome: Outcome::Done });
    assert_eq!(standing::cpu(&mut hands, &target, Weights::Ours, None, now()), deed, "again");
    // On one processor, or the kernel's balancing decides who meets whom. The one that yields comes last, so that it
    // has no time alone.
    confine(&[&group, &other]);
    let _normal = spinner(&other);
    let spins = Duration::from_millis(100);
    wait_until("its start", LONG, || (other.cpu_usage().ok()? > spins).then_some(()));
    let _low = spinner(&group);
    let used = || (group.cpu_usage().expect("readable"), other.cpu_usage().expect("readable"));
    let first = used();
    wait_until("two seconds of the other's CPU", LONG, || {
        (used().1 > first.1 + Duration::from_secs(2)).then_some(())
    });
    let (low, normal) = (used().0 - first.0, used().1 - first.1);
    assert!(low * 4 < normal, "{low:?} beside {normal:?}");
    assert_eq!(standing::release_cpu(&mut hands, &target), Outcome::Done);
    assert_eq!(class(&group), before, "cpu.idle=0 alone would leave the default weight");
    assert_eq!(hands.journal.spots().count(), 0);
}

/// Confines groups to the first processor that they may use.
fn confine(groups: &[&Group]) {
    for group in groups {
        let effective = group.read("cpuset", "cpuset.cpus.effective");
        let allowed = effective.or_else(|_| group.read("cpuset", "cpuset.cpus")).expect("readable");
        let first = allowed.split(['-', ',', '\n']).next().expect("split gives one at least");
        group.write("cpuset", "cpuset.cpus", first).expect("writable");
    }
}

#[test]
fn without_cpu_idle_the_lowest_weight_is_taken() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("weight").expect("a group");
    let before = class(&group);
    let target = target(&rig, &group);
    let mut hands = hands();
    hands.means.rule_out(Means::CpuIdle, now());
    let deed = standing::cpu(&mut hands, &target, Weights::Ours, None, now());
    assert_eq!(deed, Deed { means: Some(Means::CpuWeight), outcome: Outcome::Done });
    assert!(class(&group).iter().any(|value| matches!(value.trim(), "1" | "2")));
    assert_eq!(standing::release_cpu(&mut hands, &target), Outcome::Done);
    assert_eq!(class(&group), before);
}

#[test]
fn weights_that_are_not_ours_are_looked_at_and_not_touched() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("owner").expect("a group");
    let target = target(&rig, &group);
    let mut hands = hands();
    let cpus = Some(MilliCpus(2000));
    let mut look = || standing::cpu(&mut hands, &target, Weights::Theirs, cpus, now()).outcome;
    let before = class(&group);
    assert!(matches!(look(), Outcome::NoEffect { .. }), "the default weight is not low");
    assert_eq!(class(&group), before);
    // What a Mesos agent gives to two revocable CPUs.
    let shares = group.write("cpu", "cpu.shares", "20");
    shares.or_else(|_| group.write("cpu", "cpu.weight", "2")).expect("writable");
    let before = class(&group);
    assert_eq!(look(), Outcome::Done);
    assert_eq!(class(&group), before);
}

#[test]
fn a_quota_caps_and_never_loosens() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("quota").expect("a group");
    let before = class(&group);
    let target = target(&rig, &group);
    let mut hands = hands();
    let _spinner = spinner(&group);
    let cap = MilliCpus(300);
    let deed = quota::cap(&mut hands, &target, cap, now());
    assert_eq!(deed, Deed { means: Some(Means::CpuQuota), outcome: Outcome::Done });
    let watch = quota::Watch::begin(&target, cap, now()).expect("its use can be read");
    let judged = wait_until("a judgement", LONG, || watch.poll(&mut hands, now()));
    assert_eq!(judged, Outcome::Done);
    // Another cap takes the place of the first, and the first value is what is put back.
    assert_eq!(quota::cap(&mut hands, &target, MilliCpus(500), now()).outcome, Outcome::Done);
    assert_eq!(quota::release(&mut hands, &target), Outcome::Done);
    assert_eq!(class(&group), before);
    // A lower quota of its own stays.
    group.set_cpu_quota(200).expect("writable");
    let own = class(&group);
    assert_eq!(quota::cap(&mut hands, &target, cap, now()).outcome, Outcome::Done);
    assert_eq!(class(&group), own);
}

#[test]
fn a_cap_that_does_not_hold_is_noticed() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("loose").expect("a group");
    let target = target(&rig, &group);
    let mut hands = hands();
    let _spinner = spinner(&group);
    wait_until("its start", LONG, || {
        (group.cpu_usage().ok()? > Duration::from_millis(20)).then_some(())
    });
    // Nothing was set: two threads spin freely under a cap that does not exist.
    let cap = MilliCpus(10);
    let watch = quota::Watch::begin(&target, cap, now()).expect("its use can be read");
    let judged = wait_until("a judgement", LONG, || watch.poll(&mut hands, now()));
    assert!(matches!(judged, Outcome::NoEffect { .. }), "{judged:?}");
    assert_eq!(hands.means.of(Means::CpuQuota).failures, 1);
}

#[test]
fn what_somebody_else_changed_meanwhile_is_left_alone() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("meanwhile").expect("a group");
    let target = target(&rig, &group);
    let mut hands = hands();
    assert_eq!(quota::cap(&mut hands, &target, MilliCpus(300), now()).outcome, Outcome::Done);
    group.set_cpu_quota(700).expect("writable");
    let theirs = class(&group);
    assert_eq!(quota::release(&mut hands, &target), Outcome::Done);
    assert_eq!(class(&group), theirs);
    assert_eq!(hands.journal.spots().count(), 0, "it is not ours any more");
}

/// The kernel raises shares of 1 to 2, and rounds `memory.high` down to whole pages.
#[test]
fn a_value_that_the_kernel_changes_has_no_effect_and_is_put_back() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("changed").expect("a group");
    let (controller, file, value) = if group.read("cpu", "cpu.shares").is_ok() {
        (Controller::Cpu, "cpu.shares", "1")
    } else {
        (Controller::Memory, "memory.high", "5000")
    };
    let before = group.read(controller.word(), file).expect("readable");
    let (tree, slot, value) = (Tree::Of(controller), Slot::file(file), value.to_owned());
    let mut hands = hands();
    let outcome =
        hands.set(&target(&rig, &group), &Setting { tree, slot, value: value.clone(), also: &[] });
    let Outcome::NoEffect { found } = &outcome else { panic!("{outcome:?}") };
    assert!(found.contains(file) && found.contains(&value), "{found}");
    assert_eq!(group.read(controller.word(), file).expect("readable"), before);
    assert_eq!(hands.journal.spots().count(), 0);
}

#[test]
fn a_refused_value_names_the_file_and_leaves_nothing() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("refused").expect("a group");
    let mut hands = hands();
    let mut set = |file, value: &str| {
        let (tree, slot) = (Tree::Of(Controller::Cpu), Slot::file(file));
        let setting = Setting { tree, slot, value: value.to_owned(), also: &[] };
        hands.set(&target(&rig, &group), &setting)
    };
    for (file, value, errno) in [("cpu.idle", "7", Errno::INVAL), ("cpu.none", "1", Errno::NOENT)] {
        let outcome = set(file, value);
        let Outcome::Failed { errno: found, what } = &outcome else { panic!("{outcome:?}") };
        assert_eq!(*found, errno.raw_os_error());
        let path = group.directory("cpu").expect("it is mounted").join(file);
        assert!(what.contains(&path.display().to_string()), "{what}");
    }
    assert_eq!(hands.journal.spots().count(), 0);
}

#[test]
fn memory_high_throttles_and_reclaim_takes_cache() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("memory").expect("a group");
    let target = target(&rig, &group);
    let mut hands = hands();
    let high = memory::high(&mut hands, &target, Bytes((40 << 20) + 17), now());
    if group.read("memory", "memory.high").is_err() {
        let unsupported = rustix::io::Errno::OPNOTSUPP.raw_os_error();
        assert!(matches!(high.outcome, Outcome::Failed { errno, .. } if errno == unsupported));
        return;
    }
    assert_eq!(high, Deed { means: Some(Means::MemoryHigh), outcome: Outcome::Done });
    assert_eq!(group.number("memory", "memory.high").expect("a number"), 40 << 20);
    assert_eq!(memory::release(&mut hands, &target), Outcome::Done);
    assert_eq!(group.read("memory", "memory.high").expect("readable").trim(), "max");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(path) = disk(directory.path()) else { return };
    let bytes = 24 << 20;
    let load = Load::start(&Work::Cache { path, bytes }, &group).expect("a load starts");
    wait_until("its cache", LONG, || (group.memory_current().ok()? > bytes).then_some(()));
    group.set_frozen(true).expect("so that it does not read it again");
    let before = group.memory_current().expect("readable");
    let reclaim = Reclaim::begin(&hands, target.clone(), Bytes(16 << 20));
    if group
        .read("memory", "memory.reclaim")
        .is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    {
        return skip("this kernel has no memory.reclaim");
    }
    let mut reclaim = reclaim.expect("it is there");
    let deed = wait_until("its end", LONG, || reclaim.poll(&mut hands, now()));
    assert_eq!(deed, Deed { means: Some(Means::MemoryReclaim), outcome: Outcome::Done });
    let after = group.memory_current().expect("readable");
    assert!(before - after > 12 << 20, "{before} → {after}");
    group.set_frozen(false).expect("so that it can end");
    drop(load);
}

#[test]
fn io_gets_the_lowest_weight_and_half_its_throughput() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("io").expect("a group");
    let target = target(&rig, &group);
    let mut hands = hands();
    let weights = ["blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight"];
    let values = || -> Vec<String> {
        weights.iter().filter_map(|file| group.read("blkio", file).ok()).collect()
    };
    let before = values();
    let deed = standing::io(&mut hands, &target, now());
    if before.is_empty() {
        assert!(matches!(deed.outcome, Outcome::Failed { .. }), "{deed:?}");
    } else {
        assert_eq!(deed, Deed { means: Some(Means::IoWeight), outcome: Outcome::Done });
        assert_ne!(values(), before);
        assert_eq!(standing::release_io(&mut hands, &target), Outcome::Done);
        assert_eq!(values(), before);
    }
    assert_eq!(hands.journal.spots().count(), 0);
}

#[test]
fn io_is_limited_on_the_disks_that_are_used() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("disk").expect("a group");
    let target = target(&rig, &group);
    let mut hands = hands();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(path) = disk(directory.path()) else { return };
    // More than it may hold: it reads from the disk again and again. v1 does not count writes of cache as its own.
    group.set_memory_limit(48 << 20).expect("writable");
    let _load =
        Load::start(&Work::Cache { path, bytes: 256 << 20 }, &group).expect("a load starts");
    let half = Ratio::from_milli(500);
    let deed = wait_until("a limit", LONG, || {
        let limit = Limit::begin(&mut hands, target.clone(), half, now()).ok()?;
        let deed = wait_until("enough measured", LONG, || limit.poll(&mut hands, now()));
        (deed.means.is_some()).then_some(deed)
    });
    assert_eq!(deed, Deed { means: Some(Means::IoLimit), outcome: Outcome::Done });
    assert!(hands.journal.spots().count() > 0);
    assert_eq!(gleaner_act::io::release(&mut hands, &target), Outcome::Done);
    assert_eq!(hands.journal.spots().count(), 0);
    let files = ["io.max", "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device"];
    for text in files.iter().filter_map(|file| group.read("blkio", file).ok()) {
        assert_eq!(text.trim(), "", "no limit stays behind");
    }
}
