// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` on this machine: it lends, takes back and evicts, and nothing of it stays, however it ends.

#[path = "scenarios/demo.rs"]
mod demo;

use gleaner_tests::acting::LONG;
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;
use gleaner_tests::wait_until;
use rustix::process::{Signal, kill_process};
use std::net::TcpStream;

#[test]
fn told_to_end_in_the_middle_it_leaves_nothing() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    for signal in [Signal::TERM, Signal::INT] {
        let mut demo = Demo::start(60);
        demo.hear("2. ");
        demo.hear(" ms ");
        demo.signal(signal);
        let (status, said) = demo.end();
        assert!(status.success(), "{status}\n{said}");
        assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
    }
}

#[test]
fn killed_in_the_middle_its_processes_end_and_the_next_one_sweeps() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut demo = Demo::start(60);
    let page = demo.page();
    demo.hear("2. ");
    demo.hear(" ms ");
    demo.signal(Signal::KILL);
    demo.end();
    wait_until("the end of its processes", LONG, || demo.processes(&rig).is_empty().then_some(()));
    wait_until("the end of its daemon", LONG, || TcpStream::connect(page).is_err().then_some(()));
    assert!(!demo.traces(&rig).is_empty(), "nobody was there to remove its cgroups");
    let mut next = Demo::start(60);
    next.hear("1. ");
    assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
    next.signal(Signal::TERM);
    let (status, said) = next.end();
    assert!(status.success(), "{status}\n{said}");
    assert!(next.traces(&rig).is_empty(), "{:?}", next.traces(&rig));
}

#[test]
fn where_its_daemon_or_service_is_killed_it_says_so_and_leaves_nothing() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    for kind in ["daemon", "service"] {
        let mut demo = Demo::start(60);
        demo.hear("1. ");
        let pid = demo.worker(kind).expect("it runs");
        kill_process(pid, Signal::KILL).expect("it runs");
        let (status, said) = demo.end();
        assert!(!status.success(), "{kind}: {status}\n{said}");
        assert!(demo.traces(&rig).is_empty(), "{kind}: {:?}", demo.traces(&rig));
    }
}
