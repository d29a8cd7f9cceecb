// SPDX-License-Identifier: Apache-2.0
//! What crosses the border: versions, codes, structures. Integers and pointers only, nothing that Rust alone knows.

pub mod code;
pub mod table;
pub mod told;

/// Grows when something that exists changes or goes: programs built against another one do not fit.
pub const GLEANER_ABI_MAJOR: u32 = 1;
/// Grows when something is added.
pub const GLEANER_ABI_MINOR: u32 = 0;
/// Both, as gleaner_abi_version() returns them. A library fits when its major is the same and its
/// minor at least that of the header.
pub const GLEANER_ABI_VERSION: u32 = (GLEANER_ABI_MAJOR << 16) | GLEANER_ABI_MINOR;

/// The version of the policy interface, gleaner_policy_*: major << 16 | minor.
pub const GLEANER_POLICY_ABI_VERSION: u32 = 1 << 16;

/// One estimator, controller, or both. Made by gleaner_open, ended by gleaner_close.
///
/// Its address means nothing: it is a number that is looked up and never followed.
#[derive(Debug)]
pub struct Gleaner {
    _private: (),
}

/// One policy: the pure step alone, without threads, files or clock. Made by gleaner_policy_new.
#[derive(Debug)]
pub struct Policy {
    _private: (),
}
