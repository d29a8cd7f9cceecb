// SPDX-License-Identifier: Apache-2.0
//! A node as files below a temporary directory: built cgroup by cgroup, or taken from a `.tree` file.
//!
//! For what a real kernel will not do on request: layouts of other machines, and faults.

use crate::tree;
use gleaner_collector::{Collector, Roots, Settings};
use gleaner_estimator::sample::{Sample, TaskSample};
use gleaner_estimator::units::Timestamp;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Which hierarchies a fake node mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FakeVersion {
    /// cpu and cpuacct together, memory, pids and cpuset apart.
    V1,
    /// One unified hierarchy.
    V2,
    /// As v1, with a unified hierarchy beside it.
    Hybrid,
}

/// What a fake cgroup says; the defaults are those of a cgroup that was just made.
#[derive(Clone, Debug)]
pub struct FakeCgroup {
    /// CPU time used, microseconds.
    pub cpu_usec: u64,
    /// v1 `cpu.shares`.
    pub shares: u64,
    /// v2 `cpu.weight`.
    pub weight: u64,
    /// Quota in microseconds for each 100 ms.
    pub quota_usec: Option<u64>,
    /// Anonymous memory, bytes.
    pub anon: u64,
    /// Page cache, bytes.
    pub file: u64,
    /// Hard memory limit, bytes.
    pub limit: Option<u64>,
    /// Major faults.
    pub major_faults: u64,
    /// CPU stall time, microseconds.
    pub stalled_usec: u64,
    /// Its processes.
    pub pids: Vec<u32>,
}

impl Default for FakeCgroup {
    fn default() -> Self {
        Self {
            cpu_usec: 0,
            shares: 1024,
            weight: 100,
            quota_usec: None,
            anon: 0,
            file: 0,
            limit: None,
            major_faults: 0,
            stalled_usec: 0,
            pids: Vec::new(),
        }
    }
}

/// A fake node; its files are gone when it is dropped.
#[derive(Debug)]
pub struct FakeNode {
    dir: TempDir,
    version: FakeVersion,
}

const COMMON: &str = include_str!("../fixtures/node.tree");
const MOUNTS_V1: &str = "\
27 22 0:24 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
28 22 0:25 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
29 22 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
30 22 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
";
const MOUNT_UNIFIED: &str = "31 22 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
const MOUNT_V2: &str = "25 22 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
const NO_LIMIT_V1: u64 = 9_223_372_036_854_771_712;

impl FakeNode {
    /// A node of four CPUs and 8 GiB without any container.
    ///
    /// # Panics
    /// The temporary directory cannot be written.
    #[must_use]
    pub fn new(version: FakeVersion) -> Self {
        let node = Self { dir: directory(), version };
        tree::write(&tree::parse(COMMON), node.path()).expect("a writable directory");
        let mounts = match version {
            FakeVersion::V1 => MOUNTS_V1.to_owned(),
            FakeVersion::V2 => MOUNT_V2.to_owned(),
            FakeVersion::Hybrid => format!("{MOUNTS_V1}{MOUNT_UNIFIED}"),
        };
        node.write("proc/self/mountinfo", &mounts);
        for dir in node.trees() {
            fs::create_dir_all(node.path().join(dir)).expect("a writable directory");
        }
        match version {
            FakeVersion::V2 => node.write("sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"),
            FakeVersion::V1 | FakeVersion::Hybrid => {
                node.write("sys/fs/cgroup/cpuset/cpuset.effective_cpus", "0-3\n");
            }
        }
        node
    }

    /// The node of a `.tree` text.
    ///
    /// # Panics
    /// The temporary directory cannot be written.
    #[must_use]
    pub fn of_tree(text: &str) -> Self {
        let dir = directory();
        tree::write(&tree::parse(text), dir.path()).expect("a writable directory");
        Self { dir, version: FakeVersion::V2 }
    }

    /// The directory that stands for `/`.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The hierarchies that hold cgroups.
    fn trees(&self) -> &'static [&'static str] {
        match self.version {
            FakeVersion::V1 => {
                &["sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/memory", "sys/fs/cgroup/pids"]
            }
            FakeVersion::V2 => &["sys/fs/cgroup"],
            FakeVersion::Hybrid => &[
                "sys/fs/cgroup/cpu,cpuacct",
                "sys/fs/cgroup/memory",
                "sys/fs/cgroup/pids",
                "sys/fs/cgroup/unified",
            ],
        }
    }

    /// Settings that read this node.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let roots = Roots { proc: self.path().join("proc"), prefix: self.path().to_owned() };
        Settings { roots, ..Settings::default() }
    }

    /// Writes one file in place, as the kernel does, so that descriptors kept on it see the new text.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, path: &str, content: &str) {
        let target = self.path().join(path);
        fs::create_dir_all(target.parent().expect("a path below the node"))
            .expect("a writable directory");
        fs::write(target, content).expect("a writable file");
    }

    /// Removes a file, or a directory with all below it.
    ///
    /// # Panics
    /// It cannot be removed.
    pub fn remove(&self, path: &str) {
        let target = self.path().join(path);
        let done = match target.is_dir() {
            true => fs::remove_dir_all(&target),
            false => fs::remove_file(&target),
        };
        done.unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    }

    /// Removes a cgroup from every hierarchy.
    pub fn remove_cgroup(&self, name: &str) {
        for tree in self.trees() {
            self.remove(&format!("{tree}/{name}"));
        }
    }

    /// Where a file of a cgroup is, below [`FakeNode::path`].
    #[must_use]
    pub fn file_of(&self, name: &str, file: &str) -> String {
        let tree = match (self.version, file.split('.').next().unwrap_or_default()) {
            (FakeVersion::V2, _) => "sys/fs/cgroup",
            (FakeVersion::Hybrid, _) if file.ends_with(".pressure") => "sys/fs/cgroup/unified",
            (_, "memory") => "sys/fs/cgroup/memory",
            (_, "pids") => "sys/fs/cgroup/pids",
            (_, _) => "sys/fs/cgroup/cpu,cpuacct",
        };
        format!("{tree}/{name}/{file}")
    }

    /// Writes all files of a cgroup.
    pub fn put(&self, name: &str, cgroup: &FakeCgroup) {
        let files = match self.version {
            FakeVersion::V2 => files_v2(cgroup),
            FakeVersion::V1 => files_v1(cgroup),
            FakeVersion::Hybrid => files_v1(cgroup).into_iter().chain(pressure(cgroup)).collect(),
        };
        for (file, content) in files {
            self.write(&self.file_of(name, file), &content);
        }
    }

    /// Writes a process of one thread: when it started in seconds since boot, and its schedstat.
    pub fn process(&self, pid: u32, started_secs: u64, cpu_ns: u64, wait_ns: u64) {
        let start = started_secs * 100;
        let stat =
            format!("{pid} (a b) S 1 {pid} 1 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 {start} 9 2\n");
        self.write(&format!("proc/{pid}/stat"), &stat);
        self.write(&format!("proc/{pid}/schedstat"), &format!("{cpu_ns} {wait_ns} 7\n"));
    }
}

/// A temporary directory, in memory where there is one: a node is many small files.
fn directory() -> TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).expect("a temporary directory")
}

fn files_v1(cgroup: &FakeCgroup) -> Vec<(&'static str, String)> {
    let FakeCgroup { anon, file, major_faults, .. } = cgroup;
    let limit = cgroup.limit.unwrap_or(NO_LIMIT_V1);
    let quota = cgroup.quota_usec.map_or("-1".to_owned(), |usec| usec.to_string());
    let stat = format!(
        "cache {file}\nrss {anon}\nhierarchical_memory_limit {limit}\ntotal_pgmajfault {major_faults}\n\
         total_inactive_anon {anon}\ntotal_active_anon 0\ntotal_inactive_file {file}\n\
         total_active_file 0\ntotal_unevictable 0\n"
    );
    vec![
        ("cpuacct.usage", format!("{}\n", cgroup.cpu_usec * 1000)),
        ("cpu.stat", "nr_periods 10\nnr_throttled 2\nthrottled_time 500000\n".to_owned()),
        ("cpu.shares", format!("{}\n", cgroup.shares)),
        ("cpu.cfs_quota_us", format!("{quota}\n")),
        ("cpu.cfs_period_us", "100000\n".to_owned()),
        ("memory.usage_in_bytes", format!("{}\n", anon + file)),
        ("memory.stat", stat),
        ("memory.limit_in_bytes", format!("{limit}\n")),
        ("memory.soft_limit_in_bytes", format!("{NO_LIMIT_V1}\n")),
        ("memory.failcnt", "2\n".to_owned()),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n".to_owned()),
        ("pids.current", format!("{}\n", cgroup.pids.len())),
        ("cgroup.procs", lines(&cgroup.pids)),
        ("tasks", lines(&cgroup.pids)),
    ]
}

fn files_v2(cgroup: &FakeCgroup) -> Vec<(&'static str, String)> {
    let FakeCgroup { anon, file, major_faults, .. } = cgroup;
    let max = |value: Option<u64>| value.map_or("max".to_owned(), |value| value.to_string());
    let stat = format!(
        "anon {anon}\nfile {file}\nkernel 8192\ninactive_anon {anon}\nactive_anon 0\ninactive_file {file}\n\
         active_file 0\nunevictable 0\nslab_reclaimable 8192\npgmajfault {major_faults}\n"
    );
    let cpu = format!(
        "usage_usec {}\nnr_periods 10\nnr_throttled 2\nthrottled_usec 500\n",
        cgroup.cpu_usec
    );
    let mut files = vec![
        ("cpu.stat", cpu),
        ("cpu.weight", format!("{}\n", cgroup.weight)),
        ("cpu.max", format!("{} 100000\n", max(cgroup.quota_usec))),
        ("memory.current", format!("{}\n", anon + file)),
        ("memory.stat", stat),
        ("memory.max", format!("{}\n", max(cgroup.limit))),
        ("memory.low", "0\n".to_owned()),
        ("memory.min", "0\n".to_owned()),
        ("memory.events", "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n".to_owned()),
        ("pids.current", format!("{}\n", cgroup.pids.len())),
        ("cgroup.procs", lines(&cgroup.pids)),
        ("cgroup.threads", lines(&cgroup.pids)),
    ];
    files.extend(pressure(cgroup));
    files
}

fn pressure(cgroup: &FakeCgroup) -> Vec<(&'static str, String)> {
    let text = |some: u64| {
        let line =
            |kind, total| format!("{kind} avg10=0.00 avg60=0.00 avg300=0.00 total={total}\n");
        format!("{}{}", line("some", some), line("full", some / 2))
    };
    let usec = cgroup.stalled_usec;
    vec![
        ("cpu.pressure", text(usec)),
        ("memory.pressure", text(usec + 1)),
        ("io.pressure", text(usec + 2)),
    ]
}

fn lines(ids: &[u32]) -> String {
    ids.iter().fold(String::new(), |mut text, id| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{id}");
        text
    })
}

/// A collector with the sample it fills, read once a fake second.
#[derive(Debug)]
pub struct Reading {
    /// The collector.
    pub collector: Collector,
    /// Its latest sample.
    pub sample: Sample,
    /// Time of the next reading.
    pub at: Timestamp,
}

impl Reading {
    /// Opens a collector whose clock starts where the fake node's uptime is: at 5,000 s.
    ///
    /// # Panics
    /// It cannot be opened.
    #[must_use]
    pub fn open(settings: Settings) -> Self {
        let collector = Collector::open(settings).expect("a node that can be read");
        Self { collector, sample: Sample::default(), at: Timestamp(5_000_000_000_000) }
    }

    /// Reads a sample, a second after the one before.
    ///
    /// # Errors
    /// As [`Collector::sample`].
    pub fn take(&mut self) -> Result<&Sample, gleaner_collector::Error> {
        self.at.0 += 1_000_000_000;
        self.collector.sample(self.at, &mut self.sample)?;
        Ok(&self.sample)
    }

    /// Reads a sample that must succeed.
    ///
    /// # Panics
    /// It did not, or the sample breaks its invariants.
    pub fn must(&mut self) -> &Sample {
        self.take().expect("a sample");
        self.sample.validate(100_000).expect("a valid sample");
        &self.sample
    }

    /// The task of that name in the latest sample.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn task(&self, name: &str) -> &TaskSample {
        let found = self.sample.tasks.iter().find(|task| &*task.task.id.name == name);
        found.unwrap_or_else(|| panic!("no task {name}: {:?}", self.names()))
    }

    /// Names of the tasks in the latest sample.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.sample.tasks.iter().map(|task| &*task.task.id.name).collect()
    }
}

/// Where fixtures are.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.tree"))
}
