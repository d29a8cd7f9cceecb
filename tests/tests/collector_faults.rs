// SPDX-License-Identifier: Apache-2.0
//! Faults of files: vanished, absent, empty, garbage, huge, refused, unsupported. Each costs only its own value.

use gleaner_collector::{Error, Settings};
use gleaner_estimator::sample::TaskCounters;
use gleaner_tests::fake_node::{FakeCgroup, FakeNode, FakeVersion, Reading};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

const VERSIONS: [FakeVersion; 3] = [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid];

/// Two promised containers of a Mesos agent, of which the first is to be broken.
fn mesos(version: FakeVersion) -> FakeNode {
    let node = FakeNode::new(version);
    node.process(7, 100, 1_000, 100);
    for name in ["mesos/a", "mesos/b"] {
        let cgroup = FakeCgroup { cpu_usec: 9, anon: 4096, pids: vec![7], ..FakeCgroup::default() };
        node.put(name, &cgroup);
    }
    node
}

/// Everything slow at every reading, so that a fault shows at once.
fn eager(node: &FakeNode) -> Settings {
    Settings { memory_stat_every: 1, rescan_every: 1, ..node.settings() }
}

/// A file of a task, and whether its value is missing from the counters.
type File = (&'static str, fn(&TaskCounters) -> bool);

const FILES_V1: [File; 7] = [
    ("cpuacct.usage", |c| c.cpu_usage_usec.is_none()),
    ("cpu.stat", |c| c.throttled_usec.is_none() && c.periods.is_none()),
    ("memory.usage_in_bytes", |c| c.memory_current.is_none()),
    ("memory.stat", |c| c.working_set.is_none() && c.file_cache.is_none()),
    ("memory.failcnt", |c| c.memory_events.is_none()),
    ("memory.oom_control", |c| c.memory_events.is_none()),
    ("pids.current", |c| c.pids.is_none()),
];

const PRESSURE: [File; 3] = [
    ("cpu.pressure", |c| c.psi.cpu.is_none()),
    ("memory.pressure", |c| c.psi.memory.is_none()),
    ("io.pressure", |c| c.psi.io.is_none()),
];

const FILES_V2: [File; 5] = [
    ("cpu.stat", |c| c.cpu_usage_usec.is_none() && c.throttled_usec.is_none()),
    ("memory.current", |c| c.memory_current.is_none()),
    ("memory.stat", |c| c.working_set.is_none() && c.file_cache.is_none()),
    ("memory.events", |c| c.memory_events.is_none()),
    ("pids.current", |c| c.pids.is_none()),
];

fn files(version: FakeVersion) -> Vec<File> {
    match version {
        FakeVersion::V1 => FILES_V1.to_vec(),
        FakeVersion::V2 => [&FILES_V2[..], &PRESSURE].concat(),
        FakeVersion::Hybrid => [&FILES_V1[..], &PRESSURE].concat(),
    }
}

/// Breaks one file after another, with descriptors kept and without, and checks what that costs.
fn each_file(caps: &[usize], breaking: impl Fn(&FakeNode, &str), is_malformed: bool) {
    for version in VERSIONS {
        for (file, is_missing) in files(version) {
            for descriptor_cap in caps.iter().copied() {
                let node = mesos(version);
                let mut reading = Reading::open(Settings { descriptor_cap, ..eager(&node) });
                reading.must();
                let before = reading.task("mesos/a").counters;
                assert!(!is_missing(&before), "{version:?} {file}: read before it is broken");
                breaking(&node, &node.file_of("mesos/a", file));
                reading.must();
                let (a, b) = (&reading.task("mesos/a").counters, &reading.task("mesos/b").counters);
                assert!(is_missing(a), "{version:?} {file}: {a:?}");
                assert!(!is_missing(b), "{version:?} {file}: the other task lost its value: {b:?}");
                let health = reading.collector.health();
                assert_eq!(health.malformed > 0, is_malformed, "{version:?} {file}: {health:?}");
                let said = health.last_malformed.unwrap_or_default();
                assert_eq!(said.contains(file), is_malformed, "{version:?} {file}: {said}");
            }
        }
    }
}

#[test]
fn an_empty_file_costs_its_value() {
    each_file(&[0, 1000], |node, path| node.write(path, ""), true);
}

#[test]
fn garbage_costs_its_value_and_is_quoted() {
    each_file(&[0, 1000], |node, path| node.write(path, "usage_usec x\u{0}\n\u{fffd}"), true);
}

#[test]
fn a_huge_file_costs_its_value() {
    each_file(&[0, 1000], |node, path| node.write(path, &"9".repeat(1 << 20)), true);
}

#[test]
fn an_unsupported_file_costs_its_value() {
    let Some(unsupported) = unsupported::file() else { return };
    each_file(
        // Kept descriptors would outlive the file that is replaced.
        &[0],
        |node, path| {
            node.remove(path);
            symlink(unsupported.path(), node.path().join(path)).unwrap();
        },
        false,
    );
}

#[test]
fn an_absent_file_costs_its_value_and_comes_back() {
    for version in VERSIONS {
        for (file, is_missing) in files(version) {
            let node = mesos(version);
            let path = node.file_of("mesos/a", file);
            let text = std::fs::read_to_string(node.path().join(&path)).unwrap();
            node.remove(&path);
            let mut reading = Reading::open(eager(&node));
            reading.must();
            assert!(is_missing(&reading.task("mesos/a").counters), "{version:?} {file}");
            assert_eq!(reading.sample.vanished, 0);
            node.write(&path, &text);
            reading.must();
            assert!(!is_missing(&reading.task("mesos/a").counters), "{version:?} {file}");
        }
    }
}

#[test]
fn a_cgroup_gone_between_listing_and_reading_is_left_out_and_counted() {
    for version in VERSIONS {
        let node = mesos(version);
        // No events and no kept descriptors: listed once, then opened at each reading.
        let settings = Settings { notify: false, descriptor_cap: 0, ..node.settings() };
        let mut reading = Reading::open(settings);
        reading.must();
        node.remove_cgroup("mesos/a");
        assert_eq!(reading.must().vanished, 1);
        assert_eq!(reading.names(), ["mesos/b"]);
        assert_eq!(reading.must().vanished, 0);
        // One of the same name is found although nothing is scanned.
        node.remove_cgroup("mesos/b");
        reading.must();
        node.put("mesos/b", &FakeCgroup::default());
        reading.must();
        assert_eq!(reading.collector.health().vanished, 2);
        assert_eq!(reading.collector.health().scans, 1);
    }
}

#[test]
fn garbage_in_the_nodes_files_fails_the_reading_with_its_place() {
    for (file, text, line) in [
        ("stat", "cpu  1 2 3\n", 1),
        ("stat", "", 1),
        ("meminfo", "MemTotal: 5 kB\nMemFree: many kB\n", 2),
        ("meminfo", "", 1),
        ("loadavg", "none\n", 1),
        ("pressure/cpu", "some total=x\n", 1),
    ] {
        let node = mesos(FakeVersion::V2);
        let mut reading = Reading::open(node.settings());
        reading.must();
        node.write(&format!("proc/{file}"), text);
        match reading.take() {
            Err(Error::Malformed { path, line: at, .. }) => {
                assert_eq!((path, at), (node.path().join("proc").join(file), line));
            }
            other => panic!("{file}: {other:?}"),
        }
        assert!(reading.sample.tasks.is_empty());
        assert_eq!(reading.collector.health().readings_failed, 1);
    }
}

#[test]
fn only_stat_and_meminfo_are_needed_of_the_node() {
    for (file, needed) in
        [("stat", true), ("meminfo", true), ("loadavg", false), ("pressure", false)]
    {
        let node = mesos(FakeVersion::V2);
        // Kept descriptors would outlive a file that is unlinked, as none of the kernel's is.
        let mut reading = Reading::open(Settings { descriptor_cap: 0, ..node.settings() });
        reading.must();
        node.remove(&format!("proc/{file}"));
        let result = reading.take();
        assert_eq!(result.is_err(), needed, "{file}: {result:?}");
    }
}

#[test]
fn a_missing_proc_or_a_garbled_mountinfo_is_an_error_that_names_it() {
    let node = FakeNode::new(FakeVersion::V2);
    node.write("proc/self/mountinfo", "garbage\n");
    let error = gleaner_collector::Collector::open(node.settings()).unwrap_err().to_string();
    assert!(error.contains("proc/self/mountinfo, line 1: expected a mount"), "{error}");
    node.remove("proc");
    let error = gleaner_collector::Collector::open(node.settings()).unwrap_err().to_string();
    assert!(error.contains("proc/self/mountinfo: No such file"), "{error}");
}

/// Set for the child process that lost its privileges, with the node to read.
const UNPRIVILEGED: &str = "GLEANER_TEST_UNPRIVILEGED";

#[test]
fn a_refused_file_is_reported_once() {
    if let Some(node) = std::env::var_os(UNPRIVILEGED) {
        return refused_file_as_nobody(std::path::Path::new(&node));
    }
    let node = mesos(FakeVersion::V2);
    for name in ["mesos/a", "mesos/b"] {
        let path = node.path().join(node.file_of(name, "memory.events"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    std::fs::set_permissions(node.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_refused_file_is_reported_once"]).env(UNPRIVILEGED, node.path());
    if rustix::process::geteuid().is_root() {
        // Root may read anything: the test goes on as nobody.
        child.uid(65_534).gid(65_534).current_dir("/");
    }
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn refused_file_as_nobody(root: &std::path::Path) {
    let roots = gleaner_collector::Roots { proc: root.join("proc"), prefix: root.to_owned() };
    let mut reading =
        Reading::open(Settings { roots, memory_stat_every: 1, ..Settings::default() });
    for _ in 0..3 {
        reading.must();
    }
    for name in ["mesos/a", "mesos/b"] {
        let counters = reading.task(name).counters;
        assert_eq!(counters.memory_events, None);
        assert_eq!(counters.cpu_usage_usec, Some(9));
    }
    let unseen = reading.collector.layout().unseen;
    assert_eq!(unseen.len(), 1, "{unseen:?}");
    assert_eq!(unseen[0].what, "memory.events");
    assert!(unseen[0].why.contains("Permission denied"), "{unseen:?}");
}

/// A file whose reading the kernel answers with EOPNOTSUPP, as it does for pressure files with `psi=0`.
mod unsupported {
    use gleaner_tests::cgroup_rig::{CgroupRig, Group};
    use gleaner_tests::skip;
    use std::fs::{create_dir, remove_dir, write};
    use std::path::PathBuf;

    /// A threaded cgroup below a group of the unified hierarchy, which goes with it.
    pub(super) struct Unsupported {
        threaded: PathBuf,
        _parent: Group,
    }

    impl Unsupported {
        pub(super) fn path(&self) -> PathBuf {
            self.threaded.join("cgroup.procs")
        }
    }

    /// `cgroup.procs` of a threaded cgroup; `None` where none can be made.
    pub(super) fn file() -> Option<Unsupported> {
        let parent = CgroupRig::new_or_skip()?.group("unsupported").expect("a group");
        let threaded = parent.unified().map(|at| at.join("threaded"));
        let made = threaded.filter(|at| create_dir(at).is_ok());
        let made = made.map(|threaded| Unsupported { threaded, _parent: parent });
        let ready =
            made.filter(|made| write(made.threaded.join("cgroup.type"), "threaded").is_ok());
        if ready.is_none() {
            skip("no threaded cgroup can be made here, so nothing answers EOPNOTSUPP");
        }
        ready
    }

    impl Drop for Unsupported {
        fn drop(&mut self) {
            // Nothing ever runs in it, and its parent can only go after it.
            let _ = remove_dir(&self.threaded);
        }
    }
}
