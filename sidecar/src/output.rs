// SPDX-License-Identifier: Apache-2.0
//! Standard output: whole lines at once, and a reader who has gone away is the end and no failure.

use crate::exit::{Exit, Failure};
use std::io::{ErrorKind, IsTerminal as _, Write as _, stdout};

/// Whether anybody still reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// What was written went out.
    Present,
    /// The pipe is closed (`gleaner run --json | head`).
    Gone,
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    stdout().is_terminal()
}

/// Columns of the terminal, where that is known.
pub(crate) fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Writes a text and flushes it.
pub(crate) fn print(text: &str) -> Result<Reader, Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::Present),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(e) => Err(Failure::new(Exit::Io, format_args!("cannot write to standard output: {e}"))),
    }
}
