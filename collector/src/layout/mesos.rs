// SPDX-License-Identifier: Apache-2.0
//! Containers of an Apache Mesos agent: v1 `<subsystem>/<root>/<container>`, v2 `<root>/<container>`.
//!
//! A nested container (`<container>/mesos/<child>`) always belongs to its executor's container, also
//! where it has settings of its own: the counters of the parent include it on both versions, so a task
//! of its own would be counted twice, and the agent can only destroy the executor's whole container.
//! The agent's own cgroup (`slave` on v1, `agent` on v2) is no task.
//!
//! # Which containers are revocable
//! The agent gives `max(2, 10 × cpus)` shares instead of `1024 × cpus` to a container with revocable
//! CPUs, on v2 a weight of `max(1, cpus)` instead of `100 × cpus`. Read backwards this is ambiguous: 500
//! shares are half a promised CPU or fifty revocable ones. So a container counts as best-effort only
//! if both hold:
//! * it could be all of this node's CPUs at the revocable rate (shares ≤ 10 × node, weight ≤ node + 1),
//! * at the promised rate it would have less than 0.1 CPU, which is what the agent gives a command
//!   executor by itself.
//!
//! With a CFS quota it must also be nearer to the revocable than to the promised rate of that quota.
//! The mistake that is left is to protect a best-effort container of more than ten CPUs, never to
//! correct a promised one of 0.1 CPU or more. Where the agent itself is asked, it says what is revocable.

use super::{Description, Visit, base, child_of, leads_to};
use crate::facts::Facts;
use gleaner_estimator::sample::{Allocation, Class};
use gleaner_estimator::units::MilliCpus;

/// `--cgroups_root` where it is not given.
pub(crate) const DEFAULT_ROOT: &str = "mesos";

/// The layout of one agent.
#[derive(Clone, Debug)]
pub(crate) struct Mesos {
    pub(crate) root: String,
}

/// What the weight of a container says.
struct Weight {
    revocable: bool,
    cpu: Option<MilliCpus>,
    says: String,
}

impl Mesos {
    pub(super) fn visit(&self, path: &str) -> Visit {
        match child_of(path, &self.root) {
            Some("slave" | "agent") => Visit::Skip,
            Some(_) => Visit::Task,
            None if path == self.root || leads_to(path, &self.root) => Visit::Descend,
            None => Visit::Skip,
        }
    }

    pub(super) fn describe(&self, path: &str, facts: &Facts, node: MilliCpus) -> Description {
        let weight = match (facts.shares, facts.weight) {
            (Some(shares), _) => from_shares(shares, facts.quota, node),
            (None, Some(weight)) => from_weight(weight, facts.quota, node),
            (None, None) => {
                Weight { revocable: false, cpu: None, says: "no CPU weight to read".to_owned() }
            }
        };
        let (class, verdict) = match weight.revocable {
            true => (Class::BestEffort, "the agent's weight for revocable CPUs"),
            false => (Class::Guaranteed, "not the weight of revocable CPUs"),
        };
        Description {
            class,
            why: format!("container below {}: {}, {verdict}", self.root, weight.says),
            allocation: Allocation {
                cpu: weight.cpu,
                memory: facts.memory_soft.or(facts.memory_max),
            },
            priority: 0,
            tenant: None,
            labels: vec![("container_id".to_owned(), base(path).to_owned())],
        }
    }
}

fn from_shares(shares: u64, quota: Option<MilliCpus>, node: MilliCpus) -> Weight {
    let small = shares <= node.0 / 100 && shares < 103;
    // Halfway, by ratio, between 10 and 1024 shares a CPU.
    let revocable = small && quota.is_none_or(|q| shares.saturating_mul(10) < q.0);
    let cpu = if revocable { shares.saturating_mul(100) } else { scaled_up(shares, 1000, 1024) };
    Weight {
        revocable,
        // The floor of 2 is what any smaller amount becomes.
        cpu: (shares > 2).then_some(MilliCpus(cpu)),
        says: format!("cpu.shares {shares}"),
    }
}

fn from_weight(weight: u64, quota: Option<MilliCpus>, node: MilliCpus) -> Weight {
    let small = weight <= node.0 / 1000 + 1 && weight < 10;
    // Halfway, by ratio, between a weight of 1 and of 100 a CPU.
    let revocable = small && quota.is_none_or(|q| weight.saturating_mul(100) < q.0);
    let cpu = if revocable { weight.saturating_mul(1000) } else { weight.saturating_mul(10) };
    Weight {
        revocable,
        cpu: (weight > 1).then_some(MilliCpus(cpu)),
        says: format!("cpu.weight {weight}"),
    }
}

/// `value × to ÷ from`, rounded up: the agent rounded down.
fn scaled_up(value: u64, to: u64, from: u64) -> u64 {
    let scaled = (u128::from(value) * u128::from(to)).div_ceil(u128::from(from));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::units::Bytes;

    const NODE: MilliCpus = MilliCpus(64_000);

    fn mesos() -> Mesos {
        Mesos { root: "mesos".to_owned() }
    }

    fn class_and_cpu(facts: Facts, node: MilliCpus) -> (Class, Option<u64>) {
        let said = mesos().describe("mesos/c1", &facts, node);
        (said.class, said.allocation.cpu.map(|cpu| cpu.0))
    }

    #[test]
    fn only_direct_children_are_tasks_and_never_the_agent() {
        let mesos = Mesos { root: "a/mesos".to_owned() };
        let visits: Vec<_> =
            ["", "a", "a/mesos", "a/mesos/c1", "a/mesos/slave", "a/mesos/agent", "b", "a/mesosx/c"]
                .map(|path| mesos.visit(path))
                .into();
        let (d, t, s) = (Visit::Descend, Visit::Task, Visit::Skip);
        assert_eq!(visits, [d, d, d, t, s, s, s, s]);
    }

    #[test]
    fn shares_of_revocable_and_promised_cpus() {
        let shares = |n| Facts { shares: Some(n), ..Facts::default() };
        assert_eq!(class_and_cpu(shares(6), NODE), (Class::BestEffort, Some(600)));
        assert_eq!(class_and_cpu(shares(100), NODE), (Class::BestEffort, Some(10_000)));
        assert_eq!(class_and_cpu(shares(2), NODE), (Class::BestEffort, None));
        // Half a promised CPU: below 10 shares for each of 64 CPUs, and yet no revocable container.
        assert_eq!(class_and_cpu(shares(512), NODE), (Class::Guaranteed, Some(500)));
        assert_eq!(class_and_cpu(shares(102), NODE), (Class::BestEffort, Some(10_200)));
        assert_eq!(class_and_cpu(shares(103), NODE), (Class::Guaranteed, Some(101)));
        // More than this node has at the revocable rate.
        assert_eq!(class_and_cpu(shares(30), MilliCpus(2000)), (Class::Guaranteed, Some(30)));
        assert_eq!(class_and_cpu(shares(1536), NODE), (Class::Guaranteed, Some(1500)));
    }

    #[test]
    fn a_quota_tells_small_promises_from_revocable_cpus() {
        let small = Facts { shares: Some(51), quota: Some(MilliCpus(50)), ..Facts::default() };
        assert_eq!(class_and_cpu(small, NODE).0, Class::Guaranteed);
        let revocable =
            Facts { shares: Some(40), quota: Some(MilliCpus(4000)), ..Facts::default() };
        assert_eq!(class_and_cpu(revocable, NODE).0, Class::BestEffort);
    }

    #[test]
    fn weights_and_memory_on_v2() {
        let weight = |n| Facts { weight: Some(n), ..Facts::default() };
        assert_eq!(class_and_cpu(weight(3), NODE), (Class::BestEffort, Some(3000)));
        assert_eq!(class_and_cpu(weight(1), NODE), (Class::BestEffort, None));
        assert_eq!(class_and_cpu(weight(10), NODE), (Class::Guaranteed, Some(100)));
        assert_eq!(class_and_cpu(weight(4), MilliCpus(2000)), (Class::Guaranteed, Some(40)));
        assert_eq!(class_and_cpu(Facts::default(), NODE), (Class::Guaranteed, None));
        let memory =
            Facts { memory_soft: Some(Bytes(5)), memory_max: Some(Bytes(9)), ..Facts::default() };
        assert_eq!(mesos().describe("mesos/c", &memory, NODE).allocation.memory, Some(Bytes(5)));
    }
}
