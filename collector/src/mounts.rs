// SPDX-License-Identifier: Apache-2.0
//! Which cgroup hierarchies are mounted, and where: v1, v2 and hybrid, from `/proc/self/mountinfo`.

use crate::error::Error;
use crate::settings::Roots;
use procfs::process::MountInfo;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A v1 controller, or systemd's named hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Controller {
    /// CPU shares, quota and throttling.
    Cpu,
    /// CPU time used.
    Cpuacct,
    /// Which CPUs may be used.
    Cpuset,
    /// Memory.
    Memory,
    /// Block IO.
    Blkio,
    /// Number of processes.
    Pids,
    /// Freezer.
    Freezer,
    /// `name=systemd`: no controller, but every unit of systemd.
    Systemd,
}

impl Controller {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Cpu,
        Self::Cpuacct,
        Self::Cpuset,
        Self::Memory,
        Self::Blkio,
        Self::Pids,
        Self::Freezer,
        Self::Systemd,
    ];

    /// As the kernel spells it among the mount options.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Cpuset => "cpuset",
            Self::Memory => "memory",
            Self::Blkio => "blkio",
            Self::Pids => "pids",
            Self::Freezer => "freezer",
            Self::Systemd => "name=systemd",
        }
    }
}

/// Which version manages CPU and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    /// No cgroup hierarchy is mounted.
    None,
    /// v1 hierarchies only.
    V1,
    /// CPU and memory in the unified hierarchy.
    V2,
    /// CPU or memory in v1 hierarchies beside a unified one (which then has PSI and `cgroup.kill`).
    Hybrid,
}

/// The mounted hierarchies. Controllers mounted together have the same path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hierarchies {
    /// Which version manages CPU and memory.
    pub version: Version,
    /// Where each v1 controller is mounted.
    pub controllers: BTreeMap<Controller, PathBuf>,
    /// Where the unified hierarchy is mounted.
    pub unified: Option<PathBuf>,
}

/// One mount of a cgroup file system: the part of the hierarchy that it shows, and where.
struct Mount {
    info: MountInfo,
    path: PathBuf,
}

impl Hierarchies {
    /// Reads `<proc>/self/mountinfo`.
    ///
    /// # Errors
    /// It cannot be read, or a line of it cannot be understood.
    pub fn read(roots: &Roots) -> Result<Self, Error> {
        let path = roots.proc.join("self/mountinfo");
        let text = std::fs::read(&path).map_err(|source| Error::unreadable(&path, source))?;
        Self::parse(&String::from_utf8_lossy(&text), &path, &roots.prefix)
    }

    /// Parses the text of a mountinfo file. `prefix` is put before every mount point.
    ///
    /// Where a controller is mounted more than once, a mount of the hierarchy's root is preferred to
    /// a bind or namespace mount of a part of it, then the earlier one. Of two mounts on one
    /// directory only the later can be seen.
    ///
    /// # Errors
    /// A line that cannot be understood; `path` names the file in it.
    pub fn parse(text: &str, path: &Path, prefix: &Path) -> Result<Self, Error> {
        let mut mounts: Vec<Mount> = Vec::new();
        for (index, row) in text.lines().enumerate() {
            let info = MountInfo::from_line(row).map_err(|_| Error::Malformed {
                path: path.to_owned(),
                line: u32::try_from(index + 1).unwrap_or(u32::MAX),
                expected: "a mount: id, parent, device, root, mount point, options, …",
                content: row.chars().take(80).collect(),
            })?;
            mounts.retain(|mount| mount.info.mount_point != info.mount_point);
            if info.fs_type == "cgroup" || info.fs_type == "cgroup2" {
                let path = rerooted(&unescaped(&info.mount_point), prefix);
                mounts.push(Mount { info, path });
            }
        }
        mounts.sort_by_key(|mount| mount.info.root != "/");
        Ok(Self::of(&mounts))
    }

    fn of(mounts: &[Mount]) -> Self {
        let place = |fs: &str, option: Option<Controller>| {
            mounts
                .iter()
                .find(|mount| {
                    mount.info.fs_type == fs
                        && option.is_none_or(|c| has_controller(&mount.info, c))
                })
                .map(|mount| mount.path.clone())
        };
        let unified = place("cgroup2", None);
        let controllers: BTreeMap<_, _> = Controller::ALL
            .into_iter()
            .filter_map(|c| Some((c, place("cgroup", Some(c))?)))
            .collect();
        let manages =
            [Controller::Cpu, Controller::Memory].iter().any(|c| controllers.contains_key(c));
        let version = match (&unified, manages, controllers.is_empty()) {
            (None, _, true) => Version::None,
            (None, _, false) => Version::V1,
            (Some(_), false, _) => Version::V2,
            (Some(_), true, _) => Version::Hybrid,
        };
        Self { version, controllers, unified }
    }
}

fn has_controller(info: &MountInfo, controller: Controller) -> bool {
    match controller.word().split_once('=') {
        Some((key, value)) => info.super_options.get(key).and_then(Option::as_deref) == Some(value),
        None => info.super_options.contains_key(controller.word()),
    }
}

fn rerooted(mount_point: &Path, prefix: &Path) -> PathBuf {
    prefix.join(mount_point.strip_prefix("/").unwrap_or(mount_point))
}

/// Undoes the kernel's escapes of space, tab, newline and backslash: `\040` and so on.
fn unescaped(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..3).filter(|_| *first == b'\\').and_then(octal);
        plain.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsString::from_vec(plain))
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Hierarchies {
        Hierarchies::parse(text, Path::new("mountinfo"), Path::new("/")).unwrap()
    }

    #[test]
    fn controllers_mounted_together_share_a_path() {
        let found = parse(
            "30 24 0:26 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,xattr,name=systemd\n\
             31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             32 24 0:28 / /mnt/odd\\040place rw - cgroup none rw,memory\n",
        );
        assert_eq!(found.version, Version::V1);
        assert_eq!(found.controllers[&Controller::Cpu], found.controllers[&Controller::Cpuacct]);
        assert_eq!(found.controllers[&Controller::Memory], Path::new("/mnt/odd place"));
        assert_eq!(found.controllers[&Controller::Systemd], Path::new("/sys/fs/cgroup/systemd"));
        assert!(!found.controllers.contains_key(&Controller::Pids));
    }

    #[test]
    fn a_unified_hierarchy_is_v2_unless_v1_manages_cpu_or_memory() {
        let unified = "35 24 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(parse(unified).version, Version::V2);
        let freezer = format!("{unified}36 24 0:32 / /f rw - cgroup cgroup rw,freezer\n");
        assert_eq!(parse(&freezer).version, Version::V2);
        let memory = format!("{unified}36 24 0:32 / /m rw - cgroup cgroup rw,memory\n");
        assert_eq!(parse(&memory).version, Version::Hybrid);
        assert_eq!(parse("").version, Version::None);
    }

    #[test]
    fn a_mount_of_the_whole_hierarchy_is_preferred_and_the_later_one_is_seen() {
        let found = parse(
            "40 24 0:40 /docker/abc /bind rw - cgroup cgroup rw,cpu\n\
             41 24 0:40 / /hidden rw - cgroup cgroup rw,cpu\n\
             42 24 0:41 / /hidden rw - tmpfs tmpfs rw\n\
             43 24 0:40 / /whole rw - cgroup cgroup rw,cpu\n\
             44 24 0:40 / /again rw - cgroup cgroup rw,cpu\n",
        );
        assert_eq!(found.controllers[&Controller::Cpu], Path::new("/whole"));
        let only_bind = parse("40 24 0:40 /docker/abc /bind rw - cgroup cgroup rw,cpu\n");
        assert_eq!(only_bind.controllers[&Controller::Cpu], Path::new("/bind"));
    }

    #[test]
    fn mount_points_move_below_the_prefix_and_garbage_is_named() {
        let line = "31 24 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n";
        let found = Hierarchies::parse(line, Path::new("mountinfo"), Path::new("/fake")).unwrap();
        assert_eq!(found.controllers[&Controller::Cpu], Path::new("/fake/sys/fs/cgroup/cpu"));
        let bad = format!("{line}garbage\n");
        let error = Hierarchies::parse(&bad, Path::new("mountinfo"), Path::new("/")).unwrap_err();
        assert!(error.to_string().starts_with("mountinfo, line 2: expected a mount"), "{error}");
    }
}
