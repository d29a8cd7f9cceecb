// SPDX-License-Identifier: Apache-2.0
//! Everything one tick concluded. Audit, metrics, page and logs render it and add nothing.

use gleaner_estimator::offer::Offer;
use gleaner_estimator::predict::Score;
use gleaner_estimator::reason::Bound;
use gleaner_estimator::sample::Class;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio, Span, Timestamp};
use gleaner_qos::assessment::Assessment;
use gleaner_qos::level::Level;
pub use gleaner_qos::verdict::Mode;
use gleaner_qos::verdict::Verdict;
use serde::Serialize;

/// One value per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PerClass<T> {
    /// Guaranteed tasks.
    pub guaranteed: T,
    /// Best-effort tasks.
    pub best_effort: T,
    /// Everything else on the node.
    pub system: T,
}

impl<T> PerClass<T> {
    /// One value computed for each class.
    pub fn from_fn(mut value: impl FnMut(Class) -> T) -> Self {
        Self {
            guaranteed: value(Class::Guaranteed),
            best_effort: value(Class::BestEffort),
            system: value(Class::System),
        }
    }

    /// The value of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> &T {
        match class {
            Class::Guaranteed => &self.guaranteed,
            Class::BestEffort => &self.best_effort,
            Class::System => &self.system,
        }
    }
}

/// Whether the numbers of a decision may be relied on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// Warm, from a fresh reading.
    Fresh,
    /// Fresh, but not enough has been seen yet.
    Cold {
        /// Time seen so far.
        seen: Span,
        /// Time that must have been seen.
        needed: Span,
    },
    /// The reading failed or could not be used.
    Failed {
        /// One sentence for people, with the path.
        why: String,
        /// Time since the last good reading; `None` when there was none.
        since_good: Option<Span>,
    },
}

/// The peak predicted for one horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Peak<Q> {
    /// How far ahead.
    pub horizon: Span,
    /// Of guaranteed tasks.
    pub guaranteed: Q,
    /// Of guaranteed tasks and the system together.
    pub node: Q,
}

/// Most horizons that are predicted at once.
pub const MAX_HORIZONS: usize = 4;

/// What was concluded about one resource that can be lent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ResourceDecision<Q: Amount> {
    /// What the node has; zero before the first good reading.
    pub capacity: Q,
    /// What is never lent.
    pub reserve: Q,
    /// Most that may be lent in all.
    pub cap: Option<Q>,
    /// Less than this is not offered.
    pub threshold: Q,
    /// Offers are multiples of this.
    pub quantum: Q,
    /// Most that the total rises in one step; `None` rises at once.
    pub rise: Option<Q>,
    /// The shortest time between two steps up.
    pub rise_every: Span,
    /// Which part may be lent.
    pub lend: Lend,
    /// The risk asked for: share of intervals in which the true peak may exceed the prediction.
    pub risk: Ratio,
    /// Promised, by class.
    pub allocated: PerClass<Q>,
    /// Used now, by class; `None` where unknown.
    pub usage: PerClass<Option<Q>>,
    /// The peak that the offer uses; `None` while nothing can be predicted.
    pub peak: Option<Peak<Q>>,
    /// The peaks of all horizons, for display.
    pub peaks: [Option<Peak<Q>>; MAX_HORIZONS],
    /// How earlier predictions of the node's peak turned out, in the order of `peaks`.
    pub scores: [Option<Score>; MAX_HORIZONS],
    /// capacity − reserve − predicted peak of the node.
    pub headroom: Q,
    /// Allocation − predicted peak of guaranteed tasks, where the rule uses it.
    pub usage_slack: Option<Q>,
    /// What may be lent in all.
    pub slack: Q,
    /// The term of the formula that made the slack what it is.
    pub slack_bound: Bound,
    /// What best-effort tasks hold now.
    pub lent: Q,
    /// How much more may be lent, and what bound it.
    pub offer: Offer<Q>,
    /// Contention.
    pub level: Level,
}

/// Everything one tick concluded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// Number of the tick since the start, from 1.
    pub tick: u64,
    /// When, monotonic.
    pub at: Timestamp,
    /// When, wall clock, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
    /// How far the host may go.
    pub mode: Mode,
    /// Whether the numbers may be relied on.
    pub health: Health,
    /// CPU.
    pub cpu: ResourceDecision<MilliCpus>,
    /// Memory.
    pub memory: ResourceDecision<Bytes>,
    /// How every resource stands, IO included, and by which signals; `None` without a usable reading.
    pub assessment: Option<Assessment>,
    /// What is to be taken back, from whom, and why nothing is where nothing is.
    pub verdict: Verdict,
    /// Tasks, by class.
    pub tasks: PerClass<u32>,
    /// Tasks that vanished while they were read.
    pub vanished: u32,
}
