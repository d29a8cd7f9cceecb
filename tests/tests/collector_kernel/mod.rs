// SPDX-License-Identifier: Apache-2.0
//! What the collector must report on any kernel; each VM test file runs it on its own layout of cgroups.

#![expect(clippy::unwrap_used, reason = "a panic is how a test says what it could not do")]

use gleaner_collector::{Collector, Glob, Preset, Settings, Version};
use gleaner_estimator::sample::{Class, Sample, TaskCounters};
use gleaner_estimator::units::{Bytes, Timestamp};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(90);
const MIB: u64 = 1 << 20;

/// A collector on the real clock that knows the groups of one test.
pub(crate) struct Node {
    pub(crate) collector: Collector,
    pub(crate) sample: Sample,
    start: Instant,
}

impl Node {
    pub(crate) fn new(groups: &[(&Group, Class)]) -> Self {
        let glob = |(group, class): &(&Group, Class)| Glob {
            pattern: group.path().to_str().expect("ascii").to_owned(),
            class: *class,
            priority: 0,
            tenant: None,
            cpu: None,
            memory: None,
        };
        let settings = Settings {
            preset: Preset::Globs,
            globs: groups.iter().map(glob).collect(),
            memory_stat_every: 1,
            ..Settings::default()
        };
        let collector = Collector::open(settings).expect("a node");
        Self { collector, sample: Sample::default(), start: Instant::now() }
    }

    pub(crate) fn take(&mut self) -> &Sample {
        // An hour, so that starts of processes are not before the clock's zero.
        let at = self.start.elapsed() + Duration::from_secs(3600);
        let at = Timestamp(u64::try_from(at.as_nanos()).expect("under 500 years"));
        self.collector.sample(at, &mut self.sample).expect("a sample");
        self.sample.validate(100).expect("a valid sample");
        &self.sample
    }

    pub(crate) fn of(&self, group: &Group) -> Option<TaskCounters> {
        let name = group.path().to_str().expect("ascii");
        let mut tasks = self.sample.tasks.iter();
        tasks.find(|t| t.task.id.name.trim_matches('/') == name).map(|t| t.counters)
    }

    pub(crate) fn read(&mut self, group: &Group) -> TaskCounters {
        self.take();
        self.of(group).unwrap_or_else(|| panic!("not seen: {:?}", self.sample.tasks))
    }
}

pub(crate) fn rig() -> CgroupRig {
    CgroupRig::new().expect("the guest mounts cgroups")
}

/// The layout is what was mounted, and the node's own figures are there.
pub(crate) fn the_layout_is_detected(version: Version) {
    let mut node = Node::new(&[]);
    assert_eq!(node.collector.layout().hierarchies.version, version);
    let sample = node.take();
    assert_eq!(sample.node.capacity_cpu.0, 2_000);
    let memory = sample.node.memory.expect("meminfo");
    assert!(sample.node.capacity_memory <= memory.total);
    assert!(memory.available.is_some() && sample.node.cpu.is_some() && sample.node.load.is_some());
    assert!(sample.node.psi.cpu.is_some(), "the guest's kernel has PSI: {:?}", sample.node.psi);
}

/// What a group under a quota burns is what is reported of it, throttling included.
pub(crate) fn usage_under_a_quota_agrees_with_the_kernel() {
    let rig = rig();
    let group = rig.group("quota").unwrap();
    group.set_cpu_quota(300).unwrap();
    let _spinner = Load::start(&Work::Spin { threads: 1 }, &group).unwrap();
    let mut node = Node::new(&[(&group, Class::Guaranteed)]);
    // The spinner never rests, so the kernel is asked on both sides of each of our readings.
    let usage = || group.cpu_usage().unwrap();
    let (before_first, first, after_first) = (usage(), node.read(&group), usage());
    wait_until("a second of CPU time", LONG, || {
        (usage() > after_first + Duration::from_secs(1)).then_some(())
    });
    let (before_last, throttled, after_last) = (usage(), node.read(&group), usage());
    let ours = throttled.cpu_usage_usec.unwrap() - first.cpu_usage_usec.unwrap();
    let ours = Duration::from_micros(ours);
    // v1 counts nanoseconds and a sample holds whole microseconds, cut off at both ends.
    let cut = Duration::from_micros(1);
    let least = (before_last - after_first).saturating_sub(cut);
    let most = after_last - before_first + cut;
    assert!((least..=most).contains(&ours), "{ours:?}, the kernel {least:?} to {most:?}");
    let periods = |c: &TaskCounters| c.throttled_periods.expect("a quota is counted");
    assert!(periods(&throttled) > periods(&first));
    assert!(throttled.throttled_usec > first.throttled_usec);
    assert_eq!(throttled.pids, Some(2), "its main thread and the one that spins");
}

/// Held memory is the working set; page cache is not.
pub(crate) fn page_cache_is_not_the_working_set(cache: &str) {
    let rig = rig();
    let (holder, filler) = (rig.group("holder").unwrap(), rig.group("filler").unwrap());
    let _holder = Load::start(&Work::Hold { bytes: 64 * MIB }, &holder).unwrap();
    let work = Work::Cache { path: cache.into(), bytes: 96 * MIB };
    let _filler = Load::start(&work, &filler).unwrap();
    let mut node = Node::new(&[(&holder, Class::Guaranteed), (&filler, Class::BestEffort)]);
    wait_until("64 MiB held and 64 MiB of cache", LONG, || {
        let (held, cached) = (node.read(&holder), node.of(&filler).expect("seen together"));
        let (held, cached) = (held.working_set?, cached.file_cache?);
        (held >= Bytes(64 * MIB) && cached >= Bytes(64 * MIB)).then_some(())
    });
    let (held, cached) = (node.of(&holder).unwrap(), node.of(&filler).unwrap());
    assert!(held.working_set.unwrap() < Bytes(80 * MIB), "{held:?}");
    assert!(cached.working_set.unwrap() < Bytes(16 * MIB), "cache counted as used: {cached:?}");
    assert!(cached.memory_current.unwrap() > Bytes(64 * MIB), "{cached:?}");
}

/// A cgroup's own stall is reported where the kernel has it, and rises under contention.
pub(crate) fn stall_is_reported(has_own: bool) {
    let rig = rig();
    let group = rig.group("stalled").unwrap();
    let _spinners = Load::start(&Work::Spin { threads: 6 }, &group).unwrap();
    let mut node = Node::new(&[(&group, Class::Guaranteed)]);
    let before = node.read(&group);
    if !has_own {
        assert_eq!(before.psi.cpu, None);
        return;
    }
    let some = |c: &TaskCounters| c.psi.cpu.expect("own CPU stall").some_usec;
    wait_until("half a second of stall", LONG, || {
        (node.read(&group).psi.cpu?.some_usec > some(&before) + 500_000).then_some(())
    });
    let now = node.of(&group).unwrap();
    assert!(now.run_wait_ns.unwrap() > 0, "six threads on two processors wait: {now:?}");
}

/// A new cgroup is seen, a removed one is not, and the same name again is another task.
pub(crate) fn cgroups_come_and_go() {
    let rig = rig();
    let parent = rig.group("parent").unwrap();
    let mut node = Node::new(&[]);
    let here = parent.child("here").unwrap();
    let below = Glob {
        pattern: format!("{}/*", parent.path().display()),
        class: Class::BestEffort,
        priority: 0,
        tenant: None,
        cpu: None,
        memory: None,
    };
    let settings = Settings { preset: Preset::Globs, globs: vec![below], ..Settings::default() };
    node.collector = Collector::open(settings).expect("a node");
    let ids = |node: &mut Node| -> Vec<_> {
        node.take().tasks.iter().map(|t| t.task.id.clone()).collect()
    };
    let first = ids(&mut node);
    assert_eq!(first.len(), 1, "{first:?}");
    let two = |node: &mut Node| Some(ids(node)).filter(|ids| ids.len() == 2);
    let there = parent.child("there").unwrap();
    let both = wait_until("the new group", LONG, || two(&mut node));
    drop(there);
    assert_eq!(ids(&mut node), first);
    let again = parent.child("there").unwrap();
    let reborn = wait_until("the group made again", LONG, || two(&mut node));
    assert_eq!(both[1].name, reborn[1].name);
    assert_ne!(both, reborn, "one name, two lives");
    drop((here, again));
}
