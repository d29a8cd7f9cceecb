// SPDX-License-Identifier: Apache-2.0
//! An open cgroup directory that was found to be the one that was meant: every read and write goes through it.
//!
//! Files are opened below the descriptor and not by path. A cgroup made anew under the same name is therefore never
//! reached: below the descriptor of a removed one the kernel finds nothing (ENOENT).

use crate::fault::{Fault, Lost};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, openat};
use rustix::io::{Errno, read, write};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Nested cgroups are followed this deep; the kernel's own default has no limit, people use less than ten.
const MAX_DEPTH: usize = 64;

/// The processes of a cgroup and of all below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Process ids in our pid namespace, never 0.
    pub pids: BTreeSet<i32>,
    /// Some are outside our pid namespace: the kernel lists those as 0, and signal 0's addressee would be ourselves.
    pub unseen: bool,
}

/// An open cgroup directory.
#[derive(Debug)]
pub struct Held {
    fd: OwnedFd,
    path: PathBuf,
    inode: u64,
}

impl Held {
    /// Opens `path` if it is the directory with this inode.
    pub(crate) fn open(path: &Path, inode: u64) -> Result<Self, Lost> {
        let fd = open_directory(path)?;
        if inode_behind(&fd, path)? != inode {
            return Err(Lost::Vanished);
        }
        Ok(Self { fd, path: path.to_owned(), inode })
    }

    /// The inode of the directory at `path`.
    pub(crate) fn inode_of(path: &Path) -> Result<u64, Lost> {
        Ok(inode_behind(&open_directory(path)?, path)?)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its identity.
    #[must_use]
    pub const fn inode(&self) -> u64 {
        self.inode
    }

    /// Whether it has this file.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        rustix::fs::statat(&self.fd, file, rustix::fs::AtFlags::empty()).is_ok()
    }

    /// Whether the directory was removed while it was held: nothing can be opened below it any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        !self.has("cgroup.procs")
    }

    /// What a refused call below this directory means: that the cgroup is gone, or a fault.
    pub(crate) fn judge(&self, fault: Fault) -> Lost {
        if fault.is_gone() && self.is_gone() { Lost::Vanished } else { fault.into() }
    }

    /// The text of a file, without the last line break.
    ///
    /// # Errors
    /// Whatever the kernel answers, with the path.
    pub fn read(&self, file: &str) -> Result<String, Fault> {
        read_below(&self.fd, file).map_err(|(doing, errno)| self.fault(file, doing, errno))
    }

    /// Writes a value with one system call.
    ///
    /// `O_NONBLOCK` keeps a new `memory.high` from reclaiming inside the call (honoured since 6.16, ignored before).
    ///
    /// # Errors
    /// Whatever the kernel answers, with the path and the value.
    pub fn write(&self, file: &str, value: &str) -> Result<(), Fault> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = openat(&self.fd, file, flags, Mode::empty())
            .map_err(|errno| self.fault(file, "open for writing", errno))?;
        let fault = |errno| self.fault(file, &format!("write {value:?}"), errno);
        match write(&fd, value.as_bytes()).map_err(fault)? {
            all if all == value.len() => Ok(()),
            // The kernel takes a control file's value whole or not at all.
            _ => Err(fault(Errno::IO)),
        }
    }

    /// The processes in it and in all cgroups below it.
    ///
    /// # Errors
    /// If its own list cannot be read; a nested cgroup that vanishes meanwhile is left out.
    pub fn members(&self) -> Result<Members, Fault> {
        let mut found = Members::default();
        collect(&self.fd, MAX_DEPTH, &mut found)
            .map_err(|(doing, errno)| self.fault("cgroup.procs", doing, errno))?;
        Ok(found)
    }

    /// Visits it and every cgroup below it, children before parents.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        self.walk_to(MAX_DEPTH, visit);
    }

    fn walk_to(&self, depth: usize, visit: &mut dyn FnMut(&Self)) {
        for name in children(&self.fd).unwrap_or_default().iter().take_while(|_| depth > 0) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let Ok(fd) = openat(&self.fd, name.as_str(), flags, Mode::empty()) else { continue };
            let path = self.path.join(name);
            if let Ok(inode) = inode_behind(&fd, &path) {
                Self { fd, path, inode }.walk_to(depth - 1, visit);
            }
        }
        visit(self);
    }

    fn fault(&self, file: &str, doing: &str, errno: Errno) -> Fault {
        Fault::new(&self.path.join(file), doing, errno)
    }
}

fn inode_behind(fd: impl AsFd, path: &Path) -> Result<u64, Fault> {
    Ok(fstat(fd).map_err(|errno| Fault::new(path, "stat", errno))?.st_ino)
}

type Refused = (&'static str, Errno);

fn open_directory(path: &Path) -> Result<OwnedFd, Lost> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT | Errno::NODEV => Lost::Vanished,
        errno => Fault::new(path, "open", errno).into(),
    })
}

fn read_below(fd: impl AsFd, file: &str) -> Result<String, Refused> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let fd = openat(fd, file, flags, Mode::empty()).map_err(|errno| ("open", errno))?;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        match read(&fd, &mut part).map_err(|errno| ("read", errno))? {
            0 => break,
            more => bytes.extend_from_slice(&part[..more]),
        }
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    text.truncate(text.trim_end_matches('\n').len());
    Ok(text)
}

fn children(fd: impl AsFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type() == FileType::Directory && name != "." && name != ".." {
            names.push(name.into_owned());
        }
    }
    Ok(names)
}

fn collect(fd: impl AsFd, depth: usize, found: &mut Members) -> Result<(), Refused> {
    let fd = fd.as_fd();
    match read_below(fd, "cgroup.procs") {
        Ok(text) => add(&text, found),
        // A threaded cgroup lists no processes; its domain lists them all.
        Err((_, Errno::OPNOTSUPP)) => {}
        Err(refused) => return Err(refused),
    }
    for name in children(fd).unwrap_or_default().iter().take_while(|_| depth > 0) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if let Ok(child) = openat(fd, name.as_str(), flags, Mode::empty()) {
            match collect(&child, depth - 1, found) {
                Ok(()) | Err((_, Errno::NOENT | Errno::NODEV)) => {}
                Err(refused) => return Err(refused),
            }
        }
    }
    Ok(())
}

fn add(text: &str, found: &mut Members) {
    for pid in text.lines().filter_map(|line| line.parse::<i32>().ok()) {
        if pid > 0 {
            found.pids.insert(pid);
        } else {
            found.unseen = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_process_is_not_process_zero() {
        let mut found = Members::default();
        add("12\n0\n7\n12\n", &mut found);
        assert_eq!(found, Members { pids: [7, 12].into(), unseen: true });
    }

    #[test]
    fn another_directory_under_the_same_name_is_not_entered() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("x");
        std::fs::create_dir(&path).expect("make");
        let inode = Held::inode_of(&path).expect("stat");
        let held = Held::open(&path, inode).expect("it is the one");
        // Both exist at once, so they cannot have the same inode.
        std::fs::rename(&path, top.path().join("old")).expect("rename");
        std::fs::create_dir(&path).expect("make again");
        std::fs::write(path.join("f"), "new").expect("write");
        assert_eq!(Held::open(&path, inode).err(), Some(Lost::Vanished));
        assert!(held.read("f").is_err_and(|fault| fault.is_gone()), "reached by path");
    }
}
