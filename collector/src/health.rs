// SPDX-License-Identifier: Apache-2.0
//! What the collector knows of its own troubles: counters, and what it cannot see.

use crate::error::Error;
use gleaner_estimator::sample::TaskCounters;
use rustix::io::Errno;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counters since the collector was opened, and what its latest reading delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Readings asked for.
    pub readings: u64,
    /// Readings that failed as a whole.
    pub readings_failed: u64,
    /// Tasks that were gone when they were read.
    pub vanished: u64,
    /// Files of single tasks that could not be understood; their values were left out.
    pub malformed: u64,
    /// The latest of those.
    pub last_malformed: Option<String>,
    /// Full scans of the hierarchy.
    pub scans: u64,
    /// Descriptors kept.
    pub descriptors: usize,
    /// Most that may be kept.
    pub descriptor_limit: usize,
    /// Tasks in the latest reading.
    pub tasks: usize,
    /// Which signals of harm the latest reading had.
    pub signals: Signals,
}

/// How many guaranteed tasks delivered each signal of harm in the latest reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Signals {
    /// Guaranteed tasks.
    pub guaranteed: u32,
    /// With run-queue wait.
    pub run_wait: u32,
    /// With CPU stall times.
    pub cpu_psi: u32,
    /// With memory stall times.
    pub memory_psi: u32,
    /// With IO stall times.
    pub io_psi: u32,
    /// With major faults.
    pub major_faults: u32,
    /// With memory events.
    pub memory_events: u32,
}

impl Signals {
    /// Counts what one guaranteed task delivered.
    pub(crate) fn count(&mut self, counters: &TaskCounters) {
        self.guaranteed += 1;
        self.run_wait += u32::from(counters.run_wait_ns.is_some());
        self.cpu_psi += u32::from(counters.psi.cpu.is_some());
        self.memory_psi += u32::from(counters.psi.memory.is_some());
        self.io_psi += u32::from(counters.psi.io.is_some());
        self.major_faults += u32::from(counters.major_faults.is_some());
        self.memory_events += u32::from(counters.memory_events.is_some());
    }
}

/// Something that cannot be seen, reported once for all the tasks that it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// File, directory or feature.
    pub what: String,
    /// Why not, and what follows.
    pub why: String,
    /// How often that was met.
    pub times: u64,
}

/// Where troubles are noted while reading.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) malformed: u64,
    pub(crate) last_malformed: Option<String>,
    unseen: BTreeMap<String, Unseen>,
}

impl Trouble {
    /// A file that could not be understood; only its value is lost.
    pub(crate) fn malformed(&mut self, error: &Error) {
        if self.malformed == 0 {
            tracing::warn!(%error, "a file cannot be understood; its value is left out");
        }
        self.malformed = self.malformed.saturating_add(1);
        self.last_malformed = Some(error.to_string());
    }

    /// A file that the kernel refuses, once per kind of file.
    pub(crate) fn refused(&mut self, what: &str, errno: Errno) {
        if let Some(known) = self.unseen.get_mut(what) {
            known.times = known.times.saturating_add(1);
            return;
        }
        self.unseen(what, format!("{errno}"));
    }

    /// Something that cannot be seen, for a reason in words.
    pub(crate) fn unseen(&mut self, what: &str, why: String) {
        let times = self.unseen.get(what).map_or(0, |known| known.times);
        if times == 0 {
            tracing::warn!(what, why, "cannot be seen");
        }
        let entry = Unseen { what: what.to_owned(), why, times: times.saturating_add(1) };
        self.unseen.insert(what.to_owned(), entry);
    }

    pub(crate) fn list(&self) -> Vec<Unseen> {
        self.unseen.values().cloned().collect()
    }
}
