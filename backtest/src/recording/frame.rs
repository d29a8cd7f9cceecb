// SPDX-License-Identifier: Apache-2.0
//! Framed blocks: sync bytes, kind, length and checksum before each payload, so that what is torn or damaged is known.
//!
//! ```text
//! file  = "GLNRREC" version  block*
//! block = "\xf7GB\n"  kind u8  length u32  crc32 u32  payload        (little endian)
//! ```
//!
//! The checksum covers kind, length and payload.

/// The format this program writes, and the newest it reads.
pub(super) const VERSION: u8 = 1;
/// The first bytes of a file, the version after them.
pub(super) const MAGIC: &[u8; 7] = b"GLNRREC";
/// Bytes before the first block.
pub(super) const FILE_HEAD: usize = MAGIC.len() + 1;

/// The first bytes of a block. 0xf7 is not in UTF-8 text, `\n` breaks under line-end conversion.
const SYNC: &[u8; 4] = b"\xf7GB\n";
/// Bytes of a block before its payload.
const BLOCK_HEAD: usize = SYNC.len() + 1 + 4 + 4;
/// Most bytes that a payload may unfold to: a guard against damage that a checksum cannot see.
pub(super) const MAX_UNFOLDED: usize = 256 << 20;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Who records, and which columns: the first block of a file and of each continuation.
    Head,
    /// Readings that build on no earlier block.
    Key,
    /// Readings that continue from the block before.
    Delta,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Head => b'H',
            Self::Key => b'K',
            Self::Delta => b'D',
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            b'H' => Some(Self::Head),
            b'K' => Some(Self::Key),
            b'D' => Some(Self::Delta),
            _ => None,
        }
    }
}

/// The first bytes of a file.
pub(super) fn file_head() -> [u8; FILE_HEAD] {
    let mut head = [VERSION; FILE_HEAD];
    head[..MAGIC.len()].copy_from_slice(MAGIC);
    head
}

/// Appends one block.
pub(super) fn put(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(SYNC);
    out.push(kind.byte());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(kind.byte(), length, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

fn checksum(kind: u8, length: u32, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[kind]);
    crc.update(&length.to_le_bytes());
    crc.update(payload);
    crc.finalize()
}

/// What stands at a place in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole block, and where the next one begins.
    Block(Kind, &'a [u8], usize),
    /// Nothing: the file ends here.
    End,
    /// Not a block, or one that is cut short or whose checksum differs; and where the next one may begin.
    Damage(usize),
}

/// The block that begins at `at`.
pub(super) fn at(bytes: &[u8], at: usize) -> Found<'_> {
    let here = bytes.get(at..).unwrap_or_default();
    if here.is_empty() {
        return Found::End;
    }
    whole(here).map_or_else(
        || Found::Damage(at + resync(here)),
        |(kind, payload)| Found::Block(kind, payload, at + BLOCK_HEAD + payload.len()),
    )
}

fn whole(here: &[u8]) -> Option<(Kind, &[u8])> {
    let (kind, rest) = here.strip_prefix(SYNC)?.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let payload = rest.get(..length as usize)?;
    let intact = checksum(*kind, length, payload) == u32::from_le_bytes(*crc);
    Some((Kind::of(*kind).filter(|_| intact)?, payload))
}

/// Where in these bytes, after the first one, a block may begin; their end where none does.
fn resync(bytes: &[u8]) -> usize {
    let found = bytes.windows(SYNC.len()).skip(1).position(|w| w == SYNC);
    found.map_or(bytes.len(), |at| at + 1)
}
