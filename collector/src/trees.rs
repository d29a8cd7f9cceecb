// SPDX-License-Identifier: Apache-2.0
//! The mounted hierarchies with a descriptor of each one's root kept open, and listing below them.

use crate::health::Trouble;
use crate::mounts::{Controller, Hierarchies};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, openat, statat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};

/// Index of a tree among [`Trees`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TreeId(u8);

/// One mounted hierarchy.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) path: PathBuf,
    dir: OwnedFd,
}

/// All hierarchies that can be opened.
#[derive(Debug, Default)]
pub(crate) struct Trees {
    list: Vec<Tree>,
    controllers: BTreeMap<Controller, TreeId>,
    unified: Option<TreeId>,
}

impl Trees {
    /// Opens every mount; one that cannot be opened is noted and left out.
    pub(crate) fn open(hierarchies: &Hierarchies, trouble: &mut Trouble) -> Self {
        let mut trees = Self::default();
        for (controller, path) in &hierarchies.controllers {
            if let Some(id) = trees.add(path, trouble) {
                trees.controllers.insert(*controller, id);
            }
        }
        trees.unified = hierarchies.unified.as_ref().and_then(|path| trees.add(path, trouble));
        trees
    }

    fn add(&mut self, path: &Path, trouble: &mut Trouble) -> Option<TreeId> {
        let known = self.list.iter().position(|tree| tree.path == path);
        if known.is_none() {
            match open_dir(CWD, path) {
                Ok(dir) => self.list.push(Tree { path: path.to_owned(), dir }),
                Err(errno) => {
                    trouble.refused(&path.to_string_lossy(), errno);
                    return None;
                }
            }
        }
        u8::try_from(known.unwrap_or(self.list.len() - 1)).ok().map(TreeId)
    }

    pub(crate) fn v1(&self, controller: Controller) -> Option<TreeId> {
        self.controllers.get(&controller).copied()
    }

    pub(crate) fn unified(&self) -> Option<TreeId> {
        self.unified
    }

    pub(crate) fn get(&self, id: TreeId) -> &Tree {
        &self.list[usize::from(id.0)]
    }

    pub(crate) fn is_unified(&self, id: TreeId) -> bool {
        self.unified == Some(id)
    }
}

fn open_dir(dir: impl AsFd, path: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    openat(dir, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// `""` is the hierarchy's root.
fn or_dot(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

impl Tree {
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// Inode of the cgroup at `path`; `None` where there is none.
    pub(crate) fn inode(&self, path: &str) -> Option<u64> {
        let stat = statat(&self.dir, or_dot(path), AtFlags::empty()).ok()?;
        (FileType::from_raw_mode(stat.st_mode) == FileType::Directory).then_some(stat.st_ino)
    }

    /// Whether the cgroup at `path` has none below it, as far as its link count says: kernfs counts
    /// `..` of each child there. File systems that do not count have 1, and no leaf.
    pub(crate) fn is_leaf(&self, path: &str) -> bool {
        statat(&self.dir, or_dot(path), AtFlags::empty()).is_ok_and(|stat| stat.st_nlink == 2)
    }

    /// Names of the directories directly below `path`, sorted. Names that are not UTF-8 are left out and
    /// noted: nothing that makes containers uses them.
    pub(crate) fn children(&self, path: &str, trouble: &mut Trouble) -> Result<Vec<String>, Errno> {
        let dir = open_dir(&self.dir, or_dot(path))?;
        let mut space = [MaybeUninit::uninit(); 8192];
        let mut entries = RawDir::new(&dir, &mut space);
        let mut found = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            if entry.file_type() != FileType::Directory {
                continue;
            }
            match entry.file_name().to_str() {
                Ok("." | "..") => {}
                Ok(name) => found.push(name.to_owned()),
                Err(_) => trouble.unseen("cgroups whose names are not UTF-8", path.to_owned()),
            }
        }
        found.sort();
        Ok(found)
    }
}

/// `parent/name`, where `""` is the root.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}
