// SPDX-License-Identifier: Apache-2.0
//! One best-effort cgroup as the aim of an act: its directory in each hierarchy, each known by inode.
//!
//! A target holds no descriptor. Each act enters it anew, compares inodes, and works below the descriptor that it has
//! just compared ([`Held`]): between the check and the act there is nothing that another cgroup could slip into.
//! Kernel quirk: the inode of a cgroup is its 64-bit kernfs id, which is not used again before 2³² others (5.5).

use crate::fault::{Fault, Lost};
use crate::held::{Held, Members};
use crate::place::{Places, Version};
use gleaner_collector::Controller;
use gleaner_estimator::sample::TaskId;
use rustix::io::Errno;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// One of the hierarchies in which a task has a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// The one that carries the identity.
    Identity,
    /// The one that has this controller's files.
    Of(Controller),
    /// The unified one (v2 and hybrid).
    Unified,
}

impl Tree {
    const fn word(self) -> &'static str {
        match self {
            Self::Identity => "any controller",
            Self::Of(controller) => controller.word(),
            Self::Unified => "cgroup v2",
        }
    }
}

/// A cgroup that may be acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    id: TaskId,
    /// The one that carries the identity first.
    directories: Vec<Directory>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Directory {
    path: PathBuf,
    inode: u64,
    version: Version,
    serves: Vec<Controller>,
}

impl Target {
    /// Finds a task's directories.
    ///
    /// # Errors
    /// [`Lost::Vanished`] if the task's directory is gone or another one has its name; a [`Fault`] if a directory
    /// cannot be looked at, or if the name is no path below a root (EINVAL).
    pub fn find(places: &Places, id: &TaskId) -> Result<Self, Lost> {
        let name = plain(&id.name)?;
        let mut directories = Vec::new();
        for seat in places.seats() {
            let path = seat.mount.join(name);
            match Held::inode_of(&path) {
                Ok(inode) => directories.push(Directory {
                    path,
                    inode,
                    version: seat.version,
                    serves: seat.serves,
                }),
                // Nobody is obliged to make a directory in every hierarchy.
                Err(Lost::Vanished) if !directories.is_empty() => {}
                Err(lost) => return Err(lost),
            }
            // Without the directory that carries the identity nothing else can be trusted.
            if directories.first().is_some_and(|first| first.inode != id.inode) {
                return Err(Lost::Vanished);
            }
        }
        if directories.is_empty() {
            return Err(Lost::Unplaced(Tree::Identity.word()));
        }
        Ok(Self { id: id.clone(), directories })
    }

    /// Who it is.
    #[must_use]
    pub const fn id(&self) -> &TaskId {
        &self.id
    }

    /// Its name: the path below each mount point.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.id.name
    }

    /// Opens its directory in one tree.
    ///
    /// # Errors
    /// If it has none there, if it or the directory that carries its identity is gone or is another one now, or if
    /// the kernel refuses.
    pub fn enter(&self, tree: Tree) -> Result<Held, Lost> {
        self.open(self.directory(tree).ok_or(Lost::Unplaced(tree.word()))?)
    }

    /// The interface of the files in one tree; `None` if it has no directory there.
    #[must_use]
    pub fn version(&self, tree: Tree) -> Option<Version> {
        self.directory(tree).map(|directory| directory.version)
    }

    fn directory(&self, tree: Tree) -> Option<&Directory> {
        self.directories.iter().find(|directory| match tree {
            Tree::Identity => true,
            Tree::Of(controller) => directory.serves.contains(&controller),
            Tree::Unified => directory.version == Version::V2,
        })
    }

    /// Its processes: those of the directory that carries its identity and of all below it.
    ///
    /// # Errors
    /// As [`Target::enter`].
    pub fn members(&self) -> Result<Members, Lost> {
        let held = self.enter(Tree::Identity)?;
        held.members().map_err(|fault| held.judge(fault))
    }

    /// Whether this directory is one of its own.
    pub(crate) fn owns(&self, path: &Path, inode: u64) -> bool {
        self.directories.iter().any(|d| d.inode == inode && d.path == path)
    }

    /// The processes of every directory it has: what any act on it could touch.
    pub(crate) fn touched(&self) -> Result<Members, Lost> {
        let mut all = Members::default();
        for directory in &self.directories {
            let held = self.open(directory)?;
            let members = held.members().map_err(|fault| held.judge(fault))?;
            all.pids.extend(members.pids);
            all.unseen |= members.unseen;
        }
        Ok(all)
    }

    fn open(&self, directory: &Directory) -> Result<Held, Lost> {
        let held = Held::open(&directory.path, directory.inode)?;
        let first = &self.directories[0];
        if directory.path != first.path && Held::inode_of(&first.path)? != first.inode {
            return Err(Lost::Vanished);
        }
        Ok(held)
    }
}

/// The name as a relative path, if it cannot lead out of or to the root itself.
fn plain(name: &str) -> Result<&Path, Fault> {
    let path = Path::new(name.trim_start_matches('/'));
    let mut parts = path.components().peekable();
    if parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_))) {
        return Ok(path);
    }
    Err(Fault::new(Path::new(name), "is no path below a cgroup root: find", Errno::INVAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_ways_out_are_no_targets() {
        for name in ["", "/", "a/../../b", "..", "."] {
            assert!(plain(name).is_err(), "{name:?}");
        }
        assert_eq!(plain("/a/b"), Ok(Path::new("a/b")));
    }
}
