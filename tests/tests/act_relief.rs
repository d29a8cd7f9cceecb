// SPDX-License-Identifier: Apache-2.0
//! What came back of an eviction for memory: what the victim held, whatever others take and give meanwhile.

use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::Mode;
use gleaner_tests::acting::{LONG, hands, id, places};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::shortage::{ManualClock, Shortage};
use gleaner_tests::wait_until;

const HELD: u64 = 48 << 20;
/// Page tables and kernel stacks of the victim, and charges that the kernel counts by processor.
const BESIDE: u64 = 4 << 20;

#[test]
fn what_the_victim_held_came_back_though_somebody_else_takes_as_much() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let [group, other] = ["batch", "other"].map(|name| rig.group(name).expect("a group"));
    let hold = Work::Hold { bytes: HELD };
    let _victim = Load::start(&hold, &group).expect("a load starts");
    let holds = |group: &gleaner_tests::cgroup_rig::Group| {
        let now = group.memory_current().expect("accounted");
        (now >= HELD).then_some(())
    };
    wait_until("the victim holds it", LONG, || holds(&group));
    let clock = ManualClock::default();
    let mut node = Shortage::new(&clock, &[id(&group)]);
    let (mut actor, _) =
        Actor::start(places(&rig), hands(), Box::new(clock), ActorConfig::default(), None);
    let can = Capabilities::none().with(Actuator::Evict, Ability::Works);
    for available in [400, 300, 200, 20, 20] {
        let (sample, verdict) = node.second(available, Mode::Evict, &can);
        assert_eq!(actor.apply(1, &sample, &verdict, Mode::Evict, sample.at), []);
        if actor.next_poll().is_some() {
            break;
        }
    }
    // The eviction is under way, and not looked at before that much is taken by somebody else.
    let _other = Load::start(&hold, &other).expect("a load starts");
    wait_until("the other holds as much", LONG, || holds(&other));
    let reports = wait_until("the end", LONG, || {
        let reports = actor.poll();
        (!reports.is_empty()).then_some(reports)
    });
    let Some(Relief::Memory(back)) = reports[0].relief else { panic!("{reports:?}") };
    assert!((HELD - BESIDE..HELD + BESIDE).contains(&back.0), "{back} of {HELD} bytes");
}
