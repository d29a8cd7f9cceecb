// SPDX-License-Identifier: Apache-2.0
//! The module's end: connected, greeted, then one exchange a turn.

use crate::frame::{self, Deadline, WireError};
use crate::message::{Correction, Offer, Reply, Request, Role, Table};
use crate::{DEADLINE, VERSION, peer};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// What a turn brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What may be lent; `None` is nothing.
    pub offer: Option<Offer>,
    /// Who is to be ended.
    pub corrections: Vec<Correction>,
}

/// A connection to a daemon that has welcomed us.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects, checks who is there, and greets.
    ///
    /// # Errors
    /// Nobody is there, a stranger is, the version does not fit, or no answer came in time.
    pub fn connect(path: &Path, role: Role) -> Result<Self, WireError> {
        let client = Self { stream: connect(path)? };
        peer::check(&client.stream)?;
        match client.exchange(&Request::Hello { version: VERSION, role })? {
            Reply::Welcome { version } if version >> 16 == VERSION >> 16 => Ok(client),
            Reply::Welcome { version } => Err(WireError::Refused(mismatch(version))),
            Reply::Refused { why } => Err(WireError::Refused(why)),
            Reply::Answer { .. } => Err(WireError::Unexpected),
        }
    }

    /// One turn. After an error the connection is of no use any more.
    ///
    /// # Errors
    /// No answer came in time, or none that belongs here.
    pub fn turn(
        &self,
        table: Option<Table>,
        table_age_ms: u64,
        taken: Vec<String>,
    ) -> Result<Answer, WireError> {
        match self.exchange(&Request::Turn { table, table_age_ms, taken })? {
            Reply::Answer { offer, corrections } => Ok(Answer { offer, corrections }),
            Reply::Refused { why } => Err(WireError::Refused(why)),
            Reply::Welcome { .. } => Err(WireError::Unexpected),
        }
    }

    fn exchange(&self, request: &Request) -> Result<Reply, WireError> {
        let deadline = Deadline::after(DEADLINE);
        frame::write(&self.stream, request, deadline)?;
        frame::read(&self.stream, deadline)
    }
}

/// Connects at once or not at all: to a daemon that hangs, a plain connect would wait for ever once its
/// queue is full.
fn connect(path: &Path) -> std::io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Why two versions do not fit.
pub(crate) fn mismatch(theirs: u32) -> String {
    format!(
        "the other side speaks version {}.{} of the socket's protocol, this side {}.{}: install the same release of both",
        theirs >> 16,
        theirs & 0xffff,
        VERSION >> 16,
        VERSION & 0xffff
    )
}
