// SPDX-License-Identifier: Apache-2.0
//! Predictors: the peak that a group of tasks will reach within a horizon. One file each, one trait.
//!
//! A *group* is a set of tasks of one resource, for instance all guaranteed tasks' CPU. A host builds one
//! predictor per group with [`PredictorSpec::build`], shows it every [`Observation`], and reads the peak per
//! horizon. Every predictor keeps score of itself: see [`Score`].
//!
//! # Slots
//!
//! Predictors learn in slots of five minutes ([`SLOT`]). Observations that come faster are folded into the open
//! slot, which holds *maxima*: each task's own largest usage, and the usage of all tasks at the instant at which
//! the group as a whole used most. The sum over the group is therefore a total that really occurred, and not
//! the sum of peaks at different times, which at a second's sampling would be several times too large.
//! Within a slot a prediction that is made from slots only rises, unless a task leaves or a limit shrinks.
//! Observations that come more slowly leave the slots between them empty; empty slots are unknown, not zero.
//!
//! # Pressure
//!
//! Contention hides demand. While [`Observation::calm`] is false no slot ends: what is measured can raise the
//! maxima of the open slot, and no window moves, no mean or peak fades, no start ramp falls. Of the outcomes of
//! earlier predictions only those that raise the next prediction are learned if half of their horizon or more
//! was not calm. So the prediction cannot fall under pressure unless a task leaves or a limit shrinks.
//!
//! # Bad input
//!
//! Nothing panics. Usage is capped at the limit; usage that is not a number counts as the limit; a limit that
//! is not a number is the ceiling, or the usage itself where there is no ceiling either; negative amounts count
//! as zero and amounts above 1e30 as 1e30; loads out of order are sorted, and of two with the same arrival
//! number the larger counts. Time that runs backwards (a reboot after a restore) opens the next slot.

mod bank;
mod borg;
mod calibrated;
mod decaying;
mod ema;
mod fixed;
mod intake;
mod learner;
mod max;
mod n_sigma;
mod numeric;
mod outcomes;
mod past;
mod percentile;
mod roster;
mod rule;
mod scored;
mod slot;
mod spec;
mod state;
mod threshold;
mod window;

pub use bank::{Bank, bank, shared};
pub use calibrated::Part;
pub use outcomes::{Score, Tally};
pub use slot::SLOT;
pub use spec::{Parameters, PredictorKind, PredictorSpec, SpecError, UnknownPredictor};
pub use state::StateError;

use crate::sample::LoadAverage;
use crate::units::{Bytes, Span, Timestamp};

/// One task's load of one resource over the last interval, in base units (cores or bytes).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Arrival number: unique for ever, later arrivals are larger. Loads are sorted by it.
    pub arrival: u64,
    /// Usage in the interval that ends at `Observation::at`; never above `limit`.
    pub usage: f64,
    /// What it may use at most: its allocation, or the node's capacity where it has none.
    pub limit: f64,
}

/// What the `threshold` predictor looks at; no other does. `None` where unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeLoad {
    /// The host's load averages.
    pub load: Option<LoadAverage>,
    /// MemTotal − MemAvailable of the host.
    pub memory_used: Option<Bytes>,
}

/// What a predictor learns from: the tasks present now and what each used in the last interval.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// End of the interval.
    pub at: Timestamp,
    /// Sorted by arrival number.
    pub loads: &'a [Load],
    /// What the whole group can use at most (node capacity), in base units; infinite where there is no such bound.
    pub ceiling: f64,
    /// False while the resource is not Calm: contention hides demand, so this observation may raise
    /// what was learned but never lower it.
    pub calm: bool,
    /// The host's load, for `threshold`.
    pub node: NodeLoad,
}

/// How `calibrated` comes to its number: `peak = level + k · risk`, before bounds and start ramp.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Basis {
    /// Where the peak is expected, base units.
    pub level: f64,
    /// How far it may lie from there: the scale of the score, base units.
    pub risk: f64,
    /// How many of those scales the asked risk costs on this node.
    pub k: f64,
}

/// Predicts the peak of one group of tasks, and keeps score of its predictions.
///
/// Deterministic: the same observations give the same predictions, bit for bit.
pub trait Predictor: Send {
    /// Takes in what was used in the last interval. Costs O(tasks) and allocates only for more tasks than ever before.
    fn observe(&mut self, seen: &Observation<'_>);

    /// The horizons, in the order in which the other methods number them.
    fn horizons(&self) -> &[Span];

    /// The highest total that the tasks present now will reach within the horizon, in base units.
    ///
    /// Never below their usage now and never above the smaller of the sum of their limits and the ceiling.
    /// `None` before the first observation and for a horizon that does not exist.
    fn peak(&self, horizon: usize) -> Option<f64>;

    /// How earlier predictions for this horizon turned out. `None` for a horizon that does not exist.
    fn score(&self, horizon: usize) -> Option<Score>;

    /// How the prediction is made up, where the predictor is `calibrated`.
    fn basis(&self, horizon: usize) -> Option<Basis>;

    /// Everything learned, versioned and checksummed: [`PredictorSpec::restore`] reads it.
    fn save(&self) -> Vec<u8>;

    /// The same once more, which goes its own way from here on.
    fn duplicate(&self) -> Box<dyn Predictor>;

    /// Like [`Predictor::peak`], by the length of the horizon.
    fn peak_within(&self, horizon: Span) -> Option<f64> {
        let found = self.horizons().iter().position(|h| *h == horizon)?;
        self.peak(found)
    }
}
