// SPDX-License-Identifier: Apache-2.0
//! Why a system call on a cgroup did not work: which file, what was tried, and the kernel's answer.

use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// A refused system call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {doing}: {errno}", path = .path.display())]
pub struct Fault {
    /// The file or directory.
    pub path: PathBuf,
    /// What was tried: `open`, `read`, `write "1"`.
    pub doing: String,
    /// The kernel's answer.
    pub errno: Errno,
}

impl Fault {
    pub(crate) fn new(path: &Path, doing: impl Into<String>, errno: Errno) -> Self {
        Self { path: path.to_owned(), doing: doing.into(), errno }
    }

    /// Whether something was not there: a removed directory answers ENOENT to an open, and ENODEV to a read or write
    /// on a file that was open. A file that this kernel does not have answers ENOENT as well.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.errno, Errno::NOENT | Errno::NODEV)
    }
}

/// Why a cgroup could not be entered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It is gone, or another one has taken its name.
    #[error("the cgroup is gone")]
    Vanished,
    /// It has no directory in the hierarchy of that controller, or the controller is mounted nowhere.
    #[error("no directory in the hierarchy of {0}")]
    Unplaced(&'static str),
    /// The kernel refused.
    #[error(transparent)]
    Fault(#[from] Fault),
}
