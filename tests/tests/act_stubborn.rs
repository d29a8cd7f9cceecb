// SPDX-License-Identifier: Apache-2.0
//! A victim that cannot die: somebody has frozen the cgroup above it, and on v1 nobody dies while frozen.

use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_estimator::units::Span;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::report::Outcome;
use gleaner_qos::verdict::Mode;
use gleaner_tests::acting::{LONG, class, hands, id, places};
use gleaner_tests::cgroup_rig::{CgroupRig, Layout};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::shortage::{ManualClock, Shortage};
use gleaner_tests::wait_until;

#[test]
fn who_cannot_die_is_reported_and_squeezed_again() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let parent = rig.group("parent").expect("a group");
    let victim = parent.child("victim").expect("a group");
    let mut load = Load::start(&Work::Idle, &victim).expect("a load starts");
    let clock = ManualClock::default();
    let mut node = Shortage::new(&clock, &[id(&victim)]);
    let (boxed, config) = (Box::new(clock.clone()), ActorConfig::default());
    let (mut actor, _) = Actor::start(places(&rig), hands(), boxed, config, None);
    let can = Capabilities::none().with(Actuator::StandingClass, Ability::Works);
    let can = can.with(Actuator::Evict, Ability::Works);
    let mut second = |available: u64, actor: &mut Actor| {
        let (sample, verdict) = node.second(available, Mode::Evict, &can);
        let reports = actor.apply(1, &sample, &verdict, Mode::Evict, sample.at);
        node.report(&reports);
    };
    second(400, &mut actor);
    let squeezed = class(&victim);
    parent.set_frozen(true).expect("it freezes");
    for available in [300, 200, 20] {
        second(available, &mut actor);
    }
    // Time passes only here, so patience ends when the blows have been struck.
    let reports = wait_until("a report", LONG, || {
        clock.advance(Span::from_millis(100));
        let reports = actor.poll();
        (!reports.is_empty()).then_some(reports)
    });
    if rig.layout() == Layout::V2 {
        assert_eq!(reports[0].outcome, Outcome::Gone, "v2 kills what is frozen");
        return;
    }
    assert_eq!(reports[0].outcome, Outcome::NoEffect);
    assert!(load.runs().expect("it can be asked"));
    // Its own freezer reads FROZEN because of the one above it.
    assert_eq!(&class(&victim)[..3], &squeezed[..3]);
    parent.set_frozen(false).expect("it thaws");
    let ended = || (!load.runs().expect("it can be asked")).then_some(());
    wait_until("the kill to come true", LONG, ended);
}
