// SPDX-License-Identifier: Apache-2.0
//! Bytes that are kept between two runs: a magic word, a version, the body, and a CRC-32 of all before it.

const VERSION_LEN: usize = 2;
const CRC_LEN: usize = 4;

/// Why bytes that were kept cannot be used. In each case the remedy is to start cold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Something else, or cut off.
    #[error("{len} bytes that do not begin with `{magic}`: not such a file, or cut off")]
    NotOurs {
        /// Bytes there are.
        len: usize,
        /// What they should begin with.
        magic: String,
    },
    /// Written by another version.
    #[error("the kept state has version {found}, this program reads version {expected}")]
    Version {
        /// In the bytes.
        found: u16,
        /// What we read.
        expected: u16,
    },
    /// Damaged.
    #[error(
        "the kept state is damaged: its checksum is {found:08x}, its bytes give {computed:08x}"
    )]
    Checksum {
        /// In the bytes.
        found: u32,
        /// Of the bytes.
        computed: u32,
    },
}

/// What one kind of state begins with.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// Four letters.
    pub magic: &'static [u8; 4],
    /// Raised whenever the body changes its meaning; older states are refused, and learning starts anew.
    pub version: u16,
}

impl Envelope {
    /// The bytes that a body is appended to.
    #[must_use]
    pub fn begin(self) -> Vec<u8> {
        let mut bytes = self.magic.to_vec();
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes
    }

    /// Ends bytes that began with [`Envelope::begin`].
    pub fn seal(self, bytes: &mut Vec<u8>) {
        let crc = crc32fast::hash(bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
    }

    /// The body.
    ///
    /// # Errors
    /// Not ours, cut off, of another version, or damaged.
    pub fn open(self, bytes: &[u8]) -> Result<&[u8], EnvelopeError> {
        let head = self.magic.len() + VERSION_LEN;
        if bytes.len() < head + CRC_LEN || !bytes.starts_with(self.magic) {
            let magic = String::from_utf8_lossy(self.magic).into_owned();
            return Err(EnvelopeError::NotOurs { len: bytes.len(), magic });
        }
        let found = u16::from_le_bytes([bytes[4], bytes[5]]);
        if found != self.version {
            return Err(EnvelopeError::Version { found, expected: self.version });
        }
        let (content, tail) = bytes.split_at(bytes.len() - CRC_LEN);
        let found = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
        let computed = crc32fast::hash(content);
        match found == computed {
            true => Ok(&content[head..]),
            false => Err(EnvelopeError::Checksum { found, computed }),
        }
    }
}
