// SPDX-License-Identifier: Apache-2.0
//! Recordings of a scripted node, for those who show or decide them anew: a service, two batch tasks, harm for a while.

use gleaner_backtest::recording::{Recorder, RecorderOptions};
use gleaner_estimator::sample::{
    Allocation, Class, CpuTimes, MemoryEvents, MemoryInfo, NodeSample, Psi, PsiSet, Sample, Task,
    TaskCounters, TaskId, TaskSample,
};
use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// 2026-01-01 12:00:00 UTC, in milliseconds: the moment before the first sample.
const NOON: u64 = 1_767_268_800_000;

/// A name that would drive a terminal or a browser which took it for more than a name.
const RUDE: &str = "be/\u{1b}[2J<img src=x onerror=alert(1)>";

/// Records so many seconds, one sample each; in those of `harm` the service's threads wait 20 s in every second.
///
/// # Panics
/// If the files cannot be written.
pub(crate) fn record(file: &Path, seconds: u64, harm: Range<u64>, options: RecorderOptions) {
    let mut recorder = Recorder::open(file, NOON, options).expect("a new recording");
    let mut waited = 0;
    for second in 1..=seconds {
        waited += if harm.contains(&second) { 20_000_000_000 } else { 1_000_000 };
        let sample = sample(second, waited);
        recorder.append(&sample, NOON + second * 1000).expect("room on disk");
    }
    recorder.close().expect("room on disk");
}

/// Blocks of five seconds, and files that are full soon.
#[must_use]
pub(crate) fn small_files() -> RecorderOptions {
    RecorderOptions { max_bytes: 3000, keep: 100, block: Span::from_secs(5), names: None }
}

fn sample(second: u64, waited_ns: u64) -> Sample {
    let mut tasks = vec![
        task("be/batch-1", Class::BestEffort, second, 0),
        task(RUDE, Class::BestEffort, second, 0),
        task("web/api", Class::Guaranteed, second, waited_ns),
    ];
    tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
    let memory = MemoryInfo {
        total: Bytes(64 << 30),
        available: Some(Bytes(48 << 30)),
        ..MemoryInfo::default()
    };
    Sample {
        // The node was started long before.
        at: Timestamp::default().plus(Span::from_secs(100_000 + second)),
        node: NodeSample {
            capacity_cpu: MilliCpus(16_000),
            capacity_memory: Bytes(64 << 30),
            cpu: Some(CpuTimes { busy_usec: second * 4_000_000, idle_usec: second, steal_usec: 0 }),
            memory: Some(memory),
            ..NodeSample::default()
        },
        tasks,
        vanished: 0,
    }
}

fn task(name: &str, class: Class, second: u64, waited_ns: u64) -> TaskSample {
    let psi = Some(Psi { some_usec: 1000 * second, full_usec: None });
    // It uses a little more in each second, so that no two pictures are alike.
    let usec = second * 900_000 + second * second * 20;
    TaskSample {
        task: Arc::new(Task {
            id: TaskId { name: name.into(), inode: 7 },
            class,
            why: "scripted".to_owned(),
            allocation: Allocation { cpu: Some(MilliCpus(4000)), memory: Some(Bytes(1 << 30)) },
            priority: 0,
            tenant: None,
            labels: Vec::new(),
            started: Some(Timestamp(1)),
        }),
        counters: TaskCounters {
            cpu_usage_usec: Some(usec),
            working_set: Some(Bytes(1 << 28)),
            psi: PsiSet { cpu: psi, memory: psi, io: psi },
            run_wait_ns: Some(waited_ns),
            run_cpu_ns: Some(usec * 1000),
            throttled_usec: Some(0),
            major_faults: Some(0),
            memory_events: Some(MemoryEvents::default()),
            file_cache: Some(Bytes(1 << 20)),
            pids: Some(3),
            ..TaskCounters::default()
        },
    }
}
