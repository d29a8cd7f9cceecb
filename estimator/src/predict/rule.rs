// SPDX-License-Identifier: Apache-2.0
//! What a predictor has to say for itself; the rest (slots, bounds, outcomes, state) is the same for all.

use super::outcomes::{Mark, Outcome};
use super::roster::{Group, Member};
use super::spec::Parameters;
use super::{Basis, NodeLoad};
use crate::units::Ratio;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A predictor's own part. Called in this order for each observation: `leave` for tasks that are gone,
/// `turn` if the open slot ends, `admit` for new tasks, `judged` for outcomes, `weigh`, `peak`, `mark`.
pub(super) trait Rule: Clone + Send + Serialize + DeserializeOwned {
    /// What it remembers of each task.
    type Memory: Clone + Default + Send + Serialize + DeserializeOwned;

    /// Whether it predicts from slots, so that its prediction only rises within one.
    const SLOTTED: bool;

    /// Whether `weigh` looks at what [`Rule::retune`] changes.
    const WEIGHS_ANEW: bool = false;

    /// Takes over the parameters that are looked at last, after all that is learned: [`super::bank`] varies them.
    fn retune(&mut self, _parameters: &Parameters) {}

    /// Makes a memory, new or used before, ready for a new task.
    fn admit(&self, memory: &mut Self::Memory);

    /// A task is gone.
    fn leave(&mut self, member: &Member<Self::Memory>);

    /// The open slot has ended and the next one lies `step` slots later. Members still hold the ended slot.
    fn turn(&mut self, members: &mut [Member<Self::Memory>], step: u64);

    /// The open slot has changed.
    fn weigh(&mut self, group: &Group, members: &mut [Member<Self::Memory>], node: &NodeLoad);

    /// The predicted peak as of the last `weigh`; the caller bounds it.
    fn peak(&self, horizon: usize, group: &Group) -> f64;

    /// What to remember of a prediction until its outcome is known.
    fn mark(&self, _horizon: usize, peak: f64, _group: &Group) -> Mark {
        Mark { peak, ..Mark::default() }
    }

    /// The outcome of a prediction of a horizon ago.
    fn judged(&mut self, _horizon: usize, _outcome: &Outcome) {}

    /// How the prediction is made up.
    fn basis(&self, _horizon: usize) -> Option<Basis> {
        None
    }

    /// The host asks for another risk than the one under which the state was saved.
    fn aim(&mut self, _risk: Ratio) {}

    /// Whether a restored state fits together: lengths that later code relies on.
    fn is_sound(&self, members: &[Member<Self::Memory>]) -> bool;
}
