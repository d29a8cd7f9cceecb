// SPDX-License-Identifier: Apache-2.0
//! One test cgroup's life: made under the same name in every hierarchy, filled, frozen, killed, removed.

use super::Mounts;
use super::files::{at, kill, processes_of, tree, write};
use crate::poll::poll_until;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the kernel may take for what it does within milliseconds when it is not busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cgroup that a test made. Dropping it kills what runs in it or below, and removes it.
#[derive(Debug)]
pub struct Group {
    mounts: Mounts,
    /// Below each mount point.
    path: PathBuf,
}

impl Group {
    pub(super) fn make(mounts: &Mounts, path: PathBuf) -> io::Result<Self> {
        let group = Self { mounts: mounts.clone(), path };
        for directory in group.directories() {
            fs::create_dir(&directory).map_err(|error| at(&directory, &error))?;
        }
        group.open_cpuset()?;
        Ok(group)
    }

    /// Takes over a group that exists, to remove it.
    pub(super) fn adopt(mounts: &Mounts, path: PathBuf) -> Self {
        Self { mounts: mounts.clone(), path }
    }

    /// Makes a group below this one. On v2 that hands this group's controllers down, so this group can hold no
    /// process any more.
    ///
    /// # Errors
    ///
    /// If a directory cannot be made or a controller not be handed down.
    pub fn child(&self, name: &str) -> io::Result<Self> {
        if let Some(unified) = self.mounts.unified() {
            let own = unified.join(&self.path);
            for controller in fs::read_to_string(own.join("cgroup.controllers"))?.split_whitespace()
            {
                write(&own.join("cgroup.subtree_control"), &format!("+{controller}"))?;
            }
        }
        Self::make(&self.mounts, self.path.join(name))
    }

    /// Its path below each mount point.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its directory in the hierarchy of this controller (v2: the one directory, whatever the controller).
    ///
    /// # Errors
    ///
    /// If that controller is mounted nowhere.
    pub fn directory(&self, controller: &str) -> io::Result<PathBuf> {
        let missing =
            || io::Error::new(ErrorKind::NotFound, format!("{controller} is not mounted"));
        Ok(self.mounts.of(controller).ok_or_else(missing)?.join(&self.path))
    }

    /// Its directory in the unified hierarchy (v2 and hybrid).
    #[must_use]
    pub fn unified(&self) -> Option<PathBuf> {
        self.mounts.unified().map(|mount| mount.join(&self.path))
    }

    /// Moves a process into it, in every hierarchy.
    ///
    /// # Errors
    ///
    /// If the kernel refuses; the error names the hierarchy.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        self.directories()
            .iter()
            .try_for_each(|directory| write(&directory.join("cgroup.procs"), &pid.to_string()))
    }

    /// The processes in it, not below it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn processes(&self) -> io::Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for directory in self.directories() {
            found.extend(processes_of(&directory)?);
        }
        Ok(found)
    }

    /// Freezes or thaws it, and waits until the kernel says that it is so.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn set_frozen(&self, frozen: bool) -> io::Result<()> {
        if self.on_v1("freezer") {
            let state = if frozen { "FROZEN" } else { "THAWED" };
            self.write("freezer", "freezer.state", state)?;
            return self.wait_for("freezer.state", || {
                Ok(self.read("freezer", "freezer.state")?.trim() == state)
            });
        }
        let wanted = u64::from(frozen);
        self.write("freezer", "cgroup.freeze", &wanted.to_string())?;
        self.wait_for("frozen", || Ok(self.value("freezer", "cgroup.events", "frozen")? == wanted))
    }

    /// Kills what runs in it or below, and waits until nothing does.
    ///
    /// # Errors
    ///
    /// If its directories cannot be read.
    pub fn kill_all(&self) -> io::Result<()> {
        // A v1-frozen process dies only when it is thawed, and a fork may join after a kill: both are
        // repeated until nothing is left.
        self.wait_for("empty", || {
            let mut empty = true;
            for directory in self.directories().iter().flat_map(|top| tree(top)) {
                // Where there is no such file, or no such group any more, nothing is frozen.
                let _ = fs::write(directory.join("freezer.state"), "THAWED");
                for pid in processes_of(&directory)? {
                    empty = false;
                    kill(pid);
                }
            }
            Ok(empty)
        })
    }

    /// Never panics, for it is also used while a panic unwinds.
    fn wait_for(
        &self,
        what: &str,
        mut reached: impl FnMut() -> io::Result<bool>,
    ) -> io::Result<()> {
        let answer = poll_until(PATIENCE, || match reached() {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        });
        let late = || format!("{}: {what}: not within {PATIENCE:?}", self.path.display());
        answer.unwrap_or_else(|| Err(io::Error::new(ErrorKind::TimedOut, late())))
    }

    /// Whether a v1 hierarchy has this controller.
    pub(super) fn on_v1(&self, controller: &str) -> bool {
        self.mounts.of(controller) != self.mounts.unified()
    }

    fn directories(&self) -> Vec<PathBuf> {
        self.mounts.directories().iter().map(|mount| mount.join(&self.path)).collect()
    }

    /// A v1 cpuset takes no process before it has processors and memory nodes: the parent's.
    fn open_cpuset(&self) -> io::Result<()> {
        if !self.on_v1("cpuset") {
            return Ok(());
        }
        let own = self.directory("cpuset")?;
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let parent = own.parent().unwrap_or(&own).join(file);
            let value = fs::read_to_string(&parent).map_err(|error| at(&parent, &error))?;
            write(&own.join(file), value.trim())?;
        }
        Ok(())
    }
}

impl Drop for Group {
    /// Says on standard error what could not be removed: a panic here would hide the test's own.
    fn drop(&mut self) {
        if let Err(error) = self.kill_all() {
            eprintln!("{}: {error}", self.path.display());
        }
        for directory in self.directories().iter().flat_map(|top| tree(top)) {
            // A cgroup stays busy for a moment after its last process is gone.
            let removed = self.wait_for("removed", || match fs::remove_dir(&directory) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
                Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(false),
                Err(error) => Err(at(&directory, &error)),
            });
            if let Err(error) = removed {
                eprintln!("{error}");
            }
        }
    }
}
