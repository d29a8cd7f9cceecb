// SPDX-License-Identifier: Apache-2.0
//! Reading the node: its capacity, `/proc/stat`, meminfo, loadavg and `/proc/pressure`.

use crate::budget::{Rank, Slot, Tier};
use crate::error::Error;
use crate::facts::File;
use crate::mounts::Controller;
use crate::parse::{self, Parsed};
use crate::reader::{Failure, Reader, Request};
use crate::trees::Trees;
use gleaner_estimator::sample::{CpuTimes, MemoryInfo, NodeSample, Psi, PsiSet};
use gleaner_estimator::units::{Bytes, MilliCpus};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// The node's files are read at every sample, and are few.
const ALWAYS: Tier = Tier::Essential(Rank::Anchor);

/// The node's files, kept open.
#[derive(Debug)]
pub(crate) struct Node {
    path: PathBuf,
    dir: OwnedFd,
    stat: Slot,
    meminfo: Slot,
    loadavg: Slot,
    pressure: [Slot; 3],
    /// CPUs that the containers may use.
    pub(crate) cpus: MilliCpus,
    /// Memory limit of the containers' root or of one of its ancestors.
    limit: Option<Bytes>,
}

impl Node {
    pub(crate) fn open(proc: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir =
            openat(CWD, proc, flags, Mode::empty()).map_err(|e| Error::unreadable(proc, e))?;
        Ok(Self {
            path: proc.to_owned(),
            dir,
            stat: Slot::Closed,
            meminfo: Slot::Closed,
            loadavg: Slot::Closed,
            pressure: Default::default(),
            cpus: MilliCpus(0),
            limit: None,
        })
    }

    /// The proc file system.
    pub(crate) fn proc(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Reads what changes rarely: online CPUs, the effective cpuset and the memory limits above `root`.
    pub(crate) fn measure(
        &mut self,
        reader: &mut Reader,
        trees: &Trees,
        root: &str,
    ) -> Result<(), Error> {
        let cpuset = cpuset(reader, trees, root);
        let cpus = match cpuset {
            Some(cpus) => cpus,
            None => {
                let path = self.path.join("stat");
                let text = std::fs::read(&path).map_err(|e| Error::unreadable(&path, e))?;
                parse::online_cpus(&text).map_err(|fault| fault.in_file(&path, &text))?
            }
        };
        self.cpus = MilliCpus(cpus.saturating_mul(1000));
        self.limit = memory_limit(reader, trees, root);
        Ok(())
    }

    /// Reads the node. Without CPU times or memory the whole reading fails; load and stall times may
    /// be absent.
    pub(crate) fn read(&mut self, reader: &mut Reader) -> Result<NodeSample, Error> {
        let cpu = self.cpu_times(reader)?;
        let memory = self.memory(reader)?;
        let proc = self.dir.as_fd();
        let load = get(reader, proc, &mut self.loadavg, "loadavg", parse::load_average);
        let load = optional(reader, load, &self.path, "loadavg")?;
        let limit = self.limit.unwrap_or(memory.total);
        Ok(NodeSample {
            capacity_cpu: self.cpus,
            capacity_memory: memory.total.min(limit),
            cpu: Some(cpu),
            memory: Some(memory),
            load,
            psi: self.psi(reader)?,
        })
    }

    pub(crate) fn cpu_times(&mut self, reader: &mut Reader) -> Result<CpuTimes, Error> {
        let request = Request { dir: self.dir.as_fd(), head: true };
        reader
            .fetch(request, &mut self.stat, compose("stat"), parse::cpu_times)
            .map_err(|failure| reader.fatal(failure, &self.path.join("stat")))
    }

    pub(crate) fn memory(&mut self, reader: &mut Reader) -> Result<MemoryInfo, Error> {
        get(reader, self.dir.as_fd(), &mut self.meminfo, "meminfo", parse::memory_info)
            .map_err(|failure| reader.fatal(failure, &self.path.join("meminfo")))
    }

    fn psi(&mut self, reader: &mut Reader) -> Result<PsiSet, Error> {
        const FILES: [&str; 3] = ["pressure/cpu", "pressure/memory", "pressure/io"];
        let mut values: [Option<Psi>; 3] = [None; 3];
        for ((slot, name), value) in self.pressure.iter_mut().zip(FILES).zip(&mut values) {
            let psi = get(reader, self.dir.as_fd(), slot, name, parse::pressure);
            if psi.is_err() && !matches!(psi, Err(Failure::Fault(..))) {
                *slot = Slot::Missing;
            }
            *value = optional(reader, psi, &self.path, name)?;
        }
        let [cpu, memory, io] = values;
        Ok(PsiSet { cpu, memory, io })
    }
}

fn get<T>(
    reader: &mut Reader,
    proc: BorrowedFd<'_>,
    slot: &mut Slot,
    name: &str,
    parse: impl FnOnce(&[u8]) -> Parsed<T>,
) -> Result<T, Failure> {
    let request = Request { dir: proc, head: false };
    reader.fetch(request, slot, compose(name), parse)
}

fn compose(name: &str) -> impl FnOnce(&mut Vec<u8>) -> Tier {
    move |path| {
        path.extend_from_slice(name.as_bytes());
        ALWAYS
    }
}

/// A file that may be absent, refused or unsupported, but not garbled.
fn optional<T>(
    reader: &mut Reader,
    result: Result<T, Failure>,
    proc: &Path,
    name: &str,
) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Errno(Errno::NOENT)) => Ok(None),
        Err(Failure::Errno(errno)) => {
            reader.trouble.refused(&proc.join(name).to_string_lossy(), errno);
            Ok(None)
        }
        Err(failure @ Failure::Fault(..)) => Err(reader.fatal(failure, &proc.join(name))),
    }
}

/// `root` and its ancestors, nearest first, `""` last.
fn upwards(root: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(root), |path| {
        (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(parent, _)| parent))
    })
}

/// CPUs in the effective cpuset of `root`, or of the nearest ancestor that has one.
fn cpuset(reader: &mut Reader, trees: &Trees, root: &str) -> Option<u64> {
    let (tree, name) = match (trees.v1(Controller::Cpuset), trees.unified()) {
        (Some(tree), _) => (tree, "cpuset.effective_cpus"),
        (None, Some(tree)) => (tree, "cpuset.cpus.effective"),
        (None, None) => return None,
    };
    upwards(root).find_map(|path| File { reader, trees, tree, path }.get(name, parse::cpu_list))
}

/// The tightest memory limit of `root` and its ancestors.
fn memory_limit(reader: &mut Reader, trees: &Trees, root: &str) -> Option<Bytes> {
    let (tree, name) = match (trees.v1(Controller::Memory), trees.unified()) {
        (Some(tree), _) => (tree, "memory.limit_in_bytes"),
        (None, Some(tree)) => (tree, "memory.max"),
        (None, None) => return None,
    };
    upwards(root)
        .filter_map(|path| File { reader, trees, tree, path }.get(name, parse::limit).flatten())
        .min()
        .map(Bytes)
}
