// SPDX-License-Identifier: Apache-2.0
//! Traces as tests state them: rows, and the files that hold them.

use gleaner_estimator::units::{Amount, Bytes};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One row of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) machine: i64,
    pub(crate) t: i64,
    pub(crate) task: i64,
    pub(crate) cpu: (f64, f64),
    pub(crate) memory: (u64, u64),
}

pub(crate) const HEADER: &str =
    "machine_id,t_seconds,task_id,cpu_limit_cores,cpu_used_cores,mem_limit_bytes,mem_used_bytes";

/// The rows as CSV, in the order given.
pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    for r in rows {
        let (limit, used) = r.cpu;
        let (mem_limit, mem_used) = r.memory;
        writeln!(text, "{},{},{},{limit},{used},{mem_limit},{mem_used}", r.machine, r.t, r.task)
            .expect("writing to a string");
    }
    text
}

/// Sorts rows as a trace must be.
pub(crate) fn sort(rows: &mut [Row]) {
    rows.sort_by_key(|r| (r.machine, r.task, r.t));
}

/// The nearest whole number.
pub(crate) fn whole(value: f64) -> u64 {
    Bytes::from_base(value).0
}

/// A small generator, so that the tests' traces are the same everywhere (Knuth, MMIX).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    /// Whole numbers below a limit.
    pub(crate) fn below(&mut self, limit: u32) -> u64 {
        whole(self.next() * f64::from(limit))
    }

    /// In 0..1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }
}

/// Machines with a daily rhythm, bursts, and tasks that come and go; `days` at steps of `step` seconds.
pub(crate) fn generated(machines: i64, days: i64, step: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for machine in 0..machines {
        let mut noise = Noise(42 + u64::try_from(machine).expect("not negative"));
        for task in 0..6 {
            let limit = 1.0 + (noise.next() * 3.0).round();
            let base = limit * (0.1 + 0.3 * noise.next());
            let (from, until) = match task {
                4 => (days * 86_400 / 2 / step, days * 86_400 / step),
                5 => (0, days * 86_400 * 2 / 3 / step),
                _ => (0, days * 86_400 / step),
            };
            for i in from..until {
                let t = i * step;
                let hour = (t % 86_400) as f64 / 3600.0;
                let day = 1.0 + 0.5 * ((hour - 15.0) * std::f64::consts::PI / 12.0).cos();
                let burst = if noise.next() > 0.995 { limit } else { 0.0 };
                let used = base * day * (0.8 + 0.4 * noise.next()) + burst;
                // Three decimals, so that CSV and Parquet hold the same numbers.
                let used = (used * 1000.0).round() / 1000.0;
                let memory = (1_u64 << 30, (1 << 28) + noise.below(100_000_000));
                rows.push(Row { machine, t, task, cpu: (limit, used), memory });
            }
        }
    }
    sort(&mut rows);
    rows
}

/// Writes a file below a temporary directory.
pub(crate) fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).expect("a temporary file can be written");
    path
}
