// SPDX-License-Identifier: Apache-2.0
//! Numbers with a meaning: statuses, roles, dialects, classes, levels. Never renumbered, never reused.

use std::ffi::CStr;

/// What became of a call.
pub type Status = u32;

/// It was done.
pub const GLEANER_OK: u32 = 0;
/// A pointer that must not be NULL is.
pub const GLEANER_NULL_ARGUMENT: u32 = 1;
/// The size of a structure is too small to hold its first version, not a multiple of 8, or the part
/// that this library does not know is not 0.
pub const GLEANER_BAD_SIZE: u32 = 2;
/// A number, a combination or an id that means nothing; for a table gleaner_read_log has the details.
pub const GLEANER_BAD_VALUE: u32 = 3;
/// The parameters or the configuration file are wrong; `why` has every mistake, one a line.
pub const GLEANER_BAD_CONFIG: u32 = 4;
/// A defect of this library was caught in this very call.
pub const GLEANER_PANICKED: u32 = 5;
/// A defect was caught earlier; this handle lends nothing and ends nobody any more.
pub const GLEANER_POISONED: u32 = 6;
/// The call does not fit what was called before: started twice, or not started yet.
pub const GLEANER_BAD_STATE: u32 = 7;
/// The operating system refused; `why` has the details.
pub const GLEANER_OS: u32 = 8;
/// There is nothing to read.
pub const GLEANER_NOTHING: u32 = 9;
/// Not a handle, or one that was closed.
pub const GLEANER_BAD_HANDLE: u32 = 10;
/// The program was built against a header that this library does not fit.
pub const GLEANER_BAD_VERSION: u32 = 11;

/// Says how much may be lent.
pub const GLEANER_ROLE_ESTIMATOR: u32 = 1;
/// Says what is to be taken back.
pub const GLEANER_ROLE_CONTROLLER: u32 = 2;
/// Both, for a program that is both.
pub const GLEANER_ROLE_BOTH: u32 = 3;

/// Parameters are keys of Gleaner's configuration, or `config`; an unknown key is a mistake.
pub const GLEANER_DIALECT_GLEANER: u32 = 0;
/// Parameters and behaviour of blue-yonder's threshold modules; an unknown key is only logged.
pub const GLEANER_DIALECT_THRESHOLD: u32 = 1;

/// Was promised what it has; never corrected.
pub const GLEANER_CLASS_GUARANTEED: u32 = 0;
/// Holds something revocable; may be corrected.
pub const GLEANER_CLASS_BEST_EFFORT: u32 = 1;

/// No harm to guaranteed tasks.
pub const GLEANER_LEVEL_CALM: u32 = 0;
/// Some.
pub const GLEANER_LEVEL_STRAINED: u32 = 1;
/// So much that something must be taken back.
pub const GLEANER_LEVEL_CRITICAL: u32 = 2;
/// Nothing is known.
pub const GLEANER_LEVEL_UNKNOWN: u32 = 3;

/// End the task.
pub const GLEANER_ACTION_EVICT: u32 = 1;

/// For want of CPU.
pub const GLEANER_RESOURCE_CPU: u32 = 0;
/// For want of memory.
pub const GLEANER_RESOURCE_MEMORY: u32 = 1;
/// For want of block IO.
pub const GLEANER_RESOURCE_IO: u32 = 2;

/// What stops it from working.
pub const GLEANER_LOG_ERROR: u32 = 1;
/// What an operator should look at.
pub const GLEANER_LOG_WARN: u32 = 2;
/// A change of state.
pub const GLEANER_LOG_INFO: u32 = 3;

/// A status in words.
#[must_use]
pub const fn text(status: Status) -> &'static CStr {
    match status {
        GLEANER_OK => c"done",
        GLEANER_NULL_ARGUMENT => c"a pointer that must not be NULL is",
        GLEANER_BAD_SIZE => c"a structure has a size that this library does not know",
        GLEANER_BAD_VALUE => c"a value that means nothing",
        GLEANER_BAD_CONFIG => c"the configuration is wrong",
        GLEANER_PANICKED => c"a defect of the library was caught",
        GLEANER_POISONED => c"a defect was caught earlier: nothing is lent, nobody is ended",
        GLEANER_BAD_STATE => c"called at the wrong time: started twice, or not started yet",
        GLEANER_OS => c"the operating system refused",
        GLEANER_NOTHING => c"nothing to read",
        GLEANER_BAD_HANDLE => c"not a handle, or one that was closed",
        GLEANER_BAD_VERSION => c"built against a header that this library does not fit",
        _ => c"unknown status",
    }
}
