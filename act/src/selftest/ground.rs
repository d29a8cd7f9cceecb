// SPDX-License-Identifier: Apache-2.0
//! Two cgroups to try things on, in every hierarchy, and the processes in them; all gone when dropped.

use super::named;
use crate::fault::Lost;
use crate::held::Held;
use crate::place::{Places, Version};
use crate::target::Target;
use gleaner_collector::Controller;
use gleaner_estimator::sample::TaskId;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the kernel may take to let go of a cgroup.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(2);
/// Controllers in whose v1 hierarchies the test has no business: a new cpuset has no processors.
const LEFT_OUT: [Controller; 3] = [Controller::Cpuset, Controller::Systemd, Controller::Pids];

/// The cgroup that is acted on, and one beside it for comparison.
pub(super) struct Ground<'a> {
    places: &'a Places,
    victim: String,
    neighbour: String,
}

/// A process that ends with this value.
pub(super) struct Worker(Child);

impl<'a> Ground<'a> {
    pub(super) fn make(places: &'a Places, below: &str) -> io::Result<Self> {
        let below = below.trim_matches('/');
        let name = |what: &str| {
            let own = format!("gleaner-selftest-{}-{what}", std::process::id());
            if below.is_empty() { own } else { format!("{below}/{own}") }
        };
        let ground = Self { places, victim: name("a"), neighbour: name("b") };
        for path in ground.directories(&ground.victim).chain(ground.directories(&ground.neighbour))
        {
            fs::create_dir(&path).map_err(|error| named(&path, &error))?;
        }
        Ok(ground)
    }

    /// The cgroup that is acted on.
    pub(super) fn target(&self) -> Result<Target, Lost> {
        let mut places = self.places.clone();
        // The identity may be listed in a hierarchy that is left out here; any other will do as well.
        let first = self.mounts().next().cloned().ok_or(Lost::Unplaced("any controller"))?;
        if !self.mounts().any(|mount| *mount == places.listing) {
            places.listing = first;
        }
        let inode = Held::inode_of(&places.listing.join(&self.victim))?;
        Target::find(&places, &TaskId { name: self.victim.as_str().into(), inode })
    }

    /// The cgroup beside it.
    pub(super) fn neighbour(&self) -> Result<Target, Lost> {
        let listing = self.mounts().next().cloned().ok_or(Lost::Unplaced("any controller"))?;
        let inode = Held::inode_of(&listing.join(&self.neighbour))?;
        let places = Places { hierarchies: self.places.hierarchies.clone(), listing };
        Target::find(&places, &TaskId { name: self.neighbour.as_str().into(), inode })
    }

    /// Starts a process in the cgroup that is acted on.
    pub(super) fn work(&self, command: Command) -> io::Result<Worker> {
        self.start(command, &self.victim, None)
    }

    /// Starts one in each cgroup, the neighbour's first, both on one processor.
    pub(super) fn contest(&self, command: &dyn Fn() -> Command) -> io::Result<[Worker; 2]> {
        let allowed = sched_getaffinity(None)?;
        let mut one = CpuSet::new();
        let first = (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu));
        first.into_iter().for_each(|cpu| one.set(cpu));
        let beside = self.start(command(), &self.neighbour, Some(&one))?;
        Ok([beside, self.start(command(), &self.victim, Some(&one))?])
    }

    fn start(&self, mut command: Command, name: &str, on: Option<&CpuSet>) -> io::Result<Worker> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut worker = Worker(piped.spawn()?);
        let pid = worker.0.id().to_string();
        for path in self.directories(name) {
            let procs = path.join("cgroup.procs");
            fs::write(&procs, &pid).map_err(|error| named(&procs, &error))?;
        }
        // After the move: on v2 that gives it all processors of its cpuset again.
        let id = i32::try_from(worker.0.id()).ok().and_then(Pid::from_raw);
        if let (Some(set), Some(_)) = (on, id) {
            sched_setaffinity(id, set)?;
        }
        // It begins when it has been moved, so that all it takes is charged here.
        if let Some(input) = &mut worker.0.stdin {
            input.write_all(b"go\n")?;
        }
        Ok(worker)
    }

    fn mounts(&self) -> impl Iterator<Item = &PathBuf> {
        let hierarchies = &self.places.hierarchies;
        let v1 = hierarchies.controllers.iter().filter(|(c, _)| !LEFT_OUT.contains(c));
        let mut mounts: Vec<&PathBuf> =
            v1.map(|(_, mount)| mount).chain(&hierarchies.unified).collect();
        mounts.sort();
        mounts.dedup();
        mounts.into_iter()
    }

    fn directories<'b>(&'b self, name: &'b str) -> impl Iterator<Item = PathBuf> + 'b {
        self.mounts().map(move |mount| mount.join(name))
    }
}

impl Drop for Ground<'_> {
    fn drop(&mut self) {
        if let Ok(target) = self.target() {
            crate::freezer::thaw_to_die(&target);
            if target.version(crate::target::Tree::Unified) == Some(Version::V2)
                && let Ok(held) = target.enter(crate::target::Tree::Unified)
            {
                drop(held.write("cgroup.freeze", "0"));
            }
            drop(crate::signal::signal_all(&target, rustix::process::Signal::KILL));
        }
        for path in self.directories(&self.victim).chain(self.directories(&self.neighbour)) {
            let start = Instant::now();
            // A cgroup stays busy for a moment after its last process is gone.
            while let Err(error) = fs::remove_dir(&path) {
                if error.kind() != ErrorKind::ResourceBusy || start.elapsed() > PATIENCE {
                    if error.kind() != ErrorKind::NotFound {
                        tracing::warn!("{}: {error}", path.display());
                    }
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

impl Worker {
    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // A frozen one does not end by this; the ground is thawed after its workers were told.
        drop(self.0.kill());
        let start = Instant::now();
        while self.runs() && start.elapsed() < PATIENCE {
            std::thread::sleep(PAUSE);
        }
    }
}
