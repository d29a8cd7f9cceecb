// SPDX-License-Identifier: Apache-2.0
//! Once warm, a sample allocates nothing: not for hot files, slow files, refreshes or threads.

use gleaner_collector::Settings;
use gleaner_tests::fake_node::{FakeCgroup, FakeNode, FakeVersion, Reading};

const TASKS: u32 = 50;

/// Half promised, half revocable containers of one process each.
fn node(version: FakeVersion) -> FakeNode {
    let node = FakeNode::new(version);
    for id in 1..=TASKS {
        node.process(id, 100, 1_000, 100);
        let (shares, weight) = if id % 2 == 0 { (1024, 100) } else { (10, 1) };
        let cgroup = FakeCgroup { shares, weight, pids: vec![id], ..FakeCgroup::default() };
        node.put(&format!("mesos/c{id}"), &cgroup);
    }
    node
}

/// Allocations in each sample from one full scan to the next.
fn allocations(version: FakeVersion, descriptor_cap: usize) -> Vec<u64> {
    let node = node(version);
    let mut reading = Reading::open(Settings { descriptor_cap, ..node.settings() });
    // Round 0 scans and round 60 would again; ten rounds see every slow file once.
    for _ in 0..12 {
        reading.must();
    }
    let counts = (12..60).map(|_| {
        reading.at.0 += 1_000_000_000;
        let Reading { collector, sample, at } = &mut reading;
        let info = allocation_counter::measure(|| {
            collector.sample(*at, sample).expect("a sample");
        });
        assert_eq!(sample.tasks.len(), usize::try_from(TASKS).expect("a few"));
        info.count_total
    });
    counts.collect()
}

#[test]
fn a_warm_sample_allocates_nothing() {
    for version in [FakeVersion::V1, FakeVersion::V2, FakeVersion::Hybrid] {
        for descriptor_cap in [10_000, 0] {
            let counts = allocations(version, descriptor_cap);
            assert_eq!(counts, [0; 48], "{version:?}, {descriptor_cap} descriptors");
        }
    }
}

#[test]
fn the_counter_counts() {
    let info = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8; 9])));
    assert_eq!(info.count_total, 1);
}
