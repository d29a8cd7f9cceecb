// SPDX-License-Identifier: Apache-2.0
//! What the kernel or the agent reported at one instant: cumulative counters and levels, nothing derived.

use crate::units::{Bytes, MilliCpus, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who a task is. A name alone can be taken again by a new cgroup, so the inode belongs to it.
///
/// Ordered by name, then inode: the order of every list of tasks and the tie-break of every choice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// The cgroup path below its hierarchy's root, or the Mesos container id.
    pub name: Arc<str>,
    /// Inode of the cgroup directory; 0 where there is none (a Mesos container id is unique by itself).
    pub inode: u64,
}

/// Whose loss a shortage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Was promised its allocation; never corrected.
    Guaranteed,
    /// Runs on what is lent (Mesos: revocable) and may be taken back.
    BestEffort,
    /// Everything else on the node; never corrected.
    System,
}

impl Class {
    /// All classes, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Guaranteed, Self::BestEffort, Self::System];

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Guaranteed => "guaranteed",
            Self::BestEffort => "best_effort",
            Self::System => "system",
        }
    }
}

/// What a task was promised. `None` where nobody stated it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Promised CPU.
    pub cpu: Option<MilliCpus>,
    /// Promised memory.
    pub memory: Option<Bytes>,
}

/// The lasting facts of one container, shared by all its samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Identity.
    pub id: TaskId,
    /// Class.
    pub class: Class,
    /// Why it has that class, as one phrase for people: "below kubepods/besteffort".
    pub why: String,
    /// What it was promised.
    pub allocation: Allocation,
    /// Higher is more important; best-effort tasks of the lowest priority go first.
    pub priority: i32,
    /// Owner (namespace, framework, slice), where the layout knows one.
    pub tenant: Option<String>,
    /// Further facts of the layout, sorted by key.
    pub labels: Vec<(String, String)>,
    /// When it started, on the same clock as samples; `None` where that cannot be known.
    pub started: Option<Timestamp>,
}

/// Cumulative stall times of one resource, in microseconds (`/proc/pressure`, `*.pressure`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Psi {
    /// Time in which at least one task waited.
    pub some_usec: u64,
    /// Time in which all non-idle tasks waited; `None` where the kernel has no such line.
    pub full_usec: Option<u64>,
}

/// One stall counter a resource, each `None` where the kernel does not report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PsiSet {
    /// CPU.
    pub cpu: Option<Psi>,
    /// Memory.
    pub memory: Option<Psi>,
    /// Block IO.
    pub io: Option<Psi>,
}

/// Counts of memory trouble since the cgroup was made (`memory.events`; v1: `memory.failcnt`, `oom_kill`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEvents {
    /// Times usage was throttled over `memory.high`.
    pub high: u64,
    /// Times usage was about to pass `memory.max`.
    pub max: u64,
    /// Times allocation failed.
    pub oom: u64,
    /// Processes killed by the kernel's OOM killer.
    pub oom_kill: u64,
}

/// What was read of one task at one instant. Counters are cumulative; `None` means not known, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCounters {
    /// CPU time used, microseconds.
    pub cpu_usage_usec: Option<u64>,
    /// Time throttled by its own CFS quota, microseconds.
    pub throttled_usec: Option<u64>,
    /// Enforcement periods that have passed.
    pub periods: Option<u64>,
    /// Enforcement periods in which it was throttled.
    pub throttled_periods: Option<u64>,
    /// All memory charged to it, page cache included.
    pub memory_current: Option<Bytes>,
    /// Memory that cannot be dropped: anon + shmem + unevictable + unreclaimable kernel.
    pub working_set: Option<Bytes>,
    /// Page cache charged to it, shmem excluded.
    pub file_cache: Option<Bytes>,
    /// Memory limit in force; `None` where unlimited or unknown.
    pub memory_limit: Option<Bytes>,
    /// Major page faults.
    pub major_faults: Option<u64>,
    /// Memory trouble.
    pub memory_events: Option<MemoryEvents>,
    /// Stall times.
    pub psi: PsiSet,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Time its threads waited runnable on a run queue, nanoseconds (schedstat; a bounded number of threads).
    pub run_wait_ns: Option<u64>,
    /// CPU time of the same threads as `run_wait_ns`, nanoseconds.
    pub run_cpu_ns: Option<u64>,
}

/// One task in one sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSample {
    /// Its lasting facts.
    pub task: Arc<Task>,
    /// What was read now.
    pub counters: TaskCounters,
}

/// Time of all CPUs together since boot, microseconds (`/proc/stat`, ticks of 10 ms).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTimes {
    /// user + nice + system + irq + softirq (guest time is inside user).
    pub busy_usec: u64,
    /// idle + iowait.
    pub idle_usec: u64,
    /// Time the hypervisor gave to somebody else.
    pub steal_usec: u64,
}

/// `/proc/meminfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryInfo {
    /// MemTotal.
    pub total: Bytes,
    /// MemAvailable; `None` before kernel 3.14.
    pub available: Option<Bytes>,
    /// MemFree.
    pub free: Bytes,
    /// SwapTotal.
    pub swap_total: Bytes,
    /// SwapFree.
    pub swap_free: Bytes,
}

/// `/proc/loadavg`, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadAverage {
    /// Over one minute.
    pub one_milli: u64,
    /// Over five minutes.
    pub five_milli: u64,
    /// Over fifteen minutes.
    pub fifteen_milli: u64,
}

/// What was read of the whole node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSample {
    /// CPUs that can be used (effective cpuset of the containers' root), in thousandths.
    pub capacity_cpu: MilliCpus,
    /// Memory that can be used (the smaller of MemTotal and the containers' root's limit).
    pub capacity_memory: Bytes,
    /// CPU times; `None` where unreadable.
    pub cpu: Option<CpuTimes>,
    /// Memory; `None` where unreadable.
    pub memory: Option<MemoryInfo>,
    /// Load averages; `None` where unreadable.
    pub load: Option<LoadAverage>,
    /// Node-wide stall times: for display and waking up, never a reason to act.
    pub psi: PsiSet,
}

/// Everything reported at one instant.
///
/// Invariant, checked by [`Sample::validate`]: `tasks` is sorted by id and holds each id once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// The node.
    pub node: NodeSample,
    /// Its tasks, sorted by [`TaskId`].
    pub tasks: Vec<TaskSample>,
    /// Tasks that were listed but gone when they were read.
    pub vanished: u32,
}

/// Why a sample cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSample {
    /// Tasks are out of order or one appears twice.
    #[error("tasks are not sorted by id, or one appears twice: {0}")]
    Unsorted(String),
    /// More tasks than the configured limit.
    #[error("{count} tasks are more than the limit of {limit} (key `limits.tasks`)")]
    TooMany {
        /// Tasks in the sample.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The node reports no CPU or no memory.
    #[error("the node's capacity is zero")]
    NoCapacity,
}

impl Sample {
    /// Checks what every later stage relies on.
    ///
    /// # Errors
    /// Tasks unsorted or repeated, more than `max_tasks`, or a node without capacity.
    pub fn validate(&self, max_tasks: usize) -> Result<(), InvalidSample> {
        if self.tasks.len() > max_tasks {
            return Err(InvalidSample::TooMany { count: self.tasks.len(), limit: max_tasks });
        }
        if self.node.capacity_cpu.0 == 0 || self.node.capacity_memory.0 == 0 {
            return Err(InvalidSample::NoCapacity);
        }
        match self.tasks.windows(2).find(|pair| pair[0].task.id >= pair[1].task.id) {
            Some(pair) => Err(InvalidSample::Unsorted(pair[1].task.id.name.to_string())),
            None => Ok(()),
        }
    }

    /// The tasks of one class.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = &TaskSample> {
        self.tasks.iter().filter(move |t| t.task.class == class)
    }
}
