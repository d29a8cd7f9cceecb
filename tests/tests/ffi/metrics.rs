// SPDX-License-Identifier: Apache-2.0
//! Metrics of a module: the daemon's names, over loopback and in a file, gone with the handle.

use crate::host::{PATIENCE, best_effort, guaranteed, on, open, root};
use gleaner::abi::code::{GLEANER_DIALECT_THRESHOLD, GLEANER_OK, GLEANER_OS, GLEANER_ROLE_BOTH};
use gleaner_tests::fake_node::{FakeNode, FakeVersion};
use gleaner_tests::http::{free_address, get};
use gleaner_tests::wait_until;
use gleaner_watch::metrics::list;
use std::net::TcpStream;

#[test]
fn the_daemons_metrics_are_served_and_written_and_end_with_the_handle() {
    let node = FakeNode::new(FakeVersion::V1);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("gleaner.prom");
    let (address, path) = (free_address(), file.to_str().expect("UTF-8"));
    let (root, listen) = (root(&node), address.to_string());
    let parameters = [
        ("metrics_listen", listen.as_str()),
        ("metrics_textfile", path),
        ("resources", "cpus:3"),
        ("load_threshold_1min", "8"),
    ];
    let parameters = on(&root, &parameters);
    let host = open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_THRESHOLD, &parameters).expect("open");
    host.start().expect("start");
    host.push(&[guaranteed("web", 1000), best_effort("be", 500)]).expect("a table");
    host.offer_when("an offer", |offer| offer.cpu_millis == 2500);
    let shown = wait_until("the offer in a scrape", PATIENCE, || {
        get(address, "/metrics").filter(|text| text.contains("gleaner_offer_cpu_cores 2.5"))
    });
    let names: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_whitespace().next())
        .collect();
    // What is not known now has no series, as with the daemon.
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(list::all().any(|metric| metric.name == name), "{name} is not the daemon's");
    }
    let written = wait_until("the file", PATIENCE, || std::fs::read_to_string(&file).ok());
    assert!(written.contains("# TYPE gleaner_build_info "), "{written}");
    let other = open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_THRESHOLD, &parameters).expect("open");
    let (status, why) = other.start().expect_err("the address is taken");
    assert!(status == GLEANER_OS && why.contains("metrics_listen"), "{status} {why}");
    assert_eq!(host.close(), GLEANER_OK);
    assert!(!file.exists(), "numbers of a module that is gone");
    let left: Vec<_> = std::fs::read_dir(directory.path()).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}
