// SPDX-License-Identifier: Apache-2.0
//! Reading one task: every counter, at its own pace, over kept descriptors.

use crate::budget::{Slot, Tier};
use crate::facts::Facts;
use crate::parse::{self, Parsed};
use crate::plan::{KINDS, Kind, Plan};
use crate::reader::{Failure, Reader, Request};
use crate::threads::Threads;
use crate::trees::{TreeId, Trees};
use gleaner_estimator::sample::{Class, MemoryEvents, PsiSet, Task, TaskCounters};
use gleaner_estimator::units::{Bytes, MilliCpus, Timestamp};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::sync::Arc;

/// What all tasks are read with.
pub(crate) struct Tools<'a> {
    pub(crate) reader: &'a mut Reader,
    pub(crate) trees: &'a Trees,
    pub(crate) plan: &'a Plan,
    pub(crate) listing: TreeId,
    pub(crate) proc: BorrowedFd<'a>,
    pub(crate) at: Timestamp,
}

/// One task, its descriptors, and the values that are held between readings.
///
/// In the order in which a reading needs it: with a thousand tasks the caches hold none of this from
/// one sample to the next, so what is not touched is not waited for.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry {
    pub(crate) task: Arc<Task>,
    /// Its class, here too because `task` is memory of its own, which a reading need not touch.
    pub(crate) class: Class,
    /// Its processes are in the unified cgroup of the same path (hybrid), so the stall times there are its.
    pub(crate) pressure_is_its: bool,
    /// Found gone by the latest reading.
    pub(crate) gone: bool,
    /// A file that was there, or could have been, was not.
    lost: bool,
    /// Never read yet, so that nothing is held.
    first: bool,
    /// It has a quota, so its throttling matters within a second.
    has_quota: bool,
    /// So many more refreshes at every sample: who makes a cgroup writes its settings a moment later.
    pub(crate) young: u8,
    /// Spreads the tasks over the rounds, so that slow files are not all read in one.
    pub(crate) phase: u64,
    /// CPU time, in microseconds, that is already part of the best-effort total.
    pub(crate) metered: Option<u64>,
    pub(crate) threads: Option<Box<Threads>>,
    slots: [Slot; KINDS],
    pub(crate) counters: TaskCounters,
    /// The settings and the node's CPUs that its description was made from.
    facts: Facts,
    node: MilliCpus,
}

impl Entry {
    pub(crate) fn new(task: Arc<Task>, facts: Facts, node: MilliCpus, phase: u64) -> Self {
        Self {
            class: task.class,
            task,
            pressure_is_its: true,
            gone: false,
            lost: false,
            first: true,
            has_quota: facts.quota.is_some(),
            young: 0,
            phase,
            metered: None,
            threads: None,
            slots: Default::default(),
            counters: TaskCounters::default(),
            facts,
            node,
        }
    }

    /// Takes settings that were read again; `true` when its description has to be made anew.
    pub(crate) fn renew(&mut self, facts: Facts, node: MilliCpus) -> bool {
        let changed = (self.facts, self.node) != (facts, node);
        (self.facts, self.node) = (facts, node);
        self.has_quota = facts.quota.is_some();
        changed
    }

    /// Whether its settings are to be read again in that round.
    pub(crate) fn is_due(&self, round: u64, every: u64) -> bool {
        self.young > 0 || (round > 0 && (round + self.phase).is_multiple_of(every))
    }

    /// Reads what is due; `false` when the cgroup that was listed is gone.
    ///
    /// Files that matter within a second are read every time; the others when `slow`, and hold their
    /// last value between. What cannot be read or understood becomes `None`.
    pub(crate) fn read(&mut self, tools: &mut Tools<'_>, slow: bool) -> bool {
        let slow = std::mem::take(&mut self.first) || slow;
        let guaranteed = self.class == Class::Guaranteed;
        let throttled = slow || self.has_quota;
        let pressure = (guaranteed || slow).then_some(self.pressure_is_its);
        let (mut files, counters) = self.files(tools);
        read_cpu(&mut files, counters, throttled);
        counters.memory_current = files.get(Kind::MemoryCurrent, parse::single).map(Bytes);
        if guaranteed || slow {
            read_events_v2(&mut files, counters);
        }
        if slow {
            read_slow(&mut files, counters);
        }
        read_pressure(&mut files, counters, pressure);
        self.is_there(tools) && self.read_threads(tools, slow)
    }

    /// Reads only what shows harm; `false` when the cgroup that was listed is gone.
    ///
    /// Major faults are in `memory.stat`, the dearest of all files: it is read only when `faults`.
    pub(crate) fn glance(&mut self, tools: &mut Tools<'_>, faults: bool) -> bool {
        let (throttled, its) = (self.has_quota, self.pressure_is_its);
        let (mut files, counters) = self.files(tools);
        read_cpu(&mut files, counters, throttled);
        if faults {
            read_memory_stat(&mut files, counters);
        }
        read_pressure(&mut files, counters, Some(its));
        self.is_there(tools) && self.read_threads(tools, false)
    }

    /// Reads only the CPU time used.
    pub(crate) fn glance_cpu(&mut self, tools: &mut Tools<'_>) {
        let (mut files, counters) = self.files(tools);
        read_cpu(&mut files, counters, false);
    }

    fn files<'a>(&'a mut self, tools: &'a mut Tools<'_>) -> (Files<'a>, &'a mut TaskCounters) {
        let files = Files {
            reader: tools.reader,
            trees: tools.trees,
            plan: tools.plan,
            task: &self.task,
            facts: &self.facts,
            guaranteed: self.class == Class::Guaranteed,
            slots: &mut self.slots,
            lost: &mut self.lost,
        };
        (files, &mut self.counters)
    }

    /// Whether its cgroup still is the one that was listed. While the anchor's descriptor can be read it is.
    fn is_there(&mut self, tools: &Tools<'_>) -> bool {
        let anchor = tools.plan.anchor.map(|kind| &self.slots[kind as usize]);
        let anchored = matches!(anchor, Some(Slot::Kept(..)));
        if std::mem::take(&mut self.lost) || !anchored {
            let inode = tools.trees.get(tools.listing).inode(&self.task.id.name);
            self.gone = inode != Some(self.task.id.inode);
        }
        !self.gone
    }

    fn read_threads(&mut self, tools: &mut Tools<'_>, relist: bool) -> bool {
        if let Some(threads) = &mut self.threads {
            let sums = threads.read(tools, &self.task, relist);
            self.counters.run_wait_ns = sums.map(|(wait, _)| wait);
            self.counters.run_cpu_ns = sums.map(|(_, run)| run);
        }
        true
    }

    /// Adds to `total` what CPU time it used since it was last asked.
    pub(crate) fn meter(&mut self, total: &mut u64) {
        if let Some(now) = self.counters.cpu_usage_usec {
            let gain = self.metered.and_then(|before| now.checked_sub(before));
            *total = total.saturating_add(gain.unwrap_or(0));
            self.metered = Some(now);
        }
    }

    /// Lets files that were missing be tried again.
    pub(crate) fn retry_missing(&mut self) {
        for slot in &mut self.slots {
            if matches!(slot, Slot::Missing) {
                *slot = Slot::Closed;
            }
        }
    }

    /// Gives those descriptors back for which there is no room any more.
    pub(crate) fn shrink(&mut self, reader: &mut Reader) {
        self.slots.iter_mut().for_each(|slot| reader.budget.close_overdrawn(slot));
        if let Some(threads) = &mut self.threads {
            threads.each_slot(|slot| reader.budget.close_overdrawn(slot));
        }
    }

    /// Gives all descriptors back.
    pub(crate) fn close(&mut self, reader: &mut Reader) {
        self.slots.iter_mut().for_each(|slot| reader.budget.close(slot));
        if let Some(mut threads) = self.threads.take() {
            threads.each_slot(|slot| reader.budget.close(slot));
        }
    }
}

/// The files of one task.
struct Files<'a> {
    reader: &'a mut Reader,
    trees: &'a Trees,
    plan: &'a Plan,
    task: &'a Task,
    facts: &'a Facts,
    guaranteed: bool,
    slots: &'a mut [Slot; KINDS],
    /// A file that was there, or could have been, is not.
    lost: &'a mut bool,
}

impl Files<'_> {
    /// Reads one file; `None` where the node or the task has none, it is refused, or not understood.
    fn get<T>(&mut self, kind: Kind, parse: impl FnOnce(&[u8]) -> Parsed<T>) -> Option<T> {
        let place = self.plan.place(kind)?;
        let slot = &mut self.slots[kind as usize];
        if matches!(slot, Slot::Missing) {
            return None;
        }
        let tree = self.trees.get(place.tree);
        let request = Request { dir: tree.dir(), head: false };
        let compose = |path: &mut Vec<u8>| {
            path.extend_from_slice(self.task.id.name.as_bytes());
            path.push(b'/');
            path.extend_from_slice(place.name.as_bytes());
            let rank = self.plan.rank(kind, self.guaranteed);
            if self.guaranteed { Tier::Essential(rank) } else { Tier::Ordinary(rank) }
        };
        match self.reader.fetch(request, slot, compose, parse) {
            Ok(value) => return Some(value),
            Err(Failure::Fault(fault, length)) => {
                let path = tree.path.join(&*self.task.id.name).join(place.name);
                self.reader.malformed(fault, length, &path);
            }
            Err(Failure::Errno(errno)) => {
                *slot = Slot::Missing;
                match errno {
                    Errno::NOENT | Errno::NODEV => *self.lost = true,
                    errno => self.reader.trouble.refused(place.name, errno),
                }
            }
        }
        None
    }

    fn psi(&mut self) -> PsiSet {
        PsiSet {
            cpu: self.get(Kind::CpuPressure, parse::pressure),
            memory: self.get(Kind::MemoryPressure, parse::pressure),
            io: self.get(Kind::IoPressure, parse::pressure),
        }
    }
}

fn read_cpu(files: &mut Files<'_>, counters: &mut TaskCounters, throttling_due: bool) {
    let v1_usage = files.get(Kind::CpuacctUsage, parse::single).map(|ns| ns / 1000);
    let v1_throttling = files.plan.place(Kind::CpuStatV1).is_some();
    let mut throttling = None;
    counters.cpu_usage_usec = v1_usage.or_else(|| {
        let stat = files.get(Kind::CpuStat, parse::cpu_stat_v2);
        throttling = stat;
        stat.and_then(|stat| stat.usage_usec)
    });
    if v1_throttling {
        if !throttling_due {
            return;
        }
        throttling = files.get(Kind::CpuStatV1, parse::cpu_stat_v1);
    }
    counters.throttled_usec = throttling.and_then(|stat| stat.throttled_usec);
    counters.periods = throttling.and_then(|stat| stat.periods);
    counters.throttled_periods = throttling.and_then(|stat| stat.throttled_periods);
}

fn read_slow(files: &mut Files<'_>, counters: &mut TaskCounters) {
    read_memory_stat(files, counters);
    if files.plan.place(Kind::MemoryFailcnt).is_some() {
        counters.memory_events = events_v1(files);
    }
    counters.pids = files.get(Kind::Pids, parse::single);
}

fn read_memory_stat(files: &mut Files<'_>, counters: &mut TaskCounters) {
    let stat = match files.plan.place(Kind::MemoryStatV1) {
        Some(_) => files.get(Kind::MemoryStatV1, parse::memory_stat_v1),
        None => files.get(Kind::MemoryStat, parse::memory_stat_v2),
    };
    counters.working_set = stat.map(|stat| stat.working_set);
    counters.file_cache = stat.map(|stat| stat.file_cache);
    counters.major_faults = stat.and_then(|stat| stat.major_faults);
    counters.memory_limit = stat.and_then(|stat| stat.limit).or(files.facts.memory_max);
}

fn read_events_v2(files: &mut Files<'_>, counters: &mut TaskCounters) {
    if files.plan.place(Kind::MemoryEvents).is_some() {
        counters.memory_events = files.get(Kind::MemoryEvents, parse::memory_events);
    }
}

/// v1 has no count of `high`, since nothing is throttled there, and none of failed allocations beyond
/// those that killed.
fn events_v1(files: &mut Files<'_>) -> Option<MemoryEvents> {
    let max = files.get(Kind::MemoryFailcnt, parse::single)?;
    let oom_kill = files.get(Kind::MemoryOomControl, parse::oom_kills)??;
    Some(MemoryEvents { high: 0, max, oom: oom_kill, oom_kill })
}

/// `due` is `None` while the last values are held, and `Some(false)` where they are somebody else's.
fn read_pressure(files: &mut Files<'_>, counters: &mut TaskCounters, due: Option<bool>) {
    match due {
        Some(true) => counters.psi = files.psi(),
        Some(false) => counters.psi = PsiSet::default(),
        None => {}
    }
}
