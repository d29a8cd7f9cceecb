// SPDX-License-Identifier: Apache-2.0
//! Reads a recording back: all its files, oldest first, over torn tails and damaged blocks.

use super::RecordingError;
use super::decode::{Decoded, Decoder, Head};
use super::event::Recorded;
use super::frame::{self, FILE_HEAD, Found, Kind, MAGIC, VERSION};
use super::writer::numbered;
use gleaner_estimator::units::Timestamp;
use std::collections::VecDeque;
use std::fs;
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
    /// Files not opened yet, oldest first.
    files: VecDeque<PathBuf>,
    file: PathBuf,
    bytes: Vec<u8>,
    at: usize,
    decoder: Option<Decoder>,
    recorder: Option<u64>,
    /// Blocks are skipped until one that continues nothing.
    lost: bool,
    starts: bool,
    ready: VecDeque<Decoded>,
    damage: Vec<Damage>,
}

impl RecordingReader {
    /// Opens `PATH` and the files rotated from it (`PATH.1`, …), which come first.
    ///
    /// # Errors
    /// A file cannot be read or is not a recording.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let rotated = (1..).map(|n| numbered(path, n)).take_while(|p| p.exists());
        let mut files: VecDeque<PathBuf> = rotated.collect();
        files.make_contiguous().reverse();
        files.push_back(path.to_owned());
        let mut reader = Self {
            files,
            file: PathBuf::new(),
            bytes: Vec::new(),
            at: 0,
            decoder: None,
            recorder: None,
            lost: true,
            starts: false,
            ready: VecDeque::new(),
            damage: Vec::new(),
        };
        reader.next_file()?;
        Ok(reader)
    }

    /// What could not be read so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Loads the next file; false where there is none.
    fn next_file(&mut self) -> Result<bool, RecordingError> {
        let Some(file) = self.files.pop_front() else { return Ok(false) };
        let io = |source| RecordingError::Io { file: file.clone(), source };
        self.bytes = fs::read(&file).map_err(io)?;
        check_head(&file, &self.bytes)?;
        self.file = file;
        self.at = FILE_HEAD;
        self.decoder = None;
        self.lost = true;
        Ok(true)
    }

    /// Decodes the next block; false at the end of the recording.
    fn next_block(&mut self) -> Result<bool, RecordingError> {
        let bytes = std::mem::take(&mut self.bytes);
        let found = frame::at(&bytes, self.at);
        match found {
            Found::End => return self.next_file(),
            Found::Damage(resume) => {
                self.skip(resume, resume == bytes.len());
                self.lost = true;
            }
            Found::Block(kind, payload, end) => {
                if !self.take(kind, payload) {
                    self.skip(end, false);
                    self.lost = true;
                }
                self.at = end;
            }
        }
        self.bytes = bytes;
        Ok(true)
    }

    /// Takes a whole block in; false where it makes no sense.
    fn take(&mut self, kind: Kind, payload: &[u8]) -> bool {
        if kind == Kind::Head {
            let Ok(head) = serde_json::from_slice::<Head>(payload) else { return false };
            self.starts |= self.recorder.is_none_or(|recorder| recorder != head.recorder);
            self.recorder = Some(head.recorder);
            self.decoder = Some(Decoder::new(&head));
            self.lost = true;
            return true;
        }
        let Some(decoder) = &mut self.decoder else { return false };
        match kind {
            Kind::Key => decoder.start_over(),
            // What it continues was lost: not damage again, only not readable.
            Kind::Delta if self.lost => return false,
            Kind::Delta | Kind::Head => {}
        }
        let Some(events) = decoder.block(payload) else { return false };
        self.lost = false;
        self.ready.extend(events);
        true
    }

    /// Notes damage from here to `resume`, joined to what was just skipped.
    fn skip(&mut self, resume: usize, torn: bool) {
        let (offset, bytes) = (self.at as u64, (resume - self.at) as u64);
        self.at = resume;
        match self.damage.last_mut() {
            Some(last) if last.file == self.file && last.offset + last.bytes == offset => {
                last.bytes += bytes;
                last.torn = torn;
            }
            Some(_) | None => {
                self.damage.push(Damage { file: self.file.clone(), offset, bytes, torn });
            }
        }
    }
}

impl Iterator for RecordingReader {
    type Item = Result<Recorded, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(Decoded { at, wall_ms, told }) = self.ready.pop_front() {
                let starts = std::mem::take(&mut self.starts);
                return Some(Ok(Recorded { starts, at: Timestamp(at), wall_ms, told }));
            }
            match self.next_block() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.files.clear();
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
