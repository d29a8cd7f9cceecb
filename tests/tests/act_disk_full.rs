// SPDX-License-Identifier: Apache-2.0
//! A full disk: audit lines are dropped and counted, changes are made and undone all the same.

use gleaner_act::audit::{AuditConfig, AuditFile, Line, read};
use gleaner_act::journal::Journal;
use gleaner_act::outcome::Outcome;
use gleaner_act::protect::Protected;
use gleaner_act::setting::Hands;
use gleaner_act::standing::{self, Weights};
use gleaner_tests::acting::{now, target};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::skip;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::CString;
use std::path::Path;

/// A file system of 64 KiB.
struct SmallDisk {
    top: tempfile::TempDir,
}

impl SmallDisk {
    fn new_or_skip() -> Option<Self> {
        let top = tempfile::tempdir().expect("a temporary directory");
        let size = CString::new("size=64k").expect("no zero byte");
        let mounted = mount("tmpfs", top.path(), "tmpfs", MountFlags::empty(), size.as_c_str());
        match mounted {
            Ok(()) => Some(Self { top }),
            Err(errno) => {
                skip(&format!("no file system can be mounted here: {errno}"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.top.path()
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let zeros = vec![0; 1 << 20];
        let filled = std::fs::write(self.path().join("filler"), zeros);
        assert!(filled.is_err(), "a megabyte fits into 64 KiB");
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(errno) = unmount(self.top.path(), UnmountFlags::DETACH) {
            eprintln!("{}: {errno}", self.top.path().display());
        }
    }
}

fn decision(tick: u64) -> String {
    format!(r#"{{"tick":{tick},"padding":"{}"}}"#, "x".repeat(1500))
}

fn ticks(path: &Path) -> Vec<u64> {
    let mut ticks = Vec::new();
    let visit = |line| match line {
        Line::Decision(value) => ticks.extend(value["tick"].as_u64()),
        Line::Entry(entry) => panic!("never written: {entry:?}"),
    };
    read(path, visit).expect("readable");
    ticks
}

#[test]
fn audit_lines_are_dropped_and_counted_until_there_is_room_again() {
    let Some(disk) = SmallDisk::new_or_skip() else { return };
    let path = disk.path().join("audit.jsonl");
    let config = AuditConfig { path: path.clone(), max_bytes: 48 << 10, keep: 0 };
    let mut audit = AuditFile::open(config);
    assert!(audit.append(&decision(1)));
    disk.fill();
    // The rest of a page may hold a part of a line: that part is torn.
    let kept = (2..=10).filter(|tick| audit.append(&decision(*tick))).count();
    assert!(kept < 3, "{kept} lines of 1.5 KB on a full disk");
    assert_eq!(audit.dropped(), 9 - u64::try_from(kept).expect("small"));
    let why = audit.last_error().expect("it failed");
    assert!(why.contains("audit.jsonl"), "{why}");
    disk.free();
    assert!(audit.append(&decision(11)));
    let ticks = ticks(&path);
    assert_eq!((ticks.first(), ticks.last()), (Some(&1), Some(&11)), "{ticks:?}");
    assert_eq!(ticks.len(), 2 + kept);
}

#[test]
fn a_squeeze_does_not_wait_for_room_in_the_journal() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(disk) = SmallDisk::new_or_skip() else { return };
    let group = rig.group("full").expect("a group");
    let journal = Journal::open(&disk.path().join("journal"), "boot").expect("there is room");
    disk.fill();
    let mut hands = Hands::new(Protected::new(&[], &[]), journal);
    let target = target(&rig, &group);
    // The last page of the journal has room for some lines; many changes need more.
    for _ in 0..40 {
        let deed = standing::cpu(&mut hands, &target, Weights::Ours, None, now());
        assert_eq!(deed.outcome, Outcome::Done);
        assert_eq!(standing::release_cpu(&mut hands, &target), Outcome::Done);
    }
    assert!(hands.journal.lost() > 0);
    assert_eq!(hands.journal.spots().count(), 0);
    assert_eq!(group.read("cpu", "cpu.idle").expect("readable").trim(), "0");
}
