// SPDX-License-Identifier: Apache-2.0
//! Which file of which hierarchy answers each question about a task, worked out once for the node.

use crate::budget::{Demand, Rank};
use crate::mounts::Controller;
use crate::threads;
use crate::trees::{TreeId, Trees};

/// A kind of file that is read of a task again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// v1 CPU time, nanoseconds.
    CpuacctUsage,
    /// v1 throttling.
    CpuStatV1,
    /// v2 CPU time and throttling.
    CpuStat,
    /// Memory charged: v1 `memory.usage_in_bytes`, v2 `memory.current`.
    MemoryCurrent,
    /// v1 `memory.stat`.
    MemoryStatV1,
    /// v2 `memory.stat`.
    MemoryStat,
    /// v2 `memory.events`.
    MemoryEvents,
    /// v1 `memory.failcnt`.
    MemoryFailcnt,
    /// v1 `memory.oom_control`.
    MemoryOomControl,
    /// Number of processes and threads.
    Pids,
    /// CPU stall times.
    CpuPressure,
    /// Memory stall times.
    MemoryPressure,
    /// IO stall times.
    IoPressure,
}

/// Number of kinds.
pub(crate) const KINDS: usize = Kind::IoPressure as usize + 1;

impl Kind {
    /// All of them, in order.
    pub(crate) const ALL: [Self; KINDS] = [
        Self::CpuacctUsage,
        Self::CpuStatV1,
        Self::CpuStat,
        Self::MemoryCurrent,
        Self::MemoryStatV1,
        Self::MemoryStat,
        Self::MemoryEvents,
        Self::MemoryFailcnt,
        Self::MemoryOomControl,
        Self::Pids,
        Self::CpuPressure,
        Self::MemoryPressure,
        Self::IoPressure,
    ];
}

/// Where one kind of file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) tree: TreeId,
    pub(crate) name: &'static str,
}

/// Where every kind of file is; `None` where this node does not have it.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    places: [Option<Place>; KINDS],
    /// A kind that is read at every sample in the hierarchy where tasks are listed: while its descriptor
    /// can be read, the cgroup that was listed still exists.
    pub(crate) anchor: Option<Kind>,
    /// Stall times come from another hierarchy than CPU and memory.
    pub(crate) foreign_pressure: bool,
}

impl Plan {
    pub(crate) fn new(trees: &Trees, listing: Option<TreeId>) -> Self {
        let mut plan = Self::default();
        let v1 = |controller| trees.v1(controller);
        let unified = trees.unified();
        plan.put(Kind::CpuacctUsage, v1(Controller::Cpuacct), "cpuacct.usage");
        plan.put(Kind::CpuStatV1, v1(Controller::Cpu), "cpu.stat");
        plan.put(Kind::CpuStat, unified, "cpu.stat");
        match v1(Controller::Memory) {
            memory @ Some(_) => {
                plan.put(Kind::MemoryCurrent, memory, "memory.usage_in_bytes");
                plan.put(Kind::MemoryStatV1, memory, "memory.stat");
                plan.put(Kind::MemoryFailcnt, memory, "memory.failcnt");
                plan.put(Kind::MemoryOomControl, memory, "memory.oom_control");
            }
            None => {
                plan.put(Kind::MemoryCurrent, unified, "memory.current");
                plan.put(Kind::MemoryStat, unified, "memory.stat");
                plan.put(Kind::MemoryEvents, unified, "memory.events");
            }
        }
        plan.put(Kind::Pids, v1(Controller::Pids).or(unified), "pids.current");
        plan.put(Kind::CpuPressure, unified, "cpu.pressure");
        plan.put(Kind::MemoryPressure, unified, "memory.pressure");
        plan.put(Kind::IoPressure, unified, "io.pressure");
        plan.anchor = [Kind::CpuacctUsage, Kind::CpuStat, Kind::MemoryCurrent]
            .into_iter()
            .find(|kind| listing.is_some() && plan.place(*kind).map(|place| place.tree) == listing);
        plan.foreign_pressure = unified.is_some() && listing != unified;
        plan
    }

    fn put(&mut self, kind: Kind, tree: Option<TreeId>, name: &'static str) {
        self.places[kind as usize] = tree.map(|tree| Place { tree, name });
    }

    /// What keeping a descriptor of that kind is worth for a guaranteed or another task.
    pub(crate) fn rank(&self, kind: Kind, guaranteed: bool) -> Rank {
        match kind {
            kind if self.anchor == Some(kind) => Rank::Anchor,
            Kind::CpuacctUsage | Kind::CpuStat | Kind::MemoryCurrent => Rank::Hot,
            Kind::MemoryEvents | Kind::CpuPressure | Kind::MemoryPressure | Kind::IoPressure
                if guaranteed =>
            {
                Rank::Hot
            }
            Kind::CpuStatV1
            | Kind::MemoryStatV1
            | Kind::MemoryStat
            | Kind::MemoryEvents
            | Kind::MemoryFailcnt
            | Kind::MemoryOomControl
            | Kind::Pids
            | Kind::CpuPressure
            | Kind::MemoryPressure
            | Kind::IoPressure => Rank::Slow,
        }
    }

    /// Descriptors that so many tasks would keep, `threads` of guaranteed tasks among them.
    pub(crate) fn demand(&self, tasks: usize, guaranteed: usize, threads: usize) -> Demand {
        let mut demand = Demand::default();
        demand[threads::RANK as usize] += threads;
        for kind in Kind::ALL.into_iter().filter(|kind| self.place(*kind).is_some()) {
            demand[self.rank(kind, false) as usize] += tasks - guaranteed;
            demand[self.rank(kind, true) as usize] += guaranteed;
        }
        demand
    }

    pub(crate) fn place(&self, kind: Kind) -> Option<Place> {
        self.places[kind as usize]
    }
}
