// SPDX-License-Identifier: Apache-2.0
//! What this process itself costs, read when somebody looks. Says nothing about the node.

use procfs::ProcResult;
use procfs::process::{LimitValue, Process, Stat};
use serde::Serialize;

/// Cost of this process; fields are `None` where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Own {
    /// CPU time of all its threads since its start, seconds.
    pub cpu_seconds: Option<f64>,
    /// Memory that is resident, bytes.
    pub resident_bytes: Option<f64>,
    /// Address space, bytes.
    pub virtual_bytes: Option<f64>,
    /// Start, seconds since 1970-01-01 UTC.
    pub started: Option<f64>,
    /// Threads.
    pub threads: Option<f64>,
    /// Open descriptors.
    pub open_fds: Option<f64>,
    /// Most descriptors that may be open.
    pub max_fds: Option<f64>,
}

impl Own {
    /// Reads `/proc/self`.
    #[must_use]
    pub fn read() -> Self {
        Self::look().unwrap_or_default()
    }

    fn look() -> ProcResult<Self> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let hertz = procfs::ticks_per_second() as f64;
        let limit = process.limits().ok().and_then(|l| match l.max_open_files.soft_limit {
            LimitValue::Value(count) => Some(count as f64),
            LimitValue::Unlimited => None,
        });
        Ok(Self {
            cpu_seconds: Some((stat.utime + stat.stime) as f64 / hertz),
            resident_bytes: Some((stat.rss * procfs::page_size()) as f64),
            virtual_bytes: Some(stat.vsize as f64),
            started: started(&stat, hertz),
            threads: Some(stat.num_threads as f64),
            open_fds: process.fd_count().ok().map(|count| count as f64),
            max_fds: limit,
        })
    }
}

fn started(stat: &Stat, hertz: f64) -> Option<f64> {
    let boot = procfs::boot_time_secs().ok()? as f64;
    Some(boot + stat.starttime as f64 / hertz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found() {
        let own = Own::read();
        assert!(own.resident_bytes.is_some_and(|bytes| bytes > 1e6), "{own:?}");
        assert!(own.open_fds.is_some_and(|count| count >= 3.0), "{own:?}");
        assert!(own.started.is_some_and(|at| at > 1.6e9), "{own:?}");
        assert!(own.threads.is_some_and(|count| count >= 1.0), "{own:?}");
    }
}
