// SPDX-License-Identifier: Apache-2.0
//! What a replay and its viewer say to each other: orders, where it stands, what came of it.

use super::when::Moment;
use crate::top::source::Frame;
use std::collections::VecDeque;

/// What a viewer asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::top) enum Order {
    /// Run, or stand still.
    Toggle,
    /// One sample on.
    Next,
    /// One sample back.
    Previous,
    /// To a moment.
    To(Moment),
}

/// What the owners used: thousandths of cores, and KiB.
pub(super) type Used = (Option<u64>, Option<u64>);

/// Where a replay stands.
#[derive(Clone, Debug)]
pub(in crate::top) struct Reel {
    /// The recording.
    pub(in crate::top) file: String,
    /// Number of the sample, from 1.
    pub(in crate::top) number: u64,
    /// When the recording begins, milliseconds since 1970-01-01 UTC.
    pub(in crate::top) begins_ms: u64,
    /// How much of the recording's bytes lies behind, in hundredths.
    pub(in crate::top) percent: u8,
    pub(in crate::top) running: bool,
    /// There is nothing behind it.
    pub(in crate::top) ended: bool,
    /// By which rule is lent, and how that is known.
    pub(in crate::top) lends: String,
    /// What of the recording cannot be read.
    pub(in crate::top) damage: Vec<String>,
    /// The last ten minutes.
    pub(in crate::top) past: VecDeque<Used>,
}

/// What came of letting it go on.
pub(in crate::top) enum Played {
    /// Nothing that could be seen.
    Nothing,
    /// It is on its way; so many hundredths of the recording lie behind.
    Working(u8),
    /// Another picture, or why there is none.
    Shown(Box<Result<Frame, String>>),
}
