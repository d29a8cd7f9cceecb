// SPDX-License-Identifier: Apache-2.0
//! Frames: four bytes of length, then JSON. Reading and writing end at a deadline, however slowly bytes trickle.

use crate::LONGEST;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Why nothing was understood.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The socket.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Nothing, or not all, came in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The other side is gone.
    #[error("the other side has closed the connection")]
    Closed,
    /// A frame that is longer than any may be.
    #[error("a frame of {0} bytes, more than {LONGEST}")]
    Long(usize),
    /// No such message.
    #[error("not understood: {0}")]
    Malformed(serde_json::Error),
    /// A message that does not belong here.
    #[error("an answer that does not belong to what was asked")]
    Unexpected,
    /// The daemon refuses this module.
    #[error("refused: {0}")]
    Refused(String),
    /// Somebody else is at the other end.
    #[error(transparent)]
    Peer(#[from] crate::PeerError),
}

/// A moment until which one exchange may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    whole: Duration,
}

impl Deadline {
    pub(crate) fn after(whole: Duration) -> Self {
        Self { at: Instant::now() + whole, whole }
    }

    /// What is left; an error once nothing is.
    fn left(&self) -> Result<Duration, WireError> {
        let left = self.at.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(WireError::Late(self.whole)) } else { Ok(left) }
    }

    fn fault(&self, error: io::Error) -> WireError {
        let late = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
        let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof];
        if late.contains(&error.kind()) {
            WireError::Late(self.whole)
        } else if gone.contains(&error.kind()) {
            WireError::Closed
        } else {
            WireError::Io(error)
        }
    }
}

/// Writes one message.
pub(crate) fn write(
    mut stream: &UnixStream,
    message: &impl Serialize,
    deadline: Deadline,
) -> Result<(), WireError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).map_err(WireError::Malformed)?;
    let length = frame.len() - 4;
    let short = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    let short = short.ok_or(WireError::Long(length))?;
    frame[..4].copy_from_slice(&short.to_le_bytes());
    let mut rest = frame.as_slice();
    while !rest.is_empty() {
        stream.set_write_timeout(Some(deadline.left()?))?;
        match stream.write(rest) {
            Ok(0) => return Err(WireError::Closed),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(deadline.fault(error)),
        }
    }
    Ok(())
}

/// Reads one message.
pub(crate) fn read<T: DeserializeOwned>(
    stream: &UnixStream,
    deadline: Deadline,
) -> Result<T, WireError> {
    let mut length = [0; 4];
    fill(stream, &mut length, deadline)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(WireError::Long(length));
    }
    let mut body = vec![0; length];
    fill(stream, &mut body, deadline)?;
    serde_json::from_slice(&body).map_err(WireError::Malformed)
}

fn fill(mut stream: &UnixStream, mut rest: &mut [u8], deadline: Deadline) -> Result<(), WireError> {
    while !rest.is_empty() {
        stream.set_read_timeout(Some(deadline.left()?))?;
        match stream.read(rest) {
            Ok(0) => return Err(WireError::Closed),
            Ok(read) => rest = &mut rest[read..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(deadline.fault(error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_and_nonsense_does_not() {
        let (one, other) = UnixStream::pair().expect("a pair");
        let deadline = || Deadline::after(Duration::from_secs(10));
        write(&one, &vec![1, 2], deadline()).expect("written");
        assert_eq!(read::<Vec<u8>>(&other, deadline()).expect("read"), [1, 2]);
        (&one).write_all(&u32::MAX.to_le_bytes()).expect("written");
        assert!(matches!(read::<Vec<u8>>(&other, deadline()), Err(WireError::Long(_))));
        let soon = Deadline::after(Duration::from_millis(5));
        assert!(matches!(read::<Vec<u8>>(&other, soon), Err(WireError::Late(_))));
        (&one).write_all(&[2, 0, 0, 0, b'{', b'x']).expect("written");
        assert!(matches!(read::<Vec<u8>>(&other, deadline()), Err(WireError::Malformed(_))));
        drop(one);
        assert!(matches!(read::<Vec<u8>>(&other, deadline()), Err(WireError::Closed)));
    }
}
