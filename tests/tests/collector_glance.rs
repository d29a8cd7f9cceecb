// SPDX-License-Identifier: Apache-2.0
//! The fast path: only what shows harm, of the tasks of the latest sample, without an allocation.

use gleaner_collector::Settings;
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::units::{Bytes, Timestamp};
use gleaner_tests::fake_node::{FakeCgroup, FakeNode, FakeVersion, Reading};

const VERSIONS: [FakeVersion; 3] = [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid];

/// A promised container; `n` makes its counters grow.
fn promised(node: &FakeNode, name: &str, pid: u32, n: u64) {
    node.process(pid, 100, 1_000 + 10 * n, 100 + n);
    let cgroup = FakeCgroup {
        cpu_usec: 1_000 + n,
        major_faults: 5 + n,
        stalled_usec: 50 + n,
        quota_usec: Some(50_000),
        pids: vec![pid],
        ..FakeCgroup::default()
    };
    node.put(name, &cgroup);
}

/// A revocable container that has used so much CPU time.
fn revocable(node: &FakeNode, name: &str, cpu_usec: u64) {
    node.put(name, &FakeCgroup { cpu_usec, shares: 10, weight: 1, ..FakeCgroup::default() });
}

/// A glance 100 ms after the reading before.
fn glance<'a>(reading: &mut Reading, into: &'a mut Glance) -> &'a Glance {
    reading.at.0 += 100_000_000;
    reading.collector.glance(reading.at, into).expect("a glance");
    into
}

#[test]
fn a_glance_is_fresher_than_the_sample_and_counts_on() {
    for version in VERSIONS {
        let node = FakeNode::new(version);
        promised(&node, "mesos/a", 7, 0);
        revocable(&node, "mesos/b", 400);
        let mut reading = Reading::open(node.settings());
        reading.must();
        let before = reading.task("mesos/a").counters;
        promised(&node, "mesos/a", 7, 3);
        node.write("proc/meminfo", "MemTotal: 8 kB\nMemFree: 1 kB\nMemAvailable: 2 kB\n");
        let mut into = Glance::default();
        let seen = glance(&mut reading, &mut into);
        assert_eq!(seen.memory_available, Some(Bytes(2048)));
        assert_eq!(seen.cpu, reading.sample.node.cpu);
        let [task] = &seen.tasks[..] else { panic!("one guaranteed task: {seen:?}") };
        assert_eq!(task.task, reading.task("mesos/a").task);
        assert_eq!(task.cpu_usage_usec, Some(1_003), "{version:?}");
        assert_eq!(task.throttled_usec, before.throttled_usec);
        assert_eq!(task.major_faults, Some(8));
        assert_eq!((task.run_wait_ns, task.run_cpu_ns), (Some(3), Some(30)));
        let has_psi = version != FakeVersion::V1;
        assert_eq!(task.psi.cpu.map(|psi| psi.some_usec), has_psi.then_some(53));
        // The sample goes on from where the glance was, and does not count the same twice.
        promised(&node, "mesos/a", 7, 4);
        reading.must();
        let after = reading.task("mesos/a").counters;
        assert_eq!((after.run_wait_ns, after.run_cpu_ns), (Some(4), Some(40)));
    }
}

#[test]
fn what_best_effort_tasks_used_never_falls() {
    for version in VERSIONS {
        let node = FakeNode::new(version);
        revocable(&node, "mesos/a", 1_000_000);
        revocable(&node, "mesos/b", 400);
        let mut reading = Reading::open(node.settings());
        reading.must();
        let mut into = Glance::default();
        let mut total = |reading: &mut Reading| glance(reading, &mut into).best_effort_cpu_usec;
        // What they used before they were watched is no part of it.
        assert_eq!(total(&mut reading), Some(0));
        revocable(&node, "mesos/a", 1_000_030);
        revocable(&node, "mesos/b", 407);
        assert_eq!(total(&mut reading), Some(37), "{version:?}");
        // One leaves, one comes: a cgroup made meanwhile began with nothing.
        node.remove_cgroup("mesos/a");
        revocable(&node, "mesos/c", 20);
        reading.must();
        assert_eq!(total(&mut reading), Some(57));
        revocable(&node, "mesos/c", 21);
        reading.must();
        assert_eq!(total(&mut reading), Some(58));
        // A counter that goes back is another's.
        revocable(&node, "mesos/c", 3);
        assert_eq!(total(&mut reading), Some(58));
        revocable(&node, "mesos/c", 5);
        assert_eq!(total(&mut reading), Some(60));
    }
}

#[test]
fn unknown_is_none_and_without_tasks_nothing_was_used() {
    let node = FakeNode::new(FakeVersion::V2);
    let mut reading = Reading::open(node.settings());
    reading.must();
    let mut into = Glance::default();
    assert_eq!(glance(&mut reading, &mut into).best_effort_cpu_usec, Some(0));
    revocable(&node, "mesos/b", 400);
    reading = Reading::open(node.settings());
    reading.must();
    node.write("sys/fs/cgroup/mesos/b/cpu.stat", "garbage\n");
    assert_eq!(glance(&mut reading, &mut into).best_effort_cpu_usec, None);
}

#[test]
fn a_task_that_is_gone_is_left_out_and_the_sample_counts_it() {
    let node = FakeNode::new(FakeVersion::V2);
    promised(&node, "mesos/a", 7, 0);
    promised(&node, "mesos/b", 8, 0);
    let settings = Settings { notify: false, descriptor_cap: 0, ..node.settings() };
    let mut reading = Reading::open(settings);
    reading.must();
    node.remove_cgroup("mesos/a");
    let mut into = Glance::default();
    let names: Vec<_> = glance(&mut reading, &mut into).tasks.iter().map(name).collect();
    assert_eq!(names, ["mesos/b"]);
    assert_eq!(reading.must().vanished, 1);
}

fn name(task: &GlanceTask) -> &str {
    &task.task.id.name
}

#[test]
fn the_nodes_own_files_must_be_right() {
    let node = FakeNode::new(FakeVersion::V2);
    promised(&node, "mesos/a", 7, 0);
    let mut reading = Reading::open(node.settings());
    reading.must();
    let mut into = Glance::default();
    glance(&mut reading, &mut into);
    node.write("proc/stat", "garbage\n");
    let error = reading.collector.glance(Timestamp(u64::MAX), &mut into).unwrap_err().to_string();
    assert!(error.contains("proc/stat, line 1"), "{error}");
    assert!(into.tasks.is_empty());
}

#[test]
fn a_warm_glance_allocates_nothing_and_every_task_has_its_turn() {
    let node = FakeNode::new(FakeVersion::Hybrid);
    let names: Vec<String> = (1..=20).map(|id| format!("mesos/a{id}")).collect();
    let grow = |n| (1..).zip(&names).for_each(|(id, name)| promised(&node, name, id, n));
    grow(0);
    (0..200).for_each(|id| revocable(&node, &format!("mesos/b{id}"), id));
    let mut reading = Reading::open(node.settings());
    reading.must();
    grow(1);
    let mut into = Glance::default();
    glance(&mut reading, &mut into);
    let counts = (0..2).map(|_| {
        let info = allocation_counter::measure(|| {
            glance(&mut reading, &mut into);
        });
        info.count_total
    });
    assert_eq!(counts.collect::<Vec<_>>(), [0, 0]);
    // Eight tasks' faults a glance: after three all twenty are fresh.
    assert_eq!(into.tasks.len(), 20);
    assert!(into.tasks.iter().all(|task| task.major_faults == Some(6)), "{into:?}");
}
