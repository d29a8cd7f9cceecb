// SPDX-License-Identifier: Apache-2.0
//! Work for cgroups to do: the `load` program of this crate, started inside a group before it uses anything.

use crate::cgroup_rig::Group;
use crate::programs::built;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// What a load does until it is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing: it is only there.
    Idle,
    /// Uses this many cores as far as it is let.
    Spin {
        /// Threads.
        threads: u32,
    },
    /// Takes anonymous memory at once and holds it.
    Hold {
        /// Bytes.
        bytes: u64,
    },
    /// Takes anonymous memory at a steady rate and holds it.
    Grow {
        /// Bytes in the end.
        bytes: u64,
        /// Bytes a second.
        rate: u64,
    },
    /// Takes anonymous memory and writes to every page of it again and again.
    Churn {
        /// Bytes.
        bytes: u64,
    },
    /// Nothing, and is not ended by SIGTERM.
    Deaf,
    /// Forks all the time, in chains: each link starts the next and ends. So a list of its processes is always out of
    /// date, and their number is always the same.
    Chain {
        /// Chains.
        chains: u32,
    },
    /// Fills page cache: writes this many bytes to a file or block device, then reads them again and again.
    Cache {
        /// The file; made if it does not exist.
        path: PathBuf,
        /// Bytes.
        bytes: u64,
    },
    /// Reads memory as fast as it comes, far more of it than any cache holds.
    Stream {
        /// Threads.
        threads: u32,
        /// Bytes each thread reads through.
        bytes: u64,
    },
    /// Writes to the beginning of a disk, past the page cache, and waits for the disk each time.
    Commit {
        /// The disk.
        path: PathBuf,
        /// Bytes each time, whole pages.
        bytes: u64,
        /// Times a second; 0 for as often as the disk allows.
        a_second: u64,
    },
    /// Writes a file over and over, and waits for the disk after each MiB.
    Disk {
        /// The file; made if it does not exist.
        path: PathBuf,
        /// Bytes of it.
        bytes: u64,
    },
}

impl Work {
    fn arguments(&self) -> Vec<OsString> {
        let words = |name: &str, numbers: &[u64]| {
            let numbers = numbers.iter().map(u64::to_string);
            std::iter::once(name.to_owned()).chain(numbers).map(OsString::from).collect()
        };
        match self {
            Self::Idle => words("idle", &[]),
            Self::Spin { threads } => words("spin", &[u64::from(*threads)]),
            Self::Hold { bytes } => words("hold", &[*bytes]),
            Self::Grow { bytes, rate } => words("grow", &[*bytes, *rate]),
            Self::Churn { bytes } => words("churn", &[*bytes]),
            Self::Deaf => words("deaf", &[]),
            Self::Chain { chains } => words("chain", &[u64::from(*chains)]),
            Self::Cache { path, bytes } => {
                vec!["cache".into(), path.into(), bytes.to_string().into()]
            }
            Self::Stream { threads, bytes } => words("stream", &[u64::from(*threads), *bytes]),
            Self::Disk { path, bytes } => {
                vec!["disk".into(), path.into(), bytes.to_string().into()]
            }
            Self::Commit { path, bytes, a_second } => {
                let numbers = [bytes, a_second].map(|number| OsString::from(number.to_string()));
                ["commit".into(), path.into()].into_iter().chain(numbers).collect()
            }
        }
    }
}

/// A running load. It ends when this value is dropped, and also when the test dies.
#[derive(Debug)]
pub struct Load {
    child: Child,
    freezer: Option<PathBuf>,
}

impl Load {
    /// Starts `work` in `group`: the program waits until it has been moved there.
    ///
    /// # Errors
    ///
    /// If the program cannot be started or moved.
    pub fn start(work: &Work, group: &Group) -> io::Result<Self> {
        let mut load = Self::prepare(work, group)?;
        load.begin()?;
        Ok(load)
    }

    /// Starts the program in `group`, and lets it wait: [`Load::begin`] makes it work at once.
    ///
    /// # Errors
    ///
    /// If the program cannot be started or moved.
    pub fn prepare(work: &Work, group: &Group) -> io::Result<Self> {
        let program = built("load")?;
        // Its standard input stays open for its life: it ends when that closes.
        let child = Command::new(&program)
            .args(work.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", program.display()))
            })?;
        let freezer = group.directory("freezer").ok().map(|at| at.join("freezer.state"));
        let load = Self { child, freezer };
        group.add(load.pid())?;
        Ok(load)
    }

    /// Makes a prepared load work.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn begin(&mut self) -> io::Result<()> {
        match &mut self.child.stdin {
            Some(input) => input.write_all(b"go\n"),
            None => Ok(()),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs; a killed one does not.
    ///
    /// # Errors
    ///
    /// If the kernel will not say.
    pub fn runs(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A process frozen by v1 dies only when it is thawed; without this the wait would never end.
        if let Some(freezer) = self.freezer.as_ref().filter(|path| path.exists()) {
            let _ = std::fs::write(freezer, "THAWED");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
