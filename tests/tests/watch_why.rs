// SPDX-License-Identifier: Apache-2.0
//! The sentence about harm, from the real engine: which signal, how far beyond its limit, when lending returns.

mod watch_support;

use gleaner_engine::decision::Decision;
use gleaner_estimator::reason::Bound;
use gleaner_watch::state::State;
use gleaner_watch::why::{why, why_io};
use std::time::{Duration, Instant};
use watch_support::{Node, about};

fn decision(node: &Node) -> Decision {
    node.publisher.published().load().expect("a tick was told").decision.clone()
}

fn cpu(node: &Node) -> String {
    let [cpu, _] = why(&decision(node), &about());
    cpu.sentence
}

#[test]
fn harm_is_named_with_its_limit_and_its_end() {
    let mut node = Node::warm(3);
    assert_eq!(decision(&node).cpu.offer.bound, Bound::Headroom);
    node.waits = Duration::from_secs(20);
    for _ in 0..4 {
        node.tick(3);
    }
    assert_eq!(decision(&node).cpu.offer.bound, Bound::Level);
    let harmed = cpu(&node);
    assert!(harmed.starts_with("Would offer 0: CPU is "), "{harmed}");
    let named = "owners' wait for a CPU, times what best-effort uses,";
    assert!(harmed.contains(named) && harmed.contains(", limit "), "{harmed}");
    assert!(harmed.ends_with("without. 0.5 cores are lent."), "{harmed}");
    let shot = node.publisher.published().load().expect("a tick was told");
    assert!(State::of_node(&shot, Instant::now()) >= State::Strained);
    node.waits = Duration::from_millis(1);
    node.tick(3);
    node.tick(3);
    assert!(cpu(&node).contains("harm shows no longer; calm again after "), "{}", cpu(&node));
}

#[test]
fn io_is_guarded_and_never_lent() {
    let node = Node::warm(0);
    let io = why_io(&decision(&node)).expect("the engine judges IO");
    assert_eq!((io.sentence.as_str(), io.bound), ("Not lent; guarded.", None));
    let node = Node::warm(3);
    let io = why_io(&decision(&node)).expect("the engine judges IO");
    assert_eq!(io.state, State::Blind, "{}", io.sentence);
}

#[test]
fn a_failed_reading_says_when_the_last_good_one_was() {
    let mut node = Node::warm(3);
    node.fail("/proc/stat: Input/output error");
    node.fail("/proc/stat: Input/output error");
    assert_eq!(
        cpu(&node),
        "Would offer 0: last good reading 2.0 s ago, limit 60 min: /proc/stat: Input/output error. \
         0.5 cores are lent."
    );
}
