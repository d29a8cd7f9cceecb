// SPDX-License-Identifier: Apache-2.0
//! A machine whose memory runs out, with nobody, Gleaner or earlyoom to watch it. Only for a machine of its own: where
//! nobody watches, it ends with the kernel's out-of-memory killer.

use super::machine::{boot_ns, meminfo_mib, ms_between};
use super::pause::pause;
use super::reaction::answer;
use super::report::MemoryRun;
use super::serve::{Order, Pages, Served, Server};
use super::service::{Node, Service};
use super::table::percentiles;
use crate::cgroup_rig::CgroupRig;
use crate::gleaner::Gleaner;
use crate::load::{Load, Work};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const MIB: u64 = 1 << 20;
/// The guest's disk; the service lives behind what best-effort work writes.
const DISK: &str = "/dev/nvme0n1";
const FROM: u64 = 800 * MIB;
const WORKING_SET: u64 = 128 * MIB;
/// The service alone, before anything grows.
const BEFORE: Duration = Duration::from_secs(5);
/// Watched from the beginning on: an emulated machine may not reach the rate of growth asked for.
const AFTER_GROWTH: Duration = Duration::from_secs(16);
/// The same for page cache, which fills up in some seconds and then changes no more.
const AFTER_CACHE: Duration = Duration::from_secs(8);
/// Between two looks at the victim and at what is available.
const LOOK: Duration = Duration::from_millis(10);

/// What best-effort work does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Takes 150 MiB a second, without end.
    Growth,
    /// Fills all memory with page cache.
    Cache,
}

/// Who watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The kernel alone.
    Nobody,
    /// `gleaner run` in mode `evict`.
    Gleaner,
    /// earlyoom as Debian starts it, from this path.
    Earlyoom(PathBuf),
}

impl Guard {
    const fn word(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Gleaner => "gleaner",
            Self::Earlyoom(_) => "earlyoom",
        }
    }
}

/// A guard that runs.
struct Watch {
    gleaner: Option<Gleaner>,
    earlyoom: Option<Child>,
}

impl Watch {
    fn start(guard: &Guard, node: &Node) -> Result<Self> {
        let gleaner = (*guard == Guard::Gleaner).then(|| Gleaner::start(&node.top, "evict", ""));
        let earlyoom = match guard {
            Guard::Earlyoom(path) => Some(earlyoom(path)?),
            Guard::Nobody | Guard::Gleaner => None,
        };
        Ok(Self { gleaner, earlyoom })
    }
}

fn earlyoom(path: &Path) -> Result<Child> {
    let mut command = Command::new(path);
    // The only argument of Debian's unit: how often it reports.
    command.args(["-r", "3600"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(mut child) = self.earlyoom.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What was seen while best-effort work ran.
struct Watched {
    onset: u64,
    gone: Option<u64>,
    available: u64,
    least_available: u64,
    least_at: u64,
    least_free: u64,
}

impl Watched {
    /// How fast what was available fell to its least, MiB a second.
    fn fall(&self) -> f64 {
        let fell = self.available.saturating_sub(self.least_available);
        fell as f64 / (ms_between(self.onset, self.least_at) / 1e3).max(1e-3)
    }
}

/// Runs one scenario under one guard.
///
/// # Errors
/// Something cannot be started.
pub fn run(rig: &CgroupRig, scenario: Scenario, guard: &Guard, seed: u64) -> Result<MemoryRun> {
    // Every run begins with as much free memory.
    fs::write("/proc/sys/vm/drop_caches", "3")?;
    let node = Node::new(rig)?;
    let pages = Pages { path: DISK.into(), from: FROM, bytes: WORKING_SET, per_request: 4 };
    let mut service = Service::start(&Server { threads: 4, pages: Some(pages) }, &node.guaranteed)?;
    let rate = service.capacity(100)? * 0.3;
    let watch = Watch::start(guard, &node)?;
    let (work, after) = match scenario {
        Scenario::Growth => (Work::Grow { bytes: 4096 * MIB, rate: 150 * MIB }, AFTER_GROWTH),
        Scenario::Cache => (Work::Cache { path: DISK.into(), bytes: 780 * MIB }, AFTER_CACHE),
    };
    let mut load = Load::prepare(&work, &node.best_effort)?;
    let kills = oom_kills();
    service.order(Order::Poisson { rate, seconds: (BEFORE + after).as_secs_f64(), seed })?;
    pause(BEFORE);
    let watched = watch_until_over(&mut load, after)?;
    // An error means that the service was killed.
    let served = service.served().ok();
    let by_kernel = oom_kills() > kills;
    let audit = watch.gleaner.as_ref().map(Gleaner::audit).unwrap_or_default();
    drop(watch);
    let evicted = answer(&audit, watched.onset, "evict", "memory");
    let intent_ms = written_ms(&audit, &evicted, watched.onset);
    let killer = match (watched.gone.is_some(), by_kernel) {
        (false, _) => "nobody",
        (true, true) => "kernel",
        (true, false) => guard.word(),
    };
    let mut run = latencies(served.as_ref(), watched.onset);
    run.layout = rig.layout().word().to_owned();
    run.scenario = if scenario == Scenario::Growth { "growth" } else { "cache" }.to_owned();
    run.guard = guard.word().to_owned();
    run.killer = killer.to_owned();
    run.seen_ms = evicted.seen_ms;
    run.written_ms = intent_ms;
    run.gone_ms = watched.gone.map(|gone| ms_between(watched.onset, gone));
    run.signal = evicted.seen_ms.map(|_| evicted.signal);
    run.least_available_mib = watched.least_available;
    run.fall_mib_s = watched.fall();
    run.least_free_mib = watched.least_free;
    Ok(run)
}

fn watch_until_over(load: &mut Load, length: Duration) -> Result<Watched> {
    let available = meminfo_mib("MemAvailable")?;
    let onset = boot_ns();
    load.begin()?;
    let mut watched = Watched {
        onset,
        gone: None,
        available,
        least_available: available,
        least_at: onset,
        least_free: u64::MAX,
    };
    while ms_between(onset, boot_ns()) < length.as_secs_f64() * 1e3 {
        if watched.gone.is_none() && !load.runs()? {
            watched.gone = Some(boot_ns());
        }
        let now = meminfo_mib("MemAvailable")?;
        if now < watched.least_available {
            (watched.least_available, watched.least_at) = (now, boot_ns());
        }
        watched.least_free = watched.least_free.min(meminfo_mib("MemFree")?);
        pause(LOOK);
    }
    Ok(watched)
}

/// When the eviction began, which the audit file tells as its end less how long it took.
fn written_ms(
    audit: &[serde_json::Value],
    evicted: &super::report::Reaction,
    onset: u64,
) -> Option<f64> {
    let ended = evicted.written_ms?;
    let line = audit.iter().find(|line| {
        line["kind"] == "outcome"
            && line["action"] == "evict"
            && line["at"].as_u64().is_some_and(|at| at >= onset)
    })?;
    Some(ended - line["took"].as_u64()? as f64 / 1e6)
}

/// Processes that the kernel has killed for want of memory since the boot.
fn oom_kills() -> u64 {
    let text = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Latencies before and after the onset.
fn latencies(served: Option<&Served>, onset: u64) -> MemoryRun {
    let all: Vec<(f64, u64)> = served.map_or_else(Vec::new, |served| {
        let from = ms_between(onset, served.start_ns);
        let due = served.arrivals_us.iter().map(|us| from + *us as f64 / 1e3);
        due.zip(served.latencies_us.iter().copied()).collect()
    });
    let (before, after): (Vec<_>, Vec<_>) = all.into_iter().partition(|(due, _)| *due < 0.0);
    let only = |part: &[(f64, u64)]| part.iter().map(|(_, latency)| *latency).collect::<Vec<u64>>();
    let before_p99_ms = percentiles(only(&before)).p99_ms;
    let is_late = |latency: u64| latency as f64 / 1e3 > 5.0 * before_p99_ms;
    let late: Vec<f64> =
        after.iter().filter(|(_, latency)| is_late(*latency)).map(|(due, _)| *due).collect();
    MemoryRun {
        layout: String::new(),
        scenario: String::new(),
        guard: String::new(),
        before_p99_ms,
        after_p99_ms: percentiles(only(&after)).p99_ms,
        after_max_ms: only(&after).into_iter().max().map_or(0.0, |us| us as f64 / 1e3),
        late: late.len(),
        requests: after.len(),
        first_late_ms: late.first().copied(),
        seen_ms: None,
        written_ms: None,
        gone_ms: None,
        signal: None,
        killer: String::new(),
        least_available_mib: 0,
        fall_mib_s: 0.0,
        least_free_mib: 0,
        service_lived: served.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_against_the_service_before() {
        let served = Served {
            start_ns: 1_000_000_000,
            arrivals_us: vec![0, 1_000_000, 3_000_000, 4_000_000],
            latencies_us: vec![2000, 2000, 9000, 11_000],
        };
        let run = latencies(Some(&served), 3_000_000_000);
        assert_eq!((run.requests, run.late, run.first_late_ms), (2, 1, Some(2000.0)));
        assert!(run.service_lived && (run.before_p99_ms - 2.0).abs() < 1e-9);
    }
}
