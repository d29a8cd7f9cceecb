// SPDX-License-Identifier: Apache-2.0
//! gleaner_open to gleaner_close: one estimator, controller, or both.

use crate::abi::Gleaner;
use crate::abi::code::Status;
use crate::abi::table::{Options, Task};
use crate::abi::told::{Correction, LogLine, Offer, Pace};
use crate::border::{self, Failure, Why};
use crate::guard::{guarded, with_handle};
use crate::handle::{Handle, registry};
use std::ffi::c_char;

/// Checks the parameters and makes a handle. Starts no thread and reads nothing of the kernel but the
/// configuration file that the parameters may name.
///
/// On failure `why` gets the reason, NUL-terminated and cut to `why_size`: every mistake, one a line.
/// It may be NULL with size 0. `out` gets the handle.
///
/// # Safety
/// `options` points to a structure of the size that its first field says, and everything in it to what
/// it says. `why` has room for `why_size` bytes, `out` for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_open(
    options: *const Options,
    why: *mut c_char,
    why_size: usize,
    out: *mut *mut Gleaner,
) -> Status {
    // SAFETY: the caller promises room for `why_size` bytes.
    let mut why = unsafe { Why::new(why, why_size) };
    guarded(&mut why, || {
        border::not_null(out)?;
        // SAFETY: the caller promises that options and all it points to can be read.
        let asked = unsafe { border::options(options) }?;
        let handle = Handle::open(asked)?;
        // SAFETY: not NULL, and the caller promises room for a pointer.
        unsafe { out.write(registry::insert(handle)) };
        Ok(())
    })
}

/// Finds the node's cgroups and starts the threads. Called once, in the process that goes on living.
///
/// # Safety
/// `why` has room for `why_size` bytes; it may be NULL with size 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_start(
    handle: *mut Gleaner,
    why: *mut c_char,
    why_size: usize,
) -> Status {
    // SAFETY: the caller promises room for `why_size` bytes.
    let mut why = unsafe { Why::new(why, why_size) };
    with_handle(handle, &mut why, Handle::start)
}

/// Hands over the tasks as the agent knows them now. The last good table stays in use until the next.
///
/// `generation` gets the number of this table; corrections name it. A table with a mistake is refused
/// as a whole with GLEANER_BAD_VALUE, and the one before stays.
///
/// # Safety
/// `tasks` points to `task_count` elements of `element_size` bytes, which point to what they say;
/// `generation` has room for its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_push_tasks(
    handle: *mut Gleaner,
    tasks: *const Task,
    task_count: usize,
    element_size: usize,
    generation: *mut u64,
) -> Status {
    with_handle(handle, &mut Why::nowhere(), |handle| {
        border::not_null(generation)?;
        // SAFETY: the caller promises that the array and all it points to can be read.
        let rows = unsafe { border::tasks(tasks, task_count, element_size) };
        let number = handle.push(rows)?;
        // SAFETY: not NULL, and the caller promises room.
        unsafe { generation.write(number) };
        Ok(())
    })
}

/// The latest offer. Zeros without GLEANER_OFFER_FRESH while there is no fresh decision: not started,
/// cold, no table, stale.
///
/// # Safety
/// `out` points to a structure of the size that its first field says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_read_offer(handle: *mut Gleaner, out: *mut Offer) -> Status {
    with_handle(handle, &mut Why::nowhere(), |handle| {
        // SAFETY: the caller promises a structure of the size that it says.
        let place = unsafe { border::Place::new(out) }?;
        let offer = handle.offer();
        // SAFETY: as above.
        unsafe { place.write(|size| Offer { size, ..offer }) };
        Ok(())
    })
}

/// How often the host should call, from the parameters. Known from the moment of opening.
///
/// # Safety
/// `out` points to a structure of the size that its first field says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_read_pace(handle: *mut Gleaner, out: *mut Pace) -> Status {
    with_handle(handle, &mut Why::nowhere(), |handle| {
        // SAFETY: the caller promises a structure of the size that it says.
        let place = unsafe { border::Place::new(out) }?;
        let pace = handle.pace();
        // SAFETY: as above.
        unsafe { place.write(|size| Pace { size, ..pace }) };
        Ok(())
    })
}

/// A descriptor that is readable while corrections wait to be taken, for poll and its like. It belongs
/// to the handle: not to be read from, and not to be closed. It is closed with the handle.
///
/// # Safety
/// `descriptor` has room for its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_event_fd(handle: *mut Gleaner, descriptor: *mut i32) -> Status {
    with_handle(handle, &mut Why::nowhere(), |handle| {
        border::not_null(descriptor)?;
        // SAFETY: not NULL, and the caller promises room.
        unsafe { descriptor.write(handle.event_fd()) };
        Ok(())
    })
}

/// Takes the corrections that wait, for the last table pushed with this handle, and makes the
/// descriptor unreadable. A task that this table does not have, or not as best effort, is left out.
///
/// What is taken counts as done. A task that is still there after a while may come again.
/// `element_size` is sizeof(gleaner_correction), and the distance of the elements handed out.
///
/// # Safety
/// `corrections` has room for a pointer, `count` for its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_take_corrections(
    handle: *mut Gleaner,
    element_size: usize,
    corrections: *mut *const Correction,
    count: *mut usize,
) -> Status {
    with_handle(handle, &mut Why::nowhere(), |handle| {
        border::not_null(corrections)?;
        border::not_null(count)?;
        let (first, number) = handle.take(element_size)?;
        // SAFETY: not NULL, and the caller promises room.
        unsafe { corrections.write(first) };
        // SAFETY: not NULL, and the caller promises room.
        unsafe { count.write(number) };
        Ok(())
    })
}

/// All that is known as one JSON object: the last decision with its reasons, tables, troubles.
///
/// # Safety
/// `text` has room for a pointer, `text_len` for its number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_read_status(
    handle: *mut Gleaner,
    text: *mut *const u8,
    text_len: *mut usize,
) -> Status {
    with_handle(handle, &mut Why::nowhere(), |handle| {
        border::not_null(text)?;
        border::not_null(text_len)?;
        let (first, length) = handle.status();
        // SAFETY: not NULL, and the caller promises room.
        unsafe { text.write(first) };
        // SAFETY: not NULL, and the caller promises room.
        unsafe { text_len.write(length) };
        Ok(())
    })
}

/// The oldest line of the log that was not read yet; GLEANER_NOTHING where there is none.
///
/// # Safety
/// `out` points to a structure of the size that its first field says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gleaner_read_log(handle: *mut Gleaner, out: *mut LogLine) -> Status {
    guarded(&mut Why::nowhere(), || {
        // Also of a poisoned handle: its last words say what happened.
        let handle = registry::find(handle)?;
        // SAFETY: the caller promises a structure of the size that it says.
        let place = unsafe { border::Place::new(out) }?;
        let line = handle.log_line().ok_or(Failure::Nothing)?;
        // SAFETY: as above.
        unsafe { place.write(|size| LogLine { size, ..line }) };
        Ok(())
    })
}

/// Ends the threads of this handle, waiting for at most two seconds, and the handle. NULL is allowed
/// and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn gleaner_close(handle: *mut Gleaner) -> Status {
    guarded(&mut Why::nowhere(), || {
        if handle.is_null() {
            return Ok(());
        }
        registry::remove(handle)?.close();
        Ok(())
    })
}
