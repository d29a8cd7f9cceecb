// SPDX-License-Identifier: Apache-2.0
//! One slice: some seconds of the service, of best-effort work, or of both with or without Gleaner, and what was seen.

use super::kind::Kind;
use super::machine::{CpuTime, cores};
use super::pause::pause;
use super::serve::{Order, Served};
use super::service::{Node, Service};
use crate::cgroup_rig::Group;
use crate::gleaner::Gleaner;
use crate::load::{Load, Work};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Time in which queues and classes settle, before anything counts.
const SETTLE: Duration = Duration::from_millis(400);
/// Length of the probe that is tried after the measured time, and of the time that it is compared with.
const PROBE: Duration = Duration::from_millis(200);
/// Arrivals go on while the probe is tried.
const TAIL: Duration = Duration::from_millis(700);

/// Who runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The service alone.
    Alone,
    /// Service and best-effort work, at equal weights.
    Without,
    /// The same with best-effort work in the kernel's lowest class, put there by hand: what the class alone is worth.
    Class,
    /// The same under `gleaner run` in mode `evict`.
    With,
    /// Best-effort work alone.
    BestEffort,
}

/// What a slice is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// Per cent of the service's capacity alone.
    pub load: u32,
    /// Best-effort work.
    pub kind: Kind,
    /// Who runs.
    pub setting: Setting,
}

/// What was seen in a slice; times in seconds of CPU or shares, latencies apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Latencies of the requests that were due in the measured time, microseconds, sorted.
    pub latencies_us: Vec<u64>,
    /// How long it took after the last arrival until the queue was empty, seconds.
    pub drained_s: f64,
    /// Measured time, seconds.
    pub seconds: f64,
    /// CPU of best-effort work.
    pub best_effort_cpu: f64,
    /// CPU of the service.
    pub guaranteed_cpu: f64,
    /// CPU of everybody.
    pub busy: f64,
    /// Taken by the hypervisor.
    pub steal: f64,
    /// The service's run-queue wait per CPU time.
    pub wait_per_cpu: Option<f64>,
    /// Share of the time in which one of its threads waited for a CPU (PSI some).
    pub stalled: Option<f64>,
    /// By which share its wait per CPU fell while best-effort work was frozen for 200 ms.
    pub probe_fall: Option<f64>,
    /// Evictions and freezes that Gleaner ordered.
    pub harsh_acts: usize,
}

impl Seen {
    /// Share of the CPU that nobody else wanted which best-effort work got.
    #[must_use]
    pub fn conserved(&self) -> f64 {
        let all = f64::from(cores()) * self.seconds;
        let others = self.busy - self.best_effort_cpu;
        self.best_effort_cpu / (all - self.steal - others).max(1e-9)
    }

    /// `D` of the QoS controller: the service's wait per CPU time, times the cores that best-effort work used.
    #[must_use]
    pub fn run_wait(&self) -> Option<f64> {
        Some(self.wait_per_cpu? * self.best_effort_cpu / self.seconds)
    }

    /// Share of the machine that the hypervisor took.
    #[must_use]
    pub fn stolen(&self) -> f64 {
        self.steal / (f64::from(cores()) * self.seconds)
    }
}

/// What slices run on.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The cgroups.
    pub node: &'a Node,
    /// The server, in its cgroup.
    pub service: &'a mut Service,
    /// Requests a second that it can serve alone.
    pub capacity: f64,
    /// For files of best-effort work.
    pub directory: &'a Path,
    /// Length of the measured time.
    pub length: Duration,
}

/// Counters at one instant.
struct Marks {
    best_effort: Duration,
    guaranteed: Duration,
    machine: CpuTime,
    waits: super::machine::Waits,
    stall: Option<Duration>,
}

impl Bench<'_> {
    /// Runs one slice.
    ///
    /// # Errors
    /// Something of it cannot be started or read.
    pub fn run(&mut self, cell: Cell, seed: u64) -> Result<Seen> {
        let works = match cell.setting {
            Setting::Alone => Vec::new(),
            Setting::Without | Setting::Class | Setting::With | Setting::BestEffort => {
                cell.kind.works(self.directory)
            }
        };
        let loads = self.start(&works)?;
        let class = (cell.setting == Setting::Class).then(|| Lowest::new(&self.node.best_effort));
        let class = class.transpose()?;
        let gleaner = (cell.setting == Setting::With).then(|| {
            let gleaner = Gleaner::start(&self.node.top, "evict", "");
            gleaner.wait_for("standing_class", "be", "done");
            gleaner
        });
        let rate = match cell.setting {
            Setting::BestEffort => 0.0,
            Setting::Alone | Setting::Without | Setting::Class | Setting::With => {
                self.capacity * f64::from(cell.load) / 100.0
            }
        };
        let seconds = (SETTLE + self.length + TAIL).as_secs_f64();
        self.service.order(Order::Poisson { rate, seconds, seed })?;
        pause(SETTLE);
        let before = self.marks()?;
        pause(self.length);
        let after = self.marks()?;
        let probed = matches!(cell.setting, Setting::Without | Setting::With);
        let probe_fall = if probed { self.probe()? } else { None };
        let harsh = gleaner.as_ref().map_or(0, |gleaner| harsh_acts(&gleaner.audit()));
        drop(gleaner);
        drop(class);
        drop(loads);
        let served = self.service.served()?;
        let seen = self.between(&before, &after);
        let (latencies_us, drained_s) = measured(&served, self.length, seconds);
        Ok(Seen { latencies_us, drained_s, probe_fall, harsh_acts: harsh, ..seen })
    }

    fn start(&self, works: &[Work]) -> Result<Vec<Load>> {
        let start = |work: &Work| Ok(Load::start(work, &self.node.best_effort)?);
        works.iter().map(start).collect()
    }

    /// Freezes best-effort work for a moment as the causal probe does, and says how much the service's wait fell.
    fn probe(&self) -> Result<Option<f64>> {
        let group = &self.node.best_effort;
        let before = self.service.waits()?;
        pause(PROBE);
        let middle = self.service.waits()?;
        if group.set_frozen(true).is_err() {
            // A v1 freezer can run after a fork storm for ever.
            group.set_frozen(false)?;
            return Ok(None);
        }
        let frozen = self.service.waits()?;
        pause(PROBE);
        let after = self.service.waits()?;
        group.set_frozen(false)?;
        let free = middle.per_cpu_since(before).filter(|wait| *wait > 0.0);
        Ok(free.zip(after.per_cpu_since(frozen)).map(|(free, frozen)| 1.0 - frozen / free))
    }

    fn marks(&self) -> Result<Marks> {
        let Node { guaranteed, best_effort, .. } = self.node;
        Ok(Marks {
            best_effort: best_effort.cpu_usage()?,
            guaranteed: guaranteed.cpu_usage()?,
            machine: CpuTime::read()?,
            waits: self.service.waits()?,
            // A kernel without pressure has none to show.
            stall: guaranteed.stall("cpu").ok().map(|stall| stall.some),
        })
    }

    fn between(&self, before: &Marks, after: &Marks) -> Seen {
        let seconds = self.length.as_secs_f64();
        let grew = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
        Seen {
            seconds,
            best_effort_cpu: grew(before.best_effort, after.best_effort),
            guaranteed_cpu: grew(before.guaranteed, after.guaranteed),
            busy: after.machine.busy - before.machine.busy,
            steal: after.machine.steal - before.machine.steal,
            wait_per_cpu: after.waits.per_cpu_since(before.waits),
            stalled: before.stall.zip(after.stall).map(|(from, to)| grew(from, to) / seconds),
            ..Seen::default()
        }
    }
}

/// A group in the lowest class; out of it again when dropped.
struct Lowest<'a>(&'a Group);

impl<'a> Lowest<'a> {
    fn new(group: &'a Group) -> Result<Self> {
        group.write("cpu", "cpu.idle", "1")?;
        Ok(Self(group))
    }
}

impl Drop for Lowest<'_> {
    fn drop(&mut self) {
        self.0.write("cpu", "cpu.idle", "0").expect("what could be set can be set back");
    }
}

/// Acts of an audit file that no calm service needs.
#[must_use]
pub fn harsh_acts(audit: &[serde_json::Value]) -> usize {
    let intents = audit.iter().filter(|line| line["kind"] == "intent");
    let harsh = |action: &serde_json::Value| {
        let word = action.to_string();
        ["evict", "freeze"].iter().any(|act| word.contains(act))
    };
    intents.filter(|line| harsh(&line["action"])).count()
}

/// Latencies of what was due in the measured time, and for how long the queue outlived the last arrival.
fn measured(served: &Served, length: Duration, seconds: f64) -> (Vec<u64>, f64) {
    let from = SETTLE.as_secs_f64() * 1e6;
    let due = from..from + length.as_secs_f64() * 1e6;
    let all = || served.arrivals_us.iter().zip(&served.latencies_us);
    let counted = all().filter(|(arrival, _)| due.contains(&(**arrival as f64)));
    let mut latencies: Vec<u64> = counted.map(|(_, latency)| *latency).collect();
    latencies.sort_unstable();
    let last = all().map(|(arrival, latency)| arrival + latency).max().unwrap_or_default();
    (latencies, (last as f64 / 1e6 - seconds).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_due_in_the_measured_time_counts() {
        let served = Served {
            start_ns: 0,
            arrivals_us: vec![100_000, 400_000, 2_399_999, 2_400_000],
            latencies_us: vec![9, 8, 1_000_001, 5],
        };
        let (latencies, drained) = measured(&served, Duration::from_secs(2), 3.0);
        assert_eq!(latencies, [8, 1_000_001]);
        assert!((drained - 0.4).abs() < 1e-9, "{drained}");
    }

    #[test]
    fn what_best_effort_gets_is_seen_against_what_nobody_else_wants() {
        let cores = f64::from(cores());
        let seen = Seen {
            seconds: 1.0,
            best_effort_cpu: 0.45 * cores,
            guaranteed_cpu: 0.4 * cores,
            busy: 0.9 * cores,
            steal: 0.05 * cores,
            ..Seen::default()
        };
        assert!((seen.conserved() - 0.9).abs() < 1e-9, "{}", seen.conserved());
    }
}
