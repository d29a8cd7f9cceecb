// SPDX-License-Identifier: Apache-2.0
//! Finding the programs that tests start: our own, and those that `tests/run` fetches.

use crate::skip;
use std::io;
use std::path::{Path, PathBuf};

/// A program of this workspace, from the directory that the running test was built into.
///
/// Cargo builds the programs of the tests' own package before its tests, but not those of other packages:
/// `cargo build --workspace` does, and `tests/run` begins with it.
///
/// # Errors
///
/// If it is not there; the error says how to build it.
pub fn built(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // A test lies in `deps/`, the programs one above.
    let places = own.ancestors().skip(1).take(2).map(|directory| directory.join(name));
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("no {name} near {}: run cargo build --workspace", own.display());
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

/// A program of the system, from `PATH` or from where `tests/run` unpacks packages.
#[must_use]
pub fn installed(name: &str) -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/usr/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([unpacked]);
    places.map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Like [`installed`], and says that the calling test is skipped if there is none.
#[must_use]
pub fn installed_or_skip(name: &str) -> Option<PathBuf> {
    let found = installed(name);
    if found.is_none() {
        skip(&format!("{name} is not installed (tests/run installs it)"));
    }
    found
}
