// SPDX-License-Identifier: Apache-2.0
//! gleaner_policy_*: the pure step, for hosts that load their policy from a library.

use crate::abi::code::Status;
use crate::abi::{GLEANER_POLICY_ABI_VERSION, Policy};
use crate::border::{self, Why};
use crate::guard::guarded;
use crate::policies;
use std::ffi::c_char;

/// The version of the policy interface that this library has: major << 16 | minor.
#[unsafe(no_mangle)]
pub extern "C" fn gleaner_policy_abi_version() -> u32 {
    GLEANER_POLICY_ABI_VERSION
}

/// Makes a policy from its configuration, a JSON object as docs/ffi.md describes.
///
/// On failure `why` gets the reason, NUL-terminated and cut to `why_size`; it may be NULL with size 0.
///
/// # Safety
/// `config` points to `config_len` bytes, `why` has room for `why_size` bytes, `out` for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_policy_new(
    config: *const u8,
    config_len: usize,
    why: *mut c_char,
    why_size: usize,
    out: *mut *mut Policy,
) -> Status {
    // SAFETY: the caller promises room for `why_size` bytes.
    let mut why = unsafe { Why::new(why, why_size) };
    guarded(&mut why, || {
        border::not_null(out)?;
        // SAFETY: the caller promises that so many bytes can be read.
        let config = unsafe { border::bytes(config, config_len) }?;
        let made = policies::insert(config)?;
        // SAFETY: not NULL, and the caller promises room for a pointer.
        unsafe { out.write(made) };
        Ok(())
    })
}

/// One step: an event in, its answer out, both one JSON object without a line break.
///
/// The answer belongs to the policy and lives until its next step.
///
/// # Safety
/// `event` points to `event_len` bytes; `answer` has room for a pointer, `answer_len` for its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_policy_step(
    policy: *mut Policy,
    event: *const u8,
    event_len: usize,
    answer: *mut *const u8,
    answer_len: *mut usize,
) -> Status {
    guarded(&mut Why::nowhere(), || {
        border::not_null(answer)?;
        border::not_null(answer_len)?;
        // SAFETY: the caller promises that so many bytes can be read.
        let event = unsafe { border::bytes(event, event_len) }?;
        let (first, length) = policies::step(policy, event)?;
        // SAFETY: not NULL, and the caller promises room.
        unsafe { answer.write(first) };
        // SAFETY: not NULL, and the caller promises room.
        unsafe { answer_len.write(length) };
        Ok(())
    })
}

/// Ends a policy. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn gleaner_policy_free(policy: *mut Policy) -> Status {
    guarded(
        &mut Why::nowhere(),
        || if policy.is_null() { Ok(()) } else { policies::remove(policy) },
    )
}
