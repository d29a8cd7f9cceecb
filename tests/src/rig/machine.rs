// SPDX-License-Identifier: Apache-2.0
//! What a measurement needs to know of the machine: time, use and steal, waits, memory.

use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io;
use std::time::Duration;

/// The kernel's clock since boot, the one of the audit file, in nanoseconds.
#[must_use]
pub fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(now.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(now.tv_nsec))
}

/// Processors.
#[must_use]
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// The kernel's release.
#[must_use]
pub fn kernel() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// Ticks of /proc/stat are hundredths of a second on every Linux that is compiled for x86 and ARM.
const TICKS: f64 = 100.0;

/// CPU time of the whole machine so far, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    /// In use by anybody.
    pub busy: f64,
    /// Taken by the hypervisor.
    pub steal: f64,
}

impl CpuTime {
    /// Reads it.
    ///
    /// # Errors
    /// /proc/stat cannot be read.
    pub fn read() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<f64> =
            line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal
        let sum = |places: &[usize]| -> f64 {
            places.iter().filter_map(|place| ticks.get(*place)).sum::<f64>() / TICKS
        };
        Ok(Self { busy: sum(&[0, 1, 2, 5, 6]), steal: sum(&[7]) })
    }
}

/// Run-queue wait and CPU time of all threads of a process so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// On a CPU, seconds.
    pub ran: f64,
    /// Ready and waiting for one, seconds.
    pub waited: f64,
}

impl Waits {
    /// Reads them from `/proc/<pid>/task/*/schedstat`. A thread that ends meanwhile is left out.
    ///
    /// # Errors
    /// There is no such process.
    pub fn of(pid: u32) -> io::Result<Self> {
        let mut sum = Self::default();
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let mut words = text.split_whitespace().map(|word| word.parse::<f64>().unwrap_or(0.0));
            sum.ran += words.next().unwrap_or(0.0) / 1e9;
            sum.waited += words.next().unwrap_or(0.0) / 1e9;
        }
        Ok(sum)
    }

    /// Wait per CPU time since `before`; `None` where nothing ran.
    #[must_use]
    pub fn per_cpu_since(self, before: Self) -> Option<f64> {
        let ran = self.ran - before.ran;
        (ran > 1e-3).then(|| (self.waited - before.waited) / ran)
    }
}

/// A value of /proc/meminfo, in MiB.
///
/// # Errors
/// It is not there.
pub fn meminfo_mib(key: &str) -> io::Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib >> 10).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, key.to_owned()))
}

/// Milliseconds between two instants of [`boot_ns`]; negative where the second came first.
#[must_use]
pub fn ms_between(from_ns: u64, to_ns: u64) -> f64 {
    let span = |from: u64, to: u64| Duration::from_nanos(to - from).as_secs_f64() * 1e3;
    if to_ns >= from_ns { span(from_ns, to_ns) } else { -span(to_ns, from_ns) }
}
