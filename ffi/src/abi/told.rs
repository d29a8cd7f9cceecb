// SPDX-License-Identifier: Apache-2.0
//! What the library hands out: offer, corrections, pace, log lines.

/// The numbers come from a fresh decision; without it they are 0.
pub const GLEANER_OFFER_FRESH: u32 = 1;
/// Offer all of the parameter `resources`, less what best-effort tasks hold of it, instead of the two
/// amounts. Only in the threshold dialect: there it may name more than CPU and memory.
pub const GLEANER_OFFER_CONFIGURED: u32 = 1 << 1;

/// How much more may be lent, beyond what best-effort tasks hold already.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// sizeof(gleaner_offer), written by the caller.
    pub size: usize,
    /// CPU, in thousandths.
    pub cpu_millis: u64,
    /// Memory.
    pub memory_bytes: u64,
    /// GLEANER_OFFER_*.
    pub flags: u32,
    /// The higher of the levels of CPU and memory: GLEANER_LEVEL_*.
    pub level: u32,
    /// The table that it was decided from, as gleaner_push_tasks numbered it; 0 where there was none.
    /// While an estimator pushes tables, one of its own; else perhaps one of another handle.
    pub generation: u64,
    /// Age of the decision, milliseconds; 0 where there is none.
    pub age_ms: u64,
}

/// Name the container too, so that an id that was taken again is not hit. Unset only where exactly
/// the behaviour of the threshold module was asked for.
pub const GLEANER_CORRECTION_NAMES_CONTAINER: u32 = 1;

/// One best-effort task of the caller's table from which something is to be taken back.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Correction {
    /// The table that `index` is about: the last one pushed with this handle.
    pub generation: u64,
    /// Place in that table.
    pub index: u32,
    /// GLEANER_ACTION_*.
    pub action: u32,
    /// For want of which resource: GLEANER_RESOURCE_*.
    pub resource: u32,
    /// GLEANER_CORRECTION_*.
    pub flags: u32,
    /// The id at that place, to be compared with the caller's own before the act.
    pub id: *const u8,
    /// Its length in bytes.
    pub id_len: usize,
    /// Why, one line of UTF-8 for the host's log.
    pub reason: *const u8,
    /// Its length in bytes.
    pub reason_len: usize,
}

/// How often the host should do what.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// sizeof(gleaner_pace), written by the caller.
    pub size: usize,
    /// Push a table this often, milliseconds.
    pub push_every_ms: u64,
    /// Wait no longer than this for the statistics that a table is made from, milliseconds.
    pub push_timeout_ms: u64,
    /// After this without a new table nothing is offered and nobody is corrected, milliseconds.
    pub table_max_age_ms: u64,
    /// Complete an empty list of corrections this often, milliseconds, although nothing is to be done.
    pub poll_every_ms: u64,
}

/// One line for the host's log.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LogLine {
    /// sizeof(gleaner_log_line), written by the caller.
    pub size: usize,
    /// GLEANER_LOG_*.
    pub level: u32,
    /// 0.
    pub reserved: u32,
    /// When, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
    /// The line, UTF-8 without a line break.
    pub text: *const u8,
    /// Its length in bytes.
    pub text_len: usize,
    /// Lines lost since the last one that was read, because nobody read in time.
    pub lost: u64,
}
