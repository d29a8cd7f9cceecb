// SPDX-License-Identifier: Apache-2.0
//! Who is at the other end: root, or the same user as we.

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use std::os::unix::net::UnixStream;

/// Somebody is at the other end who should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Another user.
    #[error("user {found} is at the other end of the socket, not root and not user {own}")]
    Stranger {
        /// Theirs.
        found: u32,
        /// Ours.
        own: u32,
    },
    /// The kernel does not say.
    #[error("the kernel does not say who is at the other end of the socket")]
    Unknown,
}

/// Refuses strangers.
pub(crate) fn check(stream: &UnixStream) -> Result<(), PeerError> {
    let found = socket_peercred(stream).map_err(|_| PeerError::Unknown)?.uid.as_raw();
    judge(found, geteuid().as_raw())
}

fn judge(found: u32, own: u32) -> Result<(), PeerError> {
    if found == 0 || found == own { Ok(()) } else { Err(PeerError::Stranger { found, own }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_oneself_are_let_in() {
        assert_eq!(judge(0, 1000), Ok(()));
        assert_eq!(judge(1000, 1000), Ok(()));
        assert_eq!(judge(1000, 0), Err(PeerError::Stranger { found: 1000, own: 0 }));
        let (one, _other) = UnixStream::pair().expect("a pair");
        assert_eq!(check(&one), Ok(()));
    }
}
