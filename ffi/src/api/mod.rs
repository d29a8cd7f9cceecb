// SPDX-License-Identifier: Apache-2.0
//! The functions that C calls: each checks its arguments, is guarded, and writes its outputs only on success.

pub mod handle;
pub mod policy;

use crate::abi::GLEANER_ABI_VERSION;
use crate::abi::code::{self, Status};
use std::ffi::c_char;

/// The version of the interface that this library has: major in the upper 16 bits, minor in the lower.
///
/// A program refuses a library whose major is not its own GLEANER_ABI_MAJOR, or whose minor is smaller
/// than its GLEANER_ABI_MINOR. gleaner_open does the same with what the program says of itself.
#[unsafe(no_mangle)]
pub extern "C" fn gleaner_abi_version() -> u32 {
    GLEANER_ABI_VERSION
}

/// The version of the library as text, NUL-terminated, in static storage.
#[unsafe(no_mangle)]
pub extern "C" fn gleaner_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// A status in words, NUL-terminated, in static storage; never NULL, whatever the number is.
#[unsafe(no_mangle)]
pub extern "C" fn gleaner_status_text(status: Status) -> *const c_char {
    code::text(status).as_ptr()
}
