// SPDX-License-Identifier: Apache-2.0
//! Putting back what we changed, where it is still ours.

use super::{Change, Journal, Spot};
use crate::fault::Lost;
use crate::held::Held;
use serde::Serialize;

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "undo", rename_all = "snake_case")]
pub enum Undo {
    /// What stood there before stands there again.
    Restored,
    /// Somebody else has changed it meanwhile; it was left alone.
    Theirs {
        /// What stands there now.
        found: String,
    },
    /// The cgroup is gone.
    Vanished,
    /// The kernel refused; the change stays in the journal.
    Failed {
        /// The kernel's answer.
        errno: i32,
        /// What was tried and the answer.
        what: String,
    },
}

/// One change that was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Where.
    pub spot: Spot,
    /// What stood there before us.
    pub before: String,
    /// What became of it.
    #[serde(flatten)]
    pub undo: Undo,
}

impl Journal {
    /// Undoes everything, the later-sorted first; what the kernel refuses stays in the journal for another try.
    pub fn undo_all(&mut self) -> Vec<Undone> {
        let spots: Vec<Spot> = self.changes.keys().rev().cloned().collect();
        spots.into_iter().filter_map(|spot| self.undo(&spot)).collect()
    }

    /// Undoes one change; `None` if there is none.
    pub fn undo(&mut self, spot: &Spot) -> Option<Undone> {
        let change = self.changes.get(spot)?;
        let undo = restore(spot, change);
        let before = change.before.clone();
        if !matches!(undo, Undo::Failed { .. }) {
            self.forget(spot);
        }
        Some(Undone { spot: spot.clone(), before, undo })
    }
}

fn restore(spot: &Spot, change: &Change) -> Undo {
    let held = match Held::open(&spot.directory, spot.inode) {
        Ok(held) => held,
        Err(lost) => return failed(lost),
    };
    let judge = |fault| failed(held.judge(fault));
    let found = match spot.slot.read(&held) {
        Ok(found) => found,
        Err(fault) => return judge(fault),
    };
    if found == change.before {
        return Undo::Restored;
    }
    if !change.is_ours(&found) {
        return Undo::Theirs { found };
    }
    let values = std::iter::once((&spot.slot, &change.before));
    for (slot, value) in values.chain(change.also.iter().map(|(slot, value)| (slot, value))) {
        if let Err(fault) = slot.write(&held, value) {
            return judge(fault);
        }
    }
    Undo::Restored
}

fn failed(lost: Lost) -> Undo {
    match lost {
        Lost::Vanished => Undo::Vanished,
        Lost::Fault(fault) => {
            Undo::Failed { errno: fault.errno.raw_os_error(), what: fault.to_string() }
        }
        // A spot has its own directory and asks for no hierarchy.
        Lost::Unplaced(_) => Undo::Vanished,
    }
}
