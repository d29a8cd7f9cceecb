// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` on this machine: it is told through, and nothing of it stays, however it ends.

use gleaner_tests::acting::LONG;
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;
use gleaner_tests::wait_until;
use rustix::process::Signal;
use std::net::TcpStream;

/// Where its page is, from the line that says so.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once("http://").expect("a URL");
    rest.split(',').next().expect("an address").to_owned()
}

#[test]
fn it_is_told_through_and_leaves_nothing() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut demo = Demo::start(15);
    let page = address(&demo.hear("http://"));
    assert!(TcpStream::connect(&page).is_ok(), "the page is there while it plays: {page}");
    assert!(!demo.traces(&rig).is_empty() && !demo.processes(&rig).is_empty());
    for act in ["\n1. ", "\n2. ", "\n3. ", "\n4. ", "\n5. "].map(str::trim_start) {
        demo.hear(act);
    }
    let (status, said) = demo.end();
    assert!(status.success(), "{status}\n{said}");
    for wanted in [
        "standing_class batch-1: observed",
        "standing_class batch-1: done",
        "SERVICE P99",
        "beside neighbours, observed",
        "beside neighbours, protected",
        "Everything is put back",
    ] {
        assert!(said.contains(wanted), "no {wanted:?} in\n{said}");
    }
    assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
    assert!(TcpStream::connect(&page).is_err(), "its daemon is gone");
}

#[test]
fn told_to_end_in_the_middle_it_leaves_nothing() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    for signal in [Signal::TERM, Signal::INT] {
        let mut demo = Demo::start(60);
        demo.hear("2. ");
        demo.hear(" s  web: ");
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
    let page = address(&demo.hear("http://"));
    demo.hear("2. ");
    demo.hear(" s  web: ");
    demo.signal(Signal::KILL);
    demo.end();
    wait_until("the end of its processes", LONG, || demo.processes(&rig).is_empty().then_some(()));
    wait_until("the end of its daemon", LONG, || TcpStream::connect(&page).is_err().then_some(()));
    assert!(!demo.traces(&rig).is_empty(), "nobody was there to remove its cgroups");
    let mut next = Demo::start(60);
    next.hear("1. ");
    assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
    next.signal(Signal::TERM);
    let (status, said) = next.end();
    assert!(status.success(), "{status}\n{said}");
    assert!(next.traces(&rig).is_empty(), "{:?}", next.traces(&rig));
}
