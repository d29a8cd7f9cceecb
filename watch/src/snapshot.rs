// SPDX-License-Identifier: Apache-2.0
//! All that a reader may see of one tick: the decision, the tasks it saw, the host's own state.

use crate::about::About;
use crate::order::Rank;
use gleaner_engine::decision::{Decision, Health, ResourceDecision};
pub use gleaner_engine::shadows::ShadowScore;
use gleaner_estimator::offer::Offer;
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::sample::{Sample, Task, TaskId, TaskSample};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use gleaner_estimator::usage::{TaskUsage, Usage};
use gleaner_qos::capability::{Actuator, Capabilities};
use gleaner_qos::level::Level;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One task as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// Its lasting facts.
    pub task: Arc<Task>,
    /// What it used in the last interval.
    pub usage: TaskUsage,
    /// Memory limit in force; `None` where unlimited or unknown.
    pub memory_limit: Option<Bytes>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Time since it started, or was first seen.
    pub age: Span,
}

impl TaskView {
    fn of(task: &TaskSample, usage: &TaskUsage, at: Timestamp) -> Self {
        Self {
            task: Arc::clone(&task.task),
            usage: *usage,
            memory_limit: task.counters.memory_limit,
            pids: task.counters.pids,
            age: at.since(usage.since).unwrap_or_default(),
        }
    }

    /// The tasks of one sample beside their usages, into a buffer that is kept between ticks.
    pub(crate) fn fill(into: &mut Vec<Self>, sample: &Sample, usage: &Usage) {
        into.clear();
        into.extend(
            sample
                .tasks
                .iter()
                .zip(&usage.tasks)
                .map(|(task, used)| Self::of(task, used, sample.at)),
        );
    }
}

/// Something about the host that a person should know, and the command that explains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// One sentence.
    pub what: String,
    /// The command to run next; empty where none helps.
    pub command: String,
}

/// Best-effort tasks that something of ours holds back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// By a quota or a limit.
    pub throttled: u32,
    /// By the freezer.
    pub frozen: u32,
}

/// Something of ours that goes on: an eviction whose grace runs, a freeze that lasts, a limit in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnderWay {
    /// Whom it is done to.
    pub task: TaskId,
    /// What, in the word of the action.
    pub action: &'static str,
    /// For which resource.
    pub resource: Resource,
    /// The decision that asked for it; `None` where the host does not say.
    pub tick: Option<u64>,
    /// Since when, milliseconds since 1970-01-01 UTC.
    pub since_ms: u64,
    /// When it is over at the latest; `None` where that is decided as things go.
    pub until_ms: Option<u64>,
}

/// Most of what goes on that a host tells one by one: limits can be in force on every task of a node.
pub const UNDER_WAY_MOST: usize = 32;

/// What the host knows of itself, beside the decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostState {
    /// False after a reload whose configuration was refused: the one before it is in force.
    pub reload_ok: bool,
    /// Files of single tasks that could not be understood, since the start.
    pub files_malformed: u64,
    /// Audit lines that were not written, since the start.
    pub audit_lines_dropped: u64,
    /// Stopped itself after a bug; lends nothing.
    pub poisoned: bool,
    /// Best-effort tasks that are held back now.
    pub held: Held,
    /// What goes on, the most pressing first; at most [`UNDER_WAY_MOST`].
    pub under_way: Arc<[UnderWay]>,
    /// How many more there are.
    pub under_way_more: usize,
    /// What is in force on which task, ordered by task.
    #[serde(skip)]
    pub holding: Arc<[(TaskId, Actuator)]>,
    /// Which actuators work here.
    pub abilities: Capabilities,
    /// What is degraded: a broken actuator, a missing signal, a refused configuration.
    pub troubles: Arc<[Trouble]>,
    /// How the predictions of shadow policies have turned out; those of the live one are in the decision.
    pub shadows: Arc<[ShadowScore]>,
}

impl Default for HostState {
    fn default() -> Self {
        Self {
            reload_ok: true,
            files_malformed: 0,
            audit_lines_dropped: 0,
            poisoned: false,
            held: Held::default(),
            under_way: Arc::from([]),
            under_way_more: 0,
            holding: Arc::from([]),
            abilities: Capabilities::none(),
            troubles: Arc::from([]),
            shadows: Arc::from([]),
        }
    }
}

/// One tick, as readers see it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The host's lasting facts.
    pub about: Arc<About>,
    /// When this was published.
    pub built: Instant,
    /// What was decided then; readers want [`Snapshot::decision_at`].
    pub decision: Decision,
    /// The tasks of the last good sample, in its order.
    pub tasks: Vec<TaskView>,
    /// The order in which best-effort ones would go; empty where the host does not weigh them.
    pub rank: Rank,
    /// What the host knows of itself.
    pub host: HostState,
}

impl Snapshot {
    /// Level of a resource; `None` where nobody judges it.
    #[must_use]
    pub fn level(&self, resource: Resource) -> Option<Level> {
        let judged = self.decision.assessment.as_ref().map(|harm| harm.of(resource).level);
        judged.or(match resource {
            Resource::Cpu => Some(self.decision.cpu.level),
            Resource::Memory => Some(self.decision.memory.level),
            Resource::Io => None,
        })
    }

    /// What is in force on a task.
    pub fn holds<'a>(&'a self, task: &'a TaskId) -> impl Iterator<Item = Actuator> + 'a {
        let holding = &self.host.holding;
        let from = holding.partition_point(|(held, _)| held < task);
        let theirs = holding[from..].iter().take_while(move |(held, _)| held == task);
        theirs.map(|(_, actuator)| *actuator)
    }

    /// The levels that are not what they were.
    pub(crate) fn changed_levels(
        &self,
        before: Option<&Self>,
    ) -> impl Iterator<Item = (Resource, Level)> {
        let changed = move |resource: Resource| {
            let was = before?.level(resource)?;
            self.level(resource).filter(|is| *is != was).map(|is| (resource, is))
        };
        Resource::ALL.into_iter().filter_map(changed)
    }

    /// Time since it was published.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.built)
    }

    /// The decision as it stands now: one that was not renewed in time, or of a poisoned host, offers nothing.
    ///
    /// A host whose tick thread hangs cannot withdraw its offer, so the readers' side does.
    #[must_use]
    pub fn decision_at(&self, now: Instant) -> Cow<'_, Decision> {
        let age = Span(u64::try_from(self.age(now).as_nanos()).unwrap_or(u64::MAX));
        let late = age > self.about.stale_after;
        if !late && !self.host.poisoned {
            return Cow::Borrowed(&self.decision);
        }
        let (mut why, mut since_good) = match &self.decision.health {
            Health::Fresh | Health::Cold { .. } => {
                (format!("no decision for {age}: the tick is stuck"), Some(age))
            }
            Health::Failed { why, since_good } => (why.clone(), since_good.map(|good| good + age)),
        };
        if self.host.poisoned {
            (why, since_good) = ("stopped itself after a bug".to_owned(), Some(age));
        }
        let mut withdrawn = self.decision.clone();
        withdrawn.health = Health::Failed { why, since_good };
        withdraw(&mut withdrawn.cpu);
        withdraw(&mut withdrawn.memory);
        Cow::Owned(withdrawn)
    }
}

fn withdraw<Q: Amount>(resource: &mut ResourceDecision<Q>) {
    let off = resource.offer.bound == Bound::Off;
    let bound = if off { Bound::Off } else { Bound::Stale };
    resource.offer = Offer { amount: Q::ZERO, target: Q::ZERO, bound };
}
