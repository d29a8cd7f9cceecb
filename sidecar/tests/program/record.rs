// SPDX-License-Identifier: Apache-2.0
//! `gleaner record` and `gleaner export` as a user has them, on a node made of files and on this one.

use crate::common::{Running, gleaner, scratch, stderr, stdout};
use crate::fake_node::node;
use gleaner_backtest::recording::{RecordingReader, Told};
use gleaner_backtest::trace::Trace;
use gleaner_estimator::sample::Sample;
use rustix::process::Signal;
use std::fs;
use std::path::Path;

fn samples(path: &Path) -> Vec<Sample> {
    let told = RecordingReader::open(path).expect("a recording").map(|r| r.expect("readable").told);
    told.map(|told| {
        let Told::Sample(sample) = told else { panic!("not a sample: {told:?}") };
        sample
    })
    .collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("plain names")
}

#[test]
fn what_was_recorded_is_exported_and_backtested() {
    let root = scratch();
    let config = node(root.path());
    let file = root.path().join("node.rec");
    let record = ["record", text(&file), "--samples", "15", "--config", text(&config)];
    let output = gleaner(record);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).ends_with("node.rec: 15 samples, 2 tasks in the last one\n"));
    let kept = samples(&file);
    assert_eq!(kept.len(), 15);
    assert!(kept.iter().all(|sample| sample.tasks.len() == 2 && sample.node.cpu.is_some()));

    // A second run continues the file.
    assert!(gleaner(record).status.success());
    assert_eq!(samples(&file).len(), 30);

    let out = root.path().join("node.parquet");
    let output = gleaner(["export", text(&file), text(&out)]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains(" rows of 1 tasks, one every 1 s"), "{}", stdout(&output));
    let mut trace = Trace::open(&out).expect("a trace");
    let machine = trace.next().expect("a machine").expect("a good one");
    assert!((machine.cpu.limit[0] - 2.0).abs() < 1e-9, "the guaranteed task and its two cores");
    let judged = gleaner(["backtest", text(&file), "--warmup", "0s", "--horizon", "1s", "--json"]);
    assert!(stdout(&judged).contains("\"trace\":\"node\""), "{}", stderr(&judged));
    let told = gleaner(["backtest", text(&file), "--warmup", "0s", "--horizon", "1s"]);
    let policy = "node · the policy with calibrated over ";
    assert!(stdout(&told).contains(policy), "{}{}", stdout(&told), stderr(&told));
    assert!(stdout(&told).contains(" 30 decisions\n"), "{}", stdout(&told));
    assert!(stdout(&told).contains("0 squeezes, 0 probes, 0 freezes, 0 evictions"));
}

#[test]
fn names_are_hidden_on_request() {
    let root = scratch();
    let config = node(root.path());
    let (file, key) = (root.path().join("node.rec"), root.path().join("key"));
    fs::write(&key, "0123456789abcdef").expect("writable");
    let hash = ["--hash-names", "--hash-key", text(&key)];
    let record = ["record", text(&file), "-n", "2", "--config", text(&config)];
    let output = gleaner(record.iter().chain(&hash));
    assert!(output.status.success(), "{}", stderr(&output));
    for task in samples(&file).iter().flat_map(|sample| &sample.tasks) {
        let shown = format!("{task:?}");
        assert!(!shown.contains("web") && !shown.contains("batch"), "{shown}");
    }
    fs::write(&key, "short").expect("writable");
    let output = gleaner(record.iter().chain(&hash));
    assert_eq!(output.status.code(), Some(66));
    assert!(stderr(&output).contains("a key needs 16 bytes"), "{}", stderr(&output));
}

#[test]
fn told_to_end_it_keeps_what_it_has() {
    let root = scratch();
    let file = root.path().join("node.rec");
    for (signal, runs) in [(Signal::TERM, 1), (Signal::INT, 2)] {
        let mut running = Running::command("record", &[text(&file)], &[]);
        running.logged("recording to");
        running.signal(signal);
        assert!(running.end().success());
        let mut reader = RecordingReader::open(&file).expect("a recording");
        let starts = reader.by_ref().filter(|r| r.as_ref().is_ok_and(|r| r.starts)).count();
        assert!(starts <= runs, "each run is one");
        assert_eq!(reader.damage(), [], "nothing is torn");
    }
}

#[test]
fn mistakes_are_named() {
    let root = scratch();
    let notes = root.path().join("notes");
    fs::write(&notes, "shopping list").expect("writable");
    for args in [["record", text(&notes), "-n1"], ["export", text(&notes), "/nowhere/out.parquet"]]
    {
        let output = gleaner(args);
        assert_eq!(output.status.code(), Some(65), "{args:?}");
        assert!(stderr(&output).contains("not a recording"), "{}", stderr(&output));
    }
    assert_eq!(fs::read_to_string(&notes).expect("readable"), "shopping list");
}
