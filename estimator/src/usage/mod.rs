// SPDX-License-Identifier: Apache-2.0
//! What was used between two samples, as rates. Counters are subtracted here and nowhere else; one that went back gives `None`.

mod tracker;

pub use tracker::{Known, KnownTask, UsageTracker};

use crate::sample::{Class, Psi, PsiSet, Sample};
use crate::units::{Amount, Bytes, Ratio, Span, Timestamp};
use serde::Serialize;

/// `(later − earlier) ÷ seconds`, `None` when the counter went back or no time passed.
#[must_use]
pub fn rate(later: Option<u64>, earlier: Option<u64>, span: Span) -> Option<f64> {
    let delta = later?.checked_sub(earlier?)?;
    (span.0 > 0).then(|| delta as f64 / span.secs())
}

/// Share of the span that a microsecond counter grew by; above one is possible for CPU time.
#[must_use]
pub fn share(later: Option<u64>, earlier: Option<u64>, span: Span) -> Option<Ratio> {
    rate(later, earlier, span).and_then(|usec_per_s| Ratio::new(usec_per_s / 1e6))
}

/// Stall shares of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StallShare {
    /// Share of time with at least one task waiting.
    pub some: Option<Ratio>,
    /// Share of time with all non-idle tasks waiting.
    pub full: Option<Ratio>,
}

/// Stall shares of the three resources; `None` where not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Stalls {
    /// CPU.
    pub cpu: StallShare,
    /// Memory.
    pub memory: StallShare,
    /// Block IO.
    pub io: StallShare,
}

impl Stalls {
    fn between(later: &PsiSet, earlier: &PsiSet, span: Span) -> Self {
        let one = |l: Option<Psi>, e: Option<Psi>| StallShare {
            some: share(l.map(|p| p.some_usec), e.map(|p| p.some_usec), span),
            full: share(l.and_then(|p| p.full_usec), e.and_then(|p| p.full_usec), span),
        };
        Self {
            cpu: one(later.cpu, earlier.cpu),
            memory: one(later.memory, earlier.memory),
            io: one(later.io, earlier.io),
        }
    }
}

/// What one task used between two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TaskUsage {
    /// Arrival number: unique for ever within one tracker, later arrivals are larger, never 0.
    pub arrival: u64,
    /// When it was first seen, or started where that is known.
    pub since: Timestamp,
    /// CPU in cores.
    pub cpu: Option<f64>,
    /// The latest CPU that was ever known, in cores: a missed reading is not an idle task.
    pub cpu_latest: Option<f64>,
    /// Memory that cannot be dropped.
    pub working_set: Option<Bytes>,
    /// The latest working set that was ever known.
    pub working_set_latest: Option<Bytes>,
    /// Page cache.
    pub file_cache: Option<Bytes>,
    /// Share of time throttled by its own quota, summed over CPUs.
    pub throttled: Option<Ratio>,
    /// Run-queue wait per unit of CPU time.
    pub wait_per_cpu: Option<f64>,
    /// Major faults a second.
    pub major_faults: Option<f64>,
    /// Stall shares.
    pub stalls: Stalls,
}

/// What the node used between two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct NodeUsage {
    /// Busy cores.
    pub busy: Option<f64>,
    /// Share of all CPU time that the hypervisor took.
    pub steal: Option<Ratio>,
    /// MemTotal − MemAvailable.
    pub memory_used: Option<Bytes>,
    /// Stall shares.
    pub stalls: Stalls,
}

/// Rates between two samples; `tasks` runs parallel to the later sample's tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Real distance of the two samples.
    pub span: Span,
    /// The node.
    pub node: NodeUsage,
    /// The tasks, in the sample's order.
    pub tasks: Vec<TaskUsage>,
}

impl Usage {
    /// CPU of a class in cores. System is what the node used beyond its known tasks.
    ///
    /// `None` when the class has tasks and none of their counters is known yet, or, for System, when
    /// the node's own counter is unknown.
    #[must_use]
    pub fn cpu_of(&self, sample: &Sample, class: Class) -> Option<f64> {
        match class {
            Class::Guaranteed | Class::BestEffort => {
                sum_known(sample, class, |i| self.tasks[i].cpu)
            }
            Class::System => {
                let owned: f64 = [Class::Guaranteed, Class::BestEffort]
                    .into_iter()
                    .filter_map(|c| self.cpu_of(sample, c))
                    .sum();
                self.node.busy.map(|busy| (busy - owned).max(0.0))
            }
        }
    }

    /// Working set of a class. System is what the node uses beyond its known tasks.
    #[must_use]
    pub fn memory_of(&self, sample: &Sample, class: Class) -> Option<Bytes> {
        match class {
            Class::Guaranteed | Class::BestEffort => {
                sum_known(sample, class, |i| self.tasks[i].working_set.map(Amount::to_base))
                    .map(Bytes::from_base)
            }
            Class::System => {
                let owned: Bytes = [Class::Guaranteed, Class::BestEffort]
                    .into_iter()
                    .filter_map(|c| self.memory_of(sample, c))
                    .sum();
                self.node.memory_used.map(|used| used.less(owned))
            }
        }
    }
}

/// Sum over the tasks of a class; unknown ones are left out, `None` when all of several are unknown.
fn sum_known(sample: &Sample, class: Class, value: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let (mut sum, mut known, mut members) = (0.0, 0_usize, 0_usize);
    for (i, task) in sample.tasks.iter().enumerate() {
        if task.task.class == class {
            members += 1;
            if let Some(v) = value(i) {
                known += 1;
                sum += v;
            }
        }
    }
    (members == 0 || known > 0).then_some(sum)
}
