// SPDX-License-Identifier: Apache-2.0
//! The recorder: gathers events, appends blocks, rotates files.

use super::RecordingError;
use super::decode::Head;
use super::encode::Encoder;
use super::event::Event;
use super::frame::{self, FILE_HEAD, Found, Kind};
use super::hash::Pseudonyms;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Span;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How a recording is kept.
#[derive(Clone)]
pub struct RecorderOptions {
    /// A file is closed and a new one begun when it has this many bytes; exceeded by at most one block.
    pub max_bytes: u64,
    /// Closed files that are kept beside the open one; the oldest is deleted.
    pub keep: u32,
    /// A block is written when it spans this time: what a crash of the recorder may lose.
    pub block: Span,
    /// Replace names by keyed hashes.
    pub names: Option<Pseudonyms>,
}

impl Default for RecorderOptions {
    /// Eight files of 64 MiB, blocks of ten seconds, names as they are.
    fn default() -> Self {
        Self { max_bytes: 64 << 20, keep: 7, block: Span::from_secs(10), names: None }
    }
}

/// Most events in one block, whatever time they span.
const MAX_EVENTS: usize = 256;

/// Writes what an engine is told to a recording.
///
/// Files: `PATH` is the open one, `PATH.1` the one before, and so on. An error leaves the file as it was
/// before the block that failed; what was gathered is lost, and recording goes on with the next event.
pub struct Recorder {
    path: PathBuf,
    options: RecorderOptions,
    file: File,
    /// Length of the file up to the last whole block.
    length: u64,
    head: Head,
    encoder: Encoder,
    lost: u64,
}

impl Recorder {
    /// Opens a recording, or continues one: a torn tail is cut off. `wall_ms` is the time now, milliseconds
    /// since 1970; it names this run.
    ///
    /// # Errors
    /// The file cannot be opened or written, or is not a recording: then it is left as it is.
    pub fn open(
        path: &Path,
        wall_ms: u64,
        options: RecorderOptions,
    ) -> Result<Self, RecordingError> {
        let io = |source| RecordingError::Io { file: path.to_owned(), source };
        let length = whole_length(path)?;
        let mut open = OpenOptions::new();
        let file = open.write(true).create(true).truncate(false).open(path).map_err(io)?;
        file.set_len(length).map_err(io)?;
        let head = Head::new(wall_ms, options.names.is_some());
        let encoder = Encoder::new(options.names.clone());
        let path = path.to_owned();
        let mut recorder = Self { path, options, file, length, head, encoder, lost: 0 };
        recorder.begin()?;
        Ok(recorder)
    }

    /// Records a sample taken at its own time.
    ///
    /// # Errors
    /// The block that this reading completes cannot be written.
    pub fn append(&mut self, sample: &Sample, wall_ms: u64) -> Result<(), RecordingError> {
        let reading = Reading { at: sample.at, wall_ms, body: Body::Fresh(sample) };
        self.tell(&Event::Reading(reading), wall_ms)
    }

    /// Records what an engine is told. Failed readings, glances and reports change decisions too.
    ///
    /// # Errors
    /// The block that this event completes cannot be written.
    pub fn tell(&mut self, event: &Event<'_>, wall_ms: u64) -> Result<(), RecordingError> {
        self.encoder.push(event, wall_ms);
        let at = event.at().0;
        let first = self.encoder.first_at().unwrap_or(at);
        let spans = at.saturating_sub(first) >= self.options.block.0;
        if spans || self.encoder.pending() >= MAX_EVENTS { self.flush() } else { Ok(()) }
    }

    /// Writes what has been gathered.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        let events = self.encoder.pending() as u64;
        let Some((kind, payload)) = self.encoder.finish() else { return Ok(()) };
        let written = self.write(kind, &payload);
        if written.is_err() {
            self.lost += events;
            // The next block must not continue one that is not there.
            self.encoder.start_over();
        } else if self.length >= self.options.max_bytes {
            self.rotate()?;
        }
        written
    }

    /// Writes what has been gathered and waits until the disk has it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn close(mut self) -> Result<(), RecordingError> {
        self.flush()?;
        self.file.sync_data().map_err(|source| self.io(source))
    }

    /// Bytes in the open file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// Events that could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The file's first bytes where it is new, and who goes on from here.
    fn begin(&mut self) -> Result<(), RecordingError> {
        if self.length == 0 {
            self.put(&frame::file_head())?;
        }
        self.encoder.start_over();
        let head = serde_json::to_vec(&self.head).expect("a head is plain data with text keys");
        self.write(Kind::Head, &head)
    }

    fn write(&mut self, kind: Kind, payload: &[u8]) -> Result<(), RecordingError> {
        let mut block = Vec::with_capacity(payload.len() + 16);
        frame::put(&mut block, kind, payload);
        self.put(&block)
    }

    /// Appends bytes wholly or not at all.
    fn put(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        let written =
            self.file.seek(SeekFrom::Start(self.length)).and_then(|_| self.file.write_all(bytes));
        match written {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(source) => {
                // Where even this fails the torn block stays and a reader skips it.
                let _torn = self.file.set_len(self.length);
                Err(self.io(source))
            }
        }
    }

    /// Closes the file, moves it and its elders one number up, deletes the oldest, begins a new one.
    fn rotate(&mut self) -> Result<(), RecordingError> {
        self.file.sync_data().map_err(|source| self.io(source))?;
        for number in (0..self.options.keep).rev() {
            let (from, to) = (numbered(&self.path, number), numbered(&self.path, number + 1));
            match fs::rename(&from, &to) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(RecordingError::Io { file: from, source }),
            }
        }
        self.file = File::create(&self.path).map_err(|source| self.io(source))?;
        self.length = 0;
        self.begin()
    }

    fn io(&self, source: io::Error) -> RecordingError {
        RecordingError::Io { file: self.path.clone(), source }
    }
}

impl Drop for Recorder {
    /// Writes what has been gathered; who wants to know whether that worked calls [`Recorder::close`].
    fn drop(&mut self) {
        let _unreported = self.flush();
    }
}

/// `PATH` for 0, `PATH.1` for the file before it, and so on.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Length of an existing recording without its torn tail; 0 where there is none.
fn whole_length(path: &Path) -> Result<u64, RecordingError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(source) => return Err(RecordingError::Io { file: path.to_owned(), source }),
    };
    // A crash can cut even the first bytes short.
    if frame::file_head().starts_with(&bytes) {
        return Ok(if bytes.len() == FILE_HEAD { FILE_HEAD as u64 } else { 0 });
    }
    super::reader::check_head(path, &bytes)?;
    let (mut at, mut whole) = (FILE_HEAD, FILE_HEAD);
    loop {
        match frame::at(&bytes, at) {
            Found::Block(_, _, end) => (at, whole) = (end, end),
            Found::Damage(resume) => at = resume,
            Found::End => return Ok(whole as u64),
        }
    }
}
