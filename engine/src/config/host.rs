// SPDX-License-Identifier: Apache-2.0
//! What a host needs to know beside the engine's rules: where to look, what to serve, what to write down.

use core::net::SocketAddr;
use gleaner_estimator::sample::Class;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Span};
use std::path::PathBuf;

/// A setting that is found out at the start unless somebody states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OrAuto<T> {
    /// To be found out.
    #[default]
    Auto,
    /// Stated.
    Given(T),
}

impl<T> OrAuto<T> {
    /// What was stated; `None` where it is to be found out.
    #[must_use]
    pub const fn given(&self) -> Option<&T> {
        match self {
            Self::Auto => None,
            Self::Given(value) => Some(value),
        }
    }
}

/// Who arranges the tasks of this node in cgroups, and so where they are and what their class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// An Apache Mesos agent.
    Mesos,
    /// A kubelet.
    Kubernetes,
    /// systemd: services and scopes.
    Systemd,
    /// Only what `[[layout.task]]` says.
    Globs,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [Self::Mesos, Self::Kubernetes, Self::Systemd, Self::Globs];

    /// The word used in configuration and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mesos => "mesos",
            Self::Kubernetes => "kubernetes",
            Self::Systemd => "systemd",
            Self::Globs => "globs",
        }
    }

    /// What `lend.rule = "auto"` means here: a Mesos master offers what is not allocated by itself,
    /// so only what owners leave unused is ours to lend; elsewhere nobody else lends the rest.
    #[must_use]
    pub const fn lend(self) -> Lend {
        match self {
            Self::Mesos => Lend::Allocated,
            Self::Kubernetes | Self::Systemd | Self::Globs => Lend::Headroom,
        }
    }
}

/// Which cgroups are tasks, by path: one `[[layout.task]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRule {
    /// Glob over the path below the hierarchy's root; `*` stays within one component, `**` does not.
    pub pattern: String,
    /// Class of what matches.
    pub class: Class,
    /// Higher is more important; best-effort tasks of the lowest priority go first.
    pub priority: i32,
    /// Owner.
    pub tenant: Option<String>,
    /// Promised CPU.
    pub cpu: Option<MilliCpus>,
    /// Promised memory.
    pub memory: Option<Bytes>,
}

/// Where tasks are and who they are: `[layout]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutConfig {
    /// Who arranges the cgroups.
    pub preset: OrAuto<Preset>,
    /// Where `/proc` of the node is mounted.
    pub proc_root: PathBuf,
    /// Put before every mount point of the node's cgroup hierarchies.
    pub mount_prefix: PathBuf,
    /// The cgroup below which tasks are looked for, relative to the hierarchy's root.
    pub containers_root: OrAuto<String>,
    /// The slice whose units are best-effort.
    pub best_effort_slice: String,
    /// What the operator says of tasks; the first that matches counts, before the preset is asked.
    pub tasks: Vec<TaskRule>,
}

/// What is served: `[http]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port; `None` serves nothing.
    pub listen: Option<SocketAddr>,
    /// A second address for `/metrics`, `/live` and `/ready` alone.
    pub metrics_listen: Option<SocketAddr>,
    /// Names by which a browser may ask, beside the addresses of this node.
    pub allowed_hosts: Vec<String>,
}

/// What is written down of every decision: `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// JSON lines; `None` writes nothing.
    pub file: Option<PathBuf>,
    /// A file that has grown to this is put aside and a new one begun.
    pub max_size: Bytes,
    /// Files put aside that are kept.
    pub keep: u32,
}

/// Handing the offer to programs that read files: `[offer]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferConfig {
    /// Replaced at each decision; `None` writes nothing.
    pub file: Option<PathBuf>,
}

/// What was learned, kept across restarts: `[state]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateConfig {
    /// Where it is kept; `None` keeps nothing, and every start is cold.
    pub file: Option<PathBuf>,
    /// Time between two writings.
    pub every: Span,
    /// Older than this it is not used.
    pub max_age: Span,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What stops it from working.
    Error,
    /// And what an operator should look at.
    Warn,
    /// And every change of state.
    Info,
    /// And every tick.
    Debug,
}

impl LogLevel {
    /// All levels, quietest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// The word used in configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `key=value`, for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The word used in configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// What is logged: `[log]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// How much.
    pub level: LogLevel,
    /// How it looks.
    pub format: LogFormat,
}

/// What reading may take: `[limits]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most file descriptors that are kept open.
    pub descriptors: usize,
    /// Most threads of all guaranteed tasks whose run-queue wait is read.
    pub threads: usize,
    /// Most threads of one guaranteed task whose run-queue wait is read.
    pub threads_per_task: usize,
}

/// How closely harm is watched between two readings: `[watch]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WatchConfig {
    /// Time between two glances while nothing is wrong.
    pub every: Span,
    /// The same while something is.
    pub every_in_need: Span,
    /// Most of one core that glances take while nothing is wrong; beyond it they become rarer.
    pub budget: Ratio,
}

/// Who decides, where it is not the built-in policy: `[policy]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyConfig {
    /// A library that exports `gleaner_policy_*`; `None` decides by ourselves.
    pub library: Option<PathBuf>,
}

/// Modules of an agent that let this daemon decide: `[agent]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentConfig {
    /// The socket that they connect to; `None` lets nobody.
    pub socket: Option<PathBuf>,
}

/// How what is decided is carried out: `[act]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActConfig {
    /// What was changed, and from what, so that the next start can sweep it.
    pub journal: PathBuf,
    /// From SIGTERM to the kill, where nothing presses.
    pub grace: Span,
    /// Processes that are never touched, by name.
    pub protected_processes: Vec<String>,
}

/// What a host needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct HostConfig {
    /// Which part may be lent; resolved by [`Preset::lend`] where it is to be found out.
    pub lend: OrAuto<Lend>,
    /// The slower rate at which `memory.stat` is read, the largest file of a task.
    pub memory_stat_every: Span,
    /// The time between two full listings of the cgroups.
    pub rescan_every: Span,
    /// What reading may take.
    pub limits: Limits,
    /// Where tasks are.
    pub layout: LayoutConfig,
    /// How closely harm is watched.
    pub watch: WatchConfig,
    /// How it is acted.
    pub act: ActConfig,
    /// Who decides.
    pub policy: PolicyConfig,
    /// Whom it is decided for, beside this node.
    pub agent: AgentConfig,
    /// What is served.
    pub http: HttpConfig,
    /// What is handed on.
    pub offer: OfferConfig,
    /// What is written down.
    pub audit: AuditConfig,
    /// What is kept.
    pub state: StateConfig,
    /// What is logged.
    pub log: LogConfig,
}
