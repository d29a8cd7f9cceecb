// SPDX-License-Identifier: Apache-2.0
//! Reading and writing cgroup files with errors that name the file.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const NODEV: i32 = Errno::NODEV.raw_os_error();

/// A directory and all below it, the deepest first; empty if it does not exist.
pub(super) fn tree(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(tree(&entry.path()));
        }
    }
    if top.exists() {
        found.push(top.to_owned());
    }
    found
}

pub(super) fn processes_of(directory: &Path) -> io::Result<Vec<u32>> {
    match fs::read_to_string(directory.join("cgroup.procs")) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        // Gone between listing and opening, or between opening and reading.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) if error.raw_os_error() == Some(NODEV) => Ok(Vec::new()),
        Err(error) => Err(at(directory, &error)),
    }
}

/// One that is already gone is as good as killed.
pub(super) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

pub(super) fn write(path: &Path, value: &str) -> io::Result<()> {
    fs::write(path, value).map_err(|error| {
        io::Error::new(error.kind(), format!("{}: writing {value:?}: {error}", path.display()))
    })
}

pub(super) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

pub(super) fn malformed(file: &str, text: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{file}: unexpected content {text:?}"))
}
