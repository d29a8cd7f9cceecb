// SPDX-License-Identifier: Apache-2.0
//! A host of the library: its C functions with Rust types around them.

use gleaner::abi::GLEANER_ABI_VERSION;
use gleaner::abi::Gleaner;
use gleaner::abi::code::{GLEANER_CLASS_BEST_EFFORT, GLEANER_CLASS_GUARANTEED, GLEANER_OK, Status};
use gleaner::abi::table::{
    GLEANER_KNOWS_CPU_ALLOCATED, GLEANER_KNOWS_CPU_USAGE, GLEANER_KNOWS_MEMORY_ALLOCATED,
    GLEANER_KNOWS_MEMORY_RSS, GLEANER_KNOWS_MEMORY_USAGE, Options, Parameter, Task,
};
use gleaner::abi::told::{Correction, LogLine, Offer, Pace};
use gleaner::api::handle as api;
use gleaner_tests::fake_node::FakeNode;
use gleaner_tests::wait_until;
use std::ffi::{CStr, c_char};
use std::os::fd::BorrowedFd;
use std::time::Duration;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: &'static [u8],
    pub(crate) best_effort: bool,
    pub(crate) cpu_millis: u64,
    pub(crate) memory: u64,
    pub(crate) cpu_usec: Option<u64>,
    pub(crate) rss: Option<u64>,
    pub(crate) total: Option<u64>,
}

pub(crate) fn guaranteed(id: &'static str, cpu_millis: u64) -> Row {
    let id = id.as_bytes();
    Row { id, best_effort: false, cpu_millis, memory: 0, cpu_usec: None, rss: None, total: None }
}

pub(crate) fn best_effort(id: &'static str, cpu_millis: u64) -> Row {
    Row { best_effort: true, ..guaranteed(id, cpu_millis) }
}

impl Row {
    fn as_task(&self) -> Task {
        let known = GLEANER_KNOWS_CPU_ALLOCATED | GLEANER_KNOWS_MEMORY_ALLOCATED;
        let bit = |value: Option<u64>, bit| if value.is_some() { bit } else { 0 };
        Task {
            id: self.id.as_ptr(),
            id_len: self.id.len(),
            tenant: std::ptr::null(),
            tenant_len: 0,
            class_: if self.best_effort {
                GLEANER_CLASS_BEST_EFFORT
            } else {
                GLEANER_CLASS_GUARANTEED
            },
            known: known
                | bit(self.cpu_usec, GLEANER_KNOWS_CPU_USAGE)
                | bit(self.rss, GLEANER_KNOWS_MEMORY_RSS)
                | bit(self.total, GLEANER_KNOWS_MEMORY_USAGE),
            priority: 0,
            reserved: 0,
            cpu_allocated_millis: self.cpu_millis,
            memory_allocated_bytes: self.memory,
            cpu_usage_usec: self.cpu_usec.unwrap_or(0),
            throttled_usec: 0,
            periods: 0,
            throttled_periods: 0,
            memory_usage_bytes: self.total.unwrap_or(0),
            memory_rss_bytes: self.rss.unwrap_or(0),
            memory_limit_bytes: 0,
            processes: 0,
        }
    }
}

/// A correction, copied out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) generation: u64,
    pub(crate) index: u32,
    pub(crate) id: Vec<u8>,
    pub(crate) names_container: bool,
    pub(crate) reason: String,
}

/// An open handle; closed when dropped.
#[derive(Debug)]
pub(crate) struct Host(pub(crate) *mut Gleaner);

/// So many bytes at a place that the library named.
fn copied(at: *const u8, length: usize) -> Vec<u8> {
    // SAFETY: the library promises that many bytes until the next call of the same function.
    unsafe { std::slice::from_raw_parts(at, length) }.to_vec()
}

/// Opens; on failure the status and the reason.
pub(crate) fn open(
    role: u32,
    dialect: u32,
    parameters: &[(&str, &str)],
) -> Result<Host, (Status, String)> {
    let list: Vec<Parameter> = parameters
        .iter()
        .map(|(key, value)| Parameter {
            key: key.as_ptr(),
            key_len: key.len(),
            value: value.as_ptr(),
            value_len: value.len(),
        })
        .collect();
    let options = Options {
        size: size_of::<Options>(),
        abi_version: GLEANER_ABI_VERSION,
        role,
        dialect,
        reserved: 0,
        parameters: list.as_ptr(),
        parameter_count: list.len(),
        parameter_size: size_of::<Parameter>(),
    };
    let (mut why, mut handle) = (vec![0; 4096], std::ptr::null_mut());
    let at: *mut c_char = why.as_mut_ptr();
    // SAFETY: everything is as long as it says.
    let status = unsafe { api::gleaner_open(&raw const options, at, why.len(), &raw mut handle) };
    if status == GLEANER_OK {
        return Ok(Host(handle));
    }
    assert!(handle.is_null(), "outputs are written only on success");
    // SAFETY: the library ends the text with a NUL.
    let why = unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned();
    Err((status, why))
}

/// Parameters that read a fake node, ten times a second and without a warm-up.
pub(crate) fn on<'a>(
    root: &'a [String; 2],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut list = vec![
        ("layout.mount_prefix", root[0].as_str()),
        ("layout.proc_root", root[1].as_str()),
        ("sample.interval", "100ms"),
        ("lend.warm_up", "0s"),
        ("lend.task_warm_up", "0s"),
    ];
    list.extend_from_slice(more);
    list
}

/// Where a fake node is, as parameters want it.
pub(crate) fn root(node: &FakeNode) -> [String; 2] {
    let path = node.path().display();
    [format!("{path}"), format!("{path}/proc")]
}

impl Host {
    pub(crate) fn start(&self) -> Result<(), (Status, String)> {
        let mut why: Vec<c_char> = vec![0; 4096];
        // SAFETY: the buffer is as long as it says.
        let status = unsafe { api::gleaner_start(self.0, why.as_mut_ptr(), why.len()) };
        // SAFETY: zeros, or a text that ends with a NUL.
        let why = unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy().into_owned();
        if status == GLEANER_OK { Ok(()) } else { Err((status, why)) }
    }

    pub(crate) fn push(&self, rows: &[Row]) -> Result<u64, Status> {
        let tasks: Vec<Task> = rows.iter().map(Row::as_task).collect();
        let mut generation = 0;
        let (first, count, size) = (tasks.as_ptr(), tasks.len(), size_of::<Task>());
        // SAFETY: the array is as long as it says, and the ids live.
        let status =
            unsafe { api::gleaner_push_tasks(self.0, first, count, size, &raw mut generation) };
        if status == GLEANER_OK { Ok(generation) } else { Err(status) }
    }

    pub(crate) fn offer(&self) -> Result<Offer, Status> {
        let mut offer = Offer { size: size_of::<Offer>(), ..Offer::default() };
        // SAFETY: the structure is as large as it says.
        let status = unsafe { api::gleaner_read_offer(self.0, &raw mut offer) };
        if status == GLEANER_OK { Ok(offer) } else { Err(status) }
    }

    pub(crate) fn pace(&self) -> Pace {
        let mut pace = Pace { size: size_of::<Pace>(), ..Pace::default() };
        // SAFETY: the structure is as large as it says.
        assert_eq!(unsafe { api::gleaner_read_pace(self.0, &raw mut pace) }, GLEANER_OK);
        pace
    }

    /// Waits for an offer that fits.
    pub(crate) fn offer_when(&self, what: &str, fits: impl Fn(&Offer) -> bool) -> Offer {
        wait_until(what, PATIENCE, || self.offer().ok().filter(&fits))
    }

    pub(crate) fn take(&self) -> Result<Vec<Taken>, Status> {
        let (mut first, mut count) = (std::ptr::null(), 0);
        let size = size_of::<Correction>();
        // SAFETY: there is room for both.
        let status =
            unsafe { api::gleaner_take_corrections(self.0, size, &raw mut first, &raw mut count) };
        if status != GLEANER_OK {
            return Err(status);
        }
        let one = |index| {
            // SAFETY: the library promises that many elements until the next call.
            let row: &Correction = unsafe { &*first.add(index) };
            let reason = copied(row.reason, row.reason_len);
            Taken {
                generation: row.generation,
                index: row.index,
                id: copied(row.id, row.id_len),
                names_container: row.flags == 1,
                reason: String::from_utf8(reason).expect("UTF-8"),
            }
        };
        Ok((0..count).map(one).collect())
    }

    /// Whether the event descriptor is readable now.
    pub(crate) fn is_called(&self) -> bool {
        let mut number = -1;
        // SAFETY: there is room for the number.
        assert_eq!(unsafe { api::gleaner_event_fd(self.0, &raw mut number) }, GLEANER_OK);
        // SAFETY: the handle keeps it open.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let mut list = [rustix::event::PollFd::new(&descriptor, rustix::event::PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut list, Some(&now)).expect("a descriptor") > 0
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        let (mut text, mut length) = (std::ptr::null(), 0);
        // SAFETY: there is room for both.
        let status = unsafe { api::gleaner_read_status(self.0, &raw mut text, &raw mut length) };
        assert_eq!(status, GLEANER_OK);
        serde_json::from_slice(&copied(text, length)).expect("JSON")
    }

    /// All lines that wait.
    pub(crate) fn log(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            // SAFETY: zeros are a value of this structure.
            let mut line: LogLine = unsafe { std::mem::zeroed() };
            line.size = size_of::<LogLine>();
            // SAFETY: the structure is as large as it says.
            if unsafe { api::gleaner_read_log(self.0, &raw mut line) } != GLEANER_OK {
                return lines;
            }
            lines.push(String::from_utf8(copied(line.text, line.text_len)).expect("UTF-8"));
        }
    }

    pub(crate) fn close(self) -> Status {
        let status = api::gleaner_close(self.0);
        std::mem::forget(self);
        status
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        api::gleaner_close(self.0);
    }
}
