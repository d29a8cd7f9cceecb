// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` on a machine of its own: neighbours are put into their class, and nothing stays.

use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;

#[test]
fn neighbours_are_put_into_their_class_and_nothing_stays() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut demo = Demo::start(15);
    let (status, said) = demo.end();
    assert!(status.success(), "{status}\n{said}");
    for wanted in ["standing_class batch-1: done", "standing_class batch-2: done", "SERVICE P99"] {
        assert!(said.contains(wanted), "no {wanted:?} in\n{said}");
    }
    assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
}
