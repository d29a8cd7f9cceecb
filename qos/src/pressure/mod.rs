// SPDX-License-Identifier: Apache-2.0
//! From windows to readings: one file a resource.

mod cpu;
mod io;
mod memory;
mod pool;

use crate::config::QosConfig;
use crate::node::NodeWatch;
use crate::signal::{Reading, Signal};
use crate::track::Tracks;
use gleaner_estimator::units::{Bytes, Timestamp};
pub use memory::MemoryFacts;
pub(crate) use pool::room;

/// What the last sample said of best-effort as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BestEffortFacts {
    /// Tasks that are not frozen by us.
    pub(crate) active: usize,
    /// Since when none of them has been at a disk, as far as their own waiting shows.
    pub(crate) off_disk: Option<Timestamp>,
    /// Working sets that are known, summed.
    pub(crate) working_set: Bytes,
    /// The largest of them: it takes longest to give back.
    pub(crate) largest: Bytes,
    pub(crate) rung0: Rung0,
}

/// Whether best-effort is in the lowest CPU class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rung0 {
    /// Every one is, or nobody has said yet what can be done here.
    #[default]
    Held,
    /// Somebody is not, and could be put there.
    Open,
    /// It cannot be had here.
    Impossible,
}

/// Everything a judgement looks at.
pub(crate) struct Scene<'a> {
    pub(crate) config: &'a QosConfig,
    pub(crate) now: Timestamp,
    pub(crate) node: &'a NodeWatch,
    pub(crate) tracks: &'a mut Tracks,
    pub(crate) best_effort: BestEffortFacts,
}

/// One reading of each signal, in the order of [`Signal::ALL`].
pub(crate) type Readings = [Reading; Signal::COUNT];

/// Readings of which nothing is known.
pub(crate) fn unknown(config: &QosConfig) -> Readings {
    Signal::ALL.map(|signal| Reading::unknown(signal, config))
}

/// Judges every signal; learns what tasks show alone where best-effort is away.
pub(crate) fn judge(scene: &mut Scene<'_>) -> (Readings, MemoryFacts) {
    let mut readings = unknown(scene.config);
    cpu::judge(scene, &mut readings);
    let facts = memory::judge(scene, &mut readings);
    io::judge(scene, &mut readings);
    (readings, facts)
}

/// Puts a reading in its place.
fn put(readings: &mut Readings, reading: Reading) {
    let index = reading.signal.index();
    readings[index] = reading;
}
