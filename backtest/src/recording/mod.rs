// SPDX-License-Identifier: Apache-2.0
//! Recordings.
/// x
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// x
    #[error("x")] X,
}
