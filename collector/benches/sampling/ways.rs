// SPDX-License-Identifier: Apache-2.0
//! The ways to read the same files: two at each round, five at every tenth, staggered over the tasks.

use crate::farm::{Farm, name};
use cgroups_rs::fs::Cgroup;
use cgroups_rs::fs::cpu::CpuController;
use cgroups_rs::fs::cpuacct::CpuAcctController;
use cgroups_rs::fs::hierarchies::V1;
use cgroups_rs::fs::memory::MemController;
use cgroups_rs::fs::pid::PidController;
use gleaner_collector::{Collector, Controller, Preset, Settings};
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::pread;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;

/// One way to read all tasks once.
pub(crate) trait Way {
    fn name(&self) -> &'static str;
    fn round(&mut self);
    /// So slow that a few rounds must do.
    fn is_slow(&self) -> bool {
        false
    }
}

const HOT: [(Controller, &str); 2] =
    [(Controller::Cpuacct, "cpuacct.usage"), (Controller::Memory, "memory.usage_in_bytes")];

const SLOW: [(Controller, &str); 5] = [
    (Controller::Cpu, "cpu.stat"),
    (Controller::Memory, "memory.stat"),
    (Controller::Memory, "memory.failcnt"),
    (Controller::Memory, "memory.oom_control"),
    (Controller::Pids, "pids.current"),
];

/// The node's own files, read once a round.
const NODE: [&str; 6] = [
    "/proc/stat",
    "/proc/meminfo",
    "/proc/loadavg",
    "/proc/pressure/cpu",
    "/proc/pressure/memory",
    "/proc/pressure/io",
];

/// Every so many rounds for the slow files, as the collector does by default.
const EVERY: usize = 10;

/// The bare system calls first: the others are measured against it.
pub(crate) fn all(farm: &Farm) -> Vec<Box<dyn Way>> {
    let never = u32::MAX;
    vec![
        Box::new(Bare::new(farm)),
        Box::new(Ours::new(farm, "collector", never)),
        Box::new(Ours::new(farm, "collector, listing and limits too", 60)),
        Box::new(ReadToString::new(farm)),
        Box::new(CgroupsRs::new(farm)),
    ]
}

/// The collector as it is used.
struct Ours {
    name: &'static str,
    collector: Collector,
    sample: Sample,
    at: Timestamp,
    tasks: usize,
}

impl Ours {
    fn new(farm: &Farm, name: &'static str, rescan_every: u32) -> Self {
        let settings = Settings {
            preset: Preset::Mesos,
            containers_root: Some(farm.root.clone()),
            rescan_every,
            ..Settings::default()
        };
        let collector = Collector::open(settings).expect("a node that can be read");
        let sample = Sample::default();
        let mut ours = Self { name, collector, sample, at: Timestamp(0), tasks: farm.tasks };
        // New tasks are described again ten times.
        (0..12).for_each(|_| ours.round());
        ours
    }
}

impl Way for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn round(&mut self) {
        self.at.0 += 1_000_000_000;
        self.collector.sample(self.at, &mut self.sample).expect("a sample");
        assert_eq!(self.sample.tasks.len(), self.tasks);
        black_box(&self.sample);
    }
}

enum Source {
    Kept(OwnedFd),
    /// Below a kept descriptor of the hierarchy's root.
    Path(Rc<OwnedFd>, CString),
}

fn open(dir: impl AsFd, path: impl Into<Vec<u8>>) -> OwnedFd {
    let path = CString::new(path).expect("a path without NUL");
    openat(dir, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).expect("a file")
}

impl Source {
    fn read(&self, buffer: &mut [u8]) -> usize {
        match self {
            Self::Kept(fd) => pread(fd, buffer, 0).expect("a read"),
            Self::Path(dir, path) => pread(open(dir, path.as_bytes()), buffer, 0).expect("a read"),
        }
    }
}

/// `pread` on kept descriptors where the same budget allows them, else `openat`, `pread`, `close`.
struct Bare {
    node: Vec<Source>,
    hot: Vec<[Source; HOT.len()]>,
    slow: Vec<[Source; SLOW.len()]>,
    buffer: Vec<u8>,
    round: usize,
}

impl Bare {
    fn new(farm: &Farm) -> Self {
        let collector = Collector::open(Settings::default()).expect("a node that can be read");
        let mut left = collector.health().descriptor_limit / 4 * 3;
        let root = |path: &PathBuf| Rc::new(open(CWD, path.as_os_str().as_bytes()));
        let roots = farm.hierarchies.controllers.iter().map(|(c, path)| (*c, root(path)));
        let roots: BTreeMap<Controller, Rc<OwnedFd>> = roots.collect();
        let mut source = |controller, index, file: &str| {
            let path = format!("{}/{}/{file}", farm.root, name(index));
            if left == 0 {
                let path = CString::new(path).expect("a path without NUL");
                return Source::Path(Rc::clone(&roots[&controller]), path);
            }
            left -= 1;
            Source::Kept(open(&*roots[&controller], path))
        };
        let hot = (0..farm.tasks).map(|i| HOT.map(|(c, file)| source(c, i, file))).collect();
        let slow = (0..farm.tasks).map(|i| SLOW.map(|(c, file)| source(c, i, file))).collect();
        let present = NODE.iter().filter(|path| std::path::Path::new(path).exists());
        let node = present.map(|path| Source::Kept(open(CWD, *path)));
        Self { node: node.collect(), hot, slow, buffer: vec![0; 16 * 1024], round: 0 }
    }
}

impl Way for Bare {
    fn name(&self) -> &'static str {
        "bare system calls"
    }

    fn round(&mut self) {
        self.round += 1;
        for source in &self.node {
            black_box(source.read(&mut self.buffer));
        }
        for (index, (hot, slow)) in self.hot.iter().zip(&self.slow).enumerate() {
            for source in hot {
                black_box(source.read(&mut self.buffer));
            }
            if (self.round + index).is_multiple_of(EVERY) {
                for source in slow {
                    black_box(source.read(&mut self.buffer));
                }
            }
        }
    }
}

/// `std::fs::read_to_string` of each file, unparsed.
struct ReadToString {
    hot: Vec<[PathBuf; HOT.len()]>,
    slow: Vec<[PathBuf; SLOW.len()]>,
    round: usize,
}

impl ReadToString {
    fn new(farm: &Farm) -> Self {
        let hot = (0..farm.tasks).map(|i| HOT.map(|(c, file)| farm.file(c, i, file))).collect();
        let slow = (0..farm.tasks).map(|i| SLOW.map(|(c, file)| farm.file(c, i, file))).collect();
        Self { hot, slow, round: 0 }
    }
}

impl Way for ReadToString {
    fn name(&self) -> &'static str {
        "read_to_string"
    }

    fn round(&mut self) {
        self.round += 1;
        for path in NODE {
            black_box(std::fs::read_to_string(path).ok());
        }
        let read = |path: &PathBuf| drop(black_box(std::fs::read_to_string(path).expect("a file")));
        for (index, (hot, slow)) in self.hot.iter().zip(&self.slow).enumerate() {
            hot.iter().for_each(&read);
            if (self.round + index).is_multiple_of(EVERY) {
                slow.iter().for_each(&read);
            }
        }
    }

    fn is_slow(&self) -> bool {
        true
    }
}

/// cgroups-rs, by the calls that give the same values; it has none that reads only one file.
struct CgroupsRs {
    cgroups: Vec<Cgroup>,
    round: usize,
}

impl CgroupsRs {
    fn new(farm: &Farm) -> Self {
        let load =
            |index| Cgroup::load(Box::new(V1::new()), format!("{}/{}", farm.root, name(index)));
        Self { cgroups: (0..farm.tasks).map(load).collect(), round: 0 }
    }
}

impl Way for CgroupsRs {
    fn name(&self) -> &'static str {
        "cgroups-rs"
    }

    fn round(&mut self) {
        self.round += 1;
        for (index, cgroup) in self.cgroups.iter().enumerate() {
            let cpuacct = cgroup.controller_of::<CpuAcctController>().expect("a controller");
            let memory = cgroup.controller_of::<MemController>().expect("a controller");
            black_box((cpuacct.cpuacct().usage, memory.memory_stat().usage_in_bytes));
            if (self.round + index).is_multiple_of(EVERY) {
                let cpu = cgroup.controller_of::<CpuController>().expect("a controller");
                let pids = cgroup.controller_of::<PidController>().expect("a controller");
                black_box((cpu.cpu().stat, pids.get_pid_current().ok()));
            }
        }
    }

    fn is_slow(&self) -> bool {
        true
    }
}
