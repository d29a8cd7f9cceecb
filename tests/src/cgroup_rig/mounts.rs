// SPDX-License-Identifier: Apache-2.0
//! Which cgroup hierarchy is mounted where, from /proc/self/mountinfo.

use super::{Layout, V1_CONTROLLERS};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// The mounted hierarchies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    v1: BTreeMap<String, PathBuf>,
    unified: Option<PathBuf>,
    unified_has_cpu: bool,
}

impl Mounts {
    pub(super) fn read() -> io::Result<Self> {
        let mut mounts = Self::parse(&std::fs::read_to_string("/proc/self/mountinfo")?);
        if let Some(unified) = &mounts.unified {
            let controllers = std::fs::read_to_string(unified.join("cgroup.controllers"))?;
            mounts.unified_has_cpu = controllers.split_whitespace().any(|name| name == "cpu");
        }
        if mounts.v1.contains_key("cpu") || mounts.unified_has_cpu {
            return Ok(mounts);
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "no cgroup CPU controller is mounted"))
    }

    /// `36 25 0:31 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu`: the mount point is the
    /// fifth field, type and options of the file system follow the lone dash.
    fn parse(mountinfo: &str) -> Self {
        let mut mounts = Self::default();
        for line in mountinfo.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let mut right = right.split(' ');
            let (Some(at), Some(kind)) = (left.split(' ').nth(4), right.next()) else { continue };
            let options = right.nth(1).unwrap_or_default();
            if kind == "cgroup2" {
                mounts.unified = Some(at.into());
            } else if kind == "cgroup" {
                for option in options.split(',').filter(|option| V1_CONTROLLERS.contains(option)) {
                    mounts.v1.insert(option.to_owned(), at.into());
                }
            }
        }
        mounts
    }

    pub(super) const fn layout(&self) -> Layout {
        match (self.unified_has_cpu, self.unified.is_some()) {
            (true, _) => Layout::V2,
            (false, true) => Layout::Hybrid,
            (false, false) => Layout::V1,
        }
    }

    /// Where a controller's hierarchy is mounted; the unified one if no v1 hierarchy has it.
    #[must_use]
    pub fn of(&self, controller: &str) -> Option<&Path> {
        self.v1.get(controller).or(self.unified.as_ref()).map(PathBuf::as_path)
    }

    /// Where the unified hierarchy is mounted.
    #[must_use]
    pub fn unified(&self) -> Option<&Path> {
        self.unified.as_deref()
    }

    /// Every mount point once; co-mounted controllers share one.
    #[must_use]
    pub fn directories(&self) -> BTreeSet<&Path> {
        self.v1.values().chain(&self.unified).map(PathBuf::as_path).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
22 1 0:20 / /proc rw shared:5 - proc proc rw
30 24 0:26 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate
31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct
32 24 0:28 / /sys/fs/cgroup/systemd rw - cgroup none rw,name=systemd
garbage
";

    #[test]
    fn co_mounted_controllers_share_a_directory() {
        let mounts = Mounts::parse(HYBRID);
        assert_eq!(mounts.layout(), Layout::Hybrid);
        assert_eq!(mounts.of("cpu"), Some(Path::new("/sys/fs/cgroup/cpu,cpuacct")));
        assert_eq!(mounts.of("cpu"), mounts.of("cpuacct"));
        assert_eq!(mounts.of("memory"), Some(Path::new("/sys/fs/cgroup/unified")));
        assert_eq!(mounts.directories().len(), 2);
    }

    #[test]
    fn nothing_mounted_is_nothing_found() {
        let mounts = Mounts::parse("");
        assert_eq!((mounts.of("cpu"), mounts.unified()), (None, None));
    }
}
