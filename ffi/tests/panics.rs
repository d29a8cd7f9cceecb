// SPDX-License-Identifier: Apache-2.0
//! A panic inside ends one handle and never the host: `cargo test -p gleaner-ffi --features inject-panic`.

#![cfg(feature = "inject-panic")]

use gleaner::abi::code::{
    GLEANER_OK, GLEANER_PANICKED, GLEANER_POISONED, GLEANER_ROLE_BOTH, Status,
};
use gleaner::abi::table::{Options, Task};
use gleaner::abi::told::{LogLine, Offer};
use gleaner::abi::{GLEANER_ABI_VERSION, Gleaner};
use gleaner::api::handle::{
    gleaner_close, gleaner_open, gleaner_push_tasks, gleaner_read_log, gleaner_read_offer,
    gleaner_start,
};
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

fn open() -> *mut Gleaner {
    let options = Options {
        size: size_of::<Options>(),
        abi_version: GLEANER_ABI_VERSION,
        role: GLEANER_ROLE_BOTH,
        dialect: 0,
        reserved: 0,
        parameters: null(),
        parameter_count: 0,
        parameter_size: 0,
    };
    let mut handle = null_mut();
    // SAFETY: everything is as long as it says.
    let status = unsafe { gleaner_open(&raw const options, null_mut(), 0, &raw mut handle) };
    assert_eq!(status, GLEANER_OK);
    handle
}

fn push(handle: *mut Gleaner, name: &str) -> Status {
    // SAFETY: zeros are a value of this structure.
    let mut task: Task = unsafe { std::mem::zeroed() };
    (task.id, task.id_len) = (name.as_ptr(), name.len());
    let mut generation = 0;
    // SAFETY: one element of that size, and room for the number.
    unsafe {
        gleaner_push_tasks(handle, &raw const task, 1, size_of::<Task>(), &raw mut generation)
    }
}

fn read(handle: *mut Gleaner) -> Status {
    let mut offer = Offer { size: size_of::<Offer>(), ..Offer::default() };
    // SAFETY: the structure is as large as it says.
    unsafe { gleaner_read_offer(handle, &raw mut offer) }
}

fn last_words(handle: *mut Gleaner) -> String {
    let mut said = String::new();
    loop {
        // SAFETY: zeros are a value of this structure.
        let mut line: LogLine = unsafe { std::mem::zeroed() };
        line.size = size_of::<LogLine>();
        // SAFETY: the structure is as large as it says.
        if unsafe { gleaner_read_log(handle, &raw mut line) } != GLEANER_OK {
            return said;
        }
        // SAFETY: the library promises that many bytes until the next call.
        let text = unsafe { std::slice::from_raw_parts(line.text, line.text_len) };
        said.push_str(&String::from_utf8_lossy(text));
    }
}

#[test]
fn a_panic_in_a_call_poisons_its_handle_alone() {
    let (one, other) = (open(), open());
    assert_eq!(push(one, "panic in the call"), GLEANER_PANICKED);
    assert_eq!(push(one, "good"), GLEANER_POISONED);
    assert_eq!(read(one), GLEANER_POISONED);
    assert!(last_words(one).contains("asked for by a test"), "the log still says why");
    assert_eq!(push(other, "good"), GLEANER_OK);
    assert_eq!((gleaner_close(one), gleaner_close(other)), (GLEANER_OK, GLEANER_OK));
}

#[test]
fn a_panic_in_the_thread_poisons_too_and_the_host_lives() {
    let handle = open();
    // SAFETY: without a buffer for the reason.
    assert_eq!(unsafe { gleaner_start(handle, null_mut(), 0) }, GLEANER_OK);
    assert_eq!(push(handle, "panic in the judge"), GLEANER_OK);
    // The next turn of the thread is at most a second away.
    let patience = Instant::now() + Duration::from_secs(30);
    while read(handle) != GLEANER_POISONED {
        assert!(Instant::now() < patience, "it goes on");
        std::thread::yield_now();
    }
    assert!(last_words(handle).contains("asked for by a test"));
    assert_eq!(gleaner_close(handle), GLEANER_OK);
}
