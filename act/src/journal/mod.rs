// SPDX-License-Identifier: Apache-2.0
//! What we changed, from what to what: written down before each change, and used to undo it.
//!
//! On exit [`Journal::undo_all`] puts back what we changed. If we are killed, the file is still there at the next start
//! and the same call sweeps what was left behind. A value is put back only while it still is what we wrote: what
//! somebody else has changed meanwhile is theirs.
//!
//! Lines are appended with one `write` and never synced: a completed write survives our own death, and what it would
//! not survive (a power cut, a panic of the kernel) ends the cgroups as well. The file belongs to one boot of the
//! kernel, whose id is its first line; after another boot, inodes mean nothing and the file is begun anew. Keep it on
//! a tmpfs such as `/run`: the disk may be what is contended when a squeeze is due.

mod file;
#[cfg(test)]
mod tests;
mod undo;

pub use file::JournalError;
pub use undo::{Undo, Undone};

use crate::held::Held;
use crate::slot::Slot;
use file::{Line, LineFile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a changed value is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spot {
    /// The cgroup's directory.
    pub directory: PathBuf,
    /// Its inode.
    pub inode: u64,
    /// The value in it.
    pub slot: Slot,
}

impl Spot {
    pub(crate) fn of(held: &Held, slot: &Slot) -> Self {
        Self { directory: held.path().to_owned(), inode: held.inode(), slot: slot.clone() }
    }
}

/// How a value was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What stood there before we came.
    pub before: String,
    /// What we wrote: the last, and the one before it, because we may die between the journal's line and the write.
    pub ours: Vec<String>,
    /// Further slots that the kernel changed along with it, and what stood there before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub also: Vec<(Slot, String)>,
}

impl Change {
    pub(crate) fn is_ours(&self, value: &str) -> bool {
        self.ours.iter().any(|ours| ours == value)
    }
}

/// The changes that are in force.
#[derive(Debug, Default)]
pub struct Journal {
    changes: BTreeMap<Spot, Change>,
    file: Option<LineFile>,
    lost: u64,
    unreadable: u64,
}

impl Journal {
    /// A journal that is kept in memory alone: for cgroups that are removed whatever happens.
    #[must_use]
    pub fn volatile() -> Self {
        Self::default()
    }

    /// Opens the file, and with it whatever an earlier process left undone: call [`Journal::undo_all`] to sweep it.
    ///
    /// `boot` is `/proc/sys/kernel/random/boot_id`.
    ///
    /// # Errors
    /// If another process has it open, or it cannot be read or made.
    pub fn open(path: &Path, boot: &str) -> Result<Self, JournalError> {
        let (file, lines) = LineFile::open(path, boot)?;
        let mut journal = Self { file: Some(file), ..Self::default() };
        for line in lines {
            match line {
                Some(Line::Change { spot, change }) => drop(journal.changes.insert(spot, change)),
                Some(Line::Undone { spot }) => drop(journal.changes.remove(&spot)),
                Some(Line::Boot { .. }) => {}
                None => journal.unreadable += 1,
            }
        }
        Ok(journal)
    }

    /// Notes that a value is about to be changed. The first `before` stands however often it is changed after.
    pub(crate) fn note(&mut self, held: &Held, slot: &Slot, note: Note) {
        let spot = Spot::of(held, slot);
        let Note { before, after, also } = note;
        let change = match self.changes.get(&spot) {
            // Ours, and still ours: only the newest value is new.
            Some(known) if known.is_ours(&before) => {
                let mut ours: Vec<_> = [before, after].into();
                ours.dedup();
                Change { ours, ..known.clone() }
            }
            Some(_) | None => Change { before, ours: vec![after], also },
        };
        if self.changes.get(&spot) != Some(&change) {
            self.changes.insert(spot.clone(), change.clone());
            self.append(&Line::Change { spot, change });
        }
    }

    /// The change that is in force at a place.
    pub(crate) fn change(&self, held: &Held, slot: &Slot) -> Option<&Change> {
        self.changes.get(&Spot::of(held, slot))
    }

    /// Forgets a change that is no longer ours to undo.
    pub(crate) fn forget(&mut self, spot: &Spot) {
        if self.changes.remove(spot).is_some() {
            self.append(&Line::Undone { spot: spot.clone() });
        }
    }

    /// As [`Journal::forget`], for a place that is at hand.
    pub(crate) fn forget_at(&mut self, held: &Held, slot: &Slot) {
        self.forget(&Spot::of(held, slot));
    }

    /// The places that hold a value of ours.
    pub fn spots(&self) -> impl Iterator<Item = (&Spot, &Change)> {
        self.changes.iter()
    }

    /// Lines that could not be written: after our own SIGKILL those changes would stay behind.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Lines that could not be read at the start; a torn last line is one.
    #[must_use]
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// A full disk does not keep us from protecting a guaranteed task: the change is made all the same, and counted.
    fn append(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.append(line, &self.changes) {
            self.lost += 1;
            tracing::warn!(%error, "a change is not in the journal");
        }
    }
}

/// A change about to be made.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) also: Vec<(Slot, String)>,
}
