// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` on a machine that does nothing else: neighbours are put into their class, the grower is evicted.

use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;

#[test]
fn the_grower_is_evicted_and_that_is_explained() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut demo = Demo::start(15);
    let (status, said) = demo.end();
    assert!(status.success(), "{status}\n{said}");
    for wanted in [
        "standing_class batch-1: done",
        "evict batch-grower: done",
        "Who could be chosen",
        "done by",
    ] {
        assert!(said.contains(wanted), "no {wanted:?} in\n{said}");
    }
    assert!(demo.traces(&rig).is_empty(), "{:?}", demo.traces(&rig));
}
