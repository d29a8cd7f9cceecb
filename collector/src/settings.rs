// SPDX-License-Identifier: Apache-2.0
//! What the collector is told: where to look, how tasks are recognised, and its limits.

use gleaner_estimator::sample::Class;
use gleaner_estimator::units::{Bytes, MilliCpus};
use serde::Serialize;
use std::path::PathBuf;

/// Where the kernel's files are. A value and never global, so that trees can stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The proc file system.
    pub proc: PathBuf,
    /// Put before every mount point that `<proc>/self/mountinfo` names.
    pub prefix: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: PathBuf::from("/proc"), prefix: PathBuf::from("/") }
    }
}

/// How tasks are found among the cgroups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The first of the others that fits; looked for again at every full scan.
    #[default]
    Auto,
    /// Containers of an Apache Mesos agent.
    Mesos,
    /// Pods of a kubelet.
    Kubernetes,
    /// Services and scopes of systemd.
    Systemd,
    /// Only what the patterns of the configuration name.
    Globs,
}

impl Preset {
    /// The word used in the configuration and in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mesos => "mesos",
            Self::Kubernetes => "kubernetes",
            Self::Systemd => "systemd",
            Self::Globs => "globs",
        }
    }
}

/// Cgroups named by the operator, and what they are.
///
/// With the preset `globs` it defines tasks; with any other it overrides what the preset says of a
/// task that it matches. The first pattern that matches counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// Path below the hierarchy's root: `*` and `?` stay within one name, `**` spans any depth.
    pub pattern: String,
    /// Class.
    pub class: Class,
    /// Priority; higher is more important.
    pub priority: i32,
    /// Owner.
    pub tenant: Option<String>,
    /// Promised CPU; `None` keeps what the cgroup itself says.
    pub cpu: Option<MilliCpus>,
    /// Promised memory; `None` keeps what the cgroup itself says.
    pub memory: Option<Bytes>,
}

/// Settings of a [`crate::Collector`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to look.
    pub roots: Roots,
    /// How tasks are found.
    pub preset: Preset,
    /// Cgroup below which the containers are; `None` is the preset's own (`mesos`, `kubepods`, …).
    pub containers_root: Option<String>,
    /// With the preset `systemd`: everything below this slice is best-effort.
    pub best_effort_slice: String,
    /// Patterns of the operator.
    pub globs: Vec<Glob>,
    /// At most this many descriptors are kept, and never more than half of `RLIMIT_NOFILE`.
    pub descriptor_cap: usize,
    /// `memory.stat` and the other files that change slowly are read every so many samples, staggered
    /// over the tasks; between two readings their last values are reported.
    pub memory_stat_every: u32,
    /// Everything is listed again, and each task's limits and weights are read again, every so many
    /// samples. Between, new and vanished cgroups are noticed by inotify.
    pub rescan_every: u32,
    /// More tasks than this fail the reading.
    pub max_tasks: usize,
    /// At most this many threads of one guaranteed task are read for run-queue wait.
    pub threads_per_task: usize,
    /// At most this many threads of all guaranteed tasks are read, shared evenly, at least one a task.
    pub threads_total: usize,
    /// Use inotify. Without it only the full scan notices new cgroups.
    pub notify: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roots: Roots::default(),
            preset: Preset::Auto,
            containers_root: None,
            best_effort_slice: "besteffort.slice".to_owned(),
            globs: Vec::new(),
            // 6 KiB of kernel memory each once read: 48 MiB at most.
            descriptor_cap: 8192,
            memory_stat_every: 10,
            rescan_every: 60,
            max_tasks: 10_000,
            threads_per_task: 32,
            threads_total: 512,
            notify: true,
        }
    }
}
