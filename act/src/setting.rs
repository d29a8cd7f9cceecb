// SPDX-License-Identifier: Apache-2.0
//! One value put into one control file of a target: checked, noted, written, read back, and put back.

use crate::fault::{Fault, Lost};
use crate::held::Held;
use crate::journal::{Journal, Note, Spot, Undo, Undone};
use crate::means::{Means, MeansTable};
use crate::outcome::Outcome;
use crate::protect::Protected;
use crate::slot::Slot;
use crate::target::{Target, Tree};
use gleaner_estimator::units::Timestamp;

/// What every act needs: the list of what is never touched, and the memory of what was.
#[derive(Debug)]
pub struct Hands {
    /// Asked before every act.
    pub protected: Protected,
    /// Told before every change.
    pub journal: Journal,
    /// What is known of the means.
    pub means: MeansTable,
}

/// What came of an act, and the means that was used; none where it did not come to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The means.
    pub means: Option<Means>,
    /// What came of it.
    pub outcome: Outcome,
}

/// A value for a control file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The hierarchy that has the file.
    pub tree: Tree,
    /// The place.
    pub slot: Slot,
    /// The value, spelled as the kernel will show it.
    pub value: String,
    /// Files that the kernel resets when this one is put back, so that they have to be put back after it.
    pub also: &'static [&'static str],
}

/// What stands against the act of the caller, or the directory to act in.
pub(crate) type Entered = Result<Held, Outcome>;

impl Hands {
    /// Hands that have changed nothing yet, or what is in the journal.
    #[must_use]
    pub fn new(protected: Protected, journal: Journal) -> Self {
        Self { protected, journal, means: MeansTable::default() }
    }

    /// Enters a target that is not protected.
    pub(crate) fn enter(&self, target: &Target, tree: Tree) -> Entered {
        self.protected.check(target)?;
        Ok(target.enter(tree)?)
    }

    /// Uses one means, unless it is known to be broken, and remembers what came of it.
    pub(crate) fn attempt(
        &mut self,
        means: Means,
        now: Timestamp,
        act: impl FnOnce(&mut Self) -> Outcome,
    ) -> Deed {
        if !self.means.usable(means, now) {
            let last = self.means.of(means).last_failure.clone();
            let unknown = || Outcome::NoEffect { found: "known not to work here".to_owned() };
            let outcome = last.unwrap_or_else(unknown);
            return Deed { means: Some(means), outcome };
        }
        let outcome = act(self);
        self.means.note(means, &outcome, now);
        Deed { means: Some(means), outcome }
    }

    /// Puts a value in force.
    pub fn set(&mut self, target: &Target, setting: &Setting) -> Outcome {
        match self.enter(target, setting.tree) {
            Ok(held) => self.try_set(&held, setting).unwrap_or_else(|fault| outcome(&held, fault)),
            Err(outcome) => outcome,
        }
    }

    fn try_set(&mut self, held: &Held, setting: &Setting) -> Result<Outcome, Fault> {
        let Setting { slot, value, also, .. } = setting;
        let before = slot.read(held)?;
        if before == *value {
            return Ok(Outcome::Done);
        }
        let mut beside = Vec::new();
        for file in *also {
            let slot = Slot::file(file);
            let value = slot.read(held)?;
            beside.push((slot, value));
        }
        let note = Note { before: before.clone(), after: value.clone(), also: beside };
        self.journal.note(held, slot, note);
        if let Err(fault) = slot.write(held, value) {
            self.forget_if(held, slot, &before)?;
            return Err(fault);
        }
        let found = slot.read(held)?;
        if found == *value {
            return Ok(Outcome::Done);
        }
        // The kernel said yes and did something else: what it did is not what was asked for.
        self.journal.note(
            held,
            slot,
            Note { before: value.clone(), after: found.clone(), also: Vec::new() },
        );
        drop(self.put_back(held, slot));
        Ok(Outcome::NoEffect { found: format!("{slot} is {found:?}, not {value:?}") })
    }

    /// A refused write changed nothing: unless the value is an earlier one of ours, there is nothing to undo.
    fn forget_if(&mut self, held: &Held, slot: &Slot, before: &str) -> Result<(), Fault> {
        let untouched = self.journal.change(held, slot).is_some_and(|c| c.before == before);
        if untouched && slot.read(held)? == before {
            self.journal.forget_at(held, slot);
        }
        Ok(())
    }

    /// Puts back what stood in a place before us; `Done` also where nothing of ours is left to put back.
    pub fn put_back_in(&mut self, target: &Target, tree: Tree, slot: &Slot) -> Outcome {
        match target.enter(tree) {
            Ok(held) => self.put_back(&held, slot),
            Err(lost) => {
                if lost == Lost::Vanished {
                    self.forget(target);
                }
                lost.into()
            }
        }
    }

    /// Puts back everything that we changed on a target and that is still ours.
    pub fn put_back_all(&mut self, target: &Target) -> Vec<Undone> {
        self.spots_on(target).iter().rev().filter_map(|spot| self.journal.undo(spot)).collect()
    }

    /// Forgets everything that was changed on a target: it is gone, and nothing is left to put back.
    pub(crate) fn forget(&mut self, target: &Target) {
        for spot in self.spots_on(target) {
            self.journal.forget(&spot);
        }
    }

    /// The places on a target in which somebody else has written over us, and what stands there.
    pub(crate) fn changed_by_others(&self, target: &Target) -> Vec<(Spot, String)> {
        let changed = |spot: Spot| {
            let held = Held::open(&spot.directory, spot.inode).ok()?;
            let found = spot.slot.read(&held).ok()?;
            let ours = self.journal.change(&held, &spot.slot)?.is_ours(&found);
            (!ours).then_some((spot, found))
        };
        self.spots_on(target).into_iter().filter_map(changed).collect()
    }

    /// The places on a target that hold a value of ours.
    pub(crate) fn spots_on(&self, target: &Target) -> Vec<Spot> {
        let on_it = |spot: &&Spot| target.owns(&spot.directory, spot.inode);
        self.journal.spots().map(|(spot, _)| spot).filter(on_it).cloned().collect()
    }

    fn put_back(&mut self, held: &Held, slot: &Slot) -> Outcome {
        let undone = self.journal.undo(&Spot::of(held, slot));
        match undone.map(|undone| undone.undo) {
            None | Some(Undo::Restored | Undo::Theirs { .. }) => Outcome::Done,
            Some(Undo::Vanished) => Outcome::Vanished,
            Some(Undo::Failed { errno, what }) => Outcome::Failed { errno, what },
        }
    }
}

/// What a refused call below a directory means.
pub(crate) fn outcome(held: &Held, fault: Fault) -> Outcome {
    held.judge(fault).into()
}
