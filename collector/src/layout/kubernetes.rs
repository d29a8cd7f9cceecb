// SPDX-License-Identifier: Apache-2.0
//! Pods of a kubelet: `kubepods/…`, cgroupfs and systemd drivers, QoS class by path.
//!
//! The task is the **pod**, not its containers: requests, limits, QoS class and eviction are the pod's,
//! its cgroup holds the sum of its containers and the sandbox, and containers come and go inside it
//! (restarts, init containers) without anything being promised anew. `BestEffort` pods are best-effort;
//! `Burstable` and `Guaranteed` ones were promised their requests.
//!
//! # Requests
//! The CPU request is read back from shares (v1, exact to the thousandth) or weight (v2). Two
//! conversions from shares to weight exist: linear, up to kubelet 1.34, and quadratic since 1.35
//! (<https://kubernetes.io/blog/2026/01/30/new-cgroup-v1-to-v2-cpu-conversion-formula/>). Which one this
//! kubelet uses shows in the weight of its root, which it makes from the node's CPUs: at the quadratic
//! one it is far above what the linear one could give. A `Guaranteed` pod's request is its limit, which
//! the quota says exactly. The memory request is in no file, except `memory.min` with the feature
//! `MemoryQoS`; a `Guaranteed` pod's is its limit. A request that was not stated is `None`.

use super::{Description, Visit, child_of, leads_to};
use crate::facts::Facts;
use gleaner_estimator::sample::{Allocation, Class};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};

/// Where a kubelet puts its pods: either driver, plain and inside a container (kind).
pub(crate) const ROOTS: [&str; 4] =
    ["kubepods", "kubepods.slice", "kubelet/kubepods", "kubelet.slice/kubelet-kubepods.slice"];

/// The layout of one kubelet.
#[derive(Clone, Debug)]
pub(crate) struct Kubernetes {
    pub(crate) root: String,
    quadratic: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qos {
    Guaranteed,
    Burstable,
    BestEffort,
}

impl Qos {
    const fn word(self) -> &'static str {
        match self {
            Self::Guaranteed => "guaranteed",
            Self::Burstable => "burstable",
            Self::BestEffort => "besteffort",
        }
    }

    /// The class that a directory of pods stands for.
    fn of_dir(name: &str) -> Option<Self> {
        let unit = name.strip_suffix(".slice").map(|unit| unit.rsplit('-').next().unwrap_or(unit));
        [Self::Burstable, Self::BestEffort]
            .into_iter()
            .find(|qos| unit.unwrap_or(name) == qos.word())
    }
}

impl Kubernetes {
    /// `root_facts` are the settings of the root's own cgroup, `node` the CPUs of the machine.
    pub(crate) fn new(root: String, root_facts: &Facts, node: MilliCpus) -> Self {
        let linear_at_most = weight_linear(node.0.saturating_mul(1024) / 1000).saturating_add(1);
        let quadratic = root_facts.weight.is_some_and(|weight| weight > linear_at_most);
        Self { root, quadratic }
    }

    pub(super) fn visit(&self, path: &str) -> Visit {
        if path == self.root || leads_to(path, &self.root) {
            return Visit::Descend;
        }
        match self.place(path) {
            Some((_, name)) if pod_uid(name).is_some() => Visit::Task,
            Some((Qos::Guaranteed, name)) if Qos::of_dir(name).is_some() => Visit::Descend,
            _ => Visit::Skip,
        }
    }

    /// The QoS class of the directory that `path` lies in, and its name there.
    fn place<'a>(&self, path: &'a str) -> Option<(Qos, &'a str)> {
        if let Some(name) = child_of(path, &self.root) {
            return Some((Qos::Guaranteed, name));
        }
        let (parent, name) = path.rsplit_once('/')?;
        Some((Qos::of_dir(child_of(parent, &self.root)?)?, name))
    }

    pub(super) fn describe(&self, path: &str, facts: &Facts) -> Description {
        let (qos, name) = self.place(path).unwrap_or((Qos::Guaranteed, path));
        let uid = pod_uid(name).unwrap_or_else(|| name.to_owned());
        let class = match qos {
            Qos::BestEffort => Class::BestEffort,
            Qos::Guaranteed | Qos::Burstable => Class::Guaranteed,
        };
        Description {
            class,
            why: format!("pod of QoS class {} below {}", qos.word(), self.root),
            allocation: self.requests(qos, facts),
            priority: 0,
            tenant: None,
            labels: vec![("pod_uid".to_owned(), uid), ("qos".to_owned(), qos.word().to_owned())],
        }
    }

    fn requests(&self, qos: Qos, facts: &Facts) -> Allocation {
        let stated = || match (facts.shares, facts.weight) {
            // The floor is what a pod without a request has.
            (Some(0..=2), _) | (None, None | Some(0..=1)) => None,
            (Some(shares), _) => Some(MilliCpus(milli_of(shares))),
            (None, Some(weight)) => Some(self.request_of_weight(weight)),
        };
        match qos {
            Qos::BestEffort => Allocation::default(),
            Qos::Burstable => Allocation { cpu: stated(), memory: facts.memory_min },
            Qos::Guaranteed => Allocation {
                cpu: facts.quota.or_else(stated),
                memory: facts.memory_max.or(facts.memory_min),
            },
        }
    }

    /// Some 26 requests give the same weight; people ask for round numbers, so the roundest is taken.
    fn request_of_weight(&self, weight: u64) -> MilliCpus {
        let convert = if self.quadratic { weight_quadratic } else { weight_linear };
        let (first, last) = shares_of(weight, convert);
        let (first, last) = (milli_of(first), milli_of(last));
        let roundest = [1000, 500, 250, 100, 50, 25, 10, 5]
            .into_iter()
            .map(|step| last / step * step)
            .find(|milli| *milli >= first && *milli > 0);
        MilliCpus(roundest.unwrap_or(last))
    }
}

/// The uid in a pod directory's name: `pod<uid>`, or `…-pod<uid with underscores>.slice`.
fn pod_uid(name: &str) -> Option<String> {
    let uid = match name.strip_suffix(".slice") {
        Some(unit) => unit.rsplit('-').next()?.strip_prefix("pod")?.replace('_', "-"),
        None => name.strip_prefix("pod")?.to_owned(),
    };
    (!uid.is_empty()).then_some(uid)
}

/// The kubelet writes `milli × 1024 ÷ 1000`, rounded down.
fn milli_of(shares: u64) -> u64 {
    let milli = (u128::from(shares) * 1000).div_ceil(1024);
    u64::try_from(milli).unwrap_or(u64::MAX)
}

/// Kubelet up to 1.34: `1 + (shares − 2) × 9999 ÷ 262142`.
fn weight_linear(shares: u64) -> u64 {
    1 + shares.clamp(2, MAX_SHARES).saturating_sub(2) * 9999 / 262_142
}

/// Kubelet since 1.35: `⌈10^((l² + 125 l) ÷ 612 − 7 ÷ 34)⌉` with `l = log2(shares)`.
fn weight_quadratic(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        MAX_SHARES.. => 10_000,
        _ => {
            let l = (shares as f64).log2();
            let weight = 10_f64.powf((l * l + 125.0 * l) / 612.0 - 7.0 / 34.0);
            Bytes::from_base(weight.ceil()).0
        }
    }
}

/// The kernel's largest `cpu.shares`.
const MAX_SHARES: u64 = 262_144;

/// The fewest and the most shares that a conversion turns into `weight`.
fn shares_of(weight: u64, convert: fn(u64) -> u64) -> (u64, u64) {
    // Conversions never fall, so both ends are found by halving.
    let first_at_least = |goal: u64| {
        let (mut low, mut high) = (2, MAX_SHARES);
        while low < high {
            let middle = low + (high - low) / 2;
            if convert(middle) < goal {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    let first = first_at_least(weight);
    (first, first_at_least(weight.saturating_add(1)).saturating_sub(1).max(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NODE: MilliCpus = MilliCpus(4000);

    fn kubernetes(root: &str, root_weight: Option<u64>) -> Kubernetes {
        let facts = Facts { weight: root_weight, ..Facts::default() };
        Kubernetes::new(root.to_owned(), &facts, NODE)
    }

    #[test]
    fn pods_are_tasks_with_both_drivers() {
        for (root, path, class, uid) in [
            ("kubepods", "kubepods/pod1-2", Class::Guaranteed, "1-2"),
            ("kubepods", "kubepods/burstable/pod1-2", Class::Guaranteed, "1-2"),
            ("kubepods", "kubepods/besteffort/pod1-2", Class::BestEffort, "1-2"),
            ("kubepods.slice", "kubepods.slice/kubepods-pod1_2.slice", Class::Guaranteed, "1-2"),
            (
                "kubelet.slice/kubelet-kubepods.slice",
                "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/\
                 kubelet-kubepods-besteffort-pod1_2.slice",
                Class::BestEffort,
                "1-2",
            ),
        ] {
            let layout = kubernetes(root, None);
            assert_eq!(layout.visit(path), Visit::Task, "{path}");
            let said = layout.describe(path, &Facts::default());
            assert_eq!((said.class, said.labels[0].1.as_str()), (class, uid), "{path}");
        }
    }

    #[test]
    fn only_qos_directories_are_entered() {
        let layout = kubernetes("kubelet/kubepods", None);
        let visit = |path| layout.visit(path);
        assert_eq!(visit("kubelet"), Visit::Descend);
        assert_eq!(visit("kubelet/kubepods/burstable"), Visit::Descend);
        assert_eq!(visit("kubelet/kubepods/burstable/besteffort"), Visit::Skip);
        assert_eq!(visit("kubelet/kubepods/besteffort/pod1/c1"), Visit::Skip);
        assert_eq!(visit("system.slice"), Visit::Skip);
        assert_eq!(visit("kubelet/kubepods/pod"), Visit::Skip);
    }

    #[test]
    fn requests_come_back_from_shares_and_weights() {
        let request = |layout: &Kubernetes, facts: Facts| {
            layout.describe("kubepods/burstable/pod1", &facts).allocation.cpu.map(|cpu| cpu.0)
        };
        let shares = |n| Facts { shares: Some(n), ..Facts::default() };
        let weight = |n| Facts { weight: Some(n), ..Facts::default() };
        let (linear, quadratic) =
            (kubernetes("kubepods", Some(157)), kubernetes("kubepods", Some(303)));
        assert_eq!(request(&linear, shares(102)), Some(100));
        assert_eq!(request(&linear, shares(2)), None);
        assert_eq!(request(&linear, weight(39)), Some(1000));
        assert_eq!(request(&quadratic, weight(100)), Some(1000));
        assert_eq!(request(&linear, weight(1)), None);
        // The kernel's default shares and the figures of runc's change notes.
        assert_eq!((weight_linear(1024), weight_quadratic(1024)), (39, 100));
        assert_eq!((weight_linear(2000), weight_quadratic(2000)), (77, 170));
    }

    #[test]
    fn a_guaranteed_pod_is_promised_its_limits() {
        let facts = Facts {
            shares: Some(1024),
            quota: Some(MilliCpus(1500)),
            memory_max: Some(Bytes(1 << 30)),
            ..Facts::default()
        };
        let promise = kubernetes("kubepods", None).describe("kubepods/pod1", &facts).allocation;
        assert_eq!(
            promise,
            Allocation { cpu: Some(MilliCpus(1500)), memory: Some(Bytes(1 << 30)) }
        );
        let burst = kubernetes("kubepods", None).describe("kubepods/burstable/pod1", &facts);
        assert_eq!(burst.allocation, Allocation { cpu: Some(MilliCpus(1000)), memory: None });
    }

    proptest! {
        #[test]
        fn the_request_found_gives_the_weight_back(milli in 30_u64..200_000, quadratic: bool) {
            let layout = Kubernetes { root: String::new(), quadratic };
            let convert = if quadratic { weight_quadratic } else { weight_linear };
            let weight = convert(milli * 1024 / 1000);
            let found = layout.request_of_weight(weight).0;
            prop_assert!(found.abs_diff(milli) <= 27 + milli / 25, "{milli} gave {weight} gave {found}");
        }
    }
}
