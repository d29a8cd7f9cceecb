// SPDX-License-Identifier: Apache-2.0
//! Where thresholds alone decide: the rule of `gleaner_qos::drop_in`, over the agent's own table.

use super::rules::Wanted;
use crate::handle::table::Table;
use crate::setup::Stand;
use gleaner_engine::decision::{Decision, Mode};
use gleaner_estimator::offer::Offer;
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::sample::{Allocation, Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use gleaner_estimator::usage::Usage;
use gleaner_host::asked::container;
use gleaner_qos::config::QosConfig;
use gleaner_qos::drop_in::{DropIn, Listed};
use gleaner_qos::verdict::Reason;
use std::collections::BTreeMap;

/// See the module's head.
pub(super) struct Standing {
    stand: Stand,
    rule: DropIn,
}

impl Standing {
    pub(super) fn new(stand: Stand) -> Self {
        Self { stand, rule: DropIn::new(stand.rules) }
    }

    /// Puts what the thresholds say in the place of the engine's offers; whether they close.
    pub(super) fn overrule(
        &self,
        decision: &mut Decision,
        sample: &Sample,
        table: &Table,
        mode: Mode,
    ) -> bool {
        let closed = self.rule.is_closed(&sample.node);
        let (amounts, bound) = (self.stand.amounts, bound(closed));
        let lent = lent(table);
        // The engine observes; what happens is in the mode that was asked for.
        decision.mode = mode;
        decision.cpu.lent = lent.cpu.unwrap_or_default();
        decision.memory.lent = lent.memory.unwrap_or_default();
        decision.cpu.offer = offer(amounts.cpu, decision.cpu.lent, closed, bound);
        decision.memory.offer = offer(amounts.memory, decision.memory.lent, closed, bound);
        closed
    }

    /// Who is to go, over which resource, and why: at most one.
    pub(super) fn wanted(
        &mut self,
        sample: &Sample,
        usage: &Usage,
        table: &Table,
        config: &QosConfig,
    ) -> Vec<Wanted> {
        let ids: BTreeMap<&str, &TaskId> =
            sample.tasks.iter().map(|task| (container(&task.task.id), &task.task.id)).collect();
        let listed = |entry| {
            let entry: &crate::handle::table::Entry = entry;
            Some(Listed {
                best_effort: entry.is_best_effort(),
                memory: entry.counters.memory_current.unwrap_or_default(),
                id: ids.get(entry.name.as_str())?,
            })
        };
        let list: Vec<Listed<'_>> = table.entries.iter().filter_map(listed).collect();
        let victim = self.rule.victim(sample, usage, &list, config);
        let why = |resource| match resource {
            Resource::Memory => "used memory is at its threshold",
            Resource::Cpu | Resource::Io => "load is at a threshold",
        };
        let wanted = victim.map(|v| Wanted {
            words: why(v.resource).to_owned(),
            reason: Reason::Threshold,
            resource: v.resource,
            task: v.task,
        });
        wanted.into_iter().collect()
    }
}

const fn bound(closed: bool) -> Bound {
    if closed { Bound::Level } else { Bound::Cap }
}

fn lent(table: &Table) -> Allocation {
    let held = table.entries.iter().filter(|entry| entry.is_best_effort());
    let mut sum = Allocation { cpu: Some(MilliCpus(0)), memory: Some(Bytes(0)) };
    for entry in held {
        let Allocation { cpu, memory } = entry.saying.allocation;
        sum.cpu = sum.cpu.map(|all| all + cpu.unwrap_or_default());
        sum.memory = sum.memory.map(|all| all + memory.unwrap_or_default());
    }
    sum
}

fn offer<Q: Amount + Default>(
    configured: Option<Q>,
    lent: Q,
    closed: bool,
    bound: Bound,
) -> Offer<Q> {
    let target = configured.unwrap_or_default().less(lent);
    let bound = if configured.is_none() { Bound::Off } else { bound };
    let amount = if closed { Q::default() } else { target };
    Offer { amount, target, bound }
}
