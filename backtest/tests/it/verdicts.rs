// SPDX-License-Identifier: Apache-2.0
//! A policy over a recording with its signals: how often it would have stepped in, and what it would have offered.

use crate::recording::{options, record, samples};
use gleaner_backtest::report;
use gleaner_backtest::verdicts::{Corrections, Verdicts, verdicts};
use gleaner_engine::Engine;
use gleaner_engine::config::EngineConfig;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, Span};
use gleaner_qos::level::Level;

const SECONDS: u64 = 400;

/// Lends at once, without the hours in which a new node's predictions come down.
pub(crate) fn policy() -> EngineConfig {
    let mut policy = EngineConfig {
        warm_up: Span::default(),
        task_warm_up: Span::default(),
        lend: Lend::Headroom,
        ..EngineConfig::default()
    };
    policy.cpu.predictor.parameters.start_ramp = false;
    policy
}

/// A node on which nobody waits, with enough memory; the first task is best effort.
fn quiet() -> Vec<Sample> {
    let mut samples = samples(SECONDS, 4);
    for sample in &mut samples {
        if let Some(memory) = &mut sample.node.memory {
            memory.available = Some(Bytes(48 << 30));
        }
    }
    samples
}

/// The same, and each guaranteed task's threads wait thirty seconds in each that passes between two instants.
pub(crate) fn harmed(from: u64, until: u64) -> Vec<Sample> {
    let mut samples = quiet();
    for (second, sample) in (1..).zip(&mut samples) {
        let waited = u64::min(second, until).saturating_sub(from) * 30_000_000_000;
        for task in sample.tasks.iter_mut().filter(|t| t.task.class == Class::Guaranteed) {
            task.counters.run_wait_ns = task.counters.run_wait_ns.map(|ns| ns + waited);
        }
    }
    samples
}

fn seen(samples: &[Sample]) -> Verdicts {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    record(&path, samples, options(10));
    verdicts(&path, &policy()).expect("readable")
}

#[test]
fn a_quiet_recording_is_left_alone() {
    let samples = quiet();
    let seen = seen(&samples);
    assert_eq!((seen.decisions, seen.failed), (SECONDS, 0));
    let cpu = &seen.standings[0];
    assert_eq!(cpu.time(), Span::from_secs(SECONDS - 1), "a decision holds until the next");
    assert_eq!(cpu.levels[1..], [Span::default(); 2]);
    let Corrections { standing, squeezes, probes, freezes, evictions } = seen.corrections;
    assert!(standing > 0, "best effort always stands in the lowest class");
    assert_eq!((squeezes, probes, freezes, evictions), (0, 0, 0, 0));
    // The mean offer is that of the engine by itself.
    let mut engine = Engine::new(policy());
    let mut offered = 0.0;
    for sample in &samples[..samples.len() - 1] {
        let reading = Reading { at: sample.at, wall_ms: 0, body: Body::Fresh(sample) };
        offered += engine.tick(reading).cpu.offer.amount.to_base();
    }
    let mean = cpu.mean_offer().expect("time passed");
    assert!((mean - offered / (SECONDS - 1) as f64).abs() < 1e-9, "{mean}");
    assert!(mean > 1.0, "{mean} cores of sixteen");
}

#[test]
fn harm_is_answered_and_an_evicted_task_is_gone() {
    let seen = seen(&harmed(100, 300));
    let cpu = &seen.standings[0];
    let harmed = cpu.levels[1] + cpu.levels[2];
    assert!(harmed >= Span::from_secs(150), "{cpu:?}");
    assert!(cpu.levels[0] >= Span::from_secs(100), "and it is calm before and long after: {cpu:?}");
    let Corrections { squeezes, probes, freezes, evictions, .. } = seen.corrections;
    assert!(squeezes + probes + freezes + evictions > 0, "{:?}", seen.corrections);
    assert!(evictions <= 1, "there is one best-effort task, and who is gone is not evicted again");
    let calm = seen_offer(&quiet());
    assert!(cpu.mean_offer().expect("time") < calm, "nothing is offered while somebody waits");
}

fn seen_offer(samples: &[Sample]) -> f64 {
    seen(samples).standings[0].mean_offer().expect("time passed")
}

#[test]
fn the_table_says_it_for_people() {
    let seen = seen(&harmed(100, 300));
    let table = report::verdicts("node", &policy(), &seen);
    let lines: Vec<&str> = table.lines().collect();
    let head = format!(
        "node · the policy with calibrated over {} · 400 decisions",
        Span::from_secs(SECONDS - 1)
    );
    assert_eq!(lines[0], head);
    assert!(Level::ALL.iter().all(|level| lines[1].contains(level.word())), "{table}");
    assert!(lines[2].trim_start().starts_with("cpu") && lines[2].contains("cores"), "{table}");
    let asked = format!("{} evictions", seen.corrections.evictions);
    assert!(lines[5].contains("asked for") && lines[5].ends_with(&asked), "{table}");
}
