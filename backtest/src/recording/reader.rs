// SPDX-License-Identifier: Apache-2.0
//! Reads a recording back: all its files, oldest first, over torn tails and damaged blocks.

use super::RecordingError;
use super::decode::{Decoded, Decoder, Head};
use super::event::{Recorded, Told};
use super::frame::{self, FILE_HEAD, Found, Kind, MAGIC, VERSION};
use super::writer::numbered;
use gleaner_estimator::units::Timestamp;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A part of a recording that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where it begins, bytes.
    pub offset: u64,
    /// Bytes that were skipped.
    pub bytes: u64,
    /// Whether the file ends there: what a crash leaves.
    pub torn: bool,
}

/// An iterator over the events of a recording.
pub struct RecordingReader {
    /// Oldest first.
    pieces: Vec<Piece>,
    /// The piece that is read; one past the last at the end.
    piece: usize,
    bytes: Vec<u8>,
    at: usize,
    state: State,
    ready: VecDeque<Decoded>,
    damage: Vec<Damage>,
    /// The furthest piece and byte that was looked at: damage is noted once, however often it is read again.
    furthest: (usize, usize),
}

/// One of the files.
struct Piece {
    file: PathBuf,
    /// Which file it was when the recording was opened: a recorder that rotates meanwhile moves them on.
    inode: u64,
    bytes: u64,
}

/// What reading goes on from.
#[derive(Clone)]
struct State {
    decoder: Option<Decoder>,
    recorder: Option<u64>,
    /// Blocks are skipped until one that continues nothing.
    lost: bool,
    starts: bool,
}

/// A place between two blocks of a recording, to which its reader can go back.
#[derive(Clone)]
pub struct Place {
    piece: usize,
    at: usize,
    state: State,
}

impl RecordingReader {
    /// Opens `PATH` and the files rotated from it (`PATH.1`, …), which come first.
    ///
    /// # Errors
    /// One of them cannot be read or is not a recording.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let rotated = (1..).map(|n| numbered(path, n)).take_while(|p| p.exists());
        let mut files: Vec<PathBuf> = rotated.collect();
        files.reverse();
        files.push(path.to_owned());
        let pieces: Result<Vec<Piece>, RecordingError> = files.into_iter().map(Piece::of).collect();
        let mut reader = Self {
            pieces: pieces?,
            piece: 0,
            bytes: Vec::new(),
            at: 0,
            state: State { decoder: None, recorder: None, lost: true, starts: false },
            ready: VecDeque::new(),
            damage: Vec::new(),
            furthest: (0, 0),
        };
        reader.begin_piece()?;
        Ok(reader)
    }

    /// What could not be read so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How much of the recording's bytes lies behind, in hundredths.
    #[must_use]
    pub fn progress(&self) -> u8 {
        let all: u64 = self.pieces.iter().map(|piece| piece.bytes).sum();
        let behind: u64 = self.pieces[..self.piece].iter().map(|piece| piece.bytes).sum();
        let hundredths = (behind + self.at as u64).saturating_mul(100) / all.max(1);
        u8::try_from(hundredths.min(100)).unwrap_or(100)
    }

    /// What comes next, where the open block has more.
    #[must_use]
    pub fn peek(&self) -> Option<&Told> {
        self.ready.front().map(|next| &next.told)
    }

    /// The place here; `None` within a block.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let (piece, at) = (self.piece, self.at);
        self.ready.is_empty().then(|| Place { piece, at, state: self.state.clone() })
    }

    /// Goes on from a place of this recording.
    ///
    /// # Errors
    /// Its file cannot be read any more, or is another by now.
    pub fn go_to(&mut self, place: &Place) -> Result<(), RecordingError> {
        if self.piece != place.piece {
            self.piece = place.piece;
            self.load()?;
        }
        self.at = place.at;
        self.state = place.state.clone();
        self.ready.clear();
        Ok(())
    }

    /// Reads the piece that is to be read next; nothing at the end.
    fn load(&mut self) -> Result<(), RecordingError> {
        self.bytes = match self.pieces.get(self.piece) {
            Some(piece) => piece.read()?,
            None => Vec::new(),
        };
        Ok(())
    }

    /// Begins a piece; false where there is none.
    fn begin_piece(&mut self) -> Result<bool, RecordingError> {
        self.load()?;
        if self.piece == self.pieces.len() {
            return Ok(false);
        }
        self.at = FILE_HEAD;
        self.state.decoder = None;
        self.state.lost = true;
        Ok(true)
    }

    /// Decodes the next block; false at the end of the recording.
    fn next_block(&mut self) -> Result<bool, RecordingError> {
        if self.piece == self.pieces.len() {
            return Ok(false);
        }
        let bytes = std::mem::take(&mut self.bytes);
        let found = frame::at(&bytes, self.at);
        match found {
            Found::End => {
                (self.piece, self.at) = (self.piece + 1, 0);
                return self.begin_piece();
            }
            Found::Damage(resume) => {
                self.skip(resume, resume == bytes.len());
                self.state.lost = true;
            }
            Found::Block(kind, payload, end) => {
                if !self.take(kind, payload) {
                    self.skip(end, false);
                    self.state.lost = true;
                }
                self.at = end;
            }
        }
        self.furthest = self.furthest.max((self.piece, self.at));
        self.bytes = bytes;
        Ok(true)
    }

    /// Takes a whole block in; false where it makes no sense.
    fn take(&mut self, kind: Kind, payload: &[u8]) -> bool {
        let state = &mut self.state;
        if kind == Kind::Head {
            let Ok(head) = serde_json::from_slice::<Head>(payload) else { return false };
            state.starts |= state.recorder.is_none_or(|recorder| recorder != head.recorder);
            state.recorder = Some(head.recorder);
            state.decoder = Some(Decoder::new(&head));
            state.lost = true;
            return true;
        }
        let Some(decoder) = &mut state.decoder else { return false };
        match kind {
            Kind::Key => decoder.start_over(),
            // What it continues was lost: not damage again, only not readable.
            Kind::Delta if state.lost => return false,
            Kind::Delta | Kind::Head => {}
        }
        let Some(events) = decoder.block(payload) else { return false };
        state.lost = false;
        self.ready.extend(events);
        true
    }

    /// Notes damage from here to `resume`, joined to what was just skipped.
    fn skip(&mut self, resume: usize, torn: bool) {
        let (offset, bytes) = (self.at as u64, (resume - self.at) as u64);
        let known = (self.piece, self.at) < self.furthest;
        self.at = resume;
        let file = &self.pieces[self.piece].file;
        match self.damage.last_mut() {
            _ if known => {}
            Some(last) if last.file == *file && last.offset + last.bytes == offset => {
                last.bytes += bytes;
                last.torn = torn;
            }
            Some(_) | None => {
                self.damage.push(Damage { file: file.clone(), offset, bytes, torn });
            }
        }
    }
}

impl Piece {
    /// The file at this path, if it begins like a recording.
    fn of(file: PathBuf) -> Result<Self, RecordingError> {
        let io = |source| RecordingError::Io { file: file.clone(), source };
        let mut open = File::open(&file).map_err(io)?;
        let facts = open.metadata().map_err(io)?;
        let mut head = Vec::new();
        open.by_ref().take(FILE_HEAD as u64).read_to_end(&mut head).map_err(io)?;
        check_head(&file, &head)?;
        Ok(Self { file, inode: facts.ino(), bytes: facts.len() })
    }

    fn read(&self) -> Result<Vec<u8>, RecordingError> {
        let io = |source| RecordingError::Io { file: self.file.clone(), source };
        let mut open = File::open(&self.file).map_err(io)?;
        if open.metadata().map_err(io)?.ino() != self.inode {
            let why = "it was rotated while it was read; open the recording again";
            return Err(io(io::Error::other(why)));
        }
        let mut bytes = Vec::new();
        open.read_to_end(&mut bytes).map_err(io)?;
        Ok(bytes)
    }
}

impl Iterator for RecordingReader {
    type Item = Result<Recorded, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(Decoded { at, wall_ms, told }) = self.ready.pop_front() {
                let starts = std::mem::take(&mut self.state.starts);
                return Some(Ok(Recorded { starts, at: Timestamp(at), wall_ms, told }));
            }
            match self.next_block() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // After an error nothing more is read.
                    self.piece = self.pieces.len();
                    self.bytes.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Refuses what is no recording, or one of a later format.
pub(super) fn check_head(file: &Path, bytes: &[u8]) -> Result<(), RecordingError> {
    let file = file.to_owned();
    match bytes.strip_prefix(MAGIC) {
        Some([version, ..]) if *version <= VERSION => Ok(()),
        Some([version, ..]) => Err(RecordingError::TooNew { file, version: *version }),
        Some([]) | None => {
            let found = bytes[..bytes.len().min(FILE_HEAD)].to_vec();
            Err(RecordingError::NotARecording { file, found })
        }
    }
}
