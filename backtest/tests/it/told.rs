// SPDX-License-Identifier: Apache-2.0
//! Recordings of anything that an engine can be told, and of no recording at all.

use crate::recording::{WALL, options, read, task};
use gleaner_backtest::recording::{Recorded, Recorder, Told};
use gleaner_estimator::glance::{Glance, GlanceTask};
use gleaner_estimator::sample::{
    Class, NodeSample, Psi, PsiSet, Sample, Task, TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Timestamp};
use gleaner_qos::capability::Capabilities;
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::Action;
use proptest::prelude::*;
use std::fs;
use std::sync::Arc;

type Rows = Vec<(u32, i32, [Option<u64>; 3], Option<(u64, Option<u64>)>)>;

/// Some of a few tasks, whose facts may change, with any optional numbers.
fn rows() -> impl Strategy<Value = Rows> {
    let number = || prop::option::of(any::<u64>());
    let psi = prop::option::of((any::<u64>(), number()));
    let row = (0..3_i32, [number(), number(), number()], psi);
    prop::collection::btree_map(0..5_u32, row, 0..5).prop_map(|rows| {
        rows.into_iter()
            .map(|(name, (priority, numbers, psi))| (name, priority, numbers, psi))
            .collect()
    })
}

fn facts(name: u32, priority: i32) -> Arc<Task> {
    let task = task(&format!("t{name}"), Class::ALL[name as usize % 3]);
    Arc::new(Task { priority, ..(*task).clone() })
}

fn stalls(psi: Option<(u64, Option<u64>)>) -> PsiSet {
    let io = psi.map(|(some_usec, full_usec)| Psi { some_usec, full_usec });
    PsiSet { io, ..PsiSet::default() }
}

fn any_sample(rows: Rows, vanished: u32, capacity: u64) -> Told {
    let tasks = rows.into_iter().map(|(name, priority, [cpu, memory, pids], psi)| TaskSample {
        task: facts(name, priority),
        counters: TaskCounters {
            cpu_usage_usec: cpu,
            working_set: memory.map(Bytes),
            pids,
            psi: stalls(psi),
            ..TaskCounters::default()
        },
    });
    let node = NodeSample { capacity_cpu: MilliCpus(capacity), ..NodeSample::default() };
    Told::Sample(Sample { vanished, node, tasks: tasks.collect(), ..Sample::default() })
}

fn any_glance(rows: Rows, available: Option<u64>) -> Told {
    let tasks = rows.into_iter().map(|(name, priority, [cpu, wait, faults], psi)| GlanceTask {
        task: facts(name, priority),
        cpu_usage_usec: cpu,
        throttled_usec: None,
        psi: stalls(psi),
        run_wait_ns: wait,
        run_cpu_ns: cpu,
        major_faults: faults,
    });
    let memory_available = available.map(Bytes);
    Told::Glance(Glance { memory_available, tasks: tasks.collect(), ..Glance::default() })
}

pub(crate) fn any_report(name: &str) -> Told {
    Told::Report(Report {
        at: Timestamp::default(),
        task: TaskId { name: name.into(), inode: 3 },
        action: Action::Evict,
        outcome: Outcome::NoEffect,
        relief: None,
    })
}

/// Anything that an engine can be told.
fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        4 => (rows(), any::<u32>(), any::<u64>()).prop_map(|(r, v, c)| any_sample(r, v, c)),
        3 => (rows(), prop::option::of(any::<u64>())).prop_map(|(r, a)| any_glance(r, a)),
        1 => ".*".prop_map(Told::Failed),
        1 => ".*".prop_map(|name| any_report(&name)),
        1 => any::<bool>().prop_map(|lowest| {
            Told::Capabilities(Capabilities::none().with_foreign_class(lowest))
        }),
    ]
}

/// The same at a time.
pub(crate) fn at(told: Told, at: Timestamp) -> Told {
    match told {
        Told::Sample(sample) => Told::Sample(Sample { at, ..sample }),
        Told::Glance(glance) => Told::Glance(Glance { at, ..glance }),
        Told::Report(report) => Told::Report(Report { at, ..report }),
        Told::Failed(_) | Told::Capabilities(_) => told,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn anything_that_an_engine_is_told_comes_back(
        all in prop::collection::vec(told(), 0..40),
        block in 0..5_u64,
        split in 0..40_usize,
    ) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("node.rec");
        let mut expected = Vec::new();
        // Recorded by two runs: the second continues the file.
        let split = split.min(all.len());
        for (run, part) in [&all[..split], &all[split..]].into_iter().enumerate() {
            let start = WALL + run as u64;
            let mut recorder = Recorder::open(&path, start, options(block)).expect("a recording");
            for (i, told) in part.iter().enumerate() {
                let now = Timestamp(i as u64 * 1_000_000_007);
                let (starts, wall_ms) = (i == 0, start + i as u64);
                expected.push(Recorded { starts, at: now, wall_ms, told: at(told.clone(), now) });
                let recorded = expected.last().expect("just pushed");
                recorder.tell(&recorded.event(), wall_ms).expect("room on disk");
            }
            recorder.close().expect("room on disk");
        }
        prop_assert_eq!(read(&path).0, expected);
    }

    #[test]
    fn no_byte_sequence_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("node.rec");
        let whole = [b"GLNRREC\x01".as_slice(), &bytes].concat();
        fs::write(&path, whole).expect("a temporary file");
        prop_assert_eq!(read(&path).0, vec![]);
    }
}
