// SPDX-License-Identifier: Apache-2.0
//! Real cgroups for tests, on the host or in a guest, v1, v2 or hybrid: made, used, and removed whatever happens.

mod files;
mod group;
mod mounts;
mod values;

pub use group::Group;
pub use mounts::Mounts;
pub use values::Stall;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// First part of every name made here. The process id follows, so that leftovers are told from others' groups.
const PREFIX: &str = "gleaner-test-";
/// The v1 controllers that a group gets a directory in, where they are mounted.
const V1_CONTROLLERS: [&str; 7] =
    ["cpu", "cpuacct", "cpuset", "memory", "freezer", "blkio", "pids"];

/// How a machine presents its cgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One hierarchy a controller.
    V1,
    /// One hierarchy.
    V2,
    /// v1 controllers, and a unified hierarchy without the CPU and memory controllers beside them.
    Hybrid,
}

impl Layout {
    /// The word used in names of tests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hybrid => "hybrid",
        }
    }

    /// The layout of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::V1, Self::V2, Self::Hybrid].into_iter().find(|layout| layout.word() == word)
    }
}

/// The place where groups are made: the mounted hierarchies of this machine.
#[derive(Clone, Debug)]
pub struct CgroupRig {
    mounts: Mounts,
}

impl CgroupRig {
    /// Finds the hierarchies, and removes groups that killed test processes have left in them.
    ///
    /// # Errors
    ///
    /// If no cgroup hierarchy with a CPU controller is mounted, or none can be written.
    pub fn new() -> io::Result<Self> {
        let rig = Self { mounts: Mounts::read()? };
        rig.sweep()?;
        Ok(rig)
    }

    /// The rig, or `None` after saying that the calling test is skipped: no permission, or nothing mounted.
    #[must_use]
    pub fn new_or_skip() -> Option<Self> {
        let tried = Self::new().and_then(|rig| rig.group("probe").map(|_| rig));
        tried
            .inspect_err(|error| crate::skip(&format!("no cgroups can be made here: {error}")))
            .ok()
    }

    /// How this machine presents its cgroups.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.mounts.layout()
    }

    /// What is mounted where.
    #[must_use]
    pub const fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// Makes a new group at the top of every hierarchy, under a name that contains `label`.
    ///
    /// # Errors
    ///
    /// If a directory cannot be made.
    pub fn group(&self, label: &str) -> io::Result<Group> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{label}", std::process::id());
        Group::make(&self.mounts, PathBuf::from(name))
    }

    /// Removes the groups of test processes that no longer run, with what runs in them.
    fn sweep(&self) -> io::Result<()> {
        for directory in self.mounts.directories() {
            for entry in std::fs::read_dir(directory)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name.strip_prefix(PREFIX).is_some_and(|rest| !maker_runs(rest)) {
                    drop(Group::adopt(&self.mounts, PathBuf::from(name)));
                }
            }
        }
        Ok(())
    }
}

/// Whether the process that a group's name begins with still runs; a name we cannot read is not ours to remove.
fn maker_runs(rest: &str) -> bool {
    let id = rest.split('-').next().unwrap_or_default();
    id.parse::<u32>().is_err() || Path::new("/proc").join(id).exists()
}
