// SPDX-License-Identifier: Apache-2.0
//! No panic crosses the border: it becomes a status, and the handle that it happened in does nothing any more.

use crate::abi::Gleaner;
use crate::abi::code::{GLEANER_OK, GLEANER_PANICKED, Status};
use crate::border::{Failure, Why};
use crate::handle::{Handle, registry};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function of the interface.
pub(crate) fn guarded(why: &mut Why, body: impl FnOnce() -> Result<(), Failure>) -> Status {
    // What a body may leave half done belongs to a handle, which `with_handle` poisons.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => GLEANER_OK,
        Ok(Err(failure)) => {
            why.write(&failure.text());
            failure.status()
        }
        Err(panic) => {
            why.write(&words(&*panic));
            GLEANER_PANICKED
        }
    }
}

/// Runs it with a handle that is open and sound; a panic poisons the handle.
pub(crate) fn with_handle(
    handle: *mut Gleaner,
    why: &mut Why,
    body: impl FnOnce(&Handle) -> Result<(), Failure>,
) -> Status {
    guarded(why, || {
        let handle = registry::find(handle)?;
        if handle.is_poisoned() {
            return Err(Failure::Poisoned);
        }
        match catch_unwind(AssertUnwindSafe(|| body(&handle))) {
            Ok(done) => done,
            Err(panic) => {
                handle.poison(&words(&*panic));
                std::panic::resume_unwind(panic);
            }
        }
    })
}

/// What a panic says.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a defect of the library was caught: {}", text.unwrap_or("it has no words"))
}
