// SPDX-License-Identifier: Apache-2.0
//! Threads, descriptors and handles: shared where they may be, and all gone at the end.

#![expect(unsafe_code, reason = "the functions of a C interface cannot be called otherwise")]

#[path = "ffi/host.rs"]
#[expect(
    dead_code,
    reason = "this program, apart because it counts its threads, uses a part of it"
)]
mod host;

use crate::host::{Host, PATIENCE, best_effort, on, open, root};
use gleaner::abi::code::{
    GLEANER_BAD_HANDLE, GLEANER_DIALECT_THRESHOLD, GLEANER_OK, GLEANER_ROLE_CONTROLLER,
    GLEANER_ROLE_ESTIMATOR,
};
use gleaner::api::handle::gleaner_close;
use gleaner_tests::fake_node::{FakeNode, FakeVersion};
use gleaner_tests::wait_until;
use std::fs;
use std::sync::Mutex;

/// Counting threads of the process allows one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Names of this process's threads that are the library's.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("procfs").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("gleaner-")).collect()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("procfs").count()
}

/// Descriptors that a program started now would inherit.
fn inherited() -> Vec<String> {
    let infos = fs::read_dir("/proc/self/fdinfo").expect("procfs").flatten();
    let is_inherited = |info: &fs::DirEntry| {
        let text = fs::read_to_string(info.path()).unwrap_or_default();
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        // O_CLOEXEC.
        flags.is_some_and(|flags| flags & 0o2_000_000 == 0)
    };
    infos.filter(is_inherited).map(|info| info.file_name().to_string_lossy().into_owned()).collect()
}

fn start(node: &FakeNode, role: u32, more: &[(&str, &str)]) -> Host {
    let root = root(node);
    let host = open(role, GLEANER_DIALECT_THRESHOLD, &on(&root, more)).expect("open");
    host.start().expect("start");
    host
}

#[test]
fn two_modules_of_one_agent_share_measurement_and_not_policy() {
    let _alone = ALONE.lock();
    let node = FakeNode::new(FakeVersion::V1);
    node.write("proc/loadavg", "5.00 5.00 5.00 1/100 12345\n");
    let closed = [("resources", "cpus:6"), ("load_threshold_1min", "4")];
    let estimator = start(&node, GLEANER_ROLE_ESTIMATOR, &closed);
    let controller = start(&node, GLEANER_ROLE_CONTROLLER, &[("load_threshold_1min", "8")]);
    // A thread names itself, so its name may come a moment after it.
    wait_until("the thread's name", PATIENCE, || (!threads().is_empty()).then_some(()));
    assert_eq!(threads(), ["gleaner-measure"], "one thread measures for both");
    // A table of either serves both.
    controller.push(&[best_effort("be", 100)]).expect("a table");
    let offer = estimator.offer_when("a decision", |offer| offer.flags != 0);
    assert_eq!(offer.cpu_millis, 0, "its own threshold is reached");
    assert!(!controller.is_called(), "and the other's is not");
    let own = estimator.push(&[best_effort("be", 100)]).expect("a table");
    estimator.offer_when("an offer from its own table", |offer| offer.generation == own);
    controller.push(&[best_effort("be", 100)]).expect("a table");
    let later = estimator.push(&[best_effort("be", 200)]).expect("a table");
    estimator.offer_when("one from its next", |offer| {
        assert!(offer.generation == own || offer.generation == later, "never from the other's");
        offer.generation == later
    });
    assert_eq!(estimator.close(), GLEANER_OK);
    assert_eq!(threads(), ["gleaner-measure"], "the other goes on");
    node.write("proc/loadavg", "9.00 5.00 5.00 1/100 12345\n");
    wait_until("a correction", PATIENCE, || controller.is_called().then_some(()));
    assert_eq!(controller.close(), GLEANER_OK);
    assert_eq!(threads(), Vec::<String>::new());
}

#[test]
fn threads_block_every_signal_and_descriptors_are_not_inherited() {
    let _alone = ALONE.lock();
    let node = FakeNode::new(FakeVersion::V2);
    let before = inherited();
    let host = start(&node, GLEANER_ROLE_ESTIMATOR, &[("metrics_listen", "127.0.0.1:0")]);
    wait_until("both threads", PATIENCE, || (threads().len() == 2).then_some(()));
    let mut found = 0;
    for task in fs::read_dir("/proc/self/task").expect("procfs").flatten() {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        if !status.starts_with("Name:\tgleaner-") {
            continue;
        }
        found += 1;
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t"));
        let blocked = u64::from_str_radix(blocked.expect("a mask"), 16).expect("hexadecimal");
        // SIGKILL, SIGSTOP, and the two that glibc keeps for itself cannot be blocked.
        let cannot = (1 << 8) | (1 << 18) | (1 << 31) | (1 << 32);
        assert_eq!(blocked | cannot, u64::MAX, "{status}");
    }
    assert_eq!(found, 2);
    assert_eq!(inherited(), before);
    drop(host);
}

#[test]
fn nothing_is_left_after_many_rounds() {
    let _alone = ALONE.lock();
    let node = FakeNode::new(FakeVersion::V1);
    let metrics = [("metrics_listen", "127.0.0.1:0")];
    // The first runtime keeps two descriptors for signals, as long as the process lives.
    drop(start(&node, GLEANER_ROLE_ESTIMATOR, &metrics));
    let before = (threads(), descriptors());
    for _ in 0..50 {
        let host = start(&node, GLEANER_ROLE_ESTIMATOR, &metrics);
        host.push(&[best_effort("be", 100)]).expect("a table");
        assert_eq!(host.close(), GLEANER_OK);
    }
    assert_eq!((threads(), descriptors()), before);
}

#[test]
fn a_closed_handle_is_refused_for_ever() {
    let _alone = ALONE.lock();
    let host = open(GLEANER_ROLE_ESTIMATOR, GLEANER_DIALECT_THRESHOLD, &[]).expect("open");
    let stale = host.0;
    assert_eq!(threads(), Vec::<String>::new(), "opening starts nothing");
    assert_eq!(host.close(), GLEANER_OK);
    let again = open(GLEANER_ROLE_ESTIMATOR, GLEANER_DIALECT_THRESHOLD, &[]).expect("open");
    assert_ne!(again.0, stale, "a number is never given twice");
    assert_eq!(gleaner_close(stale), GLEANER_BAD_HANDLE);
    let stale = std::mem::ManuallyDrop::new(Host(stale));
    assert_eq!(stale.offer().map(|_| ()), Err(GLEANER_BAD_HANDLE));
    assert_eq!(gleaner_close(std::ptr::null_mut()), GLEANER_OK);
}
