// SPDX-License-Identifier: Apache-2.0
//! Learned state as bytes: `GLPS`, version, body, CRC-32 of all before it. Hosts write and read the file.
//!
//! The body is the specification and the predictor in the postcard format (little-endian, floats bit for bit), so
//! a restored predictor continues exactly where the saved one stopped.

use super::spec::PredictorSpec;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &[u8; 4] = b"GLPS";
/// Raised whenever the body changes its meaning; older states are refused, and learning starts anew.
const VERSION: u16 = 1;
const HEAD: usize = MAGIC.len() + 2;
const TAIL: usize = 4;

/// Why a saved state cannot be used. In each case the remedy is to start cold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a state of ours.
    #[error("{0} bytes that do not begin as a predictor's state does (`GLPS`): not such a file, or cut off")]
    NotAState(usize),
    /// Written by another version.
    #[error("the predictor's state has version {found}, this program reads version {expected}")]
    Version {
        /// In the file.
        found: u16,
        /// What we read.
        expected: u16,
    },
    /// Damaged.
    #[error("the predictor's state is damaged: its checksum is {found:08x}, its bytes give {computed:08x}")]
    Checksum {
        /// In the file.
        found: u32,
        /// Of the bytes.
        computed: u32,
    },
    /// The checksum fits and the content does not: a defect of the writer.
    #[error("the predictor's state has a valid checksum but does not fit together")]
    Malformed,
    /// Learned under other settings.
    #[error("the state was learned by predictor `{saved}` with other settings than those of `{asked}` now")]
    OtherSettings {
        /// The kind that was saved.
        saved: String,
        /// The kind that is asked for.
        asked: String,
    },
}

/// Bytes of a predictor under its specification.
pub(super) fn encode(spec: &PredictorSpec, predictor: &impl Serialize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    // Serialising to memory fails only for maps and sequences of unknown length; state has neither.
    let bytes = postcard::to_extend(&(spec, predictor), bytes);
    let mut bytes = bytes.expect("state has only sequences of known length, which always serialise");
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Checks the envelope; returns the specification it was saved under, and the predictor's own bytes.
pub(super) fn open(bytes: &[u8]) -> Result<(PredictorSpec, &[u8]), StateError> {
    if bytes.len() < HEAD + TAIL || !bytes.starts_with(MAGIC) {
        return Err(StateError::NotAState(bytes.len()));
    }
    let found = u16::from_le_bytes([bytes[4], bytes[5]]);
    if found != VERSION {
        return Err(StateError::Version { found, expected: VERSION });
    }
    let (content, tail) = bytes.split_at(bytes.len() - TAIL);
    let found = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    let computed = crc32fast::hash(content);
    if found != computed {
        return Err(StateError::Checksum { found, computed });
    }
    postcard::take_from_bytes(&content[HEAD..]).map_err(|_| StateError::Malformed)
}

/// Reads a predictor; every byte must be used.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, StateError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(StateError::Malformed),
    }
}
