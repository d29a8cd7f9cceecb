// SPDX-License-Identifier: Apache-2.0
//! Time stories: clock jumps, gaps, stale samples, slow sampling, tasks that vanish or come back as others.

mod rig;

use gleaner_estimator::glance::Glance;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::{Bytes, Span, Timestamp};
use gleaner_estimator::usage::Usage;
use gleaner_qos::Alarm;
use gleaner_qos::capability::Actuator;
use gleaner_qos::level::Level;
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::{Action, Held, Mode, Reason};
use rig::{Job, Rig, best_effort, everything, guaranteed};

fn harm(jobs: &mut [Job]) {
    let cores: f64 = jobs.iter().filter(|j| j.is_best_effort()).map(Job::active).sum();
    for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
        job.wait_per_cpu = 0.1 + 1.5 * cores;
    }
}

fn harmed() -> Rig {
    let mut rig = Rig::new(vec![guaranteed("web", 0.8, 300.0), best_effort("burner", 1.1, 50.0)]);
    rig.physics = harm;
    rig
}

#[test]
fn after_a_clock_jump_nothing_is_judged_from_before_it() {
    let mut rig = harmed();
    rig.run(7_000);
    let before = rig.log.len();
    assert!(rig.assessment().of(Resource::Cpu).level > Level::Calm);
    // Suspended for eight hours: the host noticed.
    rig.controller.gap();
    rig.tracker.forget_counters();
    rig.advance(8 * 3_600_000);
    rig.tick();
    assert!(rig.assessment().of(Resource::Cpu).no_signal);
    let harsh = |r: &Rig| {
        r.log[before..]
            .iter()
            .any(|e| matches!(e.correction.action(), Action::Freeze { .. } | Action::Evict))
    };
    assert!(!harsh(&rig), "\n{}", rig.story());
    assert_eq!(rig.verdict().held[0], Some(Held::NoSignal));
}

#[test]
fn a_freeze_is_over_after_a_gap_and_a_clock_that_went_back_holds_nobody() {
    let mut rig = harmed();
    rig.run_until(|r| r.gave(Reason::Proved));
    assert!(rig.job("burner").is_frozen());
    rig.controller.gap();
    rig.tracker.forget_counters();
    rig.ms = 500;
    rig.tick();
    assert!(!rig.job("burner").is_frozen());
    assert_eq!(rig.log.last().map(|e| e.correction.action()), Some(Action::Thaw));
}

#[test]
fn a_stale_or_foreign_assessment_corrects_nobody() {
    let mut rig = harmed();
    rig.run(3_000);
    let sample = rig.sample();
    let usage = Usage::default();
    let mut controller = rig.controller.clone();
    let assessment = controller.assess(&sample, &usage);
    let late = Glance { at: sample.at.plus(Span::from_secs(3)), ..rig.glance() };
    let _ = controller.glance(&late);
    let verdict = controller.decide(&sample, &usage, &assessment, Mode::Evict, &everything());
    assert!(verdict.corrections.is_empty());
    assert_eq!(verdict.held, [Some(Held::Stale); 3]);
    let mut controller = rig.controller.clone();
    let other = controller.assess(&sample, &usage);
    let mut older = sample.clone();
    older.at = Timestamp(1);
    let verdict = controller.decide(&older, &usage, &other, Mode::Evict, &everything());
    assert_eq!(verdict.held, [Some(Held::Stale); 3]);
}

#[test]
fn glances_before_any_sample_and_out_of_order_are_quiet() {
    let mut rig = harmed();
    let mut controller = rig.controller.clone();
    for _ in 0..50 {
        rig.advance(100);
        assert_eq!(controller.glance(&rig.glance()), Alarm::Quiet);
    }
    rig.tick();
    let old = Glance { at: Timestamp(1), ..rig.glance() };
    assert_eq!(rig.controller.glance(&old), Alarm::Quiet);
}

#[test]
fn at_five_minute_steps_it_neither_crashes_nor_flaps() {
    let mut rig = harmed();
    rig.glances = false;
    rig.physics = |jobs| {
        // Harm in every second step.
        let odd = jobs.iter().map(|j| j.events.high).sum::<u64>() % 2 == 1;
        for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
            job.events.high += 1;
            job.wait_per_cpu = if odd { 3.0 } else { 0.1 };
        }
    };
    rig.run_slow(300_000, 2);
    for _ in 0..200 {
        rig.run_slow(300_000, 1);
        assert_eq!(rig.assessment().of(Resource::Cpu).level, Level::Calm);
    }
    rig.physics = harm;
    rig.run_slow(300_000, 3);
    assert_eq!(rig.assessment().of(Resource::Cpu).level, Level::Critical);
}

#[test]
fn at_one_hertz_without_glances_harm_is_seen_and_undone() {
    let mut rig = harmed();
    rig.glances = false;
    rig.run_slow(1_000, 12);
    assert!(rig.assessment().of(Resource::Cpu).level > Level::Calm);
    rig.job("burner").cores = 0.0;
    rig.run_slow(1_000, 20);
    assert_eq!(rig.assessment().of(Resource::Cpu).level, Level::Calm);
    assert!(!rig.job("burner").is_frozen());
    assert!(rig.evicted().is_empty(), "without fast readings nothing is proved");
}

#[test]
fn a_task_made_again_under_the_same_name_inherits_nothing() {
    let mut rig = harmed();
    rig.physics = |_| {};
    rig.run(5_000);
    assert_eq!(rig.of(Actuator::StandingClass).len(), 1);
    let other = rig.job("burner").reborn(8);
    rig.jobs.retain(|j| j.task.id != rig::best_effort("burner", 0.0, 0.0).task.id);
    rig.add(other);
    rig.run(2_000);
    let classed: Vec<_> = rig
        .log
        .iter()
        .filter(|e| e.correction.action() == Action::StandingClass)
        .map(|e| e.correction.task().inode)
        .collect();
    assert_eq!(classed, [7, 8]);
}

#[test]
fn a_task_that_is_missing_for_a_moment_keeps_its_books() {
    let mut rig = harmed();
    rig.physics = |_| {};
    rig.run(5_000);
    let burner = rig.job("burner").clone();
    rig.jobs.retain(|j| j.task.id != burner.task.id);
    rig.run(3_000);
    rig.add(burner);
    rig.run(3_000);
    assert_eq!(rig.of(Actuator::StandingClass).len(), 1, "it is not asked for twice");
}

#[test]
fn a_limit_that_the_host_finds_on_a_task_that_is_back_is_undone_in_calm() {
    let mut rig = harmed();
    rig.physics = |_| {};
    rig.run(5_000);
    let burner = rig.job("burner").clone();
    rig.jobs.retain(|j| j.task.id != burner.task.id);
    rig.run_slow(1_000, 100);
    let task = burner.task.id.clone();
    rig.add(burner);
    rig.run_slow(1_000, 1);
    let action = Action::MemoryHigh { limit: Bytes(1 << 30) };
    rig.job("burner").carry(action);
    let at = rig.at();
    let report = Report { at, task, action, outcome: Outcome::Acted, relief: None };
    assert_eq!(rig.controller.report(&report), None);
    assert!(rig.job("burner").carries.contains(&Actuator::MemoryHigh));
    rig.run(10_000);
    assert!(!rig.job("burner").carries.contains(&Actuator::MemoryHigh), "\n{}", rig.story());
}

#[test]
fn a_task_that_becomes_guaranteed_is_let_go_and_never_named_in_a_correction_again() {
    let mut rig = harmed();
    rig.run_until(|r| r.gave(Reason::Proved));
    let count = rig.log.len();
    let job = rig.job("burner").clone().task(|t| t.class = Class::Guaranteed);
    rig.jobs.retain(|j| j.task.id != job.task.id);
    rig.add(job);
    rig.advance(100);
    rig.tick();
    assert_eq!(rig.verdict().let_go.len(), 1);
    rig.run(30_000);
    assert_eq!(rig.log.len(), count, "\n{}", rig.story());
    assert!(rig.verdict().let_go.is_empty(), "once");
}

#[test]
fn a_host_that_reports_nothing_is_asked_again_and_nobody_is_thawed_too_late() {
    let mut rig = harmed();
    let mut asked = Vec::new();
    for _ in 0..600 {
        rig.advance(100);
        let glance = rig.glance();
        let rings = rig.controller.glance(&glance).rings();
        if !rings && !rig.ms.is_multiple_of(1_000) {
            continue;
        }
        let sample = rig.sample();
        rig.tracker.update(&sample);
        let usage = rig.tracker.usage().clone();
        let assessment = rig.controller.assess(&sample, &usage);
        let verdict =
            rig.controller.decide(&sample, &usage, &assessment, Mode::Evict, &everything());
        asked.extend(verdict.corrections.iter().map(|c| (rig.ms, c.action())));
    }
    let classes = asked.iter().filter(|(_, a)| *a == Action::StandingClass).count();
    assert!((15..=31).contains(&classes), "every two seconds or so: {classes}");
    let frozen = asked.iter().filter(|(_, a)| matches!(a, Action::Freeze { .. })).count();
    let thawed = asked.iter().filter(|(_, a)| *a == Action::Thaw).count();
    assert!(frozen > 0 && thawed >= frozen, "{frozen} {thawed}");
    assert!(
        asked.iter().all(|(_, a)| *a != Action::Evict),
        "a probe that was not acted on proves nothing"
    );
}

#[test]
fn going_back_to_observing_takes_everything_off() {
    let mut rig = harmed();
    rig.run(20_000);
    rig.mode = Mode::Observe;
    rig.run(3_000);
    assert!(rig.job("burner").carries.is_empty() && !rig.job("burner").is_frozen());
    let count = rig.log.iter().filter(|e| !e.correction.is_would()).count();
    rig.run(30_000);
    assert_eq!(rig.log.iter().filter(|e| !e.correction.is_would()).count(), count);
}

#[test]
fn an_empty_node_and_an_empty_sample_are_judged_without_panic() {
    let mut rig = Rig::new(Vec::new());
    rig.run(10_000);
    assert_eq!(rig.assessment().of(Resource::Cpu).level, Level::Calm, "nobody can be harmed");
    let mut controller = rig.controller.clone();
    let empty = Sample { at: rig.at().plus(Span::from_secs(1)), ..Sample::default() };
    let assessment = controller.assess(&empty, &Usage::default());
    let verdict =
        controller.decide(&empty, &Usage::default(), &assessment, Mode::Evict, &everything());
    assert!(verdict.corrections.is_empty());
}
