// SPDX-License-Identifier: Apache-2.0
//! Every number this crate decides by, with its unit, its reason and where it was measured.
//!
//! "Measured" refers to a two-core host and a virtual machine with real cgroups: a latency-critical
//! server beside spinners, streamers, page-cache fillers and memory growers. "Judgement" means that
//! nobody measured it: record a node and backtest before trusting such a number elsewhere.

mod defaults;

use crate::compat::Compat;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use serde::Serialize;
use std::sync::Arc;

/// Where a threshold is entered and where it is left; between the two nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Edges {
    /// Beyond this there is harm.
    pub enter: f64,
    /// Only beyond this, on the other side, is there none.
    pub leave: f64,
}

/// How a level moves; the machine is drawn in [`crate::level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LevelRule {
    /// Harm must be seen twice, at least this far apart, unless the signal acts at once.
    pub confirm: Span,
    /// Strained harm that lasts this long is Critical; `None` where duration alone proves nothing.
    pub lasts: Option<Span>,
    /// Quiet needed before a step down.
    pub dwell: Span,
    /// What `dwell` grows to when harm keeps coming back.
    pub dwell_max: Span,
    /// Harm within this time of the last return to Calm is a relapse: `dwell` doubles.
    pub relapse: Span,
}

/// CPU harm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CpuConfig {
    /// Length of the judged window. Measured: 500 ms to 1 s is the knee, 100 ms is too noisy to act on.
    pub window: Span,
    /// Window of the two burst signals, used only where best-effort is not in its standing class.
    /// Measured: PSI over 100 ms above 0.8 fires 70 to 75 ms after the onset, false in 0 to 2 % of windows.
    pub burst_window: Span,
    /// The same where the standing class cannot be had, so that false alarms would come back for ever.
    /// Measured: PSI over 300 ms above 0.8 fires about 200 ms after the onset, false in no window.
    pub burst_window_exposed: Span,
    /// Cores of the node on which the edges of `run_wait` were measured. The one place that scales them:
    /// best-effort's cores are counted per guaranteed core, times this. Beyond two cores: judgement.
    pub reference_cpus: f64,
    /// `run_wait`: wait per CPU × best-effort cores over 1 s. Above 1.22: 1 % false, 18 % missed. Leave stays
    /// above 0.6, which eight threads at 60 % load show by themselves beside harmless best-effort; no harmed
    /// slice of docs/colocation.md was below it, and half of the unharmed ones: it errs towards waiting.
    pub run_wait: Edges,
    /// `stall_excess`: PSI above what the task shows alone. Measured over 1 s: above 0.20 0 to 1 % false,
    /// 5 to 11 % missed; no harmed slice of docs/colocation.md was below leave, and four of ten unharmed ones.
    pub stall_excess: Edges,
    /// `run_wait_burst`: as `run_wait`, over the burst window. Judgement: well above the best threshold
    /// for one 100 ms window (0.7), because it has 9 % false alarms.
    pub run_wait_burst: Edges,
    /// `stall_burst`: share of the burst window stalled, own quota taken off. Measured, see `burst_window`.
    pub stall_burst: Edges,
    /// Harm this many times the entering edge is gross, so Critical without lasting. Judgement.
    pub gross: f64,
    /// Cores a guaranteed task must use before its wait per CPU means anything. Judgement: below it
    /// one late wake-up of an idle task looks like a crisis.
    pub min_cpu: f64,
    /// Cores that best-effort must use before it can be the cause. Judgement.
    pub best_effort_min: f64,
    /// Below this best-effort counts as absent and a guaranteed task's own stall is learned. Judgement.
    pub absent: f64,
    /// No verdict in a window with more steal. Judgement; bursts of 1 to 30 % spoiled measurements. Simulated: without
    /// the guard probes rise by 8 %, and nobody more is evicted.
    pub steal: f64,
    /// Share of time throttled by its own quota above which a task's run-queue wait says nothing
    /// about others (the wait counter runs on while throttled). Judgement.
    pub own_quota: f64,
    /// Share of the node that a quota leaves free beside what guaranteed tasks and the system use.
    /// Measured with this value: p99 × 2.6 to 3.9 where no limit gave × 49.
    pub quota_reserve: f64,
    /// Least cores a quota leaves to a task. Judgement.
    pub quota_least: f64,
    /// Its level. Measured: 5 s of quiet gave the fewest transitions; doubling to 60 s is judgement.
    pub level: LevelRule,
}

/// Memory harm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MemoryConfig {
    /// Share of the node's memory below which headroom is Strained. Judgement.
    pub low: f64,
    /// … or what is lost in this time at the present rate of fall, if more. Judgement; available fell
    /// below 400 MiB 0.5 to 0.7 s before harm at 150 MiB/s.
    pub strained_ahead: Span,
    /// Critical below what is lost in this time. Judgement.
    pub critical_ahead: Span,
    /// Eviction below what is lost in this time plus the time a kill takes. Judgement; a kill at the
    /// hot cache plus 30 MiB did no harm, one at 100 MiB available came too late (measured). Simulated
    /// (docs/colocation-judgement.md): up to 0.5 s nobody dies for nothing, at 1 s the first does, at 2 s many.
    pub evict_ahead: Span,
    /// Time until a killed task's memory is back, per GiB. Measured: 374 to 479 ms for 6 GiB.
    pub kill_per_gib: Span,
    /// Headroom is enough again at this many times what entered Strained. Judgement.
    pub leave_factor: f64,
    /// Rates of fall below this share of the node per second are noise to the two rules above. Judgement.
    pub min_growth: f64,
    /// Window of the rate of fall. Judgement; memory counters are batched per CPU.
    pub growth_window: Span,
    /// Share of the node below which a slow fall is as bad as a fast one: a leak ends here. Judgement.
    pub floor: f64,
    /// Window of the slow fall. Judgement.
    pub trend_window: Span,
    /// Share of the node that must be lost in the trend window to count as a slow fall. Judgement: as
    /// much as the floor, so that what is left would be gone within another window.
    pub trend: f64,
    /// `memory_stall`: own memory PSI. Measured: 0.0 % without shortage, above 1 % within 0.25 s of harm.
    pub stall: Edges,
    /// Its window. Measured.
    pub stall_window: Span,
    /// `major_faults` a second, while best-effort holds memory. Measured: 0 without shortage, above 50
    /// within 0.3 s of harm.
    pub major_faults: Edges,
    /// A guaranteed task younger than this reads its own program: its faults do not count. Judgement.
    pub faults_after: Span,
    /// With more headroom than this share of the node a stall cannot come from a shortage on it, and
    /// limits on memory are lifted: a stopped grower makes its own calm. Judgement.
    pub ample: f64,
    /// At this share of its own limit a task's stall is its own. Judgement.
    pub own_limit: f64,
    /// Best-effort working set, as share of the node, below which giving it back would help nobody. Judgement.
    pub best_effort_min: f64,
    /// How fast cache that stays becomes part of a guaranteed task's hot set. Judgement.
    pub cache_settles: Span,
    /// Least share of the node that a task must grow by in a second to be called a grower. Judgement.
    pub grower: f64,
    /// Share of a grower's working set that one reclaim moves out. Judgement.
    pub reclaim: f64,
    /// What of a grower's growth counts as relief: what it would take in this time. Judgement.
    pub relief_ahead: Span,
    /// Its level: headroom acts at once, because pressure comes after the harm (measured).
    pub level: LevelRule,
}

/// IO harm. Nothing here was measured: the guaranteed service of the measurements did no IO.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct IoConfig {
    /// Length of the judged window. Judgement, as CPU.
    pub window: Span,
    /// `io_stall_excess`: io PSI above what the task shows alone. Judgement, as CPU.
    pub stall_excess: Edges,
    /// Harm this many times the entering edge is gross. Judgement.
    pub gross: f64,
    /// Share of its throughput that a limited best-effort task keeps. Judgement.
    pub keep: f64,
    /// Share of time a best-effort task waits for IO from which it is a suspect. Judgement.
    pub suspect: f64,
    /// While no best-effort task waits for IO for more than this share of time, none is at the disk, and a guaranteed
    /// task's own stall is learned. Judgement.
    pub absent: f64,
    /// Its level.
    pub level: LevelRule,
}

/// The causal probe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ProbeConfig {
    /// How long the suspects are frozen. Measured: one freeze of 200 ms separates the cases. Simulated
    /// (docs/colocation-judgement.md): at 100 ms harm goes unanswered, longer ones find nothing more.
    pub length: Span,
    /// Time until a freeze has taken effect. Measured: below 20 ms.
    pub settle: Span,
    /// Least time between two probes: 200 ms in 10 s cost best-effort 2 %. Measured cost.
    pub every: Span,
    /// What `every` grows to while probes say "not caused". Judgement.
    pub every_max: Span,
    /// Fall of wait per CPU above which best-effort is the cause. Measured, docs/colocation.md: up to 30 % it
    /// finds 94 % of what harmed, at 50 % two thirds; what did not harm passes it in a quarter of cases at
    /// either, so a proof alone takes nothing: the level must ask for it too.
    pub fall: f64,
    /// How long a proof stands. Judgement.
    pub proof: Span,
    /// Most tasks frozen for one probe. A limit, so that a probe cannot take longer than its length.
    pub suspects: usize,
}

/// Freezes, evictions and waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetConfig {
    /// Longest freeze: heartbeats and locks of the frozen wait with it. Judgement; the queue that 3 s of
    /// contention left to a service at 80 % load was worked off in 4 to 5 s (docs/colocation.md). Half as long would
    /// do as much in the simulator, but three of them lead to an eviction after 15 s of harm and not after 30 s.
    pub freeze: Span,
    /// Harm that needed this many freezes within `recur_window` is answered by eviction. Judgement; simulated: one
    /// freeze would do as much against harm and cost more lives, five would freeze half as long again.
    pub recur: u32,
    /// See `recur`. Judgement.
    pub recur_window: Span,
    /// A task frozen for longer than this within `recur_window` starves: it is evicted, not frozen again. Judgement.
    pub starve: Span,
    /// Wait after a rung before the next is taken. Judgement; one CPU window.
    pub rung_wait: Span,
    /// Wait between two steps of undoing. Judgement.
    pub undo_wait: Span,
    /// Most evictions within `evict_window`. Judgement: a runaway controller is stopped, a node in need is not.
    pub evictions: u32,
    /// See `evictions`.
    pub evict_window: Span,
    /// Wait after a victim is gone before the next is chosen …
    pub settle: Span,
    /// … and this for each GiB it held. Measured: half of the memory shows as available after 0.1 to
    /// 0.3 s, and a kill takes up to 80 ms per GiB.
    pub settle_per_gib: Span,
    /// A stall seen earlier than this after a victim was gone is the stall it left behind. Measured: a
    /// thrashing service was well again 0.6 to 0.7 s after the kill.
    pub recover: Span,
    /// A victim that is not gone by then has ignored its eviction: it is decided again. Judgement.
    pub gone_within: Span,
    /// An actuator that failed on a task is not tried on it again for this long. Judgement.
    pub retry: Span,
    /// A correction that was not reported by then is taken as lost and decided again. Judgement.
    pub report_within: Span,
    /// A glance that sees the same trouble again rings no sooner than this: a tick for each of a hundred
    /// glances a second would cost more than it could learn. Judgement.
    pub alarm: Span,
    /// After a correction the resource lends nothing for this long. Judgement.
    pub hold_off: Span,
    /// A tenant hit within this time is spared while another could be hit. Judgement.
    pub tenant: Span,
}

/// When best-effort tasks are put into the lowest class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// At once and for good. Measured: costs best-effort 5 % of the idle CPU and needs no reaction.
    #[default]
    Always,
    /// Only when harm shows, for those who cannot have it always.
    OnHarm,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QosConfig {
    /// CPU.
    pub cpu: CpuConfig,
    /// Memory.
    pub memory: MemoryConfig,
    /// Block IO.
    pub io: IoConfig,
    /// The causal probe.
    pub probe: ProbeConfig,
    /// Freezes, evictions and waiting.
    pub budget: BudgetConfig,
    /// Rung 0.
    pub standing: Standing,
    /// Load average and used memory as another controller used them; off unless asked for.
    pub compat: Option<Compat>,
    /// Names of best-effort tasks that are never corrected; one covers everything below it.
    pub protected: Vec<Arc<str>>,
    /// A sample this much older than the newest glance is stale: nobody is corrected by it. Judgement.
    pub stale: Span,
    /// A task that is missing for longer than this is forgotten: a failed reading is shorter. What it carries of ours the
    /// host knows, and reports when it is back. Judgement.
    pub forget: Span,
}

impl QosConfig {
    /// How the level of a resource moves.
    #[must_use]
    pub fn level_rule(&self, resource: Resource) -> &LevelRule {
        match resource {
            Resource::Cpu => &self.cpu.level,
            Resource::Memory => &self.memory.level,
            Resource::Io => &self.io.level,
        }
    }
}
