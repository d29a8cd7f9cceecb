// SPDX-License-Identifier: Apache-2.0
//! What a killed process of ours left behind: everything in force is put back at the next start.

use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_act::journal::{Journal, JournalError, Undo};
use gleaner_act::protect::Protected;
use gleaner_act::setting::Hands;
use gleaner_tests::acting::{class, id, places};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use gleaner_tests::shortage::ManualClock;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Our own death by SIGKILL in the middle of a squeeze: the next start puts everything back and thaws.
#[test]
fn what_a_killed_process_left_behind_is_swept_at_the_next_start() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("left").expect("a group");
    let _load = Load::start(&Work::Spin { threads: 1 }, &group).expect("a load starts");
    let before = class(&group);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("journal");
    let id = id(&group);
    let mut squeezer = Command::new(built("squeeze").expect("it is built"))
        .args([path.as_os_str(), id.name.as_ref().as_ref(), id.inode.to_string().as_ref()])
        .arg(&places(&rig).listing)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = String::new();
    let out = squeezer.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut said).expect("readable");
    assert_eq!(said, "squeezed\n");
    let in_use = Journal::open(&path, boot().trim());
    assert!(matches!(in_use, Err(JournalError::InUse(_))), "two actors on one node");
    squeezer.kill().expect("it is ours");
    squeezer.wait().expect("it is ours");
    assert_ne!(class(&group), before, "nobody has put anything back");
    torn(&path);

    let journal = Journal::open(&path, boot().trim()).expect("its owner is dead");
    let hands = Hands::new(Protected::new(&[], &[]), journal);
    let clock = Box::new(ManualClock::default());
    let (actor, swept) = Actor::start(places(&rig), hands, clock, ActorConfig::default(), None);
    assert_eq!(swept.len(), 3, "{swept:?}");
    assert!(swept.iter().all(|undone| undone.undo == Undo::Restored), "{swept:?}");
    assert_eq!(class(&group), before);
    drop(actor);
    assert_eq!(Journal::open(&path, boot().trim()).expect("free").spots().count(), 0);
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("this kernel has one")
}

/// The last line as a crash may leave it.
fn torn(path: &Path) {
    let mut text = std::fs::read(path).expect("it is there");
    text.extend_from_slice(br#"{"op":"change","directory":"/sys/fs/cg"#);
    std::fs::write(path, text).expect("writable");
}
