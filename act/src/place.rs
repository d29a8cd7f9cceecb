// SPDX-License-Identifier: Apache-2.0
//! Where the hierarchies are in which a task has its directories: one a controller (v1), one in all (v2), or both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A controller whose files are written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Controller {
    /// `cpu`.
    Cpu,
    /// `cpuacct`, only read; on v2 part of `cpu`.
    CpuAccounting,
    /// `memory`.
    Memory,
    /// `io`; v1: `blkio`.
    Io,
    /// `freezer`; on v2 part of every cgroup (5.2).
    Freezer,
}

impl Controller {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Cpu, Self::CpuAccounting, Self::Memory, Self::Io, Self::Freezer];

    /// Its name on v1, in mount options and `/proc/cgroups`.
    #[must_use]
    pub const fn v1_name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::CpuAccounting => "cpuacct",
            Self::Memory => "memory",
            Self::Io => "blkio",
            Self::Freezer => "freezer",
        }
    }

    /// Its name on v2, in `cgroup.controllers`.
    #[must_use]
    pub const fn v2_name(self) -> &'static str {
        match self {
            Self::Cpu | Self::CpuAccounting => "cpu",
            Self::Memory => "memory",
            Self::Io => "io",
            Self::Freezer => "freezer",
        }
    }
}

/// Which interface a directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// cgroup v1.
    V1,
    /// cgroup v2.
    V2,
}

/// The mount points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// v1 hierarchies; co-mounted controllers have the same path.
    pub v1: BTreeMap<Controller, PathBuf>,
    /// The unified hierarchy: alone (v2) or beside v1 ones (hybrid).
    pub unified: Option<PathBuf>,
    /// The controllers that the unified hierarchy manages (`cgroup.controllers` of its root).
    pub unified_controllers: BTreeSet<Controller>,
    /// The controller in whose hierarchy the inode of a [`TaskId`](gleaner_estimator::sample::TaskId) was read.
    /// `None`: in the unified one.
    pub identity: Option<Controller>,
}

/// A directory that a task has, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat<'a> {
    pub(crate) mount: &'a Path,
    pub(crate) version: Version,
    pub(crate) serves: Vec<Controller>,
}

impl Places {
    /// Every mount point once, the one that carries the identity first.
    pub(crate) fn seats(&self) -> Vec<Seat<'_>> {
        let mut seats: Vec<Seat<'_>> = Vec::new();
        for (controller, mount) in &self.v1 {
            match seats.iter_mut().find(|seat| seat.mount == mount) {
                Some(seat) => seat.serves.push(*controller),
                None => seats.push(Seat { mount, version: Version::V1, serves: vec![*controller] }),
            }
        }
        if let Some(mount) = self.unified.as_deref() {
            let managed = |c: &Controller| {
                !self.v1.contains_key(c)
                    && (*c == Controller::Freezer || self.unified_controllers.contains(c))
            };
            let serves = Controller::ALL.into_iter().filter(managed).collect();
            seats.push(Seat { mount, version: Version::V2, serves });
        }
        let carries = |seat: &Seat<'_>| match self.identity {
            Some(controller) => seat.serves.contains(&controller),
            None => seat.version == Version::V2,
        };
        seats.sort_by_key(|seat| !carries(seat));
        seats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hybrid() -> Places {
        Places {
            v1: [
                (Controller::Cpu, "/c/cpu,cpuacct".into()),
                (Controller::Memory, "/c/memory".into()),
                (Controller::Freezer, "/c/freezer".into()),
            ]
            .into(),
            unified: Some("/c/unified".into()),
            unified_controllers: [Controller::Io].into(),
            identity: Some(Controller::Memory),
        }
    }

    #[test]
    fn identity_comes_first_and_v1_wins() {
        let places = hybrid();
        let seats = places.seats();
        assert_eq!(seats[0].mount, Path::new("/c/memory"));
        let unified = seats.iter().find(|s| s.version == Version::V2).expect("it is mounted");
        assert_eq!(unified.serves, [Controller::Io]);
        assert_eq!(seats.len(), 4);
    }

    #[test]
    fn on_v2_one_directory_serves_all() {
        let places = Places {
            unified: Some("/c".into()),
            unified_controllers: [Controller::Cpu, Controller::Memory].into(),
            ..Places::default()
        };
        let seats = places.seats();
        assert_eq!(seats.len(), 1);
        assert_eq!(
            seats[0].serves,
            [Controller::Cpu, Controller::Memory, Controller::Freezer]
        );
    }
}
