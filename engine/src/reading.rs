// SPDX-License-Identifier: Apache-2.0
//! What a host hands to the engine: a sample, or why there is none. A failed reading is an input, not an exception.

use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;

/// One reading of the node.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// When it was taken, on the host's monotonic clock.
    pub at: Timestamp,
    /// The same instant as wall-clock time, milliseconds since 1970-01-01 UTC; only shown, never computed with.
    pub wall_ms: u64,
    /// What was read.
    pub body: Body<'a>,
}

/// The outcome of reading.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// A whole sample.
    Fresh(&'a Sample),
    /// Nothing usable: one sentence with the path and the error.
    Failed(&'a str),
}
