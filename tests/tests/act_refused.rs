// SPDX-License-Identifier: Apache-2.0
//! A kernel that refuses to undo: what we wrote stays known, and is put back when it can be. The only test of its
//! program, because its fault is the process's own: no descriptor is left.

use gleaner_act::actor::{Actor, ActorConfig};
use gleaner_estimator::units::Span;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::verdict::{Action, Mode};
use gleaner_tests::acting::{LONG, class, hands, id, places};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::shortage::{ManualClock, Shortage};
use gleaner_tests::wait_until;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit as it was, put back when it is dropped.
struct NoDescriptors(Rlimit);

impl NoDescriptors {
    fn left() -> Self {
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..before }).expect("lower");
        assert!(std::fs::File::open("/proc/self/stat").is_err(), "one was left");
        Self(before)
    }
}

impl Drop for NoDescriptors {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).expect("as it was");
    }
}

fn scene(rig: &CgroupRig, name: &str, clock: &ManualClock) -> (Group, Shortage, Actor) {
    let group = rig.group(name).expect("a group");
    let node = Shortage::new(clock, &[id(&group)]);
    let config = ActorConfig::default();
    let (actor, swept) = Actor::start(places(rig), hands(), Box::new(clock.clone()), config, None);
    assert_eq!(swept, []);
    (group, node, actor)
}

#[test]
fn what_could_not_be_undone_is_undone_when_it_can_be() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let clock = ManualClock::default();
    promoted(&rig, &clock);
    frozen(&rig, &clock);
    everything(&rig, &clock);
}

/// Who is guaranteed now must not stay in the lowest class.
fn promoted(rig: &CgroupRig, clock: &ManualClock) {
    let (group, mut node, mut actor) = scene(rig, "promoted", clock);
    let (before, mode) = (class(&group), Mode::Squeeze);
    let can = Capabilities::none().with(Actuator::StandingClass, Ability::Works);
    let (sample, verdict) = node.second(900, mode, &can);
    node.report(&actor.apply(1, &sample, &verdict, mode, sample.at));
    let ours = class(&group);
    assert_ne!(ours, before);
    let (sample, verdict) = node.promoted(900, mode, &can);
    assert_eq!(verdict.let_go.len(), 1);
    let none = NoDescriptors::left();
    assert_eq!(actor.apply(1, &sample, &verdict, mode, sample.at), []);
    assert_eq!(actor.tend(), []);
    drop(none);
    assert_eq!(class(&group), ours);
    assert_eq!(actor.tend(), []);
    assert_eq!(class(&group), before);
    assert_eq!(actor.hands().journal.spots().count(), 0);
}

/// Left frozen it would starve.
fn frozen(rig: &CgroupRig, clock: &ManualClock) {
    let (group, mut node, mut actor) = scene(rig, "frozen", clock);
    let (before, mode) = (class(&group), Mode::Evict);
    let can = Capabilities::none().with(Actuator::Freeze, Ability::Works);
    for available in [400, 300, 200, 90] {
        let (sample, verdict) = node.second(available, mode, &can);
        node.report(&actor.apply(1, &sample, &verdict, mode, sample.at));
    }
    let reports = wait_until("the freeze", LONG, || {
        let reports = actor.poll();
        (!reports.is_empty()).then_some(reports)
    });
    node.report(&reports);
    assert_ne!(class(&group), before);
    // Asked for, and refused.
    let none = NoDescriptors::left();
    let (sample, verdict) = node.second(90, Mode::Observe, &can);
    let asked = verdict.corrections.iter().any(|c| c.action() == Action::Thaw);
    assert!(asked, "{verdict:?}");
    let reports = actor.apply(1, &sample, &verdict, mode, sample.at);
    assert_eq!(reports.len(), 1);
    clock.advance(Span::from_secs(20));
    assert_eq!(actor.poll(), []);
    drop(none);
    assert_ne!(class(&group), before);
    // By itself, because its time is over, and again after the last try.
    clock.advance(Span::from_secs(2));
    assert_eq!(actor.poll(), []);
    assert_eq!(class(&group), before);
}

/// A new configuration has everything put back, and the actor goes on.
fn everything(rig: &CgroupRig, clock: &ManualClock) {
    let (group, mut node, mut actor) = scene(rig, "everything", clock);
    let (before, mode) = (class(&group), Mode::Squeeze);
    let can = Capabilities::none().with(Actuator::StandingClass, Ability::Works);
    let (sample, verdict) = node.second(900, mode, &can);
    node.report(&actor.apply(1, &sample, &verdict, mode, sample.at));
    let none = NoDescriptors::left();
    assert_eq!(actor.put_everything_back().len(), 1);
    drop(none);
    assert_ne!(class(&group), before);
    assert_eq!(actor.tend(), []);
    assert_eq!(class(&group), before);
}
