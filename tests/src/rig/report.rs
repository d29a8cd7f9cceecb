// SPDX-License-Identifier: Apache-2.0
//! What was measured, as it is written to JSON. Its keys are an interface: others plot them.

use super::judged::Judged;
use super::kind::Kind;
use super::stats::Spread;
use serde::{Deserialize, Serialize};

/// Everything of one run of the rig.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The machine and the run.
    pub about: About,
    /// Service and best-effort work side by side, a row a load and kind.
    pub table: Vec<Row>,
    /// From contention to the act, by trial.
    pub reactions: Vec<Reaction>,
    /// Memory running out, in virtual machines.
    pub memory: Vec<MemoryRun>,
    /// Isolation in virtual machines, by layout.
    pub guests: Vec<GuestRun>,
    /// What was measured of numbers that design took from judgement.
    pub judged: Option<Judged>,
    /// The calm run.
    pub calm: Option<Calm>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

/// The machine and the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct About {
    /// The command line.
    pub command: String,
    /// When it ended, UTC.
    pub date: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Processors.
    pub cores: u32,
    /// v1, v2 or hybrid.
    pub layout: String,
    /// Requests a second that the service can serve alone.
    pub capacity: f64,
    /// Threads of the service.
    pub threads: usize,
    /// Length of a slice, seconds.
    pub slice_s: f64,
    /// Slices of the table.
    pub slices: usize,
    /// From which everything random is drawn.
    pub seed: u64,
    /// Load average before the run: a machine that others use measures them too.
    pub load_before: String,
    /// Share of the machine taken by the hypervisor, over the slices.
    pub stolen: Option<Spread>,
    /// Whether the programs were built with optimisation.
    pub optimised: bool,
}

/// One load and kind of best-effort work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Per cent of the service's capacity alone.
    pub load: u32,
    /// Best-effort work.
    pub kind: Kind,
    /// The service alone.
    pub alone: Percentiles,
    /// The p99 of its slices against their median: the noise of all ratios.
    pub alone_p99_spread: Option<Spread>,
    /// Beside best-effort work at equal weights.
    pub without: Impact,
    /// Beside best-effort work in the kernel's lowest class, put there by hand.
    pub class: Impact,
    /// Beside best-effort work, under Gleaner.
    pub with: Impact,
    /// Cores that best-effort work used with nobody beside it.
    pub best_effort_alone_cores: Option<Spread>,
    /// Freezes and evictions under Gleaner.
    pub harsh_acts: usize,
}

/// Latencies over all slices of one cell, milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// Requests.
    pub count: usize,
    /// Half are faster.
    pub p50_ms: f64,
    /// 99 of 100 are faster.
    pub p99_ms: f64,
    /// 999 of 1000 are faster.
    pub p999_ms: f64,
}

/// A cell against the service alone.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Impact {
    /// Over all slices.
    pub latency: Percentiles,
    /// Ratio to alone, by round: each slice against that of the same minutes.
    pub p50_ratio: Option<Spread>,
    /// The same.
    pub p99_ratio: Option<Spread>,
    /// Ratio of all slices together: one slice has too few requests for it.
    pub p999_ratio: f64,
    /// Share of the CPU that nobody else wanted which best-effort work got.
    pub conserved: Option<Spread>,
    /// Cores that best-effort work used.
    pub best_effort_cores: Option<Spread>,
}

/// One onset of contention and the answer to it, milliseconds from the onset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reaction {
    /// Where: `host` or a guest's layout.
    pub place: String,
    /// What the guaranteed group does: `spinners` or `service`.
    pub guaranteed: String,
    /// Which signal led.
    pub signal: String,
    /// The decision that ordered the act began; `None` where nothing came in time.
    pub seen_ms: Option<f64>,
    /// The act was in force.
    pub written_ms: Option<f64>,
    /// From the decision to the act.
    pub ours_ms: Option<f64>,
}

/// Memory running out, or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemoryRun {
    /// v1, v2 or hybrid.
    pub layout: String,
    /// `growth` or `cache`.
    pub scenario: String,
    /// Who watches: `nobody`, `gleaner` or `earlyoom`.
    pub guard: String,
    /// The service's p99 before, milliseconds.
    pub before_p99_ms: f64,
    /// Its p99 from the beginning on.
    pub after_p99_ms: f64,
    /// Its slowest request from the beginning on.
    pub after_max_ms: f64,
    /// Requests later than five times the p99 before.
    pub late: usize,
    /// Requests in all from the beginning on.
    pub requests: usize,
    /// The first late request, milliseconds from the beginning.
    pub first_late_ms: Option<f64>,
    /// Gleaner saw it, milliseconds from the beginning.
    pub seen_ms: Option<f64>,
    /// Its act was written.
    pub written_ms: Option<f64>,
    /// The victim was gone.
    pub gone_ms: Option<f64>,
    /// Which signal led.
    pub signal: Option<String>,
    /// Who ended the best-effort work: `nobody`, `gleaner`, `earlyoom`, `kernel`.
    pub killer: String,
    /// Least MemAvailable that was seen, MiB.
    pub least_available_mib: u64,
    /// How fast MemAvailable fell to that, MiB a second: an emulated machine may not reach what was asked for.
    pub fall_mib_s: f64,
    /// Least MemFree that was seen, MiB: near nothing where page cache fills memory.
    pub least_free_mib: u64,
    /// Whether the service lived.
    pub service_lived: bool,
}

/// Isolation in a guest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GuestRun {
    /// v1, v2 or hybrid.
    pub layout: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Rows as on the host.
    pub table: Vec<Row>,
    /// Reactions as on the host.
    pub reactions: Vec<Reaction>,
    /// Memory, where it was tried.
    pub memory: Vec<MemoryRun>,
}

/// A long run in which nothing is wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calm {
    /// Length, minutes.
    pub minutes: f64,
    /// Kinds of best-effort work, all at once.
    pub kinds: Vec<Kind>,
    /// Decisions made.
    pub decisions: usize,
    /// Evictions ordered: each one is false.
    pub evictions: usize,
    /// Freezes that were no probe.
    pub freezes: usize,
    /// Probes.
    pub probes: usize,
    /// The service over the run.
    pub latency: Percentiles,
    /// Whether all best-effort work was there in the end.
    pub all_lived: bool,
}
