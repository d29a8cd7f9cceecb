// SPDX-License-Identifier: Apache-2.0
//! What one tick asks for: corrections of best-effort tasks, each with its reason, or why there are none.
//!
//! A [`Correction`] can be made only from a [`BestEffort`], and that only from a sample in which the
//! task is of class best-effort. Neither can be written down by hand:
//!
//! ```compile_fail,E0451
//! use gleaner_qos::verdict::BestEffort;
//! fn forge(task: &gleaner_estimator::sample::TaskSample) -> BestEffort<'_> {
//!     BestEffort { task, index: 0 } // private fields: only `BestEffort::in_sample` makes one
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use gleaner_qos::verdict::{Action, Correction};
//! fn forge(task: gleaner_estimator::sample::TaskId, like: Correction) -> Correction {
//!     Correction { task, action: Action::Evict, ..like } // private fields: a victim cannot be exchanged
//! }
//! ```
//!
//! What a host reads of one, and the only door to a `BestEffort`:
//!
//! ```
//! use gleaner_estimator::sample::{Allocation, Class, Sample, Task, TaskCounters, TaskId, TaskSample};
//! use gleaner_qos::verdict::BestEffort;
//! use std::sync::Arc;
//! let task = |name: &str, class| TaskSample {
//!     task: Arc::new(Task {
//!         id: TaskId { name: name.into(), inode: 1 },
//!         class,
//!         why: String::new(),
//!         allocation: Allocation::default(),
//!         priority: 0,
//!         tenant: None,
//!         labels: Vec::new(),
//!         started: None,
//!     }),
//!     counters: TaskCounters::default(),
//! };
//! let tasks = vec![task("batch", Class::BestEffort), task("web", Class::Guaranteed)];
//! let sample = Sample { tasks, ..Sample::default() };
//! assert!(BestEffort::in_sample(&sample, 0).is_some());
//! assert!(BestEffort::in_sample(&sample, 1).is_none(), "a guaranteed task cannot become one");
//! ```

use crate::capability::Actuator;
use crate::level::Level;
use crate::probe::ProbeOutcome;
use crate::rank::{Candidate, Cost, Relief};
use crate::signal::Signal;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, Sample, TaskId, TaskSample};
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio, Timestamp};
use serde::{Deserialize, Serialize};

/// How far we may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decides and shows, touches nothing: every correction is marked as would-do.
    #[default]
    Observe,
    /// The standing class, limits and probes; never a longer freeze, never an eviction.
    Squeeze,
    /// Everything.
    Evict,
}

impl Mode {
    /// All modes, mildest first.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Squeeze, Self::Evict];

    /// The word used in configuration, metrics and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Squeeze => "squeeze",
            Self::Evict => "evict",
        }
    }
}

/// A best-effort task of the sample being judged.
#[derive(Clone, Copy, Debug)]
pub struct BestEffort<'a> {
    task: &'a TaskSample,
    index: usize,
}

impl<'a> BestEffort<'a> {
    /// The task at this place of the sample, if it is best-effort there.
    #[must_use]
    pub fn in_sample(sample: &'a Sample, index: usize) -> Option<Self> {
        let task = sample.tasks.get(index)?;
        (task.task.class == Class::BestEffort).then_some(Self { task, index })
    }

    /// All best-effort tasks of the sample, in its order.
    pub fn all(sample: &'a Sample) -> impl Iterator<Item = Self> {
        (0..sample.tasks.len()).filter_map(|index| Self::in_sample(sample, index))
    }

    /// What was read of it.
    #[must_use]
    pub fn sample(&self) -> &'a TaskSample {
        self.task
    }

    /// Its place in the sample, and in the usage that runs parallel to it.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}

/// What is to be done to a task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Put it into the lowest CPU class, for good.
    StandingClass,
    /// Give it the lowest IO weight, for good.
    IoWeight,
    /// Let it use at most this much CPU.
    CpuQuota {
        /// The quota.
        limit: MilliCpus,
    },
    /// Stop its growth: `memory.high`. Returns nothing by itself.
    MemoryHigh {
        /// The limit, page cache included.
        limit: Bytes,
    },
    /// Move this much of it out to swap.
    Reclaim {
        /// How much.
        amount: Bytes,
    },
    /// Let it keep this share of the throughput it has now; samples carry no throughput, the host reads it.
    IoLimit {
        /// The share.
        keep: Ratio,
    },
    /// Stop it. The host thaws it at `until` by itself, whatever becomes of this controller.
    Freeze {
        /// When it is thawed at the latest.
        until: Timestamp,
    },
    /// Let it run again.
    Thaw,
    /// Take back what this actuator did to it.
    Undo {
        /// Which.
        actuator: Actuator,
    },
    /// End it. On v1 a frozen process dies only when thawed.
    Evict,
}

impl Action {
    /// What carries it out.
    #[must_use]
    pub const fn actuator(self) -> Actuator {
        match self {
            Self::StandingClass => Actuator::StandingClass,
            Self::IoWeight => Actuator::IoWeight,
            Self::CpuQuota { .. } => Actuator::CpuQuota,
            Self::MemoryHigh { .. } => Actuator::MemoryHigh,
            Self::Reclaim { .. } => Actuator::Reclaim,
            Self::IoLimit { .. } => Actuator::IoLimit,
            Self::Freeze { .. } | Self::Thaw => Actuator::Freeze,
            Self::Undo { actuator } => actuator,
            Self::Evict => Actuator::Evict,
        }
    }

    /// Whether it gives something back to the task instead of taking it.
    #[must_use]
    pub const fn releases(self) -> bool {
        matches!(self, Self::Thaw | Self::Undo { .. })
    }

    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Thaw => "thaw",
            Self::Undo { .. } => "undo",
            Self::StandingClass
            | Self::IoWeight
            | Self::CpuQuota { .. }
            | Self::MemoryHigh { .. }
            | Self::Reclaim { .. }
            | Self::IoLimit { .. }
            | Self::Freeze { .. }
            | Self::Evict => self.actuator().word(),
        }
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in metrics, JSON and documentation anchors.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// Why a task is corrected.
    Reason {
        /// Best-effort always stands in the lowest class.
        Standing = "standing",
        /// Harm shows and it is not in its standing class.
        Unprotected = "unprotected",
        /// To learn whether it is the cause.
        Probe = "probe",
        /// Harm shows over this resource.
        Strained = "strained",
        /// A probe proved that best-effort causes the harm.
        Proved = "proved",
        /// Freezing has helped, and the harm came back too often.
        Recurs = "recurs",
        /// It has been frozen so long that to freeze it again would starve it.
        Starves = "starves",
        /// It grows while memory is about to run out.
        Grows = "grows",
        /// Memory runs out before it could be killed later.
        RunsOut = "runs_out",
        /// A guaranteed task waits for memory.
        Stalls = "stalls",
        /// The kernel killed a guaranteed task's process for want of memory.
        OomKill = "oom_kill",
        /// A configured threshold of load or used memory is exceeded.
        Threshold = "threshold",
        /// The freeze is over.
        FreezeOver = "freeze_over",
        /// The resource is calm again.
        CalmAgain = "calm_again",
        /// The mode no longer allows it.
        ModeChanged = "mode_changed",
        /// Another policy, from a library, asks for it.
        Policy = "policy",
    }
}

words! {
    /// Why nothing (more) is done about a resource that is not calm.
    Held {
        /// The sample is stale, repeated, or not the one that was assessed.
        Stale = "stale",
        /// Nothing can be known about this resource.
        NoSignal = "no_signal",
        /// The mode forbids the next rung.
        Mode = "mode",
        /// No best-effort task could be corrected with any effect.
        NoCandidate = "no_candidate",
        /// Every actuator of the next rungs is missing or broken.
        NoActuator = "no_actuator",
        /// The level does not ask for more than has been done.
        Enough = "enough",
        /// The last rung was taken a moment ago.
        Waiting = "waiting",
        /// A probe is under way, or the next may not start yet.
        Probing = "probing",
        /// The probe found that best-effort is not the cause.
        NotCaused = "not_caused",
        /// Nothing harsh is done without proof, and the probe gave none.
        Unproved = "unproved",
        /// The last victim is not gone yet.
        Leaving = "leaving",
        /// The last victim is gone and its memory comes back.
        Settling = "settling",
        /// The evictions of this window are spent.
        Budget = "budget",
    }
}

/// The numbers behind a correction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    /// In one word.
    pub reason: Reason,
    /// Level of the resource.
    pub level: Level,
    /// The signal that led, its value, and the entering edge it passed.
    pub signal: Option<Signal>,
    /// Value of that signal.
    pub value: Option<f64>,
    /// Edge that it passed.
    pub threshold: Option<f64>,
    /// The guaranteed task that is harmed most.
    pub harmed: Option<TaskId>,
    /// What the last probe of this resource measured: the counterfactual.
    pub proof: Option<ProbeOutcome>,
}

/// One thing to be done to one best-effort task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Correction {
    task: TaskId,
    resource: Resource,
    action: Action,
    why: Why,
    relief: Option<Relief>,
    cost: Option<Cost>,
    would: bool,
}

impl Correction {
    /// Only from a task that the sample being judged shows as best-effort.
    pub(crate) fn new(who: &BestEffort<'_>, resource: Resource, action: Action, why: Why) -> Self {
        let task = who.task.task.id.clone();
        Self { task, resource, action, why, relief: None, cost: None, would: false }
    }

    pub(crate) fn weighed(mut self, relief: Option<Relief>, cost: Option<Cost>) -> Self {
        (self.relief, self.cost) = (relief, cost);
        self
    }

    pub(crate) fn would(mut self, would: bool) -> Self {
        self.would = would;
        self
    }

    /// Whom. The host checks the identity again just before the act.
    #[must_use]
    pub fn task(&self) -> &TaskId {
        &self.task
    }
    /// For which resource.
    #[must_use]
    pub fn resource(&self) -> Resource {
        self.resource
    }
    /// What.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }
    /// Why.
    #[must_use]
    pub fn why(&self) -> &Why {
        &self.why
    }
    /// What is expected to come back.
    #[must_use]
    pub fn relief(&self) -> Option<Relief> {
        self.relief
    }
    /// What is lost.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.cost
    }
    /// True when it is only shown: nothing is to be done.
    #[must_use]
    pub fn is_would(&self) -> bool {
        self.would
    }
}

/// What one tick asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// What is to be done, in this order.
    pub corrections: Vec<Correction>,
    /// Everybody who was weighed for the most urgent resource; empty while all is calm.
    pub candidates: Vec<Candidate>,
    /// For each resource that is not calm: why no more is done now.
    pub held: [Option<Held>; 3],
    /// Tasks that carry something of ours and are best-effort no more: the host gives everything back.
    pub let_go: Vec<TaskId>,
}
