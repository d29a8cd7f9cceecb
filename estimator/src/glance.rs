// SPDX-License-Identifier: Apache-2.0
//! A fast partial reading between two samples: only what shows harm, read 10 to 100 times a second.

use crate::sample::{CpuTimes, PsiSet, Task};
use crate::units::{Bytes, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is read of one guaranteed task in a glance. Counters are cumulative, as in a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlanceTask {
    /// Who.
    pub task: Arc<Task>,
    /// CPU time used, microseconds.
    pub cpu_usage_usec: Option<u64>,
    /// Time throttled by its own CFS quota, microseconds.
    pub throttled_usec: Option<u64>,
    /// Stall times.
    pub psi: PsiSet,
    /// Run-queue wait of a bounded number of its threads, nanoseconds.
    pub run_wait_ns: Option<u64>,
    /// CPU time of the same threads, nanoseconds.
    pub run_cpu_ns: Option<u64>,
    /// Major page faults.
    pub major_faults: Option<u64>,
}

/// One fast reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    /// When.
    pub at: Timestamp,
    /// CPU times of the node (steal is the guard of every verdict).
    pub cpu: Option<CpuTimes>,
    /// MemAvailable.
    pub memory_available: Option<Bytes>,
    /// CPU time that all best-effort tasks have used, microseconds; never falls while tasks leave.
    pub best_effort_cpu_usec: Option<u64>,
    /// The guaranteed tasks, sorted by id.
    pub tasks: Vec<GlanceTask>,
}
