// SPDX-License-Identifier: Apache-2.0
//! Real containers of this machine: told by an agent, measured by container id, and one of them taken back.

use crate::host::{PATIENCE, best_effort, guaranteed, open};
use gleaner::abi::code::{GLEANER_DIALECT_GLEANER, GLEANER_ROLE_BOTH};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::shell::{Shell, burn};
use gleaner_tests::wait_until;

#[test]
fn a_container_that_burns_is_measured_and_taken_back() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let root = rig.group("agent").expect("a group");
    let [be, _web] = ["be-1", "web-1"].map(|name| root.child(name).expect("below our own"));
    let mut process = Shell::new(&burn(200_000_000));
    process.enter(&be);
    process.go();
    let name = root.path().to_string_lossy();
    let parameters = [
        ("layout.containers_root", name.as_ref()),
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
