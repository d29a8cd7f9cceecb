// SPDX-License-Identifier: Apache-2.0
//! The probe on scripted glances: caused, not caused, and unclear.

use super::*;
use gleaner_estimator::glance::GlanceTask;
use gleaner_estimator::sample::{Allocation, Class, Psi, PsiSet, Task};
use std::sync::Arc;

const START: u64 = 10_000;

fn at(ms: u64) -> Timestamp {
    Timestamp::default().plus(Span::from_millis(ms))
}

fn web() -> TaskId {
    TaskId { name: "web".into(), inode: 1 }
}

/// What the harmed task and the node do a millisecond while frozen, and how it is watched.
#[derive(Clone, Copy)]
struct Run {
    wait_us: u64,
    ran_us: u64,
    stall_us: u64,
    steal_percent: u64,
    distance: u64,
    acts_after: Option<u64>,
    measure: Measure,
    /// Wait and stall come back with the thaw.
    returns: bool,
}

const HELPED: Run = Run {
    wait_us: 100,
    ran_us: 800,
    stall_us: 300,
    steal_percent: 0,
    distance: 100,
    acts_after: Some(2),
    measure: Measure::WaitPerCpu,
    returns: true,
};

fn glance(ms: u64, run: &Run) -> Glance {
    let passed = ms - START;
    // From the thaw on it waits and stalls all the time, where that comes back.
    let again = if run.returns { (passed % 10_000).saturating_sub(200).min(1_000) } else { 0 };
    let task = Task {
        id: web(),
        class: Class::Guaranteed,
        why: String::new(),
        allocation: Allocation::default(),
        priority: 0,
        tenant: None,
        labels: Vec::new(),
        started: None,
    };
    let cpu = Some(Psi { some_usec: passed * run.stall_us + again * 1_000, full_usec: None });
    let steal_usec = passed * 2_000 * run.steal_percent / 100;
    Glance {
        at: at(ms),
        cpu: Some(CpuTimes { busy_usec: passed * 2_000 - steal_usec, idle_usec: 0, steal_usec }),
        memory_available: None,
        best_effort_cpu_usec: None,
        tasks: vec![GlanceTask {
            task: Arc::new(task),
            cpu_usage_usec: None,
            throttled_usec: None,
            psi: PsiSet { cpu, ..PsiSet::default() },
            run_wait_ns: Some((passed * run.wait_us + again * 1_000) * 1_000),
            run_cpu_ns: Some(passed * run.ran_us * 1_000),
            major_faults: None,
        }],
    }
}

fn ask(probe: &mut Probe, now: u64, measure: Measure, config: &QosConfig) {
    let question =
        Question { resource: Resource::Cpu, harmed: web(), suspects: 1, measure, before: 0.8 };
    assert_eq!(probe.start(at(now), question, config), at(now + 200));
}

fn verdict(run: Run) -> ProbeVerdict {
    let (mut probe, config) = (Probe::default(), QosConfig::default());
    ask(&mut probe, START, run.measure, &config);
    if let Some(after) = run.acts_after {
        probe.acted(at(START + after));
    }
    let mut now = START;
    while probe.is_running() {
        now += run.distance;
        let _ = probe.see(&glance(now, &run), &config);
    }
    probe.last(Resource::Cpu).expect("it ended").verdict
}

#[test]
fn the_verdict_follows_the_wait_of_the_harmed_task() {
    assert_eq!(verdict(HELPED), ProbeVerdict::Caused);
    assert_eq!(verdict(Run { wait_us: 700, ..HELPED }), ProbeVerdict::NotCaused);
    let stall = Run { measure: Measure::Stall, ..HELPED };
    assert_eq!(verdict(stall), ProbeVerdict::Caused);
    let backlog = Run { stall_us: 990, ..stall };
    assert_eq!(verdict(backlog), ProbeVerdict::UnclearBacklog, "no fall proves nothing");
}

#[test]
fn what_does_not_come_back_with_the_thaw_has_fallen_by_itself() {
    assert_eq!(verdict(Run { returns: false, ..HELPED }), ProbeVerdict::NotCaused);
    let stall = Run { measure: Measure::Stall, returns: false, ..HELPED };
    assert_eq!(verdict(stall), ProbeVerdict::NotCaused);
}

#[test]
fn a_gap_or_an_act_ends_the_proof_and_not_the_rest() {
    let (mut probe, config) = (Probe::default(), QosConfig::default());
    let prove = |probe: &mut Probe| {
        ask(probe, START, Measure::WaitPerCpu, &config);
        probe.acted(at(START + 1));
        for i in 1..=4 {
            let _ = probe.see(&glance(START + i * 100, &HELPED), &config);
        }
        let proof = probe.proof(Resource::Cpu, at(START + 400), &config);
        assert_eq!(proof, Some(ProbeVerdict::Caused));
    };
    for end in [Probe::forget, |p: &mut Probe| p.use_up(Resource::Cpu)] {
        prove(&mut probe);
        end(&mut probe);
        assert!(probe.last(Resource::Cpu).is_none());
        assert!(!probe.due(at(START + 10_100), &config) && probe.due(at(START + 10_200), &config));
        probe = Probe::default();
    }
    prove(&mut probe);
    probe.use_up(Resource::Io);
    assert!(probe.last(Resource::Cpu).is_some(), "it was about the CPU");
    probe.rebase(at(5_000));
    assert!(probe.due(at(15_000), &config), "a clock that went back holds nobody");
}

#[test]
fn what_could_not_be_seen_is_unclear() {
    assert_eq!(verdict(Run { steal_percent: 8, ..HELPED }), ProbeVerdict::UnclearSteal);
    assert_eq!(verdict(Run { distance: 1_000, ..HELPED }), ProbeVerdict::UnclearBlind);
    assert_eq!(verdict(Run { ran_us: 10, ..HELPED }), ProbeVerdict::UnclearBlind);
    assert_eq!(verdict(Run { acts_after: None, ..HELPED }), ProbeVerdict::UnclearNotActed);
    assert_eq!(verdict(Run { acts_after: Some(150), ..HELPED }), ProbeVerdict::UnclearBlind);
    for distance in [10, 33, 50, 100] {
        assert_eq!(verdict(Run { distance, ..HELPED }), ProbeVerdict::Caused, "{distance}");
    }
}

#[test]
fn it_is_asked_more_rarely_while_it_denies_and_its_proof_expires() {
    let (mut probe, config) = (Probe::default(), QosConfig::default());
    let denied = Run { wait_us: 700, ..HELPED };
    let mut now = START;
    let mut pauses = Vec::new();
    for _ in 0..5 {
        ask(&mut probe, now, Measure::WaitPerCpu, &config);
        probe.acted(at(now + 1));
        while probe.is_running() {
            now += 100;
            let _ = probe.see(&glance(now, &denied), &config);
        }
        // The rest begins when the suspects are thawed.
        let ended = now - 200;
        while !probe.due(at(now), &config) {
            now += 100;
        }
        pauses.push((now - ended) / 1_000);
    }
    assert_eq!(pauses, [20, 40, 60, 60, 60]);
    let fresh = |now| probe.proof(Resource::Cpu, at(now), &config);
    assert_eq!(fresh(now), Some(ProbeVerdict::NotCaused));
    assert_eq!(fresh(now + 1_000), None, "a minute later it proves nothing");
}
