// SPDX-License-Identifier: Apache-2.0
//! A recording as Parquet with the traces' columns, so that anything can read it.

use super::RecordingError;
use super::reader::Damage;
use super::rows::{Gathered, Row, gather};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{DataType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SCHEMA: &str = "message trace {
  REQUIRED INT32 machine_id (INTEGER(16, true));
  REQUIRED INT32 t_seconds;
  REQUIRED INT32 task_id;
  REQUIRED FLOAT cpu_limit_cores;
  REQUIRED FLOAT cpu_used_cores;
  REQUIRED INT64 mem_limit_bytes;
  REQUIRED INT64 mem_used_bytes;
}";

/// Rows of one row group.
const GROUP: usize = 1 << 20;

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Rows written.
    pub rows: usize,
    /// Tasks among them.
    pub tasks: u32,
    /// Distance of two rows of a task, seconds.
    pub step_s: u32,
    /// Parts of the recording that could not be read.
    pub damage: Vec<Damage>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The output cannot be written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The Parquet library refused.
    #[error("{}: {source}", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// What it said.
        source: ParquetError,
    },
}

/// Writes the guaranteed tasks of a recording as a trace of one machine, number 0.
///
/// Without `step_s` the step is the usual distance of samples in whole seconds; a longer one holds the mean CPU
/// and the largest working set of its samples. The file appears whole or not at all.
///
/// # Errors
/// The recording cannot be read, or the output not written.
pub fn export(recording: &Path, out: &Path, step_s: Option<u32>) -> Result<Exported, ExportError> {
    let Gathered { rows, step_s, tasks, damage } = gather(recording, step_s)?;
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = write(&part, &rows, step_s)
        .map_err(|source| ExportError::Parquet { file: part.clone(), source })
        .and_then(|()| {
            let io = |source| ExportError::Io { file: out.to_owned(), source };
            fs::rename(&part, out).map_err(io)
        });
    if written.is_err() {
        let _nothing_left_to_report = fs::remove_file(&part);
    }
    written.map(|()| Exported { rows: rows.len(), tasks, step_s, damage })
}

fn write(path: &Path, rows: &[Row], step_s: u32) -> Result<(), ParquetError> {
    let file = File::create(path)?;
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
    for rows in rows.chunks(GROUP) {
        let mut group = writer.next_row_group()?;
        let step = |row: &Row| int(u64::from(row.step) * u64::from(step_s));
        column::<Int32Type>(&mut group, rows, |_| 0)?;
        column::<Int32Type>(&mut group, rows, step)?;
        column::<Int32Type>(&mut group, rows, |row| int(row.task.into()))?;
        column::<FloatType>(&mut group, rows, |row| row.cpu_limit)?;
        column::<FloatType>(&mut group, rows, |row| row.cpu_used)?;
        column::<Int64Type>(&mut group, rows, |row| row.mem_limit.cast_signed())?;
        column::<Int64Type>(&mut group, rows, |row| row.mem_used.cast_signed())?;
        group.close()?;
    }
    writer.close().map(|_metadata| ())
}

/// The traces' times and tasks are 32-bit: 68 years of seconds.
fn int(value: u64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[Row],
    value: impl Fn(&Row) -> T::T,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns than a row".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    let values: Vec<T::T> = rows.iter().map(value).collect();
    column.typed::<T>().write_batch(&values, None, None)?;
    column.close()
}
