// SPDX-License-Identifier: Apache-2.0
//! Real containers of this machine: told by an agent, measured by container id, and one of them taken back.

use crate::host::{PATIENCE, best_effort, guaranteed, open};
use gleaner::abi::code::{GLEANER_DIALECT_GLEANER, GLEANER_ROLE_BOTH};
use gleaner_collector::{Hierarchies, Roots};
use gleaner_tests::host_cgroup::{HostCgroup, HostProcess, burn};
use gleaner_tests::{skip, wait_until};
use std::path::PathBuf;

/// A cgroup of that name in every hierarchy, below `parents`.
fn everywhere(parents: &[PathBuf], name: &str) -> Option<Vec<HostCgroup>> {
    parents.iter().map(|parent| HostCgroup::named(parent, name)).collect()
}

fn paths(cgroups: &[HostCgroup]) -> Vec<PathBuf> {
    cgroups.iter().map(|cgroup| cgroup.path().to_owned()).collect()
}

#[test]
fn a_container_that_burns_is_measured_and_taken_back() {
    let hierarchies = Hierarchies::read(&Roots::default()).expect("a mountinfo");
    let mut parents: Vec<PathBuf> = hierarchies.controllers.values().cloned().collect();
    parents.extend(hierarchies.unified.clone());
    parents.sort();
    parents.dedup();
    // A cpuset made by hand has no CPU, and nobody can enter it.
    parents.retain(|parent| !parent.join("cpuset.cpus").exists());
    let name = format!("gleaner-test-{}-agent", std::process::id());
    let roots = everywhere(&parents, &name).filter(|roots| !roots.is_empty());
    let Some(roots) = roots else { return skip("no cgroups can be made here") };
    let be = everywhere(&paths(&roots), "be-1").expect("below our own");
    let _web = everywhere(&paths(&roots), "web-1").expect("below our own");
    let mut process = HostProcess::shell(&burn(200_000_000));
    process.enter(&be.iter().collect::<Vec<_>>());
    process.go();
    let parameters = [
        ("layout.containers_root", name.as_str()),
        ("sample.interval", "100ms"),
        ("lend.warm_up", "0s"),
        ("load_threshold_1min", "0"),
    ];
    let host = open(GLEANER_ROLE_BOTH, GLEANER_DIALECT_GLEANER, &parameters).expect("open");
    host.start().expect("start");
    host.push(&[guaranteed("web-1", 100), best_effort("be-1", 100)]).expect("a table");
    let used = wait_until("what it burns", PATIENCE, || {
        let used = host.status()["decision"]["cpu"]["usage"]["best_effort"].as_u64()?;
        // Not all of a core where the machine has much else to do.
        (used > 10).then_some(used)
    });
    assert!(used < 1500, "one shell burns one core: {used}");
    wait_until("a correction", PATIENCE, || host.is_called().then_some(()));
    let taken = host.take().expect("corrections");
    assert_eq!(taken.iter().map(|one| one.id.as_slice()).collect::<Vec<_>>(), [b"be-1"]);
    // The agent ends the container.
    drop((process, be));
    host.push(&[guaranteed("web-1", 100)]).expect("a table");
    wait_until("its end", PATIENCE, || {
        (host.status()["decision"]["tasks"]["best_effort"] == 0).then_some(())
    });
    drop(host);
}
