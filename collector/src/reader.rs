// SPDX-License-Identifier: Apache-2.0
//! One read of one small file: over a kept descriptor where the budget allows, else by `openat`.

use crate::budget::{Budget, Slot, Tier};
use crate::health::Trouble;
use crate::parse::{Fault, Parsed, number};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, pread};
use std::ffi::CStr;
use std::path::Path;

/// Longest file that is read whole. The longest real one, `memory.stat` of v2, has under 2 KiB;
/// what fills this buffer is not a kernel file.
const BUFFER: usize = 16 * 1024;

/// How much of an overlong file an error shows.
const EXCERPT: usize = 80;

/// How much of a file is read where only its first line counts (`/proc/stat` grows with CPUs and interrupts).
const HEAD: usize = 512;

/// A file below a directory, and how it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) dir: BorrowedFd<'a>,
    /// Only the beginning is wanted.
    pub(crate) head: bool,
}

/// The buffers, the budget and the notebook that all reads share.
#[derive(Debug)]
pub(crate) struct Reader {
    buffer: Box<[u8]>,
    path: Vec<u8>,
    pub(crate) budget: Budget,
    pub(crate) trouble: Trouble,
}

impl Reader {
    pub(crate) fn new(descriptor_cap: usize) -> Self {
        Self {
            buffer: vec![0; BUFFER].into_boxed_slice(),
            path: Vec::with_capacity(4096),
            budget: Budget::new(descriptor_cap),
            trouble: Trouble::default(),
        }
    }

    /// Reads a file and parses it where it lies. `compose` writes its path below the directory and says
    /// whether to keep its descriptor; it is called only where none is kept.
    ///
    /// A parser's fault comes back with its text still in the buffer: see [`Reader::malformed`].
    pub(crate) fn fetch<T>(
        &mut self,
        request: Request<'_>,
        slot: &mut Slot,
        compose: impl FnOnce(&mut Vec<u8>) -> Tier,
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Result<T, Failure> {
        let size = if request.head { HEAD } else { self.buffer.len() };
        let length = match slot {
            Slot::Kept(fd, _) => match pread(&*fd, &mut self.buffer[..size], 0) {
                Ok(length) => length,
                Err(errno) => {
                    self.budget.close(slot);
                    return Err(Failure::Errno(errno));
                }
            },
            Slot::Closed => self.open(request, slot, size, compose)?,
            Slot::Missing => return Err(Failure::Errno(Errno::NOENT)),
        };
        if length == BUFFER {
            return Err(Failure::Fault(Fault { line: 1, expected: "under 16 KiB" }, EXCERPT));
        }
        parse(&self.buffer[..length]).map_err(|fault| Failure::Fault(fault, length))
    }

    /// Opens and reads; keeps the descriptor where the budget allows.
    fn open(
        &mut self,
        request: Request<'_>,
        slot: &mut Slot,
        size: usize,
        compose: impl FnOnce(&mut Vec<u8>) -> Tier,
    ) -> Result<usize, Failure> {
        self.path.clear();
        let tier = compose(&mut self.path);
        let fd = self.open_composed(request.dir)?;
        let length = pread(&fd, &mut self.buffer[..size], 0)?;
        self.budget.keep(slot, fd, tier);
        Ok(length)
    }

    fn open_composed(&mut self, dir: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
        self.path.push(0);
        let name = CStr::from_bytes_with_nul(&self.path).map_err(|_| Errno::INVAL)?;
        openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())
    }

    /// Reads a file once, keeping nothing. Its path is given in parts.
    pub(crate) fn once<T>(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &[&[u8]],
        parse: impl FnOnce(&[u8]) -> Parsed<T>,
    ) -> Result<T, Failure> {
        let request = Request { dir, head: false };
        let compose = |text: &mut Vec<u8>| {
            path.iter().for_each(|part| text.extend_from_slice(part));
            Tier::Once
        };
        self.fetch(request, &mut Slot::Closed, compose, parse)
    }

    /// Adds the ids of `cgroup.procs`, `tasks` or `cgroup.threads` to `ids`, until there are `most` of
    /// them. Ids of other pid namespaces, which the kernel shows as 0, are left out.
    pub(crate) fn ids(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &[&[u8]],
        most: usize,
        ids: &mut Vec<u32>,
    ) -> Result<(), Errno> {
        self.path.clear();
        path.iter().for_each(|part| self.path.extend_from_slice(part));
        let fd = self.open_composed(dir)?;
        let mut offset = 0_usize;
        while ids.len() < most {
            let at = u64::try_from(offset).unwrap_or(u64::MAX);
            let length = pread(&fd, &mut self.buffer[..], at)?;
            let text = &self.buffer[..length];
            // Only whole lines; the rest is read again with the next piece.
            let Some(end) = memchr::memrchr(b'\n', text) else { break };
            let rows = text[..end].split(|byte| *byte == b'\n');
            let found = rows.filter_map(number).filter_map(|id| u32::try_from(id).ok());
            ids.extend(found.filter(|id| *id > 0).take(most - ids.len()));
            offset += end + 1;
        }
        Ok(())
    }

    /// Notes a parser's fault in the file at `path`.
    pub(crate) fn malformed(&mut self, fault: Fault, length: usize, path: &Path) {
        let error = fault.in_file(path, &self.buffer[..length]);
        self.trouble.malformed(&error);
    }

    /// The error of a file without which the whole reading fails.
    pub(crate) fn fatal(&self, failure: Failure, path: &Path) -> crate::Error {
        match failure {
            Failure::Errno(errno) => crate::Error::unreadable(path, errno),
            Failure::Fault(fault, length) => fault.in_file(path, &self.buffer[..length]),
        }
    }
}

/// Why a file gave no value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// It could not be read.
    Errno(Errno),
    /// It could not be understood; so many bytes of it are in the buffer.
    Fault(Fault, usize),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}
