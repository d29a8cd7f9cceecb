// SPDX-License-Identifier: Apache-2.0
//! Recordings: every reading of a node, so that what happened can be replayed, backtested and attached to a bug report.
//!
//! A recording is an append-only file of framed blocks (`frame`). Each block holds the events of about
//! ten seconds in columns of differences, compressed (`encode`, `layer`, `columns`). A crash of the recorder loses
//! the block that was being gathered; a crash of the machine also what the kernel had not written yet. A torn
//! tail is cut off when the file is opened again, a damaged block is skipped up to the next one that needs no
//! predecessor. Files rotate by size and the oldest is deleted, so a recording is bounded.
//!
//! What is recorded is what an engine is told ([`Event`]), nothing less: told again ([`Recorded::tell`]) it
//! decides the bytes of the live audit. A recorder without an engine records samples only. Names can be replaced by keyed hashes ([`Pseudonyms`]); the key is never written.

mod columns;
mod decode;
mod encode;
mod event;
mod export;
mod frame;
mod hash;
mod layer;
mod reader;
mod rows;
mod varint;
mod writer;

pub use event::{Event, Recorded, Told};
pub use export::{ExportError, Exported, export};
pub use hash::Pseudonyms;
pub use reader::{Damage, Place, RecordingReader};
pub(crate) use rows::{Row, gather};
pub use writer::{Recorder, RecorderOptions};

use std::io;
use std::path::PathBuf;

/// Why a recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be opened, read, written or renamed.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not begin like a recording; it is left as it is.
    #[error("{}: not a recording of `gleaner record`: its first bytes are {found:02x?}", file.display())]
    NotARecording {
        /// The file.
        file: PathBuf,
        /// The first bytes.
        found: Vec<u8>,
    },
    /// The format is newer than this program.
    #[error("{}: recorded in format {version}, this program reads up to {}; use a newer gleaner", file.display(), frame::VERSION)]
    TooNew {
        /// The file.
        file: PathBuf,
        /// Its format.
        version: u8,
    },
}
