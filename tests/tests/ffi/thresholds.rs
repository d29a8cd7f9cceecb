// SPDX-License-Identifier: Apache-2.0
//! The threshold dialect: offers and victims of the modules that the library stands in for.

use crate::host::{Host, PATIENCE, Row, best_effort, guaranteed, on, open, root};
use gleaner::abi::code::{GLEANER_DIALECT_THRESHOLD, GLEANER_ROLE_BOTH};
use gleaner::abi::told::{GLEANER_OFFER_CONFIGURED, GLEANER_OFFER_FRESH};
use gleaner_tests::fake_node::{FakeNode, FakeVersion};
use gleaner_tests::wait_until;

const CONFIGURED: u32 = GLEANER_OFFER_FRESH | GLEANER_OFFER_CONFIGURED;

fn load(node: &FakeNode, one: f64, five: f64, fifteen: f64) {
    node.write("proc/loadavg", &format!("{one:.2} {five:.2} {fifteen:.2} 1/100 12345\n"));
}

fn start(node: &FakeNode, more: &[(&str, &str)]) -> Host {
    let root = root(node);
    let host = open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_THRESHOLD, &on(&root, more)).expect("open");
    host.start().expect("start");
    host
}

/// Waits until somebody is to go.
fn taken(host: &Host) -> crate::host::Taken {
    wait_until("a correction", PATIENCE, || host.is_called().then_some(()));
    let mut list = host.take().expect("corrections");
    assert_eq!(list.len(), 1, "one at a time");
    list.remove(0)
}

#[test]
fn all_is_offered_less_what_is_held_until_a_threshold_is_reached() {
    let node = FakeNode::new(FakeVersion::V1);
    load(&node, 1.0, 1.0, 1.0);
    let parameters = [
        ("resources", "cpus:6;mem:1024"),
        ("load_threshold_5min", "8"),
        ("mem_threshold", "999999"),
    ];
    let host = start(&node, &parameters);
    assert_eq!(host.offer().expect("an offer").flags, 0, "no table, no offer");
    let held = Row { memory: 256 << 20, ..best_effort("be", 1500) };
    let generation = host.push(&[guaranteed("web", 4000), held]).expect("a table");
    let offer = host.offer_when("an open offer", |offer| offer.flags == CONFIGURED);
    assert_eq!((offer.cpu_millis, offer.memory_bytes), (4500, 768 << 20));
    assert_eq!(offer.generation, generation);
    load(&node, 8.0, 8.0, 1.0);
    let closed = host.offer_when("a closed offer", |offer| offer.flags == GLEANER_OFFER_FRESH);
    assert_eq!((closed.cpu_millis, closed.memory_bytes), (0, 0), "of all kinds");
    load(&node, 7.9, 9.0, 9.0);
    host.offer_when("open again", |offer| offer.flags == CONFIGURED);
    node.write("proc/loadavg", "what is this\n");
    host.offer_when("closed on what cannot be read", |o| o.flags & GLEANER_OFFER_CONFIGURED == 0);
    assert_eq!(host.take(), Ok(Vec::new()), "and nobody is ended for it");
}

#[test]
fn one_victim_at_a_time_and_never_who_holds_nothing_revocable() {
    let node = FakeNode::new(FakeVersion::V1);
    load(&node, 9.0, 9.0, 9.0);
    let host = start(&node, &[("load_threshold_1min", "8")]);
    let table = [guaranteed("web", 4000), best_effort("first", 100), best_effort("second", 100)];
    let generation = host.push(&table).expect("a table");
    let victim = taken(&host);
    assert_eq!((victim.index, victim.generation), (1, generation));
    assert_eq!((victim.id.as_slice(), victim.names_container), (&b"first"[..], true));
    assert_eq!(victim.reason, "load is at a threshold");
    assert!(!host.is_called(), "taken");
    let later = host.push(&[best_effort("second", 100), guaranteed("web", 4000)]).expect("a table");
    host.offer_when("a decision by the next table", |offer| offer.generation == later);
    assert!(!host.is_called(), "after one is gone the averages need a minute");
}

#[test]
fn strict_takes_whom_the_module_took_and_asks_again() {
    let node = FakeNode::new(FakeVersion::V1);
    load(&node, 0.0, 0.0, 0.0);
    let parameters = [("mem_threshold", "1"), ("strict_compatibility", "true")];
    let host = start(&node, &parameters);
    let small = Row { total: Some(10), rss: Some(10), ..best_effort("small", 100) };
    let cached = Row { total: Some(99), rss: Some(1), ..best_effort("cached", 100) };
    host.push(&[small, cached.clone(), guaranteed("web", 1)]).expect("a table");
    let victim = taken(&host);
    assert_eq!((victim.index, victim.names_container), (1, false), "page cache counts");
    assert_eq!(taken(&host).index, 1, "and again, although it is leaving");
}

#[test]
fn a_table_that_grows_old_ends_nobody_and_offers_nothing() {
    let node = FakeNode::new(FakeVersion::V2);
    load(&node, 9.0, 9.0, 9.0);
    let parameters = [
        ("resources", "cpus:6"),
        ("load_threshold_1min", "8"),
        ("push_every", "1s"),
        ("table_max_age", "1500ms"),
    ];
    let host = start(&node, &parameters);
    assert_eq!((host.pace().push_every_ms, host.pace().table_max_age_ms), (1000, 1500));
    host.push(&[best_effort("be", 100)]).expect("a table");
    host.offer_when("a decision", |offer| offer.flags == GLEANER_OFFER_FRESH);
    wait_until("a correction", PATIENCE, || host.is_called().then_some(()));
    host.offer_when("nothing known any more", |offer| offer.flags == 0);
    assert!(!host.is_called(), "what waited was withdrawn");
    assert_eq!(host.take(), Ok(Vec::new()));
    let said = host.log().join("\n");
    assert!(said.contains("has not told its tasks for"), "{said}");
}
