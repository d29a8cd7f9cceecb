// SPDX-License-Identifier: Apache-2.0
//! The demonstration's own cgroups, in every hierarchy of this node; gone with what runs in them when dropped.

use crate::exit::{Exit, Failure};
use gleaner_collector::{Controller, Hierarchies, Roots, Version};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// First part of every name made here; the process id follows, so that a later start can tell leftovers.
pub(super) const PREFIX: &str = "gleaner-demo-";

/// How long the kernel may take to let go of a cgroup.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);
/// Controllers in whose v1 hierarchies the demonstration has no business: a new cpuset has no processors.
const LEFT_OUT: [Controller; 3] = [Controller::Cpuset, Controller::Systemd, Controller::Pids];
/// Controllers that v2 has to hand down.
const HANDED: [&str; 3] = ["+cpu", "+memory", "+io"];

/// A cgroup above all others of this demonstration.
pub(super) struct Ground {
    hierarchies: Hierarchies,
    name: String,
    /// Controllers that the root of the unified hierarchy hands down because of us: taken back at the end.
    opened: Vec<&'static str>,
}

impl Ground {
    /// Removes what killed demonstrations have left, then makes the cgroup.
    pub(super) fn make() -> Result<Self, Failure> {
        let hierarchies =
            Hierarchies::read(&Roots::default()).map_err(|error| Failure::new(Exit::Os, error))?;
        let mut ground = Self {
            hierarchies,
            name: format!("{PREFIX}{}", std::process::id()),
            opened: Vec::new(),
        };
        ground.sweep();
        ground.build().map_err(|error| {
            Failure::new(
                Exit::Os,
                format_args!(
                    "{error}; the demonstration makes cgroups of its own, which needs root"
                ),
            )
        })?;
        Ok(ground)
    }

    fn build(&mut self) -> io::Result<()> {
        if let Some(unified) = self.unified_for_all().map(Path::to_owned) {
            let control = unified.join("cgroup.subtree_control");
            let before = fs::read_to_string(&control).map_err(|error| named(&control, &error))?;
            for controller in HANDED {
                let there = before.split_whitespace().any(|name| name == &controller[1..]);
                // One that this kernel does not have is missed by nobody here.
                if !there && fs::write(&control, controller).is_ok() {
                    self.opened.push(controller);
                }
            }
        }
        self.directories("").try_for_each(|path| create(&path))?;
        if let Some(unified) = self.unified_for_all() {
            for controller in HANDED {
                // As above.
                drop(fs::write(
                    unified.join(&self.name).join("cgroup.subtree_control"),
                    controller,
                ));
            }
        }
        Ok(())
    }

    /// Makes a cgroup below it.
    pub(super) fn add(&self, child: &str) -> io::Result<()> {
        self.directories(child).try_for_each(|path| create(&path))
    }

    /// Its name below every mount point.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Moves a process into one of the cgroups.
    pub(super) fn enter(&self, child: &str, pid: u32) -> io::Result<()> {
        self.directories(child).try_for_each(|path| {
            let procs = path.join("cgroup.procs");
            fs::write(&procs, pid.to_string()).map_err(|error| named(&procs, &error))
        })
    }

    /// Bounds the memory of everything in here together, and makes sure that the kernel keeps to it.
    pub(super) fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        let (mount, file) = match self.hierarchies.controllers.get(&Controller::Memory) {
            Some(mount) => (mount.as_path(), "memory.limit_in_bytes"),
            None => {
                let none = || io::Error::new(ErrorKind::NotFound, "no memory controller");
                (self.unified_for_all().ok_or_else(none)?, "memory.max")
            }
        };
        let path = mount.join(&self.name).join(file);
        fs::write(&path, bytes.to_string()).map_err(|error| named(&path, &error))?;
        let kept = fs::read_to_string(&path).map_err(|error| named(&path, &error))?;
        match kept.trim().parse::<u64>() {
            Ok(kept) if kept <= bytes => Ok(()),
            Ok(_) | Err(_) => Err(named(&path, &io::Error::other("the limit does not hold"))),
        }
    }

    /// The unified hierarchy where it manages CPU and memory.
    fn unified_for_all(&self) -> Option<&Path> {
        match self.hierarchies.version {
            Version::V2 => self.hierarchies.unified.as_deref(),
            Version::None | Version::V1 | Version::Hybrid => None,
        }
    }

    fn mounts(&self) -> Vec<&PathBuf> {
        let v1 = self.hierarchies.controllers.iter().filter(|(c, _)| !LEFT_OUT.contains(c));
        let mut mounts: Vec<&PathBuf> =
            v1.map(|(_, mount)| mount).chain(&self.hierarchies.unified).collect();
        mounts.sort();
        mounts.dedup();
        mounts
    }

    fn directories<'a>(&'a self, child: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        self.mounts().into_iter().map(move |mount| mount.join(&self.name).join(child))
    }

    /// Removes the cgroups of demonstrations that no longer run.
    fn sweep(&self) {
        for mount in self.mounts() {
            for entry in fs::read_dir(mount).into_iter().flatten().flatten() {
                if is_leftover(&entry.file_name().to_string_lossy()) {
                    remove(&entry.path());
                }
            }
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let tops: Vec<PathBuf> = self.directories("").collect();
        tops.iter().for_each(|top| remove(top));
        for controller in &self.opened {
            if let Some(unified) = self.unified_for_all() {
                let closed = controller.replace('+', "-");
                // Somebody else may use it by now, and then it stays.
                drop(fs::write(unified.join("cgroup.subtree_control"), closed));
            }
        }
    }
}

/// Whether something of this name was made by a demonstration that no longer runs.
pub(super) fn is_leftover(name: &str) -> bool {
    let Some(pid) = name.strip_prefix(PREFIX).and_then(|pid| pid.parse::<u32>().ok()) else {
        return false;
    };
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    pid == std::process::id() || comm.trim() != "gleaner"
}

/// Ends everything in a cgroup and below it, and removes it. Says what could not be removed: there is nobody to give
/// an error to.
fn remove(top: &Path) {
    let start = Instant::now();
    while top.exists() {
        if start.elapsed() > PATIENCE {
            eprintln!(
                "gleaner: {} is still busy; the next demonstration removes it",
                top.display()
            );
            return;
        }
        for directory in tree(top) {
            // Only one of the two is there; a frozen process of v1 dies only when thawed.
            drop(fs::write(directory.join("freezer.state"), "THAWED"));
            let frozen = fs::read_to_string(directory.join("cgroup.freeze"));
            if frozen.is_ok_and(|frozen| frozen.trim() == "1") {
                drop(fs::write(directory.join("cgroup.freeze"), "0"));
            }
            let procs = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            for pid in procs.lines().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
                // Gone already is as good.
                let _ = kill_process(pid, Signal::KILL);
            }
            drop(fs::remove_dir(&directory));
        }
        std::thread::sleep(PAUSE);
    }
}

/// A cgroup and all below it, the lowest first.
fn tree(top: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(top).into_iter().flatten().flatten();
    let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut all: Vec<PathBuf> = below.flat_map(|entry| tree(&entry.path())).collect();
    all.push(top.to_owned());
    all
}

fn create(path: &Path) -> io::Result<()> {
    fs::create_dir(path).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
