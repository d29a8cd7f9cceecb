// SPDX-License-Identifier: Apache-2.0
//! Evictions of real processes: deaf, frozen, forking, nested, protected, and of a cgroup that took another's name.

use gleaner_act::evict::Eviction;
use gleaner_act::fault::Lost;
use gleaner_act::means::Means;
use gleaner_act::outcome::Outcome;
use gleaner_act::setting::Deed;
use gleaner_act::target::Target;
use gleaner_estimator::units::Span;
use gleaner_tests::acting::{LONG, deaf, evict, hands, id, now, places, target};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::wait_until;

const NO_GRACE: Span = Span(0);
/// Longer than a test may take: only what ends by itself ends within it.
const LONG_GRACE: Span = Span::from_secs(600);

fn started(group: &Group, works: &[Work]) -> Vec<Load> {
    works.iter().map(|work| Load::start(work, group).expect("a load starts")).collect()
}

fn assert_empty(group: &Group) {
    assert_eq!(group.processes().expect("readable"), [].into());
}

/// The best killer that this layout has.
fn killer(rig: &CgroupRig) -> Means {
    match rig.mounts().unified() {
        Some(_) => Means::KillCgroup,
        None => Means::KillEach,
    }
}

#[test]
fn who_hears_ends_within_the_grace() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("hears").expect("a group");
    let _loads = started(&group, &[Work::Idle, Work::Spin { threads: 1 }]);
    let deed = evict(&mut hands(), target(&rig, &group), LONG_GRACE);
    assert_eq!(deed, Deed { means: Some(Means::Terminate), outcome: Outcome::Done });
    assert_empty(&group);
}

#[test]
fn who_ignores_sigterm_is_killed_after_the_grace() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("deaf").expect("a group");
    let _loads = (deaf(&group), started(&group, &[Work::Idle]));
    let deed = evict(&mut hands(), target(&rig, &group), Span::from_millis(200));
    assert_eq!(deed, Deed { means: Some(killer(&rig)), outcome: Outcome::Done });
    assert_empty(&group);
}

#[test]
fn a_victim_that_somebody_froze_dies() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("frozen").expect("a group");
    let _loads = started(&group, &[Work::Idle]);
    group.set_frozen(true).expect("it freezes");
    // It cannot hear, so no grace is given: 600 s would be noticed.
    let deed = evict(&mut hands(), target(&rig, &group), LONG_GRACE);
    assert_eq!(deed.outcome, Outcome::Done);
    assert_empty(&group);
}

#[test]
fn a_child_forked_during_the_kill_dies_too() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("chain").expect("a group");
    let _loads = started(&group, &[Work::Chain { chains: 8 }]);
    wait_until("a chain", LONG, || (group.processes().ok()?.len() > 4).then_some(()));
    let mut hands = hands();
    let deed = evict(&mut hands, target(&rig, &group), NO_GRACE);
    assert_eq!(deed, Deed { means: Some(killer(&rig)), outcome: Outcome::Done });
    assert_empty(&group);
}

#[test]
fn a_process_that_joins_after_the_kill_dies_too() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("joins").expect("a group");
    let _loads = started(&group, &[Work::Idle]);
    let mut hands = hands();
    let victim = target(&rig, &group);
    let begun = Eviction::begin(&mut hands, victim, NO_GRACE, LONG_GRACE, now());
    let mut eviction = begun.expect("it can be killed");
    assert_eq!(eviction.poll(&mut hands, now()), None, "the first blow");
    let mut late = started(&group, &[Work::Idle]);
    let deed = wait_until("the end", LONG, || eviction.poll(&mut hands, now()));
    assert_eq!(deed.outcome, Outcome::Done);
    wait_until("its end", LONG, || (!late[0].runs().expect("it can be asked")).then_some(()));
}

/// The way of kernels before 5.14, which have no `cgroup.kill`.
#[test]
fn without_cgroup_kill_each_process_is_held_still_and_struck() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("each").expect("a group");
    let _loads = started(&group, &[Work::Chain { chains: 8 }, Work::Deaf]);
    wait_until("a chain", LONG, || (group.processes().ok()?.len() > 5).then_some(()));
    let mut hands = hands();
    hands.means.rule_out(Means::KillCgroup, now());
    let deed = evict(&mut hands, target(&rig, &group), NO_GRACE);
    assert_eq!(deed, Deed { means: Some(Means::KillEach), outcome: Outcome::Done });
    assert_empty(&group);
    assert_eq!(hands.journal.spots().count(), 0, "no freeze stays behind");
}

#[test]
fn what_is_below_the_victim_dies_too_and_what_is_beside_it_lives() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let parent = rig.group("parent").expect("a group");
    let below = parent.child("below").expect("a group below");
    let beside = rig.group("beside").expect("a group");
    let _victims = started(&below, &[Work::Idle]);
    let mut spared = started(&beside, &[Work::Idle]);
    below.set_frozen(true).expect("it freezes");
    let deed = evict(&mut hands(), target(&rig, &parent), NO_GRACE);
    assert_eq!(deed.outcome, Outcome::Done);
    assert_empty(&below);
    assert!(spared[0].runs().expect("it can be asked"));
}

#[test]
fn a_cgroup_made_again_under_the_same_name_survives() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let parent = rig.group("again").expect("a group");
    let old = parent.child("name").expect("a group");
    let decided = target(&rig, &old);
    let decided_id = id(&old);
    drop(old);
    let new = parent.child("name").expect("a group of the same name");
    let mut loads = started(&new, &[Work::Idle]);
    assert_ne!(id(&new), decided_id);
    let deed = evict(&mut hands(), decided, NO_GRACE);
    assert_eq!(deed, Deed { means: None, outcome: Outcome::Vanished });
    assert_eq!(Target::find(&places(&rig), &decided_id), Err(Lost::Vanished));
    assert!(loads[0].runs().expect("it can be asked"));
}

#[test]
fn a_cgroup_that_vanishes_during_its_eviction_is_evicted() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("vanishes").expect("a group");
    let loads = deaf(&group);
    let mut hands = hands();
    let victim = target(&rig, &group);
    let begun = Eviction::begin(&mut hands, victim, LONG_GRACE, LONG_GRACE, now());
    let mut eviction = begun.expect("it can be asked to end");
    assert_eq!(eviction.poll(&mut hands, now()), None);
    drop((loads, group));
    let deed = eviction.poll(&mut hands, now()).expect("it is over");
    assert_eq!(deed.outcome, Outcome::Done);
}

#[test]
fn protected_cgroups_and_processes_are_refused() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let group = rig.group("protected").expect("a group");
    let mut loads = started(&group, &[Work::Idle]);
    let name = group.path().to_string_lossy().into_owned();
    let lists: [(Vec<String>, Vec<String>); 3] = [
        (vec![name.clone()], vec![]),
        (vec![format!("/{name}/below")], vec![]),
        (vec![], vec!["load".into()]),
    ];
    for (cgroups, processes) in lists {
        let mut hands = hands();
        hands.protected = gleaner_act::protect::Protected::new(&cgroups, &processes);
        let deed = evict(&mut hands, target(&rig, &group), NO_GRACE);
        assert!(
            matches!(deed.outcome, Outcome::Refused { .. }),
            "{cgroups:?} {processes:?}: {deed:?}"
        );
    }
    assert!(loads[0].runs().expect("it can be asked"));
}
