// SPDX-License-Identifier: Apache-2.0
//! Real cgroups and processes of this machine, made for a test and gone after it, also when it fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
        // The last process may still be on its way out of the cgroup.
        for _ in 0..2_000_000 {
            match fs::remove_dir(&self.path) {
                Err(error) if error.raw_os_error() == Some(16) => std::thread::yield_now(),
                _ => return,
            }
        }
    }
}

/// A child process that is killed and waited for when dropped.
#[derive(Debug)]
pub struct HostProcess(Child);

impl HostProcess {
    /// A shell that waits for a line before it runs `script`, so that it can first be put into cgroups.
    ///
    /// # Panics
    /// There is no `sh`.
    #[must_use]
    pub fn shell(script: &str) -> Self {
        let child = Command::new("sh")
            .args(["-c", &format!("read go; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("sh");
        Self(child)
    }

    /// A shell that burns CPU as soon as it is told to go.
    #[must_use]
    pub fn spinner() -> Self {
        Self::shell("while :; do :; done")
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Moves it into a cgroup, then others.
    ///
    /// # Panics
    /// The kernel refuses it.
    pub fn enter(&self, cgroups: &[&HostCgroup]) {
        for cgroup in cgroups {
            cgroup.write("cgroup.procs", &self.pid().to_string());
        }
    }

    /// Lets its script begin.
    ///
    /// # Panics
    /// It is gone.
    pub fn go(&mut self) {
        use std::io::Write as _;
        let stdin = self.0.stdin.as_mut().expect("its input is a pipe");
        stdin.write_all(b"go\n").expect("a living shell");
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
