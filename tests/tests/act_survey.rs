// SPDX-License-Identifier: Apache-2.0
//! What can be done on this kernel, found by looking.

use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::verdict::Mode;
use gleaner_tests::acting::{hands, id, places};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::shortage::{ManualClock, Shortage};

#[test]
fn a_survey_finds_what_is_there() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("batch").expect("a group");
    let _load = Load::start(&Work::Idle, &group).expect("a load starts");
    let clock = ManualClock::default();
    let mut node = Shortage::new(&clock, &[id(&group)]);
    let (mut actor, _) =
        Actor::start(places(&rig), hands(), Box::new(clock), ActorConfig::default(), None);
    assert_eq!(actor.capabilities(), Capabilities::none());
    let (sample, _) = node.second(900, Mode::Observe, &Capabilities::none());
    actor.survey(&sample);
    let found = actor.capabilities();
    for actuator in [Actuator::StandingClass, Actuator::CpuQuota, Actuator::Freeze, Actuator::Evict]
    {
        assert_eq!(found.ability(actuator), Ability::Works, "{actuator:?}");
    }
    let there = group.read("memory", "memory.high").is_ok();
    let has = if there { Ability::Works } else { Ability::Missing };
    assert_eq!(found.ability(Actuator::MemoryHigh), has);
}
