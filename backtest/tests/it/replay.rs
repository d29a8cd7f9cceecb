// SPDX-License-Identifier: Apache-2.0
//! What a recording is for: the live decisions again, a trace for others, at a stated size.

use crate::recording::{WALL, options, record, samples, wall};
use gleaner_backtest::policy;
use gleaner_backtest::recording::{Event, Recorded, Recorder, RecordingReader, Told, export};
use gleaner_backtest::trace::{Machine, Trace};
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::Mode;
use gleaner_engine::{Engine, audit};
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::sample::{Class, Sample};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::report::{Outcome, Report};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Starts over cold after half a minute without a sample.
fn policy() -> EngineConfig {
    let stale_after = Span::from_secs(30);
    EngineConfig { mode: Mode::Evict, stale_after, lend_blind: false, ..policy::plain() }
}

/// What a host tells of one second: glances before the sample, in which the first service waits now and then.
fn glances(sample: &Sample, second: usize) -> Vec<Glance> {
    let glance = |i: u64| {
        let tasks = sample.tasks.iter().filter(|t| t.task.class == Class::Guaranteed);
        let tasks = tasks.enumerate().map(|(n, t)| {
            let stalled = if n == 0 && second % 100 > 80 { 80_000 * i } else { 0 };
            GlanceTask {
                task: Arc::clone(&t.task),
                cpu_usage_usec: t.counters.cpu_usage_usec,
                throttled_usec: None,
                psi: t.counters.psi,
                run_wait_ns: t.counters.run_wait_ns.map(|ns| ns + stalled * 1000),
                run_cpu_ns: t.counters.run_cpu_ns,
                major_faults: None,
            }
        });
        Glance {
            at: Timestamp(sample.at.0 - (10 - i) * 100_000_000),
            cpu: sample.node.cpu,
            memory_available: sample.node.memory.and_then(|m| m.available),
            best_effort_cpu_usec: sample.tasks[0].counters.cpu_usage_usec,
            tasks: tasks.collect(),
        }
    };
    (1..10).map(glance).collect()
}

/// Tells engine and recorder the same.
struct Host {
    engine: Engine,
    recorder: Recorder,
    lines: Vec<String>,
    victims: usize,
}

impl Host {
    fn start(path: &Path, run: u64) -> Self {
        let recorder = Recorder::open(path, WALL + run, options(10)).expect("room on disk");
        let mut host =
            Self { engine: Engine::new(policy()), recorder, lines: Vec::new(), victims: 0 };
        let all = Actuator::ALL.into_iter();
        let able = all.fold(Capabilities::none(), |able, one| able.with(one, Ability::Works));
        host.tell(Told::Capabilities(able), Timestamp(run), WALL);
        host
    }

    fn tell(&mut self, told: Told, at: Timestamp, wall_ms: u64) {
        let recorded = Recorded { starts: false, at, wall_ms, told };
        self.recorder.tell(&recorded.event(), wall_ms).expect("room on disk");
        let Some(decision) = recorded.tell(&mut self.engine) else { return };
        self.lines.push(audit::line(&decision));
        for correction in &decision.verdict.corrections {
            self.victims += 1;
            let report = Report {
                at: Timestamp(at.0 + 1),
                task: correction.task().clone(),
                action: correction.action(),
                outcome: Outcome::Acted,
                relief: None,
            };
            self.recorder.tell(&Event::Report(&report), wall_ms).expect("room on disk");
            self.engine.report(&report);
        }
    }
}

/// A live engine that is recorded: samples, failed readings, glances, corrections, a gap, and a restart.
fn live(path: &Path) -> (Vec<String>, usize) {
    let samples = samples(400, 6);
    let (mut lines, mut victims) = (Vec::new(), 0);
    for (run, part) in [&samples[..250], &samples[250..]].into_iter().enumerate() {
        let mut host = Host::start(path, run as u64);
        for (i, sample) in part.iter().enumerate().filter(|(i, _)| !(60..100).contains(i)) {
            for glance in glances(sample, i) {
                host.tell(Told::Glance(glance.clone()), glance.at, wall(sample));
            }
            let told = match i % 37 == 5 {
                true => Told::Failed("/proc/stat: gone".to_owned()),
                false => Told::Sample(sample.clone()),
            };
            host.tell(told, sample.at, wall(sample));
        }
        lines.append(&mut host.lines);
        victims += host.victims;
    }
    (lines, victims)
}

#[test]
fn a_replay_gives_the_bytes_of_the_live_audit() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let (live, victims) = live(&path);
    let mut engine = Engine::new(policy());
    let mut replayed = Vec::new();
    for recorded in RecordingReader::open(&path).expect("a recording") {
        let recorded = recorded.expect("readable");
        if recorded.starts {
            engine = Engine::new(policy());
        }
        replayed.extend(recorded.tell(&mut engine).map(|decision| audit::line(&decision)));
    }
    assert_eq!(replayed.len(), live.len());
    for (i, (replayed, live)) in replayed.iter().zip(&live).enumerate() {
        assert_eq!(replayed, live, "decision {i}");
    }
    let holding = |word: &str| live.iter().filter(|line| line.contains(word)).count();
    assert_eq!(holding("/proc/stat: gone"), 9, "failures are in it too");
    assert!(holding("\"cold\"") >= 3, "two starts and a gap");
    assert!(victims > 0, "and something was corrected");
}

fn trace(path: &Path) -> Machine {
    let mut trace = Trace::open(path).expect("a trace");
    trace.next().expect("one machine").expect("a good machine")
}

#[test]
fn an_export_is_a_trace_with_the_same_usage() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = samples(200, 3);
    record(&path, &samples, options(10));
    let out = dir.path().join("node.parquet");
    let exported = export(&path, &out, None).expect("exportable");
    // One of the three tasks is best effort. The first sample has no rate.
    assert_eq!((exported.rows, exported.tasks, exported.step_s), (2 * 199, 2, 1));
    let (parquet, direct) = (trace(&out), trace(&path));
    assert_eq!(parquet, direct, "reading the recording is reading its export");
    assert_eq!((parquet.step_s, parquet.runs.len()), (1, 2));
    let usec = |i: usize| samples[i].tasks[1].counters.cpu_usage_usec.expect("counted") as f64;
    let run = &parquet.runs[0];
    for (i, row) in run.rows.clone().enumerate() {
        let cores = (usec(i + 1) - usec(i)) / 1e6;
        assert!((parquet.cpu.used[row] - cores).abs() < 1e-6, "second {i}");
    }
    let memory = parquet.memory.as_ref().expect("the recording has memory");
    assert!(memory.limit.iter().all(|limit| (limit - f64::from(1 << 30)).abs() < 0.5));

    let minutes = export(&path, &out, Some(60)).expect("exportable");
    assert_eq!((minutes.rows, minutes.step_s), (2 * 4, 60));
    let coarse = trace(&out);
    let mean: f64 = parquet.cpu.used[..59].iter().sum::<f64>() / 59.0;
    // The recording's first second is the first sample: a minute holds what lies in it.
    assert!((coarse.cpu.used[0] - mean).abs() < 0.02, "{} is the mean {mean}", coarse.cpu.used[0]);
    assert!(!dir.path().join("node.parquet.part").exists());
}

#[test]
fn an_export_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    record(&path, &samples(20, 2), options(10));
    let out = dir.path().join("missing").join("node.parquet");
    let error = export(&path, &out, None).expect_err("no such directory").to_string();
    assert!(error.contains("missing"), "{error}");
    let left: Vec<_> = fs::read_dir(dir.path()).expect("readable").collect();
    assert_eq!(left.len(), 1, "only the recording is there");
}

#[test]
fn a_pause_is_no_usage_and_who_comes_back_is_a_newcomer() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let mut samples = samples(300, 2);
    samples.drain(100..200);
    record(&path, &samples, options(10));
    let machine = trace(&path);
    let runs: Vec<_> = machine.runs.iter().map(|r| (r.id, r.first, r.rows.len())).collect();
    // The samples stand at 1 s to 100 s and 201 s to 300 s; a rate belongs to the second before its sample.
    assert_eq!(runs, [(0, 0, 99), (0, 200, 99)]);
}

/// The figure that `docs/prediction.md` gives: busy services whose every counter moves every second.
#[test]
fn a_task_takes_this_many_bytes_a_day() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let (seconds, tasks) = (1800, 50);
    record(&path, &samples(seconds, tasks), options(10));
    let bytes = fs::metadata(&path).expect("there").len();
    let per_day = bytes as f64 / tasks as f64 * 86_400.0 / seconds as f64;
    println!("{:.2} MB a task and day, every counter moving every second", per_day / 1e6);
    assert!(per_day < 2.6e6, "{per_day}");

    let mut idle = samples(1, tasks);
    let first = idle.remove(0);
    let still: Vec<_> = (0..seconds)
        .map(|s| {
            let at = first.at.plus(Span::from_secs(s));
            gleaner_estimator::sample::Sample { at, ..first.clone() }
        })
        .collect();
    let path = dir.path().join("idle.rec");
    record(&path, &still, options(10));
    let bytes = fs::metadata(&path).expect("there").len();
    let per_day = bytes as f64 / tasks as f64 * 86_400.0 / seconds as f64;
    println!("{:.1} kB a task and day when nothing moves", per_day / 1e3);
    assert!(per_day < 60e3, "{per_day}");
    assert_eq!(first.at, Timestamp(1_000_000_000));
}
