// SPDX-License-Identifier: Apache-2.0
//! Usage traces: one row is one task in one interval. A trace is read machine by machine, so its size is no limit.
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `machine_id` | integer | the node |
//! | `t_seconds` | integer | start of the interval, seconds from the file's start |
//! | `task_id` | integer | the container |
//! | `cpu_limit_cores`, `cpu_used_cores` | number | allocation and mean usage; usage above the limit is capped |
//! | `mem_limit_bytes`, `mem_used_bytes` | number | may be absent, empty or 0: no memory |
//!
//! Sorted by `machine_id`, `task_id`, `t_seconds`; other columns are ignored. The step is found per machine.

mod csv;
mod error;
mod machine;
mod parquet;
mod recording;
mod rows;

pub use error::TraceError;
pub use machine::{Machine, Series, TaskRun};

use machine::Raw;
use rows::{RowSource, Rows};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// An open trace: an iterator over its machines.
pub struct Trace {
    file: PathBuf,
    source: Box<dyn RowSource>,
    rows: Rows,
    /// First row of the batch that has not been handed out.
    cursor: usize,
    rows_read: u64,
    /// The row before the cursor: machine, task, time.
    last: Option<(i64, i64, i64)>,
    done: bool,
}

impl Trace {
    /// Opens a Parquet or CSV trace or a recording; which one, its first bytes tell.
    ///
    /// # Errors
    /// The file cannot be read, is of no known format, or lacks a column.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let source: Box<dyn RowSource> = match format(path)? {
            Format::Parquet => Box::new(parquet::ParquetRows::open(path)?),
            Format::Recording => Box::new(recording::RecordingRows::open(path)?),
            Format::Csv => Box::new(csv::CsvRows::open(path, false)?),
            Format::GzippedCsv => Box::new(csv::CsvRows::open(path, true)?),
        };
        Ok(Self {
            file: path.to_owned(),
            source,
            rows: Rows::default(),
            cursor: 0,
            rows_read: 0,
            last: None,
            done: false,
        })
    }

    /// Rows in the file, where that is known before it is read.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.source.total_rows()
    }

    /// Rows handed out so far.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.rows_read
    }

    fn next_machine(&mut self) -> Result<Option<Machine>, TraceError> {
        let mut raw: Option<Raw> = None;
        loop {
            if self.cursor == self.rows.len() {
                self.cursor = 0;
                if !self.source.next(&mut self.rows)? {
                    break;
                }
            }
            let Some(&machine) = self.rows.machine.get(self.cursor) else { continue };
            let into = match &mut raw {
                Some(raw) if raw.id != machine => break,
                Some(raw) => raw,
                None => raw.insert(Raw { id: machine, ..Raw::default() }),
            };
            self.take(machine, into)?;
        }
        match raw {
            Some(raw) => raw.build(&self.file).map(Some),
            None if self.rows_read == 0 => {
                let what = "the trace holds no rows".to_owned();
                Err(TraceError::Empty { file: self.file.clone(), what })
            }
            None => Ok(None),
        }
    }

    /// Moves the batch's further rows of this machine over, checking their order.
    fn take(&mut self, machine: i64, into: &mut Raw) -> Result<(), TraceError> {
        let rest = &self.rows.machine[self.cursor..];
        let count = rest.iter().position(|m| *m != machine).unwrap_or(rest.len());
        let range = self.cursor..self.cursor + count;
        for i in range.clone() {
            let (task, t) = (self.rows.task[i], self.rows.t[i]);
            let key = (machine, task, t);
            if self.last.is_some_and(|last| last >= key) {
                let (file, row) = (self.file.clone(), self.rows_read + 1);
                return Err(TraceError::Unsorted { file, row, machine, task, t });
            }
            self.last = Some(key);
            self.rows_read += 1;
        }
        into.t.extend_from_slice(&self.rows.t[range.clone()]);
        into.task.extend_from_slice(&self.rows.task[range.clone()]);
        into.cpu.limit.extend_from_slice(&self.rows.cpu_limit[range.clone()]);
        into.cpu.used.extend_from_slice(&self.rows.cpu_used[range.clone()]);
        into.memory.limit.extend_from_slice(&self.rows.mem_limit[range.clone()]);
        into.memory.used.extend_from_slice(&self.rows.mem_used[range.clone()]);
        self.cursor = range.end;
        Ok(())
    }
}

impl Iterator for Trace {
    type Item = Result<Machine, TraceError>;

    /// The next machine; after an error nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let machine = self.next_machine().transpose();
        self.done = !matches!(machine, Some(Ok(_)));
        machine
    }
}

/// Whether a file is a recording of `gleaner record`, and so may hold more than a trace: contention signals.
///
/// # Errors
/// The file cannot be read or is of no known format.
pub fn is_recording(path: &Path) -> Result<bool, TraceError> {
    format(path).map(|format| matches!(format, Format::Recording))
}

enum Format {
    Parquet,
    Csv,
    GzippedCsv,
    Recording,
}

fn format(path: &Path) -> Result<Format, TraceError> {
    let unknown = |why: &str| TraceError::Unknown { file: path.to_owned(), why: why.to_owned() };
    let mut head = [0; 4];
    let io = |source| TraceError::Io { file: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    match file.read_exact(&mut head) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
            return Err(unknown("it is shorter than 4 bytes"));
        }
        Err(e) => return Err(io(e)),
    }
    match head {
        [b'P', b'A', b'R', b'1'] => Ok(Format::Parquet),
        [b'G', b'L', b'N', b'R'] => Ok(Format::Recording),
        [0x1f, 0x8b, ..] => Ok(Format::GzippedCsv),
        text if text.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            Ok(Format::Csv)
        }
        _ => Err(unknown("its first bytes are of no known format")),
    }
}

/// The short name of a trace: its file's name without `.parquet`, `.csv`, `.gz`, `.rec`.
#[must_use]
pub fn name(path: &Path) -> String {
    let mut name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    for end in [".gz", ".csv", ".parquet", ".rec"] {
        if let Some(stem) = name.strip_suffix(end).filter(|stem| !stem.is_empty()) {
            name = stem.to_owned();
        }
    }
    name
}
