// SPDX-License-Identifier: Apache-2.0
//! What can go wrong in a reading: each case names its file, what stood there and what to do.

use std::io;
use std::path::PathBuf;

/// Why a reading failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory that is needed cannot be opened or read.
    #[error("cannot read {path}: {source}; check that it is mounted and that this user may read it", path = .path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel answered.
        source: io::Error,
    },
    /// A file says something that it never should.
    #[error("{path}, line {line}: expected {expected}, found {content:?}; report it with the kernel's version", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: u32,
        /// What was expected there.
        expected: &'static str,
        /// The beginning of that line.
        content: String,
    },
    /// More tasks than the limit. Reading some and not others would hide harm, so none are read.
    #[error("{found} tasks below {path} are more than the limit of {limit}; raise `limits.tasks` or narrow the layout", path = .path.display())]
    TooManyTasks {
        /// Directory whose tasks were being listed.
        path: PathBuf,
        /// Tasks found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A pattern of the configuration cannot be used.
    #[error("pattern {pattern:?}: {why}; `*` and `?` stay within one name, `**` spans any depth")]
    Pattern {
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    pub(crate) fn unreadable(path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Unreadable { path: path.into(), source: source.into() }
    }
}
