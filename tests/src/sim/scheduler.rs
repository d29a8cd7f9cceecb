// SPDX-License-Identifier: Apache-2.0
//! Who starts what: services and best-effort tasks at the beginning, restarts, and a scheduler that takes what is offered.

use super::ask::Asked;
use super::dice::Dice;
use super::kernel::Kernel;
use super::scene::Scene;
use super::task::{MIB, SimTask};
use super::workload::Workload;
use gleaner_estimator::sample::{Allocation, Class, Task, TaskId};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use std::sync::Arc;

/// Who starts tasks.
#[derive(Debug)]
pub(super) struct Scheduler {
    dice: Dice,
    /// Tasks started so far; the inode of the next one.
    born: u64,
    /// Names run the other way round, so that every list of tasks is in another order.
    reversed: bool,
    /// Best-effort tasks that were started because something was offered.
    pub(super) lent_to: u64,
}

impl Scheduler {
    pub(super) fn new(dice: &mut Dice, reversed: bool) -> Self {
        Self { dice: dice.split(), born: 0, reversed, lent_to: 0 }
    }

    /// Who is there from the start.
    pub(super) fn begin(&mut self, scene: &Scene, kernel: &mut Kernel) {
        for _ in 0..scene.services {
            let share = scene.share / scene.services as f64;
            let mut work = Workload::service(&mut self.dice, scene.size, share);
            if self.dice.happens(0.15) {
                work.quota = Some(work.cores * 0.7);
            }
            if self.dice.happens(0.1) {
                work.limit = Some(work.memory * 1.1);
            }
            self.start(Class::Guaranteed, work, None, kernel);
        }
        let agent = Workload {
            restarts: None,
            io: 0.0,
            streams: 0.0,
            ..Workload::service(&mut self.dice, scene.size, 0.04)
        };
        self.start(Class::System, agent, None, kernel);
        for _ in 0..scene.batches {
            let work = self.batch(scene);
            let promised = self.dice.happens(0.8).then_some(MilliCpus(300));
            self.start(Class::BestEffort, work, promised, kernel);
        }
    }

    fn batch(&mut self, scene: &Scene) -> Workload {
        let mut work = Workload::batch(&mut self.dice, scene.size, scene.batch_memory);
        work.hostile = self.dice.happens(scene.hostile);
        work
    }

    /// Starts a task. Names are few, so that they are taken again by others.
    fn start(
        &mut self,
        class: Class,
        work: Workload,
        promised: Option<MilliCpus>,
        kernel: &mut Kernel,
    ) {
        let word = match class {
            Class::Guaranteed => "service",
            Class::BestEffort => "batch",
            Class::System => "system",
        };
        let taken = |name: &str| kernel.tasks.iter().any(|t| *t.id().name == *name);
        let name = (0..100_u8).map(|n| self.name(word, n)).find(|n| !taken(n));
        let name = name.unwrap_or_else(|| format!("{word}-{}", self.born));
        let allocation = match class {
            Class::Guaranteed => Allocation {
                cpu: Some(MilliCpus::from_base(work.cores * self.dice.between(1.0, 4.0))),
                memory: self.dice.happens(0.7).then(|| {
                    let asked = (work.grows_to + work.hot) * self.dice.between(1.0, 2.0);
                    Bytes::from_base(asked * MIB)
                }),
            },
            Class::BestEffort | Class::System => Allocation { cpu: promised, memory: None },
        };
        let task = Task {
            id: TaskId { name: name.into(), inode: 0 },
            class,
            why: "the simulator says so".to_owned(),
            allocation,
            priority: i32::from(self.dice.happens(0.3)),
            tenant: self.dice.happens(0.6).then(|| format!("tenant-{}", self.born % 3)),
            labels: Vec::new(),
            started: None,
        };
        self.place(task, work, kernel);
    }

    fn name(&self, word: &str, number: u8) -> String {
        // The same tasks, first to last.
        let letter = |c: char| if self.reversed { 'z' } else { c };
        let number = if self.reversed { 99 - number } else { number };
        let class = word.chars().next().map_or('a', letter);
        format!("{class}.slice/{word}-{number:02}")
    }

    fn place(&mut self, mut task: Task, work: Workload, kernel: &mut Kernel) {
        self.born += 1;
        let inode = if self.reversed { 1_000_000 - self.born } else { 1_000 + self.born };
        task.id.inode = inode;
        kernel.tasks.push(SimTask::new(task, work, kernel.now()));
    }

    /// Once a second: containers that restart do so, and one best-effort task in a while ends by itself.
    pub(super) fn second(&mut self, kernel: &mut Kernel) {
        let now = kernel.now();
        let over = |t: &SimTask| t.workload.restarts.is_some_and(|after| now - t.born >= after);
        let due: Vec<TaskId> =
            kernel.tasks.iter().filter(|t| over(t)).map(|t| t.id().clone()).collect();
        due.iter().for_each(|id| self.again(id, kernel));
        let ends = self.dice.happens(0.005);
        let which = self.dice.below(8);
        if ends && let Some(id) = nth_batch(kernel, which) {
            kernel.tasks.retain(|t| *t.id() != id);
        }
    }

    /// The task ends and another takes its name.
    fn again(&mut self, id: &TaskId, kernel: &mut Kernel) {
        let Some(old) = kernel.get(id).cloned() else { return };
        kernel.tasks.retain(|t| t.id() != id);
        self.place((*old.task).clone(), old.workload, kernel);
    }

    /// As [`Scheduler::again`], for a best-effort task, whoever is under way to kill it.
    pub(super) fn recreate(&mut self, kernel: &mut Kernel) {
        let which = self.dice.below(8);
        if let Some(id) = nth_batch(kernel, which) {
            self.again(&id, kernel);
        }
    }

    /// A best-effort task was promised something after all, and stays who it is.
    pub(super) fn promote(&mut self, kernel: &mut Kernel) {
        let which = self.dice.below(8);
        let id = nth_batch(kernel, which);
        if let Some(task) = id.and_then(|id| kernel.find(&id)) {
            let cpu = Some(MilliCpus::from_base(task.workload.cores));
            let task = Arc::make_mut(&mut task.task);
            (task.class, task.allocation.cpu) = (Class::Guaranteed, cpu);
        }
    }

    /// Takes what is offered, if it is enough for somebody.
    pub(super) fn take(&mut self, asked: &Asked, scene: &Scene, kernel: &mut Kernel) -> bool {
        let [cpu, memory] = asked.offers.map(|o| o.amount);
        let crowd = kernel.tasks.iter().filter(|t| t.is_best_effort()).count();
        let comes = self.dice.happens(0.15);
        if cpu < 200 || crowd >= scene.crowd || !comes {
            return false;
        }
        let mut work = self.batch(scene);
        if memory > 0 {
            // Who was lent memory uses it.
            let lent = (memory as f64 / MIB).min(scene.batch_memory * 2.0);
            work.grows_to = work.grows_to.max(lent);
        }
        let takes = MilliCpus(cpu.min(2_000)).quantise(MilliCpus(100));
        self.start(Class::BestEffort, work, Some(takes), kernel);
        self.lent_to += 1;
        true
    }
}

/// One best-effort task that is not being killed, counted round.
fn nth_batch(kernel: &Kernel, which: usize) -> Option<TaskId> {
    let batch: Vec<&SimTask> =
        kernel.tasks.iter().filter(|t| t.is_best_effort() && t.dying.is_none()).collect();
    batch.get(which % batch.len().max(1)).map(|t| t.id().clone())
}
