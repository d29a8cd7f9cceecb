// SPDX-License-Identifier: Apache-2.0
//! Why a trace cannot be used: the file, the row, the column, what stands there, and what to do.

use std::io;
use std::path::PathBuf;

/// Why a trace cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is none of the formats that are understood.
    #[error("{}: {why}; a trace is a .parquet, .csv, .csv.gz or a recording of `gleaner record`", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What was seen instead.
        why: String,
    },
    /// The Parquet library refused the file: it is damaged or cut short.
    #[error("{}: not readable as Parquet: {source}", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// What the library said.
        source: parquet::errors::ParquetError,
    },
    /// A column that every trace has is not there.
    #[error("{}: column `{column}` is missing; the file has: {present}", file.display())]
    MissingColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns that the file has.
        present: String,
    },
    /// A column holds something else than numbers of the expected kind.
    #[error("{}: column `{column}` is {found}, but must be {expected}", file.display())]
    WrongType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// Its type in the file.
        found: String,
        /// The types that are understood.
        expected: &'static str,
    },
    /// One value cannot be used.
    #[error("{}: row {row}: column `{column}` holds `{content}`: {why}", file.display())]
    BadValue {
        /// The file.
        file: PathBuf,
        /// The row, from 1, header not counted.
        row: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        content: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A row does not come after the one before it.
    #[error(
        "{}: row {row}: machine {machine}, task {task}, t_seconds {t} does not come after the row before it; \
         sort the file by machine_id, task_id, t_seconds and leave each row in once",
        file.display()
    )]
    Unsorted {
        /// The file.
        file: PathBuf,
        /// The row, from 1, header not counted.
        row: u64,
        /// Its machine.
        machine: i64,
        /// Its task.
        task: i64,
        /// Its time.
        t: i64,
    },
    /// A time lies between two steps.
    #[error(
        "{}: machine {machine}, task {task}: t_seconds {t} is not a multiple of the step of {step} s \
         after the machine's first row; resample the trace to one step",
        file.display()
    )]
    OffGrid {
        /// The file.
        file: PathBuf,
        /// The machine.
        machine: i64,
        /// The task.
        task: i64,
        /// The time.
        t: i64,
        /// The step, seconds.
        step: u32,
    },
    /// One machine's rows span more steps than can be held.
    #[error(
        "{}: machine {machine} spans {steps} steps of {step} s, more than {limit}: is t_seconds in seconds?",
        file.display()
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// The machine.
        machine: i64,
        /// Steps from its first to its last row.
        steps: i64,
        /// The step, seconds.
        step: u32,
        /// The limit.
        limit: u32,
    },
    /// The file has no rows, or none of the machine that was asked for.
    #[error("{}: {what}", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
        /// What is missing.
        what: String,
    },
    /// A recording is damaged where it cannot be skipped.
    #[error(transparent)]
    Recording(#[from] crate::recording::RecordingError),
}
