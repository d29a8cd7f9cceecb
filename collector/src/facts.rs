// SPDX-License-Identifier: Apache-2.0
//! What a cgroup's own settings say of its promise: weight, quota, memory limits and protection.

use crate::mounts::Controller;
use crate::parse::{self, Parsed};
use crate::reader::{Failure, Reader};
use crate::trees::{TreeId, Trees};
use gleaner_estimator::units::{Bytes, MilliCpus};
use rustix::io::Errno;

/// The settings of one cgroup. `None` where the file is absent, unreadable, or says "no limit".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// v1 `cpu.shares`.
    pub(crate) shares: Option<u64>,
    /// v2 `cpu.weight`.
    pub(crate) weight: Option<u64>,
    /// CFS quota.
    pub(crate) quota: Option<MilliCpus>,
    /// Hard limit: v1 `memory.limit_in_bytes`, v2 `memory.max`.
    pub(crate) memory_max: Option<Bytes>,
    /// v1 `memory.soft_limit_in_bytes`, v2 `memory.low`.
    pub(crate) memory_soft: Option<Bytes>,
    /// v2 `memory.min`.
    pub(crate) memory_min: Option<Bytes>,
}

impl Facts {
    /// Reads the settings of the cgroup at `path`. Each controller is asked in the hierarchy that has it.
    pub(crate) fn read(reader: &mut Reader, trees: &Trees, path: &str) -> Self {
        let mut facts = Self::default();
        match (trees.v1(Controller::Cpu), trees.unified()) {
            (Some(tree), _) => facts.read_cpu_v1(&mut File { reader, trees, tree, path }),
            (None, Some(tree)) => {
                let file = &mut File { reader, trees, tree, path };
                facts.weight = file.get("cpu.weight", parse::single);
                facts.quota = file.get("cpu.max", parse::cpu_max).flatten();
            }
            (None, None) => {}
        }
        match (trees.v1(Controller::Memory), trees.unified()) {
            (Some(tree), _) => {
                let file = &mut File { reader, trees, tree, path };
                facts.memory_max = file.bytes("memory.limit_in_bytes");
                facts.memory_soft = file.bytes("memory.soft_limit_in_bytes");
            }
            (None, Some(tree)) => {
                let file = &mut File { reader, trees, tree, path };
                facts.memory_max = file.bytes("memory.max");
                facts.memory_soft = file.bytes("memory.low").filter(|bytes| bytes.0 > 0);
                facts.memory_min = file.bytes("memory.min").filter(|bytes| bytes.0 > 0);
            }
            (None, None) => {}
        }
        facts
    }

    fn read_cpu_v1(&mut self, file: &mut File<'_>) {
        self.shares = file.get("cpu.shares", parse::single);
        let quota = file.get("cpu.cfs_quota_us", parse::limit).flatten();
        let period = file.get("cpu.cfs_period_us", parse::single);
        self.quota =
            quota.zip(period.filter(|usec| *usec > 0)).map(|(q, p)| parse::quota_cpus(q, p));
    }
}

/// Reads single files of one cgroup.
pub(crate) struct File<'a> {
    pub(crate) reader: &'a mut Reader,
    pub(crate) trees: &'a Trees,
    pub(crate) tree: TreeId,
    pub(crate) path: &'a str,
}

impl File<'_> {
    /// The value of one file; `None` where it is absent, refused or not understood (both noted).
    pub(crate) fn get<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Option<T> {
        let tree = self.trees.get(self.tree);
        let parts = [
            self.path.as_bytes(),
            if self.path.is_empty() { b"." } else { b"" },
            b"/",
            name.as_bytes(),
        ];
        match self.reader.once(tree.dir(), &parts, parse) {
            Ok(value) => Some(value),
            Err(Failure::Errno(Errno::NOENT | Errno::NODEV)) => None,
            Err(Failure::Errno(errno)) => {
                self.reader.trouble.refused(name, errno);
                None
            }
            Err(Failure::Fault(fault, length)) => {
                self.reader.malformed(fault, length, &tree.path.join(self.path).join(name));
                None
            }
        }
    }

    /// A file of bytes or `max`; `None` also for no limit.
    fn bytes(&mut self, name: &str) -> Option<Bytes> {
        self.get(name, parse::limit).flatten().map(Bytes)
    }
}
