// SPDX-License-Identifier: Apache-2.0
//! The journal over plain directories: what it remembers, what it forgets, and what a crash may do to it.

use super::{Journal, JournalError, Note, Undo};
use crate::held::Held;
use crate::slot::Slot;
use std::path::{Path, PathBuf};

/// A directory that stands for a cgroup, and a journal beside it.
struct Scene {
    top: tempfile::TempDir,
}

const SLOT: Slot = Slot::file("cpu.weight");
const BOOT: &str = "boot-1";

impl Scene {
    fn new() -> Self {
        let scene = Self { top: tempfile::tempdir().expect("a temporary directory") };
        std::fs::create_dir(scene.cgroup()).expect("room");
        std::fs::write(scene.cgroup().join("cgroup.procs"), "").expect("room");
        scene.put("100");
        scene
    }

    fn cgroup(&self) -> PathBuf {
        self.top.path().join("cgroup")
    }

    fn path(&self) -> PathBuf {
        self.top.path().join("run/journal")
    }

    fn held(&self) -> Held {
        let inode = Held::inode_of(&self.cgroup()).expect("it is there");
        Held::open(&self.cgroup(), inode).expect("it is there")
    }

    fn put(&self, value: &str) {
        std::fs::write(self.cgroup().join("cpu.weight"), value).expect("room");
    }

    fn found(&self) -> String {
        std::fs::read_to_string(self.cgroup().join("cpu.weight")).expect("it is there")
    }

    fn open(&self) -> Journal {
        Journal::open(&self.path(), BOOT).expect("nobody else has it")
    }

    /// What an act does: noted, then written.
    fn change(&self, journal: &mut Journal, before: &str, after: &str) {
        let note = Note { before: before.into(), after: after.into(), also: Vec::new() };
        journal.note(&self.held(), &SLOT, note);
        self.put(after);
    }

    fn sweep(&self) -> Vec<Undo> {
        self.open().undo_all().into_iter().map(|undone| undone.undo).collect()
    }
}

#[test]
fn the_first_value_is_put_back_however_often_it_was_changed() {
    let scene = Scene::new();
    let mut journal = scene.open();
    scene.change(&mut journal, "100", "50");
    scene.change(&mut journal, "50", "1");
    drop(journal);
    assert_eq!(scene.sweep(), [Undo::Restored]);
    assert_eq!(scene.found(), "100");
    assert_eq!(scene.sweep(), [], "it is undone for good");
}

#[test]
fn death_between_the_note_and_the_write_is_undone_too() {
    let scene = Scene::new();
    let mut journal = scene.open();
    scene.change(&mut journal, "100", "50");
    scene.change(&mut journal, "50", "1");
    scene.put("50");
    drop(journal);
    assert_eq!(scene.sweep(), [Undo::Restored]);
    assert_eq!(scene.found(), "100");
}

#[test]
fn what_somebody_else_has_written_since_is_theirs() {
    let scene = Scene::new();
    let mut journal = scene.open();
    scene.change(&mut journal, "100", "50");
    scene.put("70");
    drop(journal);
    assert_eq!(scene.sweep(), [Undo::Theirs { found: "70".into() }]);
    assert_eq!(scene.found(), "70");
}

#[test]
fn another_cgroup_of_the_same_name_is_not_touched() {
    let scene = Scene::new();
    let mut journal = scene.open();
    scene.change(&mut journal, "100", "50");
    drop(journal);
    // Both exist at once, so they cannot have the same inode.
    std::fs::rename(scene.cgroup(), scene.top.path().join("old")).expect("it is ours");
    std::fs::create_dir(scene.cgroup()).expect("room");
    scene.put("50");
    assert_eq!(scene.sweep(), [Undo::Vanished]);
    assert_eq!(scene.found(), "50");
}

#[test]
fn a_journal_of_another_boot_means_nothing() {
    let scene = Scene::new();
    let mut journal = scene.open();
    scene.change(&mut journal, "100", "50");
    drop(journal);
    let mut journal = Journal::open(&scene.path(), "boot-2").expect("nobody else has it");
    assert_eq!(journal.undo_all(), []);
    assert_eq!(scene.found(), "50");
}

#[test]
fn one_process_at_a_time_has_it() {
    let scene = Scene::new();
    let journal = scene.open();
    let second = Journal::open(&scene.path(), BOOT);
    assert!(matches!(second, Err(JournalError::InUse(_))));
    let text = second.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("another gleaner"), "{text}");
    drop(journal);
    scene.open();
}

#[test]
fn a_file_that_has_grown_is_rewritten_and_keeps_what_is_in_force() {
    let scene = Scene::new();
    let mut journal = scene.open();
    let held = scene.held();
    for round in 0..3000 {
        let (before, after) = if round % 2 == 0 { ("100", "200") } else { ("200", "100") };
        let note = Note { before: before.into(), after: after.into(), also: Vec::new() };
        journal.note(&held, &SLOT, note);
    }
    scene.change(&mut journal, "100", "300");
    let size = std::fs::metadata(scene.path()).expect("it is there").len();
    assert!(size < 2 * 256 * 1024, "{size} bytes");
    let second = Journal::open(&scene.path(), BOOT);
    assert!(matches!(second, Err(JournalError::InUse(_))), "the new file is locked as well");
    drop(journal);
    assert_eq!(scene.sweep(), [Undo::Restored]);
    assert_eq!(scene.found(), "100");
}

#[test]
fn a_torn_last_line_hides_nothing_else() {
    let scene = Scene::new();
    let mut journal = scene.open();
    scene.change(&mut journal, "100", "50");
    drop(journal);
    tear(&scene.path());
    let mut journal = scene.open();
    assert_eq!(journal.unreadable(), 1);
    scene.change(&mut journal, "50", "1");
    drop(journal);
    assert_eq!(scene.sweep(), [Undo::Restored]);
    assert_eq!(scene.found(), "100");
}

fn tear(path: &Path) {
    let mut text = std::fs::read(path).expect("it is there");
    text.extend_from_slice(br#"{"op":"change","dir"#);
    std::fs::write(path, text).expect("room");
}
