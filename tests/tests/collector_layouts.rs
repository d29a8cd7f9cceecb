// SPDX-License-Identifier: Apache-2.0
//! Captured layouts of Mesos, Kubernetes and systemd, v1, v2 and hybrid: which tasks, which class, what is read.

use gleaner_collector::{Glob, Preset, Settings};
use gleaner_estimator::sample::{Class, TaskSample};
use gleaner_estimator::units::{Bytes, MilliCpus};
use gleaner_tests::fake_node::{FakeCgroup, FakeNode, FakeVersion, Reading, fixture};
use std::fmt::Display;

/// A value, or `-` where it is unknown.
fn show<T: Display>(value: Option<T>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

/// One task as text: what it is, then what was read of it.
fn render(reading: &Reading, task: &TaskSample) -> String {
    let (facts, c) = (&task.task, &task.counters);
    let age = facts.started.and_then(|start| reading.sample.at.since(start));
    let labels: Vec<_> = facts.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let promise =
        format!("cpu {} memory {}", show(facts.allocation.cpu), show(facts.allocation.memory));
    let owner = format!("{} {}", show(facts.tenant.as_ref()), labels.join(" "));
    let cpu = format!(
        "cpu {} throttled {} in {}/{} wait {} run {}",
        show(c.cpu_usage_usec),
        show(c.throttled_usec),
        show(c.throttled_periods),
        show(c.periods),
        show(c.run_wait_ns),
        show(c.run_cpu_ns),
    );
    let memory = format!(
        "memory {} working set {} cache {} limit {} faults {}",
        show(c.memory_current),
        show(c.working_set),
        show(c.file_cache),
        show(c.memory_limit),
        show(c.major_faults),
    );
    let events = c.memory_events.map(|e| format!("{}/{}/{}/{}", e.high, e.max, e.oom, e.oom_kill));
    let stalls = [c.psi.cpu, c.psi.memory, c.psi.io].map(|psi| show(psi.map(|psi| psi.some_usec)));
    format!(
        "{} {}\n  why: {}\n  promised {promise}; age {}; owner {owner}\n  {cpu}\n  {memory}\n  \
         events {} pids {} stalls {}\n",
        facts.class.word(),
        facts.id.name,
        facts.why,
        show(age),
        show(events),
        show(c.pids),
        stalls.join(" "),
    )
}

/// The layout and first sample of a fixture as text.
fn read(name: &str) -> String {
    let text = std::fs::read_to_string(fixture(name)).expect("a fixture");
    let node = FakeNode::of_tree(&text);
    let mut reading = Reading::open(node.settings());
    reading.must();
    let report = reading.collector.layout().to_string();
    let sample = &reading.sample;
    let capacity =
        format!("capacity {} CPUs {}\n", sample.node.capacity_cpu, sample.node.capacity_memory);
    let tasks: String = sample.tasks.iter().map(|task| render(&reading, task)).collect();
    format!("{report}{capacity}{tasks}").replace(&*node.path().to_string_lossy(), "")
}

macro_rules! fixtures {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), read(stringify!($name)));
        }
    )*};
}

fixtures! {
    mesos_v1
    mesos_v2
    kubernetes_v1_cgroupfs
    kubernetes_v1_systemd
    kubernetes_v2_cgroupfs
    kubernetes_v2_systemd
    systemd_v2
    systemd_hybrid
}

#[test]
fn a_node_where_nothing_fits_still_has_a_sample() {
    for version in [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid] {
        let node = FakeNode::new(version);
        node.put("somebody/else", &FakeCgroup::default());
        let mut reading = Reading::open(node.settings());
        let sample = reading.must();
        assert!(sample.tasks.is_empty());
        assert_eq!(sample.node.capacity_cpu, MilliCpus(4000));
        assert_eq!(sample.node.capacity_memory, Bytes(8 << 30));
        assert_eq!(sample.node.load.unwrap().one_milli, 500);
        assert!(reading.collector.layout().why.starts_with("no layout fits"));
    }
}

#[test]
fn a_node_without_cgroups_still_has_a_sample() {
    let node = FakeNode::new(FakeVersion::V2);
    node.write("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/vda rw\n");
    let mut reading = Reading::open(node.settings());
    let sample = reading.must();
    assert!(sample.tasks.is_empty());
    // Counted from /proc/stat, as no cpuset can be read.
    assert_eq!(sample.node.capacity_cpu, MilliCpus(4000));
}

#[test]
fn patterns_define_tasks_and_override_a_layout() {
    let glob = |pattern: &str, class| Glob {
        pattern: pattern.to_owned(),
        class,
        priority: 7,
        tenant: Some("team".to_owned()),
        cpu: Some(MilliCpus(2500)),
        memory: None,
    };
    for version in [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid] {
        let node = FakeNode::new(version);
        for name in ["docker/abc", "docker/abc/inner", "odd/place", "system.slice/x.service"] {
            node.put(name, &FakeCgroup::default());
        }
        let globs =
            vec![glob("docker/*", Class::BestEffort), glob("system.slice/x.*", Class::System)];
        let settings = Settings { globs: globs.clone(), preset: Preset::Globs, ..node.settings() };
        let mut reading = Reading::open(settings);
        reading.must();
        assert_eq!(reading.names(), ["docker/abc", "system.slice/x.service"], "{version:?}");
        let task = &reading.task("docker/abc").task;
        assert_eq!(task.class, Class::BestEffort);
        assert_eq!(task.allocation.cpu, Some(MilliCpus(2500)));
        assert_eq!((task.priority, task.tenant.as_deref()), (7, Some("team")));

        let mut systemd = Reading::open(Settings { globs, ..node.settings() });
        systemd.must();
        assert_eq!(systemd.names(), ["system.slice/x.service"]);
        assert_eq!(systemd.task("system.slice/x.service").task.class, Class::System);
    }
}

#[test]
fn the_root_named_for_patterns_says_how_much_there_is() {
    for version in [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid] {
        let node = FakeNode::new(version);
        node.put("ours", &FakeCgroup { limit: Some(3 << 30), ..FakeCgroup::default() });
        node.put("ours/c1", &FakeCgroup::default());
        let glob = Glob {
            pattern: "ours/*".to_owned(),
            class: Class::BestEffort,
            priority: 0,
            tenant: None,
            cpu: None,
            memory: None,
        };
        for (root, capacity) in [(None, 8 << 30), (Some("/ours"), 3 << 30), (Some("none"), 8 << 30)]
        {
            let settings = Settings {
                preset: Preset::Globs,
                globs: vec![glob.clone()],
                containers_root: root.map(str::to_owned),
                ..node.settings()
            };
            let mut reading = Reading::open(settings);
            assert_eq!(
                reading.must().node.capacity_memory,
                Bytes(capacity),
                "{version:?} {root:?}"
            );
            assert_eq!(reading.names(), ["ours/c1"], "{version:?} {root:?}");
        }
    }
}

#[test]
fn another_root_and_another_best_effort_slice_can_be_named() {
    let node = FakeNode::new(FakeVersion::V1);
    node.put("agents/one/c1", &FakeCgroup { shares: 20, ..FakeCgroup::default() });
    let settings = Settings {
        preset: Preset::Mesos,
        containers_root: Some("/agents/one/".to_owned()),
        ..node.settings()
    };
    let mut reading = Reading::open(settings);
    reading.must();
    assert_eq!(reading.names(), ["agents/one/c1"]);
    assert_eq!(reading.task("agents/one/c1").task.class, Class::BestEffort);

    let node = FakeNode::new(FakeVersion::V2);
    node.put("batch.slice/batch-low.slice/job.scope", &FakeCgroup::default());
    node.put("batch.slice/other.service", &FakeCgroup::default());
    let slice = "batch-low.slice".to_owned();
    let mut reading = Reading::open(Settings { best_effort_slice: slice, ..node.settings() });
    reading.must();
    assert_eq!(reading.names(), ["batch.slice/batch-low.slice/job.scope"]);
}

#[test]
fn a_layout_that_appears_later_is_found_at_the_next_full_scan() {
    let node = FakeNode::new(FakeVersion::V2);
    node.put("system.slice/kubelet.service", &FakeCgroup::default());
    let mut reading = Reading::open(Settings { rescan_every: 3, ..node.settings() });
    reading.must();
    assert_eq!(reading.collector.layout().preset, Preset::Systemd);
    node.put("kubepods/besteffort/pod1", &FakeCgroup { weight: 1, ..FakeCgroup::default() });
    for _ in 0..3 {
        reading.must();
    }
    assert_eq!(reading.collector.layout().preset, Preset::Kubernetes);
    assert_eq!(reading.names(), ["kubepods/besteffort/pod1"]);
    assert_eq!(reading.collector.layout().tasks, [0, 1, 0]);
}
