// SPDX-License-Identifier: Apache-2.0
//! CPU stories: rung 0, the probe, freezes, evictions, and everything that must not cause one.

mod rig;

use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::LoadAverage;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::compat::{Compat, Thresholds};
use gleaner_qos::config::{QosConfig, Standing};
use gleaner_qos::level::Level;
use gleaner_qos::probe::ProbeVerdict;
use gleaner_qos::signal::Signal;
use gleaner_qos::verdict::{Action, Held, Mode, Reason};
use rig::{Job, Rig, best_effort, everything, guaranteed};

/// Best-effort harms as much as it runs, whatever its class: a node where rung 0 does not help.
fn stubborn(jobs: &mut [Job]) {
    let cores: f64 = jobs.iter().filter(|j| j.is_best_effort()).map(Job::active).sum();
    for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
        job.wait_per_cpu = 0.1 + 1.5 * cores;
        job.stall_cpu = (0.05 + 0.5 * cores).min(1.0);
    }
}

/// Best-effort harms only outside its standing class.
fn tamed_by_class(jobs: &mut [Job]) {
    let loose = |j: &&Job| j.is_best_effort() && !j.carries.contains(&Actuator::StandingClass);
    let cores: f64 = jobs.iter().filter(loose).map(Job::active).sum();
    for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
        job.wait_per_cpu = 0.1 + 2.0 * cores;
        job.stall_cpu = (0.05 + 0.6 * cores).min(1.0);
    }
}

fn node(physics: fn(&mut [Job])) -> Rig {
    let jobs = vec![guaranteed("web", 0.8, 300.0), best_effort("burner", 1.1, 50.0)];
    let mut rig = Rig::new(jobs);
    rig.physics = physics;
    rig
}

fn level(rig: &Rig) -> Level {
    rig.assessment().of(Resource::Cpu).level
}

#[test]
fn the_standing_class_is_enough_and_nothing_else_is_done() {
    let mut rig = node(tamed_by_class);
    rig.run(60_000);
    assert_eq!(level(&rig), Level::Calm);
    assert!(rig.log.iter().all(|e| e.correction.why().reason == Reason::Standing));
    assert_eq!(rig.of(Actuator::StandingClass), ["burner"], "once, not every tick");
    assert_eq!(rig.of(Actuator::IoWeight), ["burner"]);
}

#[test]
fn where_the_class_waits_for_harm_a_burst_brings_it_at_once() {
    let config = QosConfig { standing: Standing::OnHarm, ..QosConfig::default() };
    let mut rig = Rig::with(config, vec![guaranteed("web", 0.8, 300.0)]);
    rig.physics = tamed_by_class;
    rig.run(5_000);
    rig.add(best_effort("burner", 1.6, 50.0));
    rig.run(1_000);
    let seen = rig.log.iter().find(|e| e.correction.action() == Action::StandingClass);
    let seen = seen.expect("put into its class");
    assert_eq!(seen.ms, 6_100, "the first glance after it started\n{}", rig.story());
    rig.run(30_000);
    assert_eq!(level(&rig), Level::Calm);
    assert!(rig.evicted().is_empty() && rig.of(Actuator::Freeze).is_empty());
}

#[test]
fn proved_harm_is_frozen_and_what_recurs_is_evicted() {
    let mut rig = node(stubborn);
    rig.run(120_000);
    let reasons: Vec<_> = rig.log.iter().map(|e| e.correction.why().reason).collect();
    let at = |r: Reason| reasons.iter().position(|x| *x == r).expect("happened");
    assert!(at(Reason::Probe) < at(Reason::Proved) && at(Reason::Proved) < at(Reason::Recurs));
    assert_eq!(reasons.iter().filter(|r| **r == Reason::Proved).count(), 3, "{}", rig.story());
    assert_eq!(rig.evicted(), ["burner"]);
    let evicted = rig.log.iter().find(|e| e.correction.action() == Action::Evict);
    let proof = evicted.and_then(|e| e.correction.why().proof.clone()).expect("proved");
    assert_eq!(proof.verdict, ProbeVerdict::Caused);
    assert!(proof.during.is_some_and(|d| d < proof.before * 0.7), "{proof:?}");
    assert_eq!((&*proof.harmed.name, proof.suspects), ("web", 1));
    rig.run(60_000);
    assert_eq!(level(&rig), Level::Calm);
}

#[test]
fn no_probe_compares_with_the_time_before_the_class() {
    // It harms for a second as an equal, and never again.
    let mut rig = node(tamed_by_class);
    rig.tick();
    rig.run(5_000);
    assert!(rig.of(Actuator::StandingClass) == ["burner"] && rig.of(Actuator::Freeze).is_empty());
    rig.add(best_effort("second", 1.1, 50.0));
    rig.advance(900);
    rig.run(10_000);
    assert!(rig.of(Actuator::Freeze).is_empty(), "the class has helped, no probe\n{}", rig.story());
}

#[test]
fn a_proof_is_about_one_harm_and_ends_with_it() {
    let mut rig = node(stubborn);
    rig.run_until(|rig| rig.gave(Reason::Proved));
    // The burner stops; the service is calm, and then queues in itself.
    rig.job("burner").cores = 0.1;
    rig.physics = |jobs| jobs.iter_mut().for_each(|j| (j.wait_per_cpu, j.stall_cpu) = (0.1, 0.02));
    rig.run_until(|rig| level(rig) == Level::Calm);
    let frozen = rig.of(Actuator::Freeze).len();
    rig.job("burner").cores = 1.1;
    rig.physics = |jobs| {
        for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
            (job.wait_per_cpu, job.stall_cpu) = (3.5, 0.9);
        }
    };
    rig.run(50_000);
    let later: Vec<_> =
        rig.log.iter().filter(|e| e.correction.why().reason == Reason::Proved).collect();
    assert_eq!(later.len(), 1, "{}", rig.story());
    assert!(rig.of(Actuator::Freeze).len() > frozen, "it was probed again");
    assert!(rig.evicted().is_empty());
}

#[test]
fn a_failed_reading_brings_no_probe_forward() {
    let mut rig = node(stubborn);
    rig.mode = Mode::Squeeze;
    for _ in 0..30 {
        rig.run(2_700);
        rig.controller.gap();
    }
    let probes = rig.log.iter().filter(|e| e.correction.why().reason == Reason::Probe);
    let at: Vec<u64> = probes.map(|e| e.ms).collect();
    assert!(at.len() > 2 && at.windows(2).all(|w| w[1] - w[0] >= 10_000), "{at:?}");
}

#[test]
fn freezes_are_short_and_rare() {
    let mut rig = node(stubborn);
    rig.run(120_000);
    let mut last_probe = None;
    for e in &rig.log {
        if let Action::Freeze { until } = e.correction.action() {
            let length = until.0 / 1_000_000 - e.ms;
            if e.correction.why().reason == Reason::Probe {
                assert_eq!(length, 200);
                assert!(last_probe.is_none_or(|at: u64| e.ms - at >= 10_000), "{}", rig.story());
                last_probe = Some(e.ms);
            } else {
                assert!(length <= 10_000);
            }
        }
    }
}

#[test]
fn squeeze_probes_and_never_freezes_for_long_nor_kills() {
    let mut rig = node(stubborn);
    rig.mode = Mode::Squeeze;
    rig.run(120_000);
    let frozen = rig.log.iter().filter(|e| e.correction.action().actuator() == Actuator::Freeze);
    assert!(frozen.clone().count() > 0);
    assert!(
        frozen
            .clone()
            .all(|e| matches!(e.correction.why().reason, Reason::Probe | Reason::FreezeOver))
    );
    assert!(rig.evicted().is_empty());
    assert_eq!(rig.verdict().held[0], Some(Held::Mode));
}

#[test]
fn a_service_that_harms_itself_gets_nobody_frozen_or_killed() {
    // It queues in itself: its wait does not depend on best-effort, which runs in the lowest class.
    let mut rig = node(|jobs| {
        for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
            (job.wait_per_cpu, job.stall_cpu) = (2.5, 0.9);
        }
    });
    rig.run(180_000);
    assert!(level(&rig) > Level::Calm, "it looks like harm");
    assert!(rig.evicted().is_empty(), "\n{}", rig.story());
    assert!(rig.log.iter().all(|e| e.correction.why().reason != Reason::Proved));
    let probe = rig.assessment().probe.as_ref().expect("it was asked");
    assert_eq!(probe.verdict, ProbeVerdict::NotCaused);
    let probes = rig.log.iter().filter(|e| e.correction.why().reason == Reason::Probe).count();
    assert!((3..=8).contains(&probes), "asked more and more rarely: {probes}");
}

#[test]
fn a_guaranteed_task_throttled_by_its_own_quota_kills_nobody() {
    let mut rig = node(|jobs| {
        for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
            (job.wait_per_cpu, job.stall_cpu, job.throttled) = (4.0, 0.7, 0.65);
        }
    });
    rig.run(120_000);
    assert_eq!(level(&rig), Level::Calm, "\n{}", rig.story());
    assert!(rig.log.iter().all(|e| e.correction.why().reason == Reason::Standing));
}

#[test]
fn best_effort_throttled_by_its_own_quota_kills_nobody_and_node_pressure_is_no_reason() {
    let mut rig = node(tamed_by_class);
    let burner = rig.job("burner");
    (burner.throttled, burner.stall_cpu, burner.wait_per_cpu) = (1.5, 0.99, 40.0);
    rig.node_stall = 0.95;
    rig.load = Some(LoadAverage { one_milli: 90_000, five_milli: 90_000, fifteen_milli: 90_000 });
    rig.run(120_000);
    assert_eq!(level(&rig), Level::Calm);
    assert!(rig.log.iter().all(|e| e.correction.why().reason == Reason::Standing));
}

#[test]
fn no_verdict_while_the_hypervisor_steals() {
    let mut rig = node(stubborn);
    rig.steal = 0.2;
    rig.run(120_000);
    assert!(rig.evicted().is_empty() && rig.of(Actuator::Freeze).is_empty());
    assert_eq!(level(&rig), Level::Calm, "nothing was confirmed");
    assert!(!rig.assessment().of(Resource::Cpu).no_signal, "the signal is there");
}

#[test]
fn what_is_seen_while_the_hypervisor_steals_is_no_quiet_either() {
    let mut rig = node(stubborn);
    rig.mode = Mode::Squeeze;
    rig.run(12_000);
    assert_eq!(level(&rig), Level::Critical);
    rig.steal = 0.2;
    rig.job("burner").cores = 0.0;
    rig.run(60_000);
    assert_eq!(level(&rig), Level::Critical);
    rig.steal = 0.0;
    rig.run(15_000);
    assert_eq!(level(&rig), Level::Calm);
}

#[test]
fn nothing_is_lent_while_the_cause_is_frozen() {
    let mut rig = node(stubborn);
    rig.run_until(|r| r.gave(Reason::Proved));
    for _ in 0..9 {
        rig.run(1_000);
        assert!(rig.job("burner").is_frozen());
        assert_eq!(level(&rig), Level::Critical, "quiet because the cause is frozen is no quiet");
    }
}

#[test]
fn an_actuator_without_effect_is_stepped_over() {
    let mut rig = node(stubborn);
    rig.broken.insert(Actuator::Freeze);
    rig.run(60_000);
    assert!(rig.evicted().is_empty(), "nothing is proved without the freezer");
    // The host has marked it broken: beside the lowest class a busy service would look the same.
    rig.can = everything().with(Actuator::Freeze, Ability::Broken);
    rig.run(120_000);
    assert!(rig.evicted().is_empty(), "nothing can be proved, and the class stands");
    assert_eq!(rig.verdict().held[0], Some(Held::Unproved));
    // Without the class either, harm that outlasts all freezes is answered.
    rig.can = rig.can.with_foreign_class(false);
    rig.run(120_000);
    assert_eq!(rig.evicted(), ["burner"]);
    let all: Vec<_> = rig.log.iter().filter(|e| e.correction.action() == Action::Evict).collect();
    assert_eq!(all[0].correction.why().reason, Reason::Recurs);
}

#[test]
fn where_the_class_cannot_be_had_a_quota_is_set_and_taken_back() {
    let mut rig = node(|jobs| {
        let held = |j: &Job| j.carries.contains(&Actuator::CpuQuota);
        let cores: f64 = jobs
            .iter()
            .filter(|j| j.is_best_effort())
            .map(|j| if held(j) { 0.1 * j.active() } else { j.active() })
            .sum();
        for job in jobs.iter_mut().filter(|j| !j.is_best_effort()) {
            job.wait_per_cpu = 0.1 + 1.2 * cores;
            job.stall_cpu = (0.05 + 0.5 * cores).min(1.0);
        }
    });
    rig.can = everything().with_foreign_class(false);
    rig.run(20_000);
    let quota = rig.log.iter().map(|e| e.correction.action()).find_map(|action| {
        if let Action::CpuQuota { limit } = action { Some(limit.0) } else { None }
    });
    // Two cores, a tenth kept free, 0.8 guaranteed; the rest of the busy half counts as the system.
    assert_eq!(quota, Some(1_000), "\n{}", rig.story());
    assert!(rig.of(Actuator::StandingClass).is_empty(), "those files are not ours");
    rig.job("burner").cores = 0.01;
    rig.run(90_000);
    assert!(!rig.job("burner").carries.contains(&Actuator::CpuQuota), "undone when calm");
}

#[test]
fn a_class_kept_by_somebody_else_is_never_written() {
    let mut rig = node(|_| {});
    rig.can = everything().with_foreign_class(true);
    rig.run(30_000);
    assert!(rig.of(Actuator::StandingClass).is_empty());
    assert!(rig.log.iter().all(|e| e.correction.resource() == Resource::Io));
}

#[test]
fn the_service_alone_teaches_what_is_its_own() {
    // Busy alone for a minute: 40 % stall is what it shows by itself.
    let mut rig = Rig::new(vec![guaranteed("web", 1.0, 300.0)]);
    rig.job("web").stall_cpu = 0.40;
    rig.run(60_000);
    rig.add(best_effort("burner", 0.5, 50.0));
    rig.run(20_000);
    let excess = rig.assessment().reading(Signal::StallExcess).value.expect("learned");
    assert!(excess < 0.02, "{excess}");
    assert_eq!(level(&rig), Level::Calm);
    rig.job("web").stall_cpu = 0.70;
    rig.run(3_000);
    assert!(level(&rig) > Level::Calm, "thirty points above what it shows alone");
}

#[test]
fn a_resource_without_any_signal_is_never_calm_and_nobody_is_corrected_for_it() {
    let mut rig = node(stubborn);
    rig.job("web").known = rig::job::Known::Nothing;
    rig.run(60_000);
    let cpu = rig.assessment().of(Resource::Cpu);
    assert!(cpu.no_signal && cpu.level > Level::Calm);
    assert_eq!(
        rig.assessment().gate(Resource::Cpu),
        Some(gleaner_estimator::reason::Bound::NoSignal)
    );
    assert_eq!(rig.verdict().held[0], Some(Held::NoSignal));
    assert!(rig.log.iter().all(|e| e.correction.why().reason == Reason::Standing));
}

fn compat() -> QosConfig {
    let limits = |load| Thresholds { load_5: Some(load), ..Thresholds::default() };
    let compat = Compat { offer: limits(8.0), evict: limits(16.0), ..Compat::default() };
    QosConfig { compat: Some(compat), ..QosConfig::default() }
}

#[test]
fn configured_load_thresholds_close_the_offer_and_then_evict_one_at_a_time() {
    let jobs = vec![best_effort("a", 0.5, 10.0), best_effort("b", 0.9, 10.0)];
    let mut rig = Rig::with(compat(), jobs);
    rig.can = Capabilities::none().with(Actuator::Evict, Ability::Works);
    let load =
        |five: u64| Some(LoadAverage { one_milli: 20_000, five_milli: five, fifteen_milli: 0 });
    rig.load = load(8_000);
    rig.run(30_000);
    assert_eq!(level(&rig), Level::Strained);
    assert!(rig.evicted().is_empty());
    rig.load = load(16_000);
    rig.run(30_000);
    assert_eq!(rig.evicted(), ["b"], "the averages lag: one, then wait");
    assert_eq!(rig.log.last().map(|e| e.correction.why().reason), Some(Reason::Threshold));
    rig.run(40_000);
    assert_eq!(rig.evicted(), ["b", "a"]);
}

#[test]
fn an_unreadable_load_average_kills_nobody() {
    let mut rig = Rig::with(compat(), vec![best_effort("a", 0.5, 10.0)]);
    rig.run(30_000);
    assert!(rig.evicted().is_empty());
    assert!(rig.assessment().reading(Signal::LoadAverage).value.is_none());
}
