// SPDX-License-Identifier: Apache-2.0
//! A daemon in which a thread stands still, as in a deadlock.

use gleaner_tests::acting::{LONG, class};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::skip::skip;
use gleaner_tests::wait_until;
use rustix::process::Signal;
use std::fs;

/// The thread of this name stops until the group is thawed: the v1 freezer takes single threads.
fn stop_thread(hung: &Group, pid: u32, name: &str) -> bool {
    let tasks = hung.directory("freezer").expect("a freezer").join("tasks");
    if !tasks.exists() {
        skip("no v1 freezer: a single thread cannot be stopped");
        return false;
    }
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let named = |path: &std::path::PathBuf| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    let thread = threads.map(|entry| entry.path()).find(named).expect("a thread of that name");
    let id = thread.file_name().and_then(|id| id.to_str()).expect("a number").to_owned();
    fs::write(&tasks, id).expect("a thread may be moved");
    hung.set_frozen(true).expect("it can be frozen");
    true
}

#[test]
fn whose_server_hangs_can_be_told_to_end_and_puts_everything_back() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let [top, hung] = ["run", "hung"].map(|name| rig.group(name).expect("a group"));
    let [_service, batch] = ["svc", "be-one"].map(|name| top.child(name).expect("a group"));
    let _load = Load::start(&Work::Idle, &batch).expect("a load starts");
    let before = class(&batch);
    let daemon = Gleaner::start(&top, "squeeze", "");
    daemon.wait_for("standing_class", "/be-one", "done");
    assert_ne!(class(&batch), before);
    if !stop_thread(&hung, daemon.pid(), "gleaner-http") {
        return;
    }
    daemon.let_decide(2);
    daemon.signal(Signal::TERM).expect("it runs");
    wait_until("everything is put back", LONG, || (class(&batch) == before).then_some(()));
    wait_until("it does not wait for ever", LONG, || {
        daemon.log().contains("the thread for HTTP hangs").then_some(())
    });
    hung.set_frozen(false).expect("it can be thawed");
    let (status, _files) = daemon.wait();
    assert!(status.success(), "{status}");
}
