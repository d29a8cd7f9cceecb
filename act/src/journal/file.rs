// SPDX-License-Identifier: Apache-2.0
//! The journal's file: JSON lines behind a lock, rewritten when it has grown.

use super::{Change, Spot};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Beyond this only what is still in force is kept. A change takes some 200 bytes: this is a thousand of them.
const REWRITE_BYTES: u64 = 256 * 1024;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process holds it.
    #[error("{path} is in use: another gleaner acts on this node; stop it, or give this one its own journal", path = .0.display())]
    InUse(PathBuf),
    /// It cannot be read or made.
    #[error("{path}: {error}; choose a place that can be written, such as /run/gleaner", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        error: io::Error,
    },
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: the boot of the kernel that the rest belongs to.
    Boot { boot: String },
    /// A value is about to be changed.
    Change {
        #[serde(flatten)]
        spot: Spot,
        #[serde(flatten)]
        change: Change,
    },
    /// It is ours no more.
    Undone {
        #[serde(flatten)]
        spot: Spot,
    },
}

#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    boot: String,
    file: File,
    bytes: u64,
    /// Size at which it is rewritten: twice what was in force the last time, so that rewriting stays rare.
    rewrite_at: u64,
    /// The last write was cut off, so the next line begins with a line break.
    torn: bool,
}

impl LineFile {
    /// Opens it and reads its lines; `None` stands for one that makes no sense. Those of another boot are dropped.
    pub(super) fn open(path: &Path, boot: &str) -> Result<(Self, Vec<Option<Line>>), JournalError> {
        let failed = |error| JournalError::File { path: path.to_owned(), error };
        let mut file = open_locked(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let mut lines: Vec<_> = String::from_utf8_lossy(&bytes)
            .lines()
            .map(|line| serde_json::from_str::<Line>(line).ok())
            .collect();
        let mut journal = Self {
            path: path.to_owned(),
            boot: boot.to_owned(),
            file,
            torn: bytes.last().is_some_and(|last| *last != b'\n'),
            bytes: bytes.len() as u64,
            rewrite_at: REWRITE_BYTES,
        };
        let first = Line::Boot { boot: boot.to_owned() };
        if lines.first() != Some(&Some(first.clone())) {
            lines.clear();
            journal.file.set_len(0).map_err(failed)?;
            (journal.bytes, journal.torn) = (0, false);
            journal.write(&first).map_err(failed)?;
        }
        Ok((journal, lines))
    }

    /// Appends a line; `in_force` is what is kept when the file has to be rewritten.
    pub(super) fn append(
        &mut self,
        line: &Line,
        in_force: &BTreeMap<Spot, Change>,
    ) -> io::Result<()> {
        if self.bytes > self.rewrite_at {
            return self.rewrite(in_force);
        }
        self.write(line)
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = if self.torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        let written = self.file.write(&text)?;
        self.bytes += written as u64;
        self.torn = written < text.len();
        if self.torn { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Replaces the file by one that holds only what is in force, at once and for readers of any moment.
    fn rewrite(&mut self, in_force: &BTreeMap<Spot, Change>) -> io::Result<()> {
        let path = self.path.with_extension("new");
        let mut new = Self {
            file: OpenOptions::new().create(true).write(true).truncate(true).open(&path)?,
            path,
            boot: self.boot.clone(),
            bytes: 0,
            rewrite_at: REWRITE_BYTES,
            torn: false,
        };
        flock(&new.file, FlockOperation::NonBlockingLockExclusive)?;
        new.write(&Line::Boot { boot: self.boot.clone() })?;
        for (spot, change) in in_force {
            new.write(&Line::Change { spot: spot.clone(), change: change.clone() })?;
        }
        std::fs::rename(&new.path, &self.path)?;
        new.rewrite_at = REWRITE_BYTES.max(new.bytes * 2);
        new.path.clone_from(&self.path);
        *self = new;
        Ok(())
    }
}

/// The file at `path`, locked. It may be replaced while we wait for nothing: then the new one is tried.
fn open_locked(path: &Path) -> Result<File, JournalError> {
    let failed = |error: io::Error| JournalError::File { path: path.to_owned(), error };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    loop {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path);
        let file = file.map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(JournalError::InUse(path.to_owned()));
        }
        let (ours, there) = (file.metadata().map_err(failed)?, std::fs::metadata(path));
        if there.is_ok_and(|there| there.ino() == ours.ino()) {
            return Ok(file);
        }
    }
}
