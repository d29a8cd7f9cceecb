// SPDX-License-Identifier: Apache-2.0
//! Our own dialect: the engine over cgroups by container id, and over the agent's figures where there are none.

use crate::host::{Host, PATIENCE, Row, best_effort, guaranteed, on, open, root};
use gleaner::abi::code::{
    GLEANER_BAD_STATE, GLEANER_BAD_VALUE, GLEANER_DIALECT_GLEANER, GLEANER_LEVEL_CALM,
    GLEANER_ROLE_BOTH,
};
use gleaner::abi::told::GLEANER_OFFER_FRESH;
use gleaner_tests::fake_node::{FakeCgroup, FakeNode, FakeVersion};
use gleaner_tests::poll::poll_until;
use gleaner_tests::wait_until;
use std::time::Instant;

const VERSIONS: [FakeVersion; 3] = [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid];

/// Half of what is promised is needed, whatever is used; offers are not slowed down.
const HALF: [(&str, &str); 5] = [
    ("predict.predictor", "borg"),
    ("predict.borg_share", "50%"),
    ("cpu.rise", "none"),
    ("cpu.reserve", "0 cores"),
    ("http.listen", "none"),
];

fn start(node: &FakeNode, more: &[(&str, &str)]) -> Host {
    let root = root(node);
    let parameters = [&HALF[..], more].concat();
    let parameters = on(&root, &parameters);
    let host = open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_GLEANER, &parameters).expect("open");
    host.start().expect("start");
    host
}

fn container(node: &FakeNode, name: &str, pid: u32) {
    node.process(pid, 100, 1_000, 100);
    let cgroup = FakeCgroup { cpu_usec: 1_000, pids: vec![pid], ..FakeCgroup::default() };
    node.put(&format!("mesos/{name}"), &cgroup);
}

#[test]
fn what_guaranteed_containers_leave_unused_is_offered_on_every_hierarchy() {
    for version in VERSIONS {
        let node = FakeNode::new(version);
        container(&node, "web", 7);
        container(&node, "be", 8);
        let host = start(&node, &[]);
        host.push(&[best_effort("be", 300), guaranteed("web", 2000)]).expect("a table");
        let began = Instant::now();
        // A service that uses a fifth of a core and does not wait, on a node that does nothing else.
        let offer = poll_until(PATIENCE, || {
            let ran = 1_000 + u64::try_from(began.elapsed().as_nanos()).expect("seconds") / 5;
            node.process(7, 100, ran, 100);
            let ticks = ran / 10_000_000;
            node.write("proc/stat", &format!("cpu  {ticks} 0 0 {} 0 0 0 0 0 0\n", 9 * ticks));
            let pids = vec![7];
            let web = FakeCgroup { cpu_usec: ran / 1000, pids, ..FakeCgroup::default() };
            node.put("mesos/web", &web);
            // Half of 2 cores less the 0.3 that are lent. A file read while it is written may show less.
            host.offer().ok().filter(|offer| offer.cpu_millis == 700)
        });
        let offer = offer.unwrap_or_else(|| panic!("no offer on {version:?}: {}", host.status()));
        assert_eq!(offer.memory_bytes, 0, "memory is not lent unless asked for");
        assert_eq!((offer.flags, offer.level), (GLEANER_OFFER_FRESH, GLEANER_LEVEL_CALM));
        let status = host.status();
        assert_eq!(status["decision"]["tasks"]["guaranteed"], 1, "{status}");
        assert_eq!(status["decision"]["tasks"]["best_effort"], 1);
    }
}

#[test]
fn the_agent_says_who_is_revocable_and_weights_do_not() {
    let node = FakeNode::new(FakeVersion::V1);
    container(&node, "web", 7);
    // The weight of a revocable container, and yet promised.
    node.put("mesos/small", &FakeCgroup { shares: 10, ..FakeCgroup::default() });
    container(&node, "unlisted", 9);
    let host = start(&node, &[]);
    host.push(&[guaranteed("small", 10), guaranteed("web", 2000)]).expect("a table");
    let classes = wait_until("a decision", PATIENCE, || {
        let tasks = host.status()["decision"]["tasks"].clone();
        (tasks["guaranteed"] == 2).then_some(tasks)
    });
    assert_eq!(classes["system"], 1, "a container that the agent does not name is nobody's victim");
    host.push(&[best_effort("small", 10), guaranteed("web", 2000)]).expect("a table");
    wait_until("the change", PATIENCE, || {
        (host.status()["decision"]["tasks"]["best_effort"] == 1).then_some(())
    });
}

#[test]
fn without_cgroups_the_agents_figures_are_used() {
    let node = FakeNode::new(FakeVersion::V1);
    let host = start(&node, &[("push_every", "1s"), ("load_threshold_1min", "100")]);
    node.write("proc/loadavg", "1.00 1.00 1.00 1/100 12345\n");
    let mut used = 0;
    // Each table says that 100 s more were used: any rate that comes of it is known and positive.
    let row = |used| Row { cpu_usec: Some(used), rss: Some(5 << 20), ..guaranteed("web", 2000) };
    let seen = wait_until("a rate from two tables", PATIENCE, || {
        used += 100_000_000;
        host.push(&[row(used), best_effort("be", 300)]).expect("a table");
        let cpu = host.status()["decision"]["cpu"]["usage"]["guaranteed"].as_u64();
        cpu.filter(|cpu| *cpu > 0)
    });
    assert!(seen > 0);
    let status = host.status();
    assert_eq!(status["decision"]["memory"]["usage"]["guaranteed"], 5 << 20, "{status}");
}

#[test]
fn a_threshold_in_our_own_dialect_takes_the_best_victim_back() {
    let node = FakeNode::new(FakeVersion::V2);
    node.write("proc/loadavg", "50.00 50.00 50.00 1/100 12345\n");
    container(&node, "web", 7);
    container(&node, "be", 8);
    let host = start(&node, &[("load_threshold_1min", "8")]);
    let mut used = 0;
    let victim = wait_until("a correction", PATIENCE, || {
        used += 50_000;
        let cgroup = FakeCgroup { cpu_usec: used, pids: vec![8], ..FakeCgroup::default() };
        node.put("mesos/be", &cgroup);
        host.push(&[guaranteed("web", 2000), best_effort("be", 300)]).expect("a table");
        host.take().expect("corrections").pop()
    });
    assert_eq!((victim.index, victim.id.as_slice()), (1, &b"be"[..]));
    assert!(victim.names_container && victim.reason.contains("threshold"), "{victim:?}");
    assert_eq!(host.offer().expect("an offer").cpu_millis, 0);
}

#[test]
fn a_bad_table_is_refused_as_a_whole_and_the_one_before_stays() {
    let node = FakeNode::new(FakeVersion::V2);
    let host = start(&node, &[]);
    assert_eq!(host.start().map_err(|(status, _)| status), Err(GLEANER_BAD_STATE));
    host.push(&[guaranteed("web", 1)]).expect("a table");
    let twice = [guaranteed("web", 1), guaranteed("web", 2)];
    assert_eq!(host.push(&twice), Err(GLEANER_BAD_VALUE));
    let nameless = Row { id: b"", ..guaranteed("x", 1) };
    assert_eq!(host.push(&[nameless]), Err(GLEANER_BAD_VALUE));
    assert_eq!(host.status()["table"]["tasks"], 1);
    let log = host.log().join("\n");
    assert!(log.contains("the id web is there twice"), "{log}");
    // Ids are bytes: what is no text is taken as it is.
    host.push(&[Row { id: b"\xff/\x00", ..guaranteed("x", 1) }]).expect("a table");
}
