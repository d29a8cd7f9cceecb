// SPDX-License-Identifier: Apache-2.0
//! Saying that a test could not run here, so that it is counted and not taken for one that passed.

use std::fs::OpenOptions;
use std::io::Write;

/// Names the file that collects the skipped; `tests/run` sets it, and counts what it finds there.
pub const FILE_VARIABLE: &str = "GLEANER_SKIPPED";

/// Says that the calling test is skipped and why; the test then returns.
///
/// A passing test's output is usually not shown, therefore it is written to the file as well:
/// `let Some(x) = look_for() else { return skip("x is not installed") };`
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let program = std::env::args().next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    skip_as(&format!("{program} {}", thread.name().unwrap_or_default()), why);
}

/// Like [`skip`], on behalf of a test that cannot speak for itself.
pub fn skip_as(test: &str, why: &str) {
    eprintln!("SKIPPED: {why}");
    record(&format!("{why}\t{test}\n"));
}

/// Appends lines made by [`skip`], as one write: many tests append at the same time.
///
/// # Panics
///
/// If the file cannot be written: a skipped test that is not counted would look like a passed one.
pub fn record(lines: &str) {
    let Some(path) = std::env::var_os(FILE_VARIABLE).filter(|_| !lines.is_empty()) else { return };
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(lines.as_bytes()));
    if let Err(error) = written {
        panic!("{}: {error}: cannot record {lines:?}", path.display());
    }
}
