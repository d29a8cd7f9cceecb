// SPDX-License-Identifier: Apache-2.0
//! Configuration: what was written (TOML) becomes what is meant, or a list of every mistake with its line.

mod check;
mod docs;
mod host;
mod key;
mod keys;
mod mistake;
mod parse;
mod predict;
mod qos_keys;
mod setting;
mod shadow;
mod units;

pub use docs::{effective, reference, sample};
pub use host::{
    ActConfig, AgentConfig, AuditConfig, HostConfig, HttpConfig, LayoutConfig, Limits, LogConfig,
    LogFormat, LogLevel, OfferConfig, OrAuto, PolicyConfig, Preset, StateConfig, TaskRule,
    WatchConfig,
};
pub use mistake::{Mistake, Mistakes};
pub use parse::is_key;
pub use shadow::{MAX_SHADOWS, ShadowConfig};
pub use units::{parse_cpu, parse_memory, parse_share, parse_time};

use crate::decision::Mode;
use gleaner_estimator::predict::PredictorSpec;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio, Span};
use gleaner_qos::config::QosConfig;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the engine needs to know.
    pub engine: EngineConfig,
    /// What its host needs to know.
    pub host: HostConfig,
    /// Policies that decide beside it from the same readings and never act.
    pub shadows: Vec<ShadowConfig>,
}

/// An amount stated as such or as a share of the capacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quota<Q> {
    /// This much.
    Exactly(Q),
    /// This share of the capacity, rounded up.
    Share(Ratio),
}

impl<Q: Amount> Quota<Q> {
    /// The amount on a node of this capacity.
    #[must_use]
    pub fn of(self, capacity: Q) -> Q {
        match self {
            Self::Exactly(amount) => amount,
            Self::Share(share) => capacity.share_up(share),
        }
    }
}

/// How one resource is lent.
#[derive(Clone, Debug, PartialEq)]
pub struct LendRule<Q> {
    /// Whether it is lent at all.
    pub enabled: bool,
    /// What is never lent.
    pub reserve: Quota<Q>,
    /// Most that may be lent in all.
    pub cap: Option<Quota<Q>>,
    /// Less than this is not offered.
    pub threshold: Q,
    /// Offers are multiples of this.
    pub quantum: Q,
    /// Most that the total rises in one step; `None` rises at once.
    pub rise: Option<Quota<Q>>,
    /// The shortest time between two steps up.
    pub rise_every: Span,
    /// How its peak is predicted, at what risk, for which horizons.
    pub predictor: PredictorSpec,
}

/// What the engine needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineConfig {
    /// How far the host may go.
    pub mode: Mode,
    /// Nominal distance of two samples.
    pub interval: Span,
    /// A distance of two samples above this starts over cold; a last good reading older than this is stale.
    pub stale_after: Span,
    /// Time that must have been seen before anything is lent.
    pub warm_up: Span,
    /// A guaranteed task younger than this counts at its allocation.
    pub task_warm_up: Span,
    /// Most tasks that are looked at.
    pub max_tasks: usize,
    /// Which part may be lent.
    pub lend: Lend,
    /// CPU.
    pub cpu: LendRule<MilliCpus>,
    /// Memory.
    pub memory: LendRule<Bytes>,
    /// Index in the predictors' horizons of the one that offers use.
    pub offer_horizon: usize,
    /// Whether a resource without any contention signal may still be lent: for replaying traces that
    /// have none. On a live node it means lending blindly.
    pub lend_blind: bool,
    /// When to take back, and from whom.
    pub qos: QosConfig,
}

impl Default for EngineConfig {
    /// The defaults of the key table.
    fn default() -> Self {
        Config::default().engine
    }
}
