// SPDX-License-Identifier: Apache-2.0
//! Real cgroups and processes of this machine, made for a test and gone after it, also when it fails.

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A cgroup that this process made. Dropping it removes it; its processes must be gone by then.
#[derive(Debug)]
pub struct HostCgroup {
    path: PathBuf,
}

impl HostCgroup {
    /// Makes a cgroup of a name of its own below `parent`; `None` where that is not allowed.
    #[must_use]
    pub fn new(parent: &Path, purpose: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("gleaner-test-{}-{purpose}-{id}", std::process::id());
        Self::named(parent, &name)
    }

    /// Makes a cgroup of exactly that name below `parent`.
    #[must_use]
    pub fn named(parent: &Path, name: &str) -> Option<Self> {
        let path = parent.join(name);
        fs::create_dir(&path).ok()?;
        Some(Self { path })
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its last name.
    ///
    /// # Panics
    /// Never: it was made with a name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().expect("a name").to_string_lossy().into_owned()
    }

    fn kill_all(&self) {
        let pids = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        for pid in pids.lines().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
            // Gone already is as good.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Writes one of its files.
    ///
    /// # Panics
    /// The kernel refuses it.
    pub fn write(&self, file: &str, value: &str) {
        let path = self.path.join(file);
        fs::write(&path, value).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

impl Drop for HostCgroup {
    fn drop(&mut self) {
        // Whoever is in a cgroup that we made is a child of ours, or a child of one. Killed processes
        // leave it a moment later, and those that were being forked appear only then.
        for _ in 0..100_000 {
            let busy =
                fs::remove_dir(&self.path).is_err_and(|error| error.raw_os_error() == Some(16));
            if !busy {
                return;
            }
            self.kill_all();
            std::thread::yield_now();
        }
    }
}

/// A shell that is killed and waited for when dropped.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Shell code that burns CPU for so many turns of a loop.
#[must_use]
pub fn burn(turns: u32) -> String {
    format!("i=0; while [ $i -lt {turns} ]; do i=$((i+1)); done")
}

impl HostProcess {
    /// A shell that waits to be told to go, runs `script`, says so, and stays.
    ///
    /// # Panics
    /// There is no `sh`.
    #[must_use]
    pub fn shell(script: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("read go; {script}; echo done; read stay")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let input = child.stdin.take().expect("a piped input");
        let output = BufReader::new(child.stdout.take().expect("a piped output"));
        Self { child, input, output }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Moves it into cgroups.
    ///
    /// # Panics
    /// The kernel refuses it.
    pub fn enter(&self, cgroups: &[&HostCgroup]) {
        for cgroup in cgroups {
            cgroup.write("cgroup.procs", &self.pid().to_string());
        }
    }

    /// Binds it to one CPU, so that several wait for each other whatever else the machine does.
    ///
    /// # Panics
    /// There is no such CPU.
    pub fn pin(&self, cpu: usize) {
        let mut one = CpuSet::new();
        one.set(cpu);
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        sched_setaffinity(pid, &one).expect("a CPU of this machine");
    }

    /// Lets its script begin.
    ///
    /// # Panics
    /// It is gone.
    pub fn go(&mut self) {
        self.input.write_all(b"go\n").expect("a living shell");
    }

    /// Waits until the script says a line: what it prints itself, or `done` at its end.
    ///
    /// # Panics
    /// It is gone.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a living shell");
        line.trim_end().to_owned()
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
