// SPDX-License-Identifier: Apache-2.0
//! What tests read from a group and set on it, under the same name on v1 and v2.
//!
//! Reads here are plain and slow on purpose: they check what the product's own reader reports.

use super::Group;
use super::files::{at, malformed, write};
use std::fs;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Total stall times of one resource since the group was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Some task waited.
    pub some: Duration,
    /// All tasks waited.
    pub full: Duration,
}

impl Group {
    /// The text of one of its files.
    ///
    /// # Errors
    ///
    /// If it cannot be read; the error names the file.
    pub fn read(&self, controller: &str, file: &str) -> io::Result<String> {
        let path = self.directory(controller)?.join(file);
        fs::read_to_string(&path).map_err(|error| at(&path, &error))
    }

    /// Writes one of its files.
    ///
    /// # Errors
    ///
    /// If it cannot be written; the error names the file and the value.
    pub fn write(&self, controller: &str, file: &str, value: &str) -> io::Result<()> {
        write(&self.directory(controller)?.join(file), value)
    }

    /// A file of one number.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is no number.
    pub fn number(&self, controller: &str, file: &str) -> io::Result<u64> {
        let text = self.read(controller, file)?;
        text.trim().parse().map_err(|_| malformed(file, &text))
    }

    /// One value of a file of `key value` lines.
    ///
    /// # Errors
    ///
    /// If it cannot be read or has no such key.
    pub fn value(&self, controller: &str, file: &str, key: &str) -> io::Result<u64> {
        let text = self.read(controller, file)?;
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).ok_or_else(|| malformed(file, &text))
    }

    /// Limits its CPU to thousandths of a core, in periods of 100 ms.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn set_cpu_quota(&self, millicpus: u32) -> io::Result<()> {
        let quota_usec = u64::from(millicpus) * 100;
        if self.on_v1("cpu") {
            self.write("cpu", "cpu.cfs_period_us", "100000")?;
            return self.write("cpu", "cpu.cfs_quota_us", &quota_usec.to_string());
        }
        self.write("cpu", "cpu.max", &format!("{quota_usec} 100000"))
    }

    /// The CPU time it has used.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn cpu_usage(&self) -> io::Result<Duration> {
        if self.on_v1("cpuacct") {
            return Ok(Duration::from_nanos(self.number("cpuacct", "cpuacct.usage")?));
        }
        Ok(Duration::from_micros(self.value("cpu", "cpu.stat", "usage_usec")?))
    }

    /// Sets its hard memory limit.
    ///
    /// # Errors
    ///
    /// If the kernel refuses.
    pub fn set_memory_limit(&self, bytes: u64) -> io::Result<()> {
        let v1 = self.on_v1("memory");
        let file = if v1 { "memory.limit_in_bytes" } else { "memory.max" };
        self.write("memory", file, &bytes.to_string())
    }

    /// All memory charged to it, page cache included.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn memory_current(&self) -> io::Result<u64> {
        let v1 = self.on_v1("memory");
        self.number("memory", if v1 { "memory.usage_in_bytes" } else { "memory.current" })
    }

    /// Its stall times from `<resource>.pressure` of the unified hierarchy (`cpu`, `memory`, `io`).
    ///
    /// # Errors
    ///
    /// If there is no unified hierarchy, or the kernel reports no pressure.
    pub fn stall(&self, resource: &str) -> io::Result<Stall> {
        let missing = || io::Error::new(ErrorKind::NotFound, "no unified hierarchy");
        let path = self.unified().ok_or_else(missing)?.join(format!("{resource}.pressure"));
        let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
        let total = |kind: &str| {
            let line = text.lines().find(|line| line.starts_with(kind));
            let micros = line.and_then(|line| line.split_once("total=")?.1.parse().ok());
            micros.map(Duration::from_micros).ok_or_else(|| malformed(kind, &text))
        };
        Ok(Stall { some: total("some ")?, full: total("full ")? })
    }
}
