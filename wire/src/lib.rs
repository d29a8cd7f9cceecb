// SPDX-License-Identifier: Apache-2.0
//! A thin module and the daemon that decides for it, over a unix socket on the same node.
//!
//! ```text
//! module (client)                     daemon (server)
//!   Hello { version, role }      ──►
//!                                ◄──  Welcome { version } | Refused { why }
//!   Turn { table?, taken }       ──►  Desk: table(), taken()
//!                                ◄──  Answer { offer?, corrections }   Desk: offer(), correct()
//! ```
//!
//! Frames are a length and JSON; members that one side does not know are passed over. Each side checks
//! who the other is, and waits for no answer longer than [`DEADLINE`]. An offer says how long it
//! holds: a daemon that hangs offers nothing.

pub mod client;
mod desk;
mod frame;
pub mod message;
mod peer;
pub mod server;

pub use desk::Desk;
pub use frame::WireError;
pub use peer::PeerError;

use std::time::Duration;

/// Grows in its upper 16 bits when something that exists changes, in the lower when something is added.
pub const VERSION: u32 = 1 << 16;
/// No answer is waited for longer.
pub const DEADLINE: Duration = Duration::from_secs(1);
/// A longer frame is refused: 10,000 tasks are some 3 MiB.
pub const LONGEST: usize = 16 << 20;
