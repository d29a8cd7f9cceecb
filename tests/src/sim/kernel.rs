// SPDX-License-Identifier: Apache-2.0
//! The kernel of the simulated node: time, tasks, what is read of them, and the truth that no controller sees.
//!
//! Coarse on purpose. The shapes come from measurements on a two-core host beside a latency-critical service; what was not
//! measured there (disks, hardware threads) is a guess and marked so.

use super::dice::Dice;
use super::task::{MIB, SimTask, whole};
use super::workload::Size;
use super::{cpu, disk, memory};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{
    CpuTimes, LoadAverage, MemoryInfo, NodeSample, PsiSet, Sample, TaskId,
};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Span, Timestamp};

/// Harm of one kind that best-effort really does.
#[derive(Clone, Debug, Default)]
pub(super) struct Harm {
    /// When there was last any, seconds.
    pub(super) last: Option<f64>,
    /// Since when it has been so large that it must be seen; small interruptions do not end it.
    pub(super) gross_since: Option<f64>,
    gross_last: f64,
    /// For how long there was any.
    pub(super) secs: f64,
    /// How long each gross harm lasted that is over.
    pub(super) lasted: Vec<f64>,
}

/// Gross harm that is interrupted for less than this goes on, seconds.
const INTERRUPTED: f64 = 0.3;

impl Harm {
    /// Takes whether there was harm in the last `secs` before `now`, and whether it was gross.
    pub(super) fn take(&mut self, now: f64, secs: f64, (any, gross): (bool, bool)) {
        if any {
            self.last = Some(now);
            self.secs += secs;
        }
        if gross {
            self.gross_since.get_or_insert(now);
            self.gross_last = now;
        } else if now - self.gross_last > INTERRUPTED {
            let since = self.gross_since.take();
            self.lasted.extend(since.map(|since| self.gross_last - since + secs));
        }
    }

    /// Seconds since there was any.
    pub(super) fn ago(&self, now: f64) -> f64 {
        self.last.map_or(f64::INFINITY, |at| now - at)
    }
}

/// What really happens.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) cpu: Harm,
    pub(super) memory: Harm,
    pub(super) io: Harm,
    /// MiB that can be taken before hot files of guaranteed tasks must go.
    pub(super) room: f64,
    /// MiB a second by which all working sets grow, over the last second.
    pub(super) growth: f64,
    /// Guaranteed processes that the kernel killed for want of memory.
    pub(super) oom_kills: u64,
    /// Core-seconds that best-effort got, and that nobody used.
    pub(super) lent_used: f64,
    pub(super) idle: f64,
    /// Seconds that best-effort tasks stood frozen.
    pub(super) frozen: f64,
}

/// The node.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// Milliseconds since an arbitrary start, as they really pass.
    ms: u64,
    /// What the clock of readings is ahead of that, milliseconds.
    clock: i64,
    pub(super) size: Size,
    /// MiB that the kernel and the system hold.
    pub(super) system: f64,
    /// Share of CPU time that the hypervisor takes.
    pub(super) steal: f64,
    /// Seconds between two readings of a task's `memory.stat`.
    pub(super) stat_every: f64,
    /// Everybody, in the order of their starts: the kernel lists nothing sorted.
    pub(super) tasks: Vec<SimTask>,
    pub(super) truth: Truth,
    pub(super) dice: Dice,
    pub(super) busy: f64,
    pub(super) stolen: f64,
    pub(super) grown: Vec<(f64, f64)>,
    /// MiB by which per-CPU batching misstates available memory now.
    pub(super) batched: f64,
}

/// Start of simulated time: a counter of 0 at time 0 would be a special case.
const EPOCH_MS: u64 = 1_000_000;

impl Kernel {
    /// An empty node.
    pub(super) fn new(dice: &mut Dice, size: Size) -> Self {
        Self {
            ms: EPOCH_MS,
            clock: 0,
            size,
            system: size.memory * 0.06,
            steal: 0.0,
            stat_every: dice.pick(&[1.0, 10.0]),
            tasks: Vec::new(),
            truth: Truth { room: size.memory, ..Truth::default() },
            dice: dice.split(),
            busy: 0.0,
            stolen: 0.0,
            grown: Vec::new(),
            batched: 0.0,
        }
    }

    /// Seconds that have really passed.
    pub(super) fn now(&self) -> f64 {
        (self.ms - EPOCH_MS) as f64 / 1e3
    }

    /// What the clock of readings shows.
    pub(super) fn at(&self) -> Timestamp {
        let ms = self.ms.saturating_add_signed(self.clock);
        Timestamp::default().plus(Span::from_millis(ms))
    }

    /// Puts the clock of readings forward or back.
    pub(super) fn jump(&mut self, ms: i64) {
        // It never goes back to before the start of time.
        self.clock = (self.clock + ms).max(1_000 - i64::try_from(EPOCH_MS).unwrap_or(0));
    }

    /// Lets time pass. What was frozen stays so until somebody thaws it. Returns who died.
    pub(super) fn advance(&mut self, ms: u64) -> Vec<TaskId> {
        self.ms += ms;
        let (now, secs) = (self.now(), ms as f64 / 1e3);
        cpu::share(self, secs);
        memory::share(self, secs);
        disk::share(self, secs);
        let frozen = self.tasks.iter().filter(|t| t.carried.frozen.is_some()).count();
        self.truth.frozen += frozen as f64 * secs;
        let is_dead = |t: &SimTask| t.dying.is_some_and(|d| d.gone <= now);
        let dead = self.tasks.iter().filter(|t| is_dead(t)).map(|t| t.id().clone()).collect();
        self.tasks.retain(|t| !is_dead(t));
        dead
    }

    pub(super) fn find(&mut self, id: &TaskId) -> Option<&mut SimTask> {
        self.tasks.iter_mut().find(|t| t.id() == id)
    }

    pub(super) fn get(&self, id: &TaskId) -> Option<&SimTask> {
        self.tasks.iter().find(|t| t.id() == id)
    }

    /// Kills a task: it stands still, and its memory comes back within a time that grows with its size.
    pub(super) fn kill(&mut self, id: &TaskId) {
        let (now, jitter) = (self.now(), self.dice.between(0.5, 1.5));
        if let Some(task) = self.find(id) {
            // Measured: 28 to 35 ms for 512 MiB, up to 80 ms per GiB.
            let takes = 0.02 + jitter * 0.08 * task.held / 1_024.0;
            let returns = task.held / takes;
            task.dying.get_or_insert(super::task::Dying { gone: now + takes, returns });
        }
    }

    /// MiB that nobody can drop.
    pub(super) fn held(&self) -> f64 {
        self.system + self.tasks.iter().map(|t| t.held).sum::<f64>()
    }

    fn cache(&self) -> f64 {
        self.tasks.iter().map(|t| t.hot + t.cold).sum()
    }

    fn cpu_times(&self) -> CpuTimes {
        let all = self.now() * self.size.cores;
        CpuTimes {
            busy_usec: whole(self.busy * 1e6),
            idle_usec: whole((all - self.busy - self.stolen) * 1e6),
            steal_usec: whole(self.stolen * 1e6),
        }
    }

    fn available(&self) -> Bytes {
        // The kernel keeps a little for itself.
        let left = self.size.memory * 0.995 - self.held() + self.batched;
        Bytes::from_base(left.clamp(0.0, self.size.memory) * MIB)
    }

    /// A fast reading.
    pub(super) fn glance(&self) -> Glance {
        let mut tasks: Vec<_> = self.tasks.iter().filter_map(SimTask::glance).collect();
        tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        Glance {
            at: self.at(),
            cpu: Some(self.cpu_times()),
            memory_available: Some(self.available()),
            best_effort_cpu_usec: Some(whole(self.truth.lent_used * 1e6)),
            tasks,
        }
    }

    /// A whole sample, put into order as every host must.
    pub(super) fn sample(&mut self) -> Sample {
        let (now, every) = (self.now(), self.stat_every);
        let mut tasks: Vec<_> = self.tasks.iter_mut().map(|t| t.sample(now, every)).collect();
        tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
        let total = Bytes::from_base(self.size.memory * MIB);
        let free = (self.size.memory - self.held() - self.cache()).max(0.0);
        let memory = MemoryInfo {
            total,
            available: Some(self.available()),
            free: Bytes::from_base(free * MIB),
            ..MemoryInfo::default()
        };
        Sample {
            at: self.at(),
            node: NodeSample {
                capacity_cpu: MilliCpus::from_base(self.size.cores),
                capacity_memory: total,
                cpu: Some(self.cpu_times()),
                memory: Some(memory),
                load: Some(LoadAverage::default()),
                psi: PsiSet::default(),
            },
            tasks,
            vanished: 0,
        }
    }
}
