// SPDX-License-Identifier: Apache-2.0
//! What a recording is for: the live decisions again, a trace for others, at a stated size.

use crate::recording::{WALL, options, record, samples, wall};
use gleaner_backtest::policy;
use gleaner_backtest::recording::{Recorder, RecordingReader, export};
use gleaner_backtest::trace::{Machine, Trace};
use gleaner_engine::config::EngineConfig;
use gleaner_engine::reading::{Body, Reading};
use gleaner_engine::{Engine, audit};
use gleaner_estimator::units::{Span, Timestamp};
use std::fs;
use std::path::Path;

/// Starts over cold after half a minute without a sample.
fn policy() -> EngineConfig {
    EngineConfig { stale_after: Span::from_secs(30), ..policy::plain() }
}

/// A live engine that is recorded: samples, a failed reading, a gap, and a restart.
fn live(path: &Path) -> Vec<String> {
    let samples = samples(400, 6);
    let mut lines = Vec::new();
    for (run, part) in [&samples[..250], &samples[250..]].into_iter().enumerate() {
        let mut engine = Engine::new(policy());
        let mut recorder = Recorder::open(path, WALL + run as u64, options(10)).expect("new");
        for (i, sample) in part.iter().enumerate() {
            if (60..100).contains(&i) {
                continue;
            }
            let failed = i % 37 == 5;
            let body = if failed { Body::Failed("/proc/stat: gone") } else { Body::Fresh(sample) };
            let reading = Reading { at: sample.at, wall_ms: wall(sample), body };
            lines.push(audit::line(&engine.tick(reading)));
            recorder.append_reading(&reading).expect("room on disk");
        }
    }
    lines
}

#[test]
fn a_replay_gives_the_bytes_of_the_live_audit() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let live = live(&path);
    let mut engine = Engine::new(policy());
    let mut replayed = Vec::new();
    for recorded in RecordingReader::open(&path).expect("a recording") {
        let recorded = recorded.expect("readable");
        if recorded.starts {
            engine = Engine::new(policy());
        }
        replayed.push(audit::line(&engine.tick(recorded.reading())));
    }
    assert_eq!(replayed.len(), live.len());
    for (i, (replayed, live)) in replayed.iter().zip(&live).enumerate() {
        assert_eq!(replayed, live, "decision {i}");
    }
    let holding = |word: &str| live.iter().filter(|line| line.contains(word)).count();
    assert_eq!(holding("/proc/stat: gone"), 10, "failures are in it too");
    assert!(holding("\"cold\"") >= 3, "two starts and a gap");
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
