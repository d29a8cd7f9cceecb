// SPDX-License-Identifier: Apache-2.0
//! Run-queue wait and CPU time of a task's threads, from `/proc/<tid>/schedstat`.
//!
//! A cgroup has no such counter, so it is made here: what each thread gained since it was last read is
//! added to a sum of the task. A thread's first reading only sets its mark, and a thread that ends takes
//! nothing away: the sums never fall, and their growth between two samples is that of threads read at
//! both. What a thread did before its first and after its last reading is missing from both sums
//! alike, so their quotient stays meaningful.
//!
//! The list of threads is read anew with the slow files, and at once when a thread ends. Of more
//! threads than the limit one window of the list is read until the next list, then the next window.

use crate::budget::{Rank, Slot, Tier};
use crate::parse;
use crate::reader::{Failure, Reader, Request};
use crate::task::Tools;
use crate::trees::{Tree, join};
use gleaner_estimator::sample::Task;
use gleaner_estimator::units::{Span, Timestamp};
use std::io::Write;

/// Most threads of one task that are listed.
const LISTED: usize = 4096;

/// Most cgroups below a task that are asked for threads (a pod's containers).
const HOLDERS: usize = 64;

/// Threads are read at every sample.
pub(crate) const RANK: Rank = Rank::Hot;

/// Only those of guaranteed tasks are.
const TIER: Tier = Tier::Essential(RANK);

/// A thread cannot gain more CPU time than time passed. One that did is another thread under a number
/// taken again; the second is for clocks of tickless CPUs, which are brought up to date that rarely.
const SLACK: Span = Span::from_secs(1);

#[derive(Debug)]
struct Thread {
    id: u32,
    slot: Slot,
    /// CPU time and wait at the last reading.
    mark: Option<(u64, u64)>,
}

/// The threads of one task that are read, and the sums.
#[derive(Debug)]
pub(crate) struct Threads {
    list: Vec<Thread>,
    ids: Vec<u32>,
    /// The task's cgroup and those below it; empty where there are none below.
    holders: Vec<String>,
    /// Where the window begins.
    offset: usize,
    limit: usize,
    stale: bool,
    read_at: Option<Timestamp>,
    wait_ns: u64,
    cpu_ns: u64,
}

impl Threads {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            list: Vec::with_capacity(limit),
            ids: Vec::new(),
            holders: Vec::new(),
            offset: 0,
            limit,
            stale: true,
            read_at: None,
            wait_ns: 0,
            cpu_ns: 0,
        }
    }

    /// Looks for cgroups below the task's, and lists threads again at the next reading.
    pub(crate) fn refresh(&mut self, tree: &Tree, path: &str, limit: usize, reader: &mut Reader) {
        self.limit = limit;
        self.stale = true;
        // Without cgroups below, the task's own is the only one, and no list is needed.
        self.holders.clear();
        if !tree.is_leaf(path) {
            self.holders = below(tree, path, HOLDERS, reader);
        }
    }

    /// The sums of run-queue wait and CPU time, in nanoseconds; `None` when no thread could be read.
    pub(crate) fn read(
        &mut self,
        tools: &mut Tools<'_>,
        task: &Task,
        relist: bool,
    ) -> Option<(u64, u64)> {
        if relist || self.stale {
            self.relist(tools, &task.id.name);
        }
        let passed = self.read_at.and_then(|before| tools.at.since(before)).unwrap_or_default();
        let most = (passed + SLACK).0;
        let mut read = 0_usize;
        for thread in &mut self.list {
            let request = Request { dir: tools.proc, head: false };
            let id = thread.id;
            let compose = |path: &mut Vec<u8>| {
                // Writing to a Vec cannot fail.
                let _ = write!(path, "{id}/schedstat");
                TIER
            };
            match tools.reader.fetch(request, &mut thread.slot, compose, parse::schedstat) {
                Ok(Some((cpu, wait))) => {
                    read += 1;
                    if let Some((cpu_gain, wait_gain)) = gain(thread.mark, (cpu, wait), most) {
                        self.cpu_ns = self.cpu_ns.saturating_add(cpu_gain);
                        self.wait_ns = self.wait_ns.saturating_add(wait_gain);
                    }
                    thread.mark = Some((cpu, wait));
                }
                Ok(None) => tools.reader.trouble.unseen(
                    "schedstat",
                    "the kernel does not account for run-queue wait (CONFIG_SCHED_INFO)".to_owned(),
                ),
                Err(failure) => {
                    thread.mark = None;
                    self.stale = true;
                    note(tools.reader, failure, id);
                }
            }
        }
        self.read_at = Some(tools.at);
        (read > 0).then_some((self.wait_ns, self.cpu_ns))
    }

    fn relist(&mut self, tools: &mut Tools<'_>, path: &str) {
        self.stale = false;
        self.ids.clear();
        let tree = tools.trees.get(tools.listing);
        let file = if tools.trees.is_unified(tools.listing) { "cgroup.threads" } else { "tasks" };
        let holders = self.holders.iter().map(String::as_str);
        for holder in holders.chain(self.holders.is_empty().then_some(path)) {
            let parts = [holder.as_bytes(), b"/", file.as_bytes()];
            match tools.reader.ids(tree.dir(), &parts, LISTED, &mut self.ids) {
                Ok(()) => {}
                Err(rustix::io::Errno::NOENT | rustix::io::Errno::NODEV) => {}
                Err(errno) => tools.reader.trouble.refused(file, errno),
            }
        }
        self.choose_window();
        let budget = &mut tools.reader.budget;
        let ids = &self.ids;
        self.list.retain_mut(|thread| {
            let stays = ids.binary_search(&thread.id).is_ok();
            if !stays {
                budget.close(&mut thread.slot);
            }
            stays
        });
        let known = self.list.len();
        for id in &self.ids {
            if self.list[..known].binary_search_by_key(id, |thread| thread.id).is_err() {
                self.list.push(Thread { id: *id, slot: Slot::Closed, mark: None });
            }
        }
        self.list.sort_unstable_by_key(|thread| thread.id);
    }

    /// Cuts the listed ids down to the window whose turn it is, sorted.
    fn choose_window(&mut self) {
        self.ids.sort_unstable();
        self.ids.dedup();
        if self.ids.len() <= self.limit {
            self.offset = 0;
            return;
        }
        self.offset %= self.ids.len();
        self.ids.rotate_left(self.offset);
        self.offset += self.limit;
        self.ids.truncate(self.limit);
        self.ids.sort_unstable();
    }

    pub(crate) fn each_slot(&mut self, act: impl FnMut(&mut Slot)) {
        self.list.iter_mut().map(|thread| &mut thread.slot).for_each(act);
    }
}

/// What a thread gained in CPU time and wait; `None` at its first reading and where the numbers
/// cannot be of the same thread.
fn gain(mark: Option<(u64, u64)>, now: (u64, u64), most_cpu: u64) -> Option<(u64, u64)> {
    let (cpu, wait) = mark?;
    let gain = (now.0.checked_sub(cpu)?, now.1.checked_sub(wait)?);
    (gain.0 <= most_cpu).then_some(gain)
}

fn note(reader: &mut Reader, failure: Failure, id: u32) {
    use rustix::io::Errno;
    match failure {
        // The thread has ended.
        Failure::Errno(Errno::NOENT | Errno::SRCH) => {}
        Failure::Errno(errno) => reader.trouble.refused("schedstat", errno),
        Failure::Fault(fault, length) => {
            let path = std::path::PathBuf::from(format!("{id}/schedstat"));
            reader.malformed(fault, length, &path);
        }
    }
}

/// The cgroup at `path` and those below it, at most `most`, nearest first.
pub(crate) fn below(tree: &Tree, path: &str, most: usize, reader: &mut Reader) -> Vec<String> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while next < found.len() && found.len() < most {
        let parent = found[next].clone();
        for name in tree.children(&parent, &mut reader.trouble).unwrap_or_default() {
            if found.len() < most {
                found.push(join(&parent, &name));
            }
        }
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_thread_gains() {
        assert_eq!(gain(None, (5, 5), 10), None);
        assert_eq!(gain(Some((5, 5)), (9, 1000), 10), Some((4, 995)));
        assert_eq!(gain(Some((5, 5)), (4, 9), 10), None);
        assert_eq!(gain(Some((5, 5)), (9, 4), 10), None);
        assert_eq!(gain(Some((5, 5)), (16, 5), 10), None);
    }

    #[test]
    fn windows_go_round_the_whole_list() {
        let mut threads = Threads::new(3);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..4 {
            threads.ids = (1..=8).collect();
            threads.choose_window();
            assert_eq!(threads.ids.len(), 3);
            seen.extend(threads.ids.iter().copied());
        }
        assert_eq!(seen.len(), 8);
        threads.ids = vec![7, 5, 5];
        threads.choose_window();
        assert_eq!(threads.ids, [5, 7]);
    }
}
