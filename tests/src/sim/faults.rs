// SPDX-License-Identifier: Apache-2.0
//! What goes wrong with readings: files that are missing, gone or full of nonsense, clocks that jump, ticks that come late.

use super::dice::Dice;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{Psi, PsiSet, Sample, TaskCounters};
use gleaner_estimator::units::Bytes;

/// What is wrong in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The whole reading failed.
    Failed,
    /// Nothing was read for so many seconds.
    Late(u64),
    /// The machine slept: the clock moved on by so many seconds, nothing else did.
    Suspended(u64),
    /// The clock went back by so many seconds.
    ClockBack(u64),
    /// The same sample came twice.
    Repeated,
    /// A task's files were gone when they were read: it is left out.
    Vanished(usize),
    /// A task's files could not be read, or only some of them.
    Unreadable(usize),
    Partial(usize, u64),
    /// A task's counters started over.
    Reset(usize),
    /// A task's counters are nonsense.
    Garbage(usize, u64),
    /// The node's files could not be read, or say that there is nothing.
    NodeUnreadable,
    NodeEmpty,
    /// Available memory is nonsense.
    NodeGarbage(u64),
    /// A sample out of order.
    Unsorted,
    /// Fast readings see nothing for a second, or see nonsense once.
    Blind,
    BlurredGlance(usize, u64),
    /// The hypervisor takes much time for some seconds.
    Steal,
    /// A best-effort task becomes guaranteed, under its name and inode.
    Promoted,
    /// A best-effort task ends, and another starts under its name.
    Recreated,
    /// Somebody else rewrites what we wrote.
    Overwritten,
}

/// Everything that goes wrong in a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FaultPlan {
    /// Probability that a second has a fault.
    pub(super) per_second: f64,
    /// The kernel has no PSI, no schedstat.
    pub(super) no_psi: bool,
    pub(super) no_schedstat: bool,
}

impl FaultPlan {
    /// What goes wrong in this second.
    pub(super) fn roll(&self, dice: &mut Dice, tasks: usize) -> Option<Fault> {
        if !dice.happens(self.per_second) {
            return None;
        }
        let (whom, what) = (dice.below(tasks), dice.bits());
        let secs = 1 + what % 8;
        Some(match dice.below(20) {
            0 => Fault::Failed,
            1 => Fault::Late(secs),
            2 => Fault::Suspended(3_600 / secs),
            3 => Fault::ClockBack(secs * secs),
            4 => Fault::Repeated,
            5 => Fault::Vanished(whom),
            6 => Fault::Unreadable(whom),
            7 => Fault::Partial(whom, what),
            8 => Fault::Reset(whom),
            9 => Fault::Garbage(whom, what),
            10 => Fault::NodeUnreadable,
            11 => Fault::NodeEmpty,
            12 => Fault::NodeGarbage(what),
            13 => Fault::Unsorted,
            14 => Fault::Blind,
            15 => Fault::BlurredGlance(whom, what),
            16 => Fault::Steal,
            17 => Fault::Promoted,
            18 => Fault::Recreated,
            _ => Fault::Overwritten,
        })
    }

    /// What this kernel shows in a sample, with the fault of the second.
    pub(super) fn spoil(&self, sample: &mut Sample, fault: Option<Fault>) {
        for task in &mut sample.tasks {
            let c = &mut task.counters;
            self.hide(&mut c.psi, &mut c.run_wait_ns, &mut c.run_cpu_ns);
        }
        match fault {
            Some(Fault::Vanished(n)) if n < sample.tasks.len() => {
                sample.tasks.remove(n);
                sample.vanished += 1;
            }
            Some(Fault::Unreadable(n)) => change(sample, n, |_| TaskCounters::default()),
            Some(Fault::Partial(n, bits)) => change(sample, n, |c| some_of(c, bits)),
            Some(Fault::Reset(n)) => change(sample, n, |c| TaskCounters {
                cpu_usage_usec: Some(1),
                run_wait_ns: Some(1),
                run_cpu_ns: Some(1),
                major_faults: Some(0),
                psi: PsiSet::default(),
                ..c
            }),
            Some(Fault::Garbage(n, bits)) => change(sample, n, |c| nonsense(c, bits)),
            Some(Fault::NodeUnreadable) => {
                (sample.node.cpu, sample.node.memory, sample.node.load) = (None, None, None);
            }
            Some(Fault::NodeEmpty) => sample.node.capacity_memory = Bytes(0),
            Some(Fault::NodeGarbage(bits)) => {
                if let Some(memory) = &mut sample.node.memory {
                    memory.available = Some(Bytes(bits));
                }
            }
            Some(Fault::Unsorted) => sample.tasks.reverse(),
            _ => {}
        }
    }

    /// What this kernel shows in a glance.
    pub(super) fn spoil_glance(&self, glance: &mut Glance, fault: Option<Fault>) {
        for t in &mut glance.tasks {
            self.hide(&mut t.psi, &mut t.run_wait_ns, &mut t.run_cpu_ns);
        }
        match fault {
            Some(Fault::Blind) => {
                *glance = Glance { at: glance.at, ..Glance::default() };
            }
            Some(Fault::BlurredGlance(n, bits)) if n < glance.tasks.len() => {
                let t = &mut glance.tasks[n];
                t.major_faults = Some(bits);
                t.run_wait_ns = Some(bits / 2);
                t.run_cpu_ns = Some(bits / 3);
                t.psi.memory = Some(Psi { some_usec: bits / 7, full_usec: None });
                t.psi.cpu = t.psi.memory;
            }
            _ => {}
        }
    }

    fn hide(&self, psi: &mut PsiSet, wait: &mut Option<u64>, ran: &mut Option<u64>) {
        if self.no_psi {
            *psi = PsiSet::default();
        }
        if self.no_schedstat {
            (*wait, *ran) = (None, None);
        }
    }
}

fn change(sample: &mut Sample, place: usize, to: impl FnOnce(TaskCounters) -> TaskCounters) {
    if let Some(task) = sample.tasks.get_mut(place) {
        task.counters = to(task.counters);
    }
}

/// Only some fields: one bit each.
fn some_of(c: TaskCounters, bits: u64) -> TaskCounters {
    let keep = |n: u32| bits >> n & 1 == 1;
    TaskCounters {
        cpu_usage_usec: c.cpu_usage_usec.filter(|_| keep(0)),
        throttled_usec: c.throttled_usec.filter(|_| keep(1)),
        memory_current: c.memory_current.filter(|_| keep(2)),
        working_set: c.working_set.filter(|_| keep(3)),
        file_cache: c.file_cache.filter(|_| keep(4)),
        major_faults: c.major_faults.filter(|_| keep(5)),
        memory_events: c.memory_events.filter(|_| keep(6)),
        run_wait_ns: c.run_wait_ns.filter(|_| keep(7)),
        run_cpu_ns: c.run_cpu_ns.filter(|_| keep(8)),
        psi: if keep(9) { c.psi } else { PsiSet::default() },
        ..c
    }
}

/// Numbers that no kernel reports, at most of one kind at a time.
fn nonsense(c: TaskCounters, bits: u64) -> TaskCounters {
    let lie = Some(Psi { some_usec: bits / 3, full_usec: Some(u64::MAX) });
    match bits % 6 {
        0 => TaskCounters { cpu_usage_usec: Some(bits), ..c },
        1 => TaskCounters { run_wait_ns: Some(u64::MAX), run_cpu_ns: Some(bits / 2), ..c },
        2 => TaskCounters { psi: PsiSet { cpu: lie, memory: lie, io: lie }, ..c },
        3 => TaskCounters { major_faults: Some(bits), ..c },
        4 => TaskCounters { working_set: Some(Bytes(bits)), file_cache: Some(Bytes(bits)), ..c },
        _ => TaskCounters {
            cpu_usage_usec: Some(u64::MAX),
            throttled_usec: Some(u64::MAX),
            run_wait_ns: Some(u64::MAX),
            run_cpu_ns: Some(u64::MAX - 1),
            major_faults: Some(u64::MAX),
            psi: PsiSet { cpu: lie, memory: lie, io: lie },
            ..c
        },
    }
}
