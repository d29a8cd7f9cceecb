// SPDX-License-Identifier: Apache-2.0
//! A recording decided anew: as an observing engine decides it, and the same from every mark on.

use crate::recording::{options, record, wall};
use crate::verdicts::{harmed, policy};
use gleaner_backtest::playback::{Mark, Playback};
use gleaner_backtest::recording::{Event, Recorder, RecorderOptions, RecordingError};
use gleaner_engine::Engine;
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::{Bytes, Timestamp};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use std::fs;
use std::path::Path;

/// The rest of a playback, and every mark that could be made on the way.
fn play(playback: &mut Playback) -> (Vec<Decision>, Vec<Mark>) {
    let (mut decisions, mut marks) = (Vec::new(), Vec::new());
    while let Some(decision) = playback.advance().expect("readable") {
        decisions.push(decision);
        marks.extend(playback.mark());
    }
    (decisions, marks)
}

/// From each mark on the decisions are those of the first time.
fn assert_the_same_from_every_mark(path: &Path) -> Vec<Decision> {
    let mut playback = Playback::open(path, &policy()).expect("a recording");
    let (all, marks) = play(&mut playback);
    assert!(marks.len() > 3, "{} marks", marks.len());
    for mark in marks.iter().rev() {
        playback.go_to(mark).expect("the file is there");
        assert_eq!(playback.number(), mark.number());
        let behind = usize::try_from(mark.number()).expect("few");
        assert_eq!(play(&mut playback).0, all[behind..], "from {behind} on");
    }
    all
}

#[test]
fn it_decides_as_an_observing_engine_and_again_from_every_mark() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = harmed(100, 160);
    record(&path, &samples, options(10));
    let all = assert_the_same_from_every_mark(&path);
    let able = Actuator::ALL.into_iter();
    let able = able.fold(Capabilities::none(), |able, one| able.with(one, Ability::Works));
    let mut engine = Engine::new(policy());
    engine.set_capabilities(able);
    let tick = |sample: &Sample| {
        engine.tick(Reading { at: sample.at, wall_ms: wall(sample), body: Body::Fresh(sample) })
    };
    let expected: Vec<Decision> = samples.iter().map(tick).collect();
    assert_eq!(all, expected);
    assert!(all.iter().all(|decision| decision.mode == Mode::Observe));
    let corrections = all.iter().flat_map(|decision| &decision.verdict.corrections);
    let would: Vec<bool> = corrections.map(|correction| correction.is_would()).collect();
    assert!(!would.is_empty() && would.iter().all(|would| *would), "nothing is done, only shown");
}

/// Glances between samples, a recorder that was started twice, and files that rotate.
#[test]
fn glances_restarts_and_rotated_files_are_played_alike() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    let samples = harmed(100, 160);
    let small = RecorderOptions { max_bytes: 6000, keep: 50, ..options(3) };
    for (run, part) in (0..).zip(samples.chunks(220)) {
        let mut recorder = Recorder::open(&path, 1_000 + run, small.clone()).expect("a recording");
        for sample in part {
            recorder.append(sample, wall(sample)).expect("room on disk");
            for tenth in 1..4 {
                let at = Timestamp(sample.at.0 + tenth * 100_000_000);
                let memory_available = Some(Bytes(8 << 30));
                let glance = Glance { at, memory_available, ..Glance::default() };
                recorder.tell(&Event::Glance(&glance), wall(sample)).expect("room on disk");
            }
        }
        recorder.close().expect("room on disk");
    }
    assert!(dir.path().join("node.rec.2").exists(), "it rotated");
    let all = assert_the_same_from_every_mark(&path);
    assert_eq!(all.len(), samples.len());
    assert_eq!((all[219].tick, all[220].tick), (220, 1), "with the recorder the engine began anew");
}

#[test]
fn damage_is_passed_over_and_told_once_and_what_is_foreign_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("node.rec");
    record(&path, &harmed(100, 160), options(10));
    let mut bytes = fs::read(&path).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0xff);
    fs::write(&path, &bytes).expect("writable");
    let mut playback = Playback::open(&path, &policy()).expect("a recording");
    let (all, marks) = play(&mut playback);
    assert!((100..390).contains(&all.len()), "{} decisions", all.len());
    let damage = playback.damage().to_vec();
    playback.go_to(&marks[0]).expect("the file is there");
    play(&mut playback);
    assert!(!damage.is_empty() && playback.damage() == damage, "{:?}", playback.damage());
    // A recorder that rotates meanwhile puts another file in its place: as large a surprise as any.
    fs::rename(&path, dir.path().join("elsewhere")).expect("writable");
    record(&path, &harmed(1, 2)[..5], options(10));
    let error = playback.go_to(&marks[0]).expect_err("another file");
    assert!(error.to_string().contains("rotated while it was read"), "{error}");
    fs::write(&path, "GIF89a, and more").expect("writable");
    let error = Playback::open(&path, &policy()).err().expect("no recording");
    assert!(matches!(error, RecordingError::NotARecording { .. }), "{error}");
}
