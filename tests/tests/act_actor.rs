// SPDX-License-Identifier: Apache-2.0
//! Verdicts carried out on real cgroups: in every mode, with intent and outcome, and undone whatever happens.

use gleaner_act::actor::{Actor, ActorConfig, HeldBack, Tally};
use gleaner_act::audit::{AuditConfig, AuditFile, Entry, Line, read};
use gleaner_act::journal::Journal;
use gleaner_act::outcome::Outcome;
use gleaner_act::protect::Protected;
use gleaner_act::setting::Hands;
use gleaner_collector::Preset;
use gleaner_estimator::units::Span;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::report;
use gleaner_qos::verdict::{Action, Mode, Verdict};
use gleaner_tests::acting::{LONG, class, deaf, hands, id, places};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use gleaner_tests::shortage::{ManualClock, Shortage};
use gleaner_tests::wait_until;
use std::process::{Command, Stdio};

/// One real best-effort group, the actor, and the made-up node around them.
struct Scene {
    group: Group,
    load: Load,
    clock: ManualClock,
    node: Shortage,
    actor: Actor,
    audit: tempfile::TempDir,
    tally: Tally,
}

impl Scene {
    fn new(rig: &CgroupRig, work: &Work, config: ActorConfig) -> Self {
        Self::with_hands(rig, work, config, hands())
    }

    fn with_hands(rig: &CgroupRig, work: &Work, config: ActorConfig, hands: Hands) -> Self {
        let group = rig.group("batch").expect("a group");
        let load = if *work == Work::Deaf {
            deaf(&group)
        } else {
            Load::start(work, &group).expect("a load starts")
        };
        let clock = ManualClock::default();
        let node = Shortage::new(&clock, &[id(&group)]);
        let audit = tempfile::tempdir().expect("a temporary directory");
        let path = audit.path().join("audit.jsonl");
        let file = AuditFile::open(AuditConfig { path, max_bytes: 1 << 20, keep: 1 });
        let (actor, swept) =
            Actor::start(places(rig), hands, Box::new(clock.clone()), config, Some(Box::new(file)));
        assert_eq!(swept, []);
        Self { group, load, clock, node, actor, audit, tally: Tally::default() }
    }

    /// A second in which this much memory is available: decided, acted, and reported.
    fn second(&mut self, available: u64, mode: Mode, can: &Capabilities) -> Verdict {
        let (sample, verdict) = self.node.second(available, mode, can);
        let reports = self.actor.apply(1, &sample, &verdict, mode, sample.at);
        self.node.report(&reports);
        verdict
    }

    /// The guaranteed task waits, until a quota is asked for.
    fn capped(&mut self) {
        let (mode, quota) = (Mode::Squeeze, can(&[Actuator::CpuQuota]));
        self.second(900, mode, &quota);
        let asked = (0..5).any(|_| {
            let (sample, verdict) = self.node.contended_second(mode, &quota);
            let reports = self.actor.apply(1, &sample, &verdict, mode, sample.at);
            self.node.report(&reports);
            actions(&verdict).iter().any(|a| matches!(a, Action::CpuQuota { .. }))
        });
        assert!(asked, "nobody was asked to wait less");
    }

    /// Polls until something is reported, with the clock standing still.
    fn reported(&mut self) -> Vec<report::Report> {
        let reports = wait_until("a report", LONG, || {
            let reports = self.actor.poll();
            (!reports.is_empty()).then_some(reports)
        });
        self.node.report(&reports);
        reports
    }

    fn audit(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let path = self.audit.path().join("audit.jsonl");
        let visit = |line| match line {
            Line::Entry(entry) => entries.push(entry),
            Line::Decision(value) => panic!("never written: {value}"),
        };
        read(&path, visit).expect("readable");
        entries
    }

    fn counted(&mut self, action: &str, outcome: &str) -> usize {
        self.tally.endings.extend(self.actor.take_tally().endings);
        let endings = self.tally.endings.iter();
        endings.filter(|e| e.action.word() == action && e.outcome.word() == outcome).count()
    }
}

fn can(actuators: &[Actuator]) -> Capabilities {
    actuators.iter().fold(Capabilities::none(), |can, a| can.with(*a, Ability::Works))
}

/// What goes on, and how long it lasts at most, in milliseconds.
fn going(scene: &Scene) -> Vec<(&'static str, Option<u64>)> {
    let all = scene.actor.under_way().into_iter();
    all.map(|one| (one.action.word(), one.until_ms.map(|until| until - one.since_ms))).collect()
}

fn actions(verdict: &Verdict) -> Vec<Action> {
    verdict.corrections.iter().map(gleaner_qos::verdict::Correction::action).collect()
}

#[test]
fn observing_touches_nothing_and_says_so() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Idle, ActorConfig::default());
    let before = class(&scene.group);
    let all = can(&[Actuator::StandingClass, Actuator::Freeze, Actuator::Evict]);
    for available in [400, 300, 200, 100, 20] {
        scene.second(available, Mode::Observe, &all);
        assert_eq!(scene.actor.poll(), []);
    }
    assert_eq!(class(&scene.group), before);
    assert!(scene.load.runs().expect("it can be asked"));
    assert_eq!(scene.counted("standing_class", "observed"), 1);
    assert!(scene.counted("evict", "observed") > 0);
    assert_eq!(scene.audit(), [], "no intent where nothing is intended");
}

#[test]
fn the_standing_class_is_taken_and_given_back_at_the_end() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Idle, ActorConfig::default());
    let before = class(&scene.group);
    let verdict = scene.second(900, Mode::Squeeze, &can(&[Actuator::StandingClass]));
    assert_eq!(actions(&verdict), [Action::StandingClass]);
    assert_ne!(class(&scene.group), before);
    let again = scene.second(900, Mode::Squeeze, &can(&[Actuator::StandingClass]));
    assert_eq!(actions(&again), [], "it was reported as done");
    let entries = scene.audit();
    let [Entry::Intent(intent), Entry::Outcome(ended)] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!((intent.act, &intent.task), (ended.act, &ended.task));
    assert_eq!((&ended.outcome, ended.action), (&Outcome::Done, Action::StandingClass));
    assert_eq!(scene.actor.take_tally().reactions, [], "what stands for good answers no harm");
    // Dropped, as when a panic unwinds.
    let Scene { actor, group, .. } = scene;
    drop(actor);
    assert_eq!(class(&group), before);
}

#[test]
fn the_memory_that_runs_out_is_taken_back_by_an_eviction() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Deaf, ActorConfig::default());
    for available in [400, 300, 200] {
        scene.second(available, Mode::Evict, &can(&[Actuator::Evict]));
    }
    let verdict = scene.second(20, Mode::Evict, &can(&[Actuator::Evict]));
    assert_eq!(actions(&verdict), [Action::Evict]);
    assert_eq!(going(&scene), [("evict", Some(4000))], "no grace, and the patience after it");
    let reports = scene.reported();
    assert_eq!(reports[0].outcome, report::Outcome::Gone);
    assert_eq!(scene.group.processes().expect("readable"), [].into());
    assert_eq!(scene.counted("evict", "done"), 1);
    assert!(!scene.load.runs().expect("it can be asked"));
}

#[test]
fn squeezing_never_evicts() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Idle, ActorConfig::default());
    for available in [400, 300, 200] {
        scene.second(available, Mode::Evict, &can(&[Actuator::Evict]));
    }
    // The mode was changed between the decision and the act.
    let (sample, verdict) = scene.node.second(20, Mode::Evict, &can(&[Actuator::Evict]));
    assert_eq!(actions(&verdict), [Action::Evict]);
    let reports = scene.actor.apply(1, &sample, &verdict, Mode::Squeeze, sample.at);
    assert_eq!(reports[0].outcome, report::Outcome::Failed);
    assert_eq!(scene.counted("evict", "refused"), 1);
    assert!(scene.load.runs().expect("it can be asked"));
}

#[test]
fn a_freeze_ends_by_itself() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Spin { threads: 1 }, ActorConfig::default());
    let before = class(&scene.group);
    for available in [400, 300, 200] {
        scene.second(available, Mode::Evict, &can(&[Actuator::Freeze]));
    }
    let verdict = scene.second(90, Mode::Evict, &can(&[Actuator::Freeze]));
    let [Action::Freeze { until }] = actions(&verdict)[..] else { panic!("{verdict:?}") };
    assert_eq!(scene.reported()[0].outcome, report::Outcome::Acted);
    assert_eq!(scene.actor.next_poll(), Some(until));
    assert_eq!(scene.actor.held_back(), HeldBack { throttled: 0, frozen: 1 });
    assert_eq!(going(&scene), [("freeze", Some(10_000))], "it says when it is over");
    assert_ne!(class(&scene.group), before);
    // Nobody decides anything any more.
    scene.clock.advance(Span::from_secs(20));
    assert_eq!(scene.actor.poll(), []);
    assert_eq!(going(&scene), []);
    assert_eq!(class(&scene.group), before);
    assert_eq!(scene.actor.next_poll(), None);
}

#[test]
fn one_eviction_at_a_time() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let config = ActorConfig { urgent_grace: Span::from_secs(600), ..ActorConfig::default() };
    let mut scene = Scene::new(&rig, &Work::Deaf, config);
    let other = rig.group("other").expect("a group");
    let mut spared = Load::start(&Work::Idle, &other).expect("a load starts");
    let mut others = Shortage::new(&scene.clock, &[id(&other)]);
    let evict = can(&[Actuator::Evict]);
    let mut last = None;
    for available in [400, 300, 200, 20] {
        scene.second(available, Mode::Evict, &evict);
        last = Some(others.second(available, Mode::Evict, &evict));
    }
    assert_eq!(going(&scene), [("evict", Some(604_000))], "the grace, and the patience after it");
    let (sample, verdict) = last.expect("four seconds");
    assert_eq!(actions(&verdict), [Action::Evict]);
    let reports = scene.actor.apply(1, &sample, &verdict, Mode::Evict, sample.at);
    assert_eq!(reports[0].outcome, report::Outcome::Failed);
    assert_eq!(scene.counted("evict", "refused"), 1);
    assert!(spared.runs().expect("it can be asked"));
}

/// A process of a protected name joins the victim after it was asked to end.
#[test]
fn a_victim_that_turns_out_to_be_protected_lives_on_and_is_left_alone() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let program = directory.path().join("guarded");
    std::fs::copy(built("load").expect("it is built"), &program).expect("room");
    let protected = Protected::new(&[], &["guarded".to_owned()]);
    let hands = Hands::new(protected, Journal::volatile());
    let config = ActorConfig { urgent_grace: Span::from_secs(600), ..ActorConfig::default() };
    let mut scene = Scene::with_hands(&rig, &Work::Deaf, config, hands);
    let all = can(&[Actuator::StandingClass, Actuator::Evict]);
    let before = class(&scene.group);
    for available in [400, 300, 200, 20] {
        scene.second(available, Mode::Evict, &all);
    }
    let started = Command::new(&program).arg("idle").stdin(Stdio::piped()).spawn();
    let mut guarded = started.expect("it starts");
    scene.group.add(guarded.id()).expect("it can be moved");
    scene.clock.advance(Span::from_secs(601));
    let reports = scene.reported();
    assert_eq!(reports[0].outcome, report::Outcome::Failed);
    assert_eq!(scene.counted("evict", "refused"), 1);
    assert_eq!(scene.group.processes().expect("readable").len(), 2, "nobody was killed");
    assert_eq!(class(&scene.group), before, "nothing is done to what is protected");
    drop(guarded.stdin.take());
    guarded.wait().expect("it is ours");
}

#[test]
fn in_an_agents_layout_weights_are_looked_at_only() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Idle, ActorConfig::of(Preset::Mesos));
    let (sample, _) = scene.node.second(900, Mode::Squeeze, &Capabilities::none());
    scene.actor.survey(&sample);
    let found = scene.actor.capabilities();
    assert_eq!(found.ability(Actuator::StandingClass), Ability::Foreign);
    assert!(!found.lowest_elsewhere(), "the default weight is not low");
    let before = class(&scene.group);
    let verdict = scene.second(900, Mode::Squeeze, &found);
    assert!(!actions(&verdict).contains(&Action::StandingClass), "{verdict:?}");
    // Even if it were asked for.
    let verdict = scene.second(900, Mode::Squeeze, &can(&[Actuator::StandingClass]));
    assert_eq!(actions(&verdict), [Action::StandingClass]);
    assert_eq!(class(&scene.group), before);
}

#[test]
fn who_is_promoted_during_its_eviction_is_let_go() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let config = ActorConfig { urgent_grace: Span::from_secs(600), ..ActorConfig::default() };
    let mut scene = Scene::new(&rig, &Work::Deaf, config);
    let all = can(&[Actuator::StandingClass, Actuator::Evict]);
    let before = class(&scene.group);
    for available in [400, 300, 200, 20] {
        scene.second(available, Mode::Evict, &all);
    }
    assert!(scene.actor.next_poll().is_some(), "an eviction is under way");
    let (sample, verdict) = scene.node.promoted(20, Mode::Evict, &all);
    let reports = scene.actor.apply(1, &sample, &verdict, Mode::Evict, sample.at);
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].outcome, report::Outcome::Failed);
    scene.clock.advance(Span::from_secs(1000));
    assert_eq!(scene.actor.poll(), []);
    assert_eq!(scene.actor.next_poll(), None);
    assert_eq!(class(&scene.group), before);
    assert_eq!(scene.group.processes().expect("readable").len(), 1, "it lives");
}

#[test]
fn a_cgroup_made_again_between_decision_and_act_survives() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let parent = rig.group("parent").expect("a group");
    let old = parent.child("name").expect("a group");
    let clock = ManualClock::default();
    let mut node = Shortage::new(&clock, &[id(&old)]);
    let boxed = Box::new(clock.clone());
    let (mut actor, _) = Actor::start(places(&rig), hands(), boxed, ActorConfig::default(), None);
    let mut last = None;
    for available in [400, 300, 200, 20] {
        last = Some(node.second(available, Mode::Evict, &can(&[Actuator::Evict])));
    }
    let (sample, verdict) = last.expect("four seconds");
    assert_eq!(actions(&verdict), [Action::Evict]);
    drop(old);
    let new = parent.child("name").expect("a group of the same name");
    let mut load = Load::start(&Work::Idle, &new).expect("a load starts");
    let reports = actor.apply(1, &sample, &verdict, Mode::Evict, sample.at);
    assert_eq!(reports[0].outcome, report::Outcome::Gone);
    assert_eq!(actor.poll(), []);
    assert!(load.runs().expect("it can be asked"));
}

#[test]
fn a_class_that_somebody_else_changes_is_left_alone() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Idle, ActorConfig::default());
    scene.second(900, Mode::Squeeze, &can(&[Actuator::StandingClass]));
    let ours = class(&scene.group);
    assert_eq!(scene.actor.tend(), [], "still ours");
    scene.group.write("cpu", "cpu.idle", "0").expect("writable");
    let reports = scene.actor.tend();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].outcome, report::Outcome::NoEffect);
    assert_ne!(class(&scene.group), ours);
    assert_eq!(scene.actor.tend(), [], "told once");
    assert_eq!(scene.actor.hands().journal.spots().count(), 0);
}

/// A Mesos agent writes its own quota at every update; what it wrote last is what it gets back.
#[test]
fn a_quota_that_its_owner_rewrites_is_set_again_where_that_is_known() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    for rewritten in [true, false] {
        let config = ActorConfig { quotas_rewritten: rewritten, ..ActorConfig::default() };
        let mut scene = Scene::new(&rig, &Work::Idle, config);
        scene.capped();
        let ours = class(&scene.group);
        scene.group.set_cpu_quota(1900).expect("writable");
        let owners = class(&scene.group);
        assert_ne!(owners, ours);
        let reports = scene.actor.tend();
        if rewritten {
            assert_eq!((reports, class(&scene.group)), (Vec::new(), ours));
        } else {
            assert_eq!(reports.len(), 1);
            assert_eq!(reports[0].outcome, report::Outcome::NoEffect);
        }
        let Scene { actor, group, .. } = scene;
        drop(actor);
        assert_eq!(class(&group), owners);
    }
}

/// What it carries is forgotten by who decides, not by who wrote it: once it is back it is told, and undone in calm.
#[test]
fn a_limit_on_a_task_that_was_missing_for_long_is_taken_off_when_it_is_back() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let mut scene = Scene::new(&rig, &Work::Idle, ActorConfig::default());
    let before = class(&scene.group);
    let (mode, quota) = (Mode::Squeeze, can(&[Actuator::CpuQuota]));
    scene.capped();
    let ours = class(&scene.group);
    scene.node.hide(true);
    for _ in 0..1200 {
        scene.second(900, mode, &quota);
        assert_eq!(scene.actor.tend(), []);
    }
    assert_eq!(class(&scene.group), ours);
    scene.node.hide(false);
    (0..60).for_each(|_| drop(scene.second(900, mode, &quota)));
    assert_eq!(class(&scene.group), before);
    assert_eq!(scene.actor.holding(), []);
}
