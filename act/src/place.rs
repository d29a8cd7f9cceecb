// SPDX-License-Identifier: Apache-2.0
//! Where the hierarchies are in which a task has its directories: one a controller (v1), one in all (v2), or both.

use gleaner_collector::{Controller, Hierarchies, LayoutReport};
use std::path::{Path, PathBuf};

/// Which interface a directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// cgroup v1.
    V1,
    /// cgroup v2.
    V2,
}

/// The mount points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// What is mounted where.
    pub hierarchies: Hierarchies,
    /// The mount point below which tasks were listed: the inode of a
    /// [`TaskId`](gleaner_estimator::sample::TaskId) is that of its directory there.
    pub listing: PathBuf,
}

/// A directory that a task has, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seat<'a> {
    pub(crate) mount: &'a Path,
    pub(crate) version: Version,
    pub(crate) serves: Vec<Controller>,
}

impl Places {
    /// What the collector found; `None` where it lists no tasks.
    #[must_use]
    pub fn of(report: &LayoutReport) -> Option<Self> {
        let listing = report.listing.clone()?;
        Some(Self { hierarchies: report.hierarchies.clone(), listing })
    }

    /// Every mount point once, the one that carries the identity first. The unified hierarchy serves what no v1
    /// hierarchy does: whether it really has that controller shows in its files.
    pub(crate) fn seats(&self) -> Vec<Seat<'_>> {
        let mut seats: Vec<Seat<'_>> = Vec::new();
        let v1 = &self.hierarchies.controllers;
        for (controller, mount) in v1 {
            match seats.iter_mut().find(|seat| seat.mount == mount) {
                Some(seat) => seat.serves.push(*controller),
                None => seats.push(Seat { mount, version: Version::V1, serves: vec![*controller] }),
            }
        }
        if let Some(mount) = self.hierarchies.unified.as_deref() {
            let free = |controller: &Controller| !v1.contains_key(controller);
            let serves = Controller::ALL.into_iter().filter(free).collect();
            seats.push(Seat { mount, version: Version::V2, serves });
        }
        seats.sort_by_key(|seat| seat.mount != self.listing);
        seats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(v1: &[(Controller, &str)], listing: &str) -> Places {
        let controllers = v1.iter().map(|(c, path)| (*c, PathBuf::from(path))).collect();
        let version = gleaner_collector::Version::Hybrid;
        let unified = Some("/c/unified".into());
        let hierarchies = Hierarchies { version, controllers, unified };
        Places { hierarchies, listing: listing.into() }
    }

    #[test]
    fn identity_comes_first_and_v1_wins() {
        let v1 = [
            (Controller::Cpu, "/c/cpu,cpuacct"),
            (Controller::Cpuacct, "/c/cpu,cpuacct"),
            (Controller::Memory, "/c/memory"),
        ];
        let places = places(&v1, "/c/memory");
        let seats = places.seats();
        assert_eq!(seats.len(), 3);
        assert_eq!((seats[0].mount, seats[0].version), (Path::new("/c/memory"), Version::V1));
        let unified = seats.iter().find(|s| s.version == Version::V2).expect("it is mounted");
        assert!(unified.serves.contains(&Controller::Freezer));
        assert!(!unified.serves.contains(&Controller::Cpu));
    }

    #[test]
    fn on_v2_one_directory_serves_all() {
        let places = places(&[], "/c/unified");
        let seats = places.seats();
        assert_eq!(seats.len(), 1);
        assert_eq!(seats[0].serves, Controller::ALL);
    }
}
