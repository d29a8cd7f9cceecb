// SPDX-License-Identifier: Apache-2.0
//! Learned state of one predictor as bytes. Hosts write and read the file.
//!
//! The body is the specification and the predictor in the postcard format (little-endian, floats bit for bit), so
//! a restored predictor continues exactly where the saved one stopped.

use super::spec::PredictorSpec;
use crate::envelope::{Envelope, EnvelopeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

const ENVELOPE: Envelope = Envelope { magic: b"GLPS", version: 2 };

/// Why a saved state cannot be used. In each case the remedy is to start cold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a state of ours, of another version, or damaged.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The checksum fits and the content does not: a defect of the writer.
    #[error("the predictor's state has a valid checksum but does not fit together")]
    Malformed,
    /// Learned under other settings.
    #[error(
        "the state was learned by predictor `{saved}` with other settings than those of `{asked}` now"
    )]
    OtherSettings {
        /// The kind that was saved.
        saved: String,
        /// The kind that is asked for.
        asked: String,
    },
}

/// Bytes of a predictor under its specification.
pub(super) fn encode(spec: &PredictorSpec, predictor: &impl Serialize) -> Vec<u8> {
    // Serialising to memory fails only for maps and sequences of unknown length; state has neither.
    let bytes = postcard::to_extend(&(spec, predictor), ENVELOPE.begin());
    let mut bytes =
        bytes.expect("state has only sequences of known length, which always serialise");
    ENVELOPE.seal(&mut bytes);
    bytes
}

/// Checks the envelope; returns the specification it was saved under, and the predictor's own bytes.
pub(super) fn open(bytes: &[u8]) -> Result<(PredictorSpec, &[u8]), StateError> {
    postcard::take_from_bytes(ENVELOPE.open(bytes)?).map_err(|_| StateError::Malformed)
}

/// Reads a predictor; every byte must be used.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, StateError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(StateError::Malformed),
    }
}
