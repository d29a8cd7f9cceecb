// SPDX-License-Identifier: Apache-2.0
//! From whom to take: every best-effort task weighed, the best victim first, each with its reasons.
//!
//! The order, first difference decides ([`Sooner`] names them):
//! 1. those on whom the act has not just failed or been ignored;
//! 2. the lowest priority;
//! 3. those whose tenant was not hit lately (the same is not hit twice while another could be);
//! 4. the most expected relief per work lost, where work lost = age × CPU spent;
//! 5. the youngest;
//! 6. the task id, so that the order of tasks in a sample never matters.
//!
//! Page cache is never relief. Who cannot be read is never chosen: to evict first what nobody knows
//! anything about is how others killed bystanders.

use crate::config::QosConfig;
use crate::node::possible;
use crate::verdict::BestEffort;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, Task, TaskId};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio, Span, Timestamp};
use gleaner_estimator::usage::{TaskUsage, Usage};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What is expected, or was measured, to come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relief {
    /// CPU that the task uses.
    Cpu(MilliCpus),
    /// Memory that cannot be dropped, and what the task would take within seconds.
    Memory(Bytes),
    /// Share of time in which the task has IO under way.
    Io(Ratio),
}

impl Relief {
    /// In its base unit: cores, bytes, share.
    #[must_use]
    pub fn base(self) -> f64 {
        match self {
            Self::Cpu(cpu) => cpu.to_base(),
            Self::Memory(bytes) => bytes.to_base(),
            Self::Io(share) => share.get(),
        }
    }
}

/// What is lost when a task is evicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Since when it runs; `None` where that is unknown.
    pub age: Option<Span>,
    /// CPU time it has spent, microseconds.
    pub cpu_usec: Option<u64>,
    /// Age in seconds × CPU in seconds; `None` where either is unknown.
    pub lost: Option<f64>,
}

/// Why a task cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Excluded {
    /// It is on the list of protected tasks.
    Protected,
    /// What it uses of this resource is unknown.
    Unknown,
    /// It has too little to give.
    TooLittle,
    /// It has been evicted and is not gone yet.
    Leaving,
    /// It is frozen already.
    Frozen,
}

impl Excluded {
    /// The word used in JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Unknown => "unknown",
            Self::TooLittle => "too_little",
            Self::Leaving => "leaving",
            Self::Frozen => "frozen",
        }
    }
}

/// What a ranking is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// To end one: relief is what it holds.
    Evict,
    /// To stop one for a while: of memory only its growth comes back.
    Freeze,
}

/// What is remembered of a task beyond the sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past {
    /// Bytes of working set it grows by a second; `None` where that is unknown.
    pub growth: Option<f64>,
    /// The act failed on it lately, or was ignored.
    pub failed: bool,
    /// Its tenant was hit lately.
    pub tenant_hit: bool,
    /// It has been evicted and is not gone yet.
    pub leaving: bool,
    /// It is frozen by us.
    pub frozen: bool,
}

/// One best-effort task, weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Who.
    pub task: TaskId,
    /// Its place in the sample.
    #[serde(skip)]
    pub index: usize,
    /// Its priority.
    pub priority: i32,
    /// Its owner.
    pub tenant: Option<String>,
    /// What would come back.
    pub relief: Option<Relief>,
    /// What would be lost.
    pub cost: Cost,
    /// Relief in base units ÷ (1 + work lost); 0 where the loss is unknown.
    pub score: f64,
    /// Its owner was hit lately.
    pub tenant_hit: bool,
    /// The act failed on it lately, or was ignored.
    pub failed: bool,
    /// When it started or was first seen.
    pub since: Option<Timestamp>,
    /// Why it cannot be chosen.
    pub excluded: Option<Excluded>,
}

/// Whether a name is on the list, by itself or below one that is.
#[must_use]
pub fn is_protected(name: &str, config: &QosConfig) -> bool {
    config.protected.iter().any(|p| {
        name.strip_prefix(p.as_ref()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// All best-effort tasks of the sample: those who can be chosen first, the best victim in front.
///
/// `past` is what the caller remembers; `|_| Past::default()` ranks by the sample alone.
#[must_use]
pub fn rank(
    sample: &Sample,
    usage: &Usage,
    resource: Resource,
    aim: Aim,
    config: &QosConfig,
    mut past: impl FnMut(&BestEffort<'_>) -> Past,
) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = BestEffort::all(sample)
        .map(|who| weigh(&who, sample, usage, (resource, aim), config, past(&who)))
        .collect();
    sort(&mut all);
    all
}

/// Why a candidate stands before another: the first thing in which they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sooner {
    /// The other cannot be chosen.
    Possible,
    /// The act has failed on the other lately, or was ignored.
    NotFailed,
    /// Its priority is lower.
    Priority,
    /// The other's tenant was hit lately.
    TenantSpared,
    /// It gives more for the work that is lost.
    Relief,
    /// It is younger.
    Younger,
    /// Nothing tells them apart but their names.
    Name,
}

/// One rule of the order.
type Rule = fn(&Candidate, &Candidate) -> Ordering;

/// The rules, the first first. The last one tells any two tasks apart.
const RULES: [(Sooner, Rule); 7] = [
    (Sooner::Possible, |a, b| a.excluded.is_some().cmp(&b.excluded.is_some())),
    (Sooner::NotFailed, |a, b| a.failed.cmp(&b.failed)),
    (Sooner::Priority, |a, b| a.priority.cmp(&b.priority)),
    (Sooner::TenantSpared, |a, b| a.tenant_hit.cmp(&b.tenant_hit)),
    (Sooner::Relief, |a, b| b.score.total_cmp(&a.score)),
    (Sooner::Younger, |a, b| b.since.cmp(&a.since)),
    (Sooner::Name, |a, b| a.task.cmp(&b.task)),
];

/// The best victim in front.
pub(crate) fn sort(candidates: &mut [Candidate]) {
    candidates.sort_by(order);
}

fn order(a: &Candidate, b: &Candidate) -> Ordering {
    RULES.iter().map(|(_, rule)| rule(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Why the first of two stands before the second; `None` where it does not.
#[must_use]
pub fn sooner(first: &Candidate, second: &Candidate) -> Option<Sooner> {
    let differs = |(_, rule): &&(Sooner, Rule)| rule(first, second).is_ne();
    let (sooner, rule) = RULES.iter().find(differs)?;
    rule(first, second).is_lt().then_some(*sooner)
}

fn weigh(
    who: &BestEffort<'_>,
    sample: &Sample,
    usage: &Usage,
    (resource, aim): (Resource, Aim),
    config: &QosConfig,
    past: Past,
) -> Candidate {
    let view = View { sample, usage, config };
    let gives = view.gives(who, (resource, aim), past);
    Candidate::new(&who.sample().task, who.index(), gives, view.costs(who, past))
}

/// What a task would give back of one resource, and why it cannot be chosen for that.
pub(crate) type Gives = (Option<Relief>, Option<Excluded>);

/// What its end would cost, and what is remembered: the same for every resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    cost: Cost,
    since: Option<Timestamp>,
    tenant_hit: bool,
    failed: bool,
}

impl Candidate {
    pub(crate) fn new(task: &Task, index: usize, gives: Gives, costs: Costs) -> Self {
        let ((relief, excluded), Costs { cost, since, tenant_hit, failed }) = (gives, costs);
        Self {
            task: task.id.clone(),
            index,
            priority: task.priority,
            tenant: task.tenant.clone(),
            relief,
            cost,
            score: relief.zip(cost.lost).map_or(0.0, |(r, lost)| r.base() / (1.0 + lost)),
            tenant_hit,
            failed,
            since,
            excluded,
        }
    }
}

/// What tasks are weighed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) usage: &'a Usage,
    pub(crate) config: &'a QosConfig,
}

impl View<'_> {
    fn used(&self, who: &BestEffort<'_>) -> Option<&TaskUsage> {
        let parallel = self.usage.tasks.len() == self.sample.tasks.len();
        self.usage.tasks.get(who.index()).filter(|_| parallel)
    }

    pub(crate) fn gives(
        &self,
        who: &BestEffort<'_>,
        (resource, aim): (Resource, Aim),
        past: Past,
    ) -> Gives {
        let Self { sample, config, .. } = self;
        let used = self.used(who);
        let relief = match resource {
            Resource::Cpu => {
                used.and_then(|u| u.cpu).map(|cores| Relief::Cpu(MilliCpus::from_base(cores)))
            }
            Resource::Memory => {
                let held = possible(sample, who.sample().counters.working_set);
                memory_relief(held, aim, config, past).map(Relief::Memory)
            }
            Resource::Io => used.and_then(|u| u.stalls.io.some).map(Relief::Io),
        };
        let least = match resource {
            Resource::Cpu => config.cpu.best_effort_min,
            Resource::Memory => config.memory.grower * sample.node.capacity_memory.to_base(),
            Resource::Io => config.io.suspect,
        };
        let too_little = |r: Relief| r.base() < least;
        let excluded = if is_protected(&who.sample().task.id.name, config) {
            Some(Excluded::Protected)
        } else if past.leaving {
            Some(Excluded::Leaving)
        } else if past.frozen && aim == Aim::Freeze {
            Some(Excluded::Frozen)
        } else if relief.is_none() {
            Some(Excluded::Unknown)
        } else {
            relief.is_some_and(too_little).then_some(Excluded::TooLittle)
        };
        (relief, excluded)
    }

    pub(crate) fn costs(&self, who: &BestEffort<'_>, past: Past) -> Costs {
        let since = self.used(who).map(|u| u.since).or(who.sample().task.started);
        Costs {
            cost: cost_of(who, self.sample.at, since),
            since,
            tenant_hit: past.tenant_hit,
            failed: past.failed,
        }
    }
}

/// What it holds and cannot drop, and what it would take soon; of a freeze only the latter.
fn memory_relief(held: Option<Bytes>, aim: Aim, config: &QosConfig, past: Past) -> Option<Bytes> {
    let soon = |g: f64| Bytes::from_base(g.max(0.0) * config.memory.relief_ahead.secs());
    match aim {
        Aim::Freeze => past.growth.map(soon),
        Aim::Evict => Some(held? + past.growth.map_or(Bytes::ZERO, soon)),
    }
}

fn cost_of(who: &BestEffort<'_>, now: Timestamp, since: Option<Timestamp>) -> Cost {
    let age = since.map(|s| now.since(s).unwrap_or_default());
    let cpu_usec = who.sample().counters.cpu_usage_usec;
    let lost = age.zip(cpu_usec).map(|(a, usec)| a.secs() * (usec as f64 / 1e6));
    Cost { age, cpu_usec, lost }
}
