// SPDX-License-Identifier: Apache-2.0
//! How the collector keeps up: new and removed cgroups, settings that change, slow files, threads.

use gleaner_collector::{Preset, Settings};
use gleaner_estimator::sample::Class;
use gleaner_estimator::units::{Bytes, MilliCpus, Span};
use gleaner_tests::fake_node::{FakeCgroup, FakeNode, FakeVersion, Reading};

const VERSIONS: [FakeVersion; 3] = [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid];

/// A Mesos agent's node with one promised container.
fn mesos(version: FakeVersion) -> FakeNode {
    let node = FakeNode::new(version);
    node.put("mesos/a", &FakeCgroup { anon: 4096, ..FakeCgroup::default() });
    node
}

#[test]
fn new_and_removed_cgroups_are_noticed_without_a_scan() {
    for version in VERSIONS {
        let node = mesos(version);
        let mut reading = Reading::open(node.settings());
        reading.must();
        node.put("mesos/b", &FakeCgroup { shares: 10, weight: 1, ..FakeCgroup::default() });
        reading.must();
        assert_eq!(reading.names(), ["mesos/a", "mesos/b"], "{version:?}");
        assert_eq!(reading.task("mesos/b").task.class, Class::BestEffort);
        node.remove_cgroup("mesos/a");
        assert_eq!(reading.must().vanished, 0);
        assert_eq!(reading.names(), ["mesos/b"]);
        assert_eq!(reading.collector.health().scans, 1);
    }
}

#[test]
fn without_events_the_full_scan_notices() {
    let node = mesos(FakeVersion::V2);
    let settings = Settings { notify: false, rescan_every: 3, ..node.settings() };
    let mut reading = Reading::open(settings);
    reading.must();
    node.put("mesos/b", &FakeCgroup::default());
    let seen: Vec<_> = (0..3).map(|_| reading.must().tasks.len()).collect();
    assert_eq!(seen, [1, 1, 2]);
}

#[test]
fn directories_of_pods_are_followed_when_they_appear() {
    let node = FakeNode::new(FakeVersion::V2);
    node.put("kubepods/pod1", &FakeCgroup::default());
    let mut reading = Reading::open(node.settings());
    reading.must();
    node.put("kubepods/burstable/pod2", &FakeCgroup::default());
    reading.must();
    node.put("kubepods/burstable/pod3", &FakeCgroup::default());
    reading.must();
    let expected = ["kubepods/burstable/pod2", "kubepods/burstable/pod3", "kubepods/pod1"];
    assert_eq!(reading.names(), expected);
    node.remove("sys/fs/cgroup/kubepods/burstable");
    reading.must();
    assert_eq!(reading.names(), ["kubepods/pod1"]);
    assert_eq!(reading.collector.health().scans, 1);
}

#[test]
fn another_inode_under_the_same_path_is_another_task() {
    for version in VERSIONS {
        for notify in [true, false] {
            let node = mesos(version);
            let mut reading =
                Reading::open(Settings { notify, rescan_every: 1, ..node.settings() });
            reading.must();
            let before = reading.task("mesos/a").task.id.clone();
            let held = std::fs::File::open(node.path().join("sys/fs/cgroup")).unwrap();
            let parent = node.file_of("mesos", "x").replace("/x", "");
            // Renamed away and not removed, so that the file system cannot give the inode out again.
            std::fs::rename(node.path().join(&parent).join("a"), node.path().join("old")).unwrap();
            node.put("mesos/a", &FakeCgroup { cpu_usec: 5, ..FakeCgroup::default() });
            reading.must();
            let after = reading.task("mesos/a");
            assert_eq!(after.task.id.name, before.name);
            assert_ne!(after.task.id.inode, before.inode, "{version:?}");
            assert_eq!(after.counters.cpu_usage_usec, Some(5));
            assert_eq!(reading.sample.tasks.len(), 1);
            drop(held);
        }
    }
}

#[test]
fn a_young_task_is_described_again_until_its_maker_is_done() {
    let node = mesos(FakeVersion::V1);
    let mut reading = Reading::open(node.settings());
    reading.must();
    // The kernel's defaults at first; then the agent writes the weight and moves the process in.
    node.put("mesos/b", &FakeCgroup::default());
    reading.must();
    assert_eq!(reading.task("mesos/b").task.class, Class::Guaranteed);
    assert_eq!(reading.task("mesos/b").task.started, None);
    node.process(7, 4_999, 100, 10);
    node.put("mesos/b", &FakeCgroup { shares: 15, pids: vec![7], ..FakeCgroup::default() });
    reading.must();
    let task = &reading.task("mesos/b").task;
    assert_eq!(task.class, Class::BestEffort);
    assert_eq!(task.allocation.cpu, Some(MilliCpus(1500)));
    let age = reading.sample.at.since(task.started.unwrap()).unwrap();
    // The fake uptime stands still at 5,000 s.
    assert_eq!(age, Span::from_secs(1));
}

#[test]
fn settings_of_an_old_task_are_read_again_at_its_turn() {
    let node = mesos(FakeVersion::V2);
    node.process(7, 100, 100, 10);
    node.put("mesos/a", &FakeCgroup { pids: vec![7], ..FakeCgroup::default() });
    let mut reading = Reading::open(Settings { rescan_every: 4, ..node.settings() });
    reading.must();
    node.write("sys/fs/cgroup/mesos/a/cpu.weight", "300\n");
    let cpus: Vec<_> = (0..5)
        .map(|_| {
            reading.must();
            reading.task("mesos/a").task.allocation.cpu
        })
        .collect();
    assert_eq!(cpus.first(), Some(&Some(MilliCpus(1000))));
    assert_eq!(cpus.last(), Some(&Some(MilliCpus(3000))));
    assert_eq!(reading.collector.health().malformed, 0);
}

#[test]
fn slow_files_hold_their_last_value_and_are_staggered() {
    for version in VERSIONS {
        let node = FakeNode::new(version);
        let put = |anon| {
            for name in ["mesos/a", "mesos/b", "mesos/c", "mesos/d"] {
                node.put(name, &FakeCgroup { anon, ..FakeCgroup::default() });
            }
        };
        put(4096);
        let settings = Settings { memory_stat_every: 4, rescan_every: 1000, ..node.settings() };
        let mut reading = Reading::open(settings);
        reading.must();
        put(8192);
        let fresh = |reading: &mut Reading| {
            let of = |task: &gleaner_estimator::sample::TaskSample| {
                assert_eq!(task.counters.memory_current, Some(Bytes(8192)));
                usize::from(task.counters.working_set == Some(Bytes(8192)))
            };
            // v2 counts 8 KiB of reclaimable slab as kernel memory and takes it off again.
            reading.must().tasks.iter().map(of).sum::<usize>()
        };
        let seen: Vec<_> = (0..4).map(|_| fresh(&mut reading)).collect();
        assert_eq!(seen, [1, 2, 3, 4], "{version:?}");
    }
}

#[test]
fn more_tasks_than_the_limit_fail_the_reading() {
    let node = mesos(FakeVersion::V2);
    let mut reading = Reading::open(Settings { max_tasks: 2, ..node.settings() });
    node.put("mesos/b", &FakeCgroup::default());
    reading.must();
    node.put("mesos/c", &FakeCgroup::default());
    let error = reading.take().unwrap_err().to_string();
    assert!(error.contains("3 tasks below") && error.contains("limit of 2"), "{error}");
    assert!(reading.take().is_err());
    assert!(reading.sample.tasks.is_empty());
    node.remove_cgroup("mesos/a");
    reading.must();
    assert_eq!(reading.names(), ["mesos/b", "mesos/c"]);
    assert_eq!(reading.collector.health().readings_failed, 2);
}

#[test]
fn threads_come_and_go_without_a_bogus_gain() {
    for version in VERSIONS {
        let node = mesos(version);
        node.process(7, 100, 1_000, 100);
        node.process(8, 100, 5_000, 500);
        let put = |pids: &[u32]| {
            node.put("mesos/a", &FakeCgroup { pids: pids.to_vec(), ..FakeCgroup::default() });
        };
        put(&[7, 8]);
        let settings = Settings { memory_stat_every: 1, ..node.settings() };
        let mut reading = Reading::open(settings);
        let mut sums = move |node: &FakeNode| {
            let _ = node;
            reading.must();
            let counters = reading.task("mesos/a").counters;
            (counters.run_wait_ns.unwrap(), counters.run_cpu_ns.unwrap())
        };
        assert_eq!(sums(&node), (0, 0));
        node.process(7, 100, 1_010, 101);
        node.process(8, 100, 5_020, 502);
        assert_eq!(sums(&node), (3, 30));
        // A thread that was there before we looked brings nothing of its past.
        node.process(9, 100, 900_000, 90_000);
        put(&[7, 8, 9]);
        assert_eq!(sums(&node), (3, 30));
        node.process(9, 100, 900_005, 90_004);
        assert_eq!(sums(&node), (7, 35));
        // One that ends takes nothing away.
        put(&[9]);
        assert_eq!(sums(&node), (7, 35));
        // Counters that go back belong to somebody else.
        node.process(9, 100, 10, 1);
        assert_eq!(sums(&node), (7, 35));
        node.process(9, 100, 12, 2);
        assert_eq!(sums(&node), (8, 37));
        // So do those that jump further than time went.
        node.process(9, 100, 60_000_000_000, 3);
        assert_eq!(sums(&node), (8, 37));
    }
}

#[test]
fn only_so_many_threads_are_read() {
    let node = mesos(FakeVersion::V2);
    let pids: Vec<u32> = (100..150).collect();
    pids.iter().for_each(|pid| node.process(*pid, 100, 1_000, 100));
    node.put("mesos/a", &FakeCgroup { pids: pids.clone(), ..FakeCgroup::default() });
    let settings = Settings {
        preset: Preset::Mesos,
        threads_per_task: 8,
        memory_stat_every: 5,
        ..node.settings()
    };
    let mut reading = Reading::open(settings);
    reading.must();
    pids.iter().for_each(|pid| node.process(*pid, 100, 1_001, 101));
    reading.must();
    assert_eq!(reading.task("mesos/a").counters.run_cpu_ns, Some(8));
}
