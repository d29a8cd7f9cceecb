// SPDX-License-Identifier: Apache-2.0
//! Parquet traces, one row group at a time through the low-level column readers.

use super::error::TraceError;
use super::rows::{CPU_LIMIT, CPU_USED, MACHINE, MEM_LIMIT, MEM_USED, RowSource, Rows, TASK, TIME};
use parquet::basic::{LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

const INTEGER: &str = "an integer (INT32 or INT64)";
const NUMBER: &str = "a number (FLOAT, DOUBLE, INT32 or INT64)";

/// Most values that room is made for beforehand: a damaged file may claim any number of rows.
const CAPACITY: usize = 1 << 20;

/// Where the columns stand in the file.
struct Places {
    machine: usize,
    t: usize,
    task: usize,
    amounts: [Option<usize>; 4],
}

pub(crate) struct ParquetRows {
    file: PathBuf,
    reader: SerializedFileReader<File>,
    places: Places,
    group: usize,
    first_row: u64,
}

impl ParquetRows {
    pub(crate) fn open(path: &Path) -> Result<Self, TraceError> {
        let file =
            File::open(path).map_err(|source| TraceError::Io { file: path.to_owned(), source })?;
        let (reader, places) = survive(path, || {
            let reader = SerializedFileReader::new(file)
                .map_err(|source| TraceError::Parquet { file: path.to_owned(), source })?;
            let places = find(path, &reader)?;
            Ok((reader, places))
        })?;
        Ok(Self { file: path.to_owned(), reader, places, group: 0, first_row: 1 })
    }

    fn read_group(&self, rows: &mut Rows) -> Result<(), TraceError> {
        let wrap = |source| TraceError::Parquet { file: self.file.clone(), source };
        let group = self.reader.get_row_group(self.group).map_err(wrap)?;
        let at = Place { file: &self.file, group: group.as_ref(), first_row: self.first_row };
        at.integers(MACHINE, self.places.machine, &mut rows.machine)?;
        at.integers(TIME, self.places.t, &mut rows.t)?;
        at.integers(TASK, self.places.task, &mut rows.task)?;
        let names = [CPU_LIMIT, CPU_USED, MEM_LIMIT, MEM_USED];
        let length = rows.len();
        for ((column, place), name) in
            rows.amounts_mut().into_iter().zip(self.places.amounts).zip(names)
        {
            match place {
                Some(place) => at.amounts(name, place, column)?,
                None => column.resize(length, 0.0),
            }
        }
        rows.check(&self.file, self.first_row)
    }
}

impl RowSource for ParquetRows {
    fn next(&mut self, rows: &mut Rows) -> Result<bool, TraceError> {
        rows.clear();
        if self.group >= self.reader.num_row_groups() {
            return Ok(false);
        }
        survive(&self.file, || self.read_group(rows))?;
        self.group += 1;
        self.first_row += rows.len() as u64;
        Ok(true)
    }

    fn total_rows(&self) -> Option<u64> {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).ok()
    }
}

/// The Parquet library asserts what a damaged file breaks (offsets below zero, pages without their
/// dictionary; parquet 60): here that is an error of the file like any other.
fn survive<T>(file: &Path, read: impl FnOnce() -> Result<T, TraceError>) -> Result<T, TraceError> {
    // Nothing that `read` changes is looked at after a panic: the trace ends with the error.
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let what = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("damaged");
        let source = ParquetError::General(what.to_owned());
        Err(TraceError::Parquet { file: file.to_owned(), source })
    })
}

/// Finds the columns and refuses what cannot be read as numbers before anything is read.
fn find(file: &Path, reader: &SerializedFileReader<File>) -> Result<Places, TraceError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let present =
        || schema.columns().iter().map(|c| c.path().string()).collect::<Vec<_>>().join(", ");
    let place = |column: &'static str| {
        schema.columns().iter().position(|c| c.path().string() == column).ok_or_else(|| {
            TraceError::MissingColumn { file: file.to_owned(), column, present: present() }
        })
    };
    let typed = |column: &'static str, place: usize, float: bool| {
        let descriptor = schema.column(place);
        let physical = descriptor.physical_type();
        let integer = matches!(physical, Physical::INT32 | Physical::INT64);
        let number = integer || (float && matches!(physical, Physical::FLOAT | Physical::DOUBLE));
        // A DECIMAL or a timestamp is stored as an integer and means something else.
        let plain = matches!(descriptor.logical_type_ref(), None | Some(LogicalType::Integer(_)));
        if number && plain && descriptor.max_rep_level() == 0 {
            return Ok(place);
        }
        Err(TraceError::WrongType {
            file: file.to_owned(),
            column,
            found: descriptor.logical_type_ref().map_or_else(
                || physical.to_string(),
                |logical| format!("{physical} ({logical:?})"),
            ),
            expected: if float { NUMBER } else { INTEGER },
        })
    };
    let optional = |column: &'static str| match place(column) {
        Ok(at) => typed(column, at, true).map(Some),
        Err(_) => Ok(None),
    };
    Ok(Places {
        machine: typed(MACHINE, place(MACHINE)?, false)?,
        t: typed(TIME, place(TIME)?, false)?,
        task: typed(TASK, place(TASK)?, false)?,
        amounts: [
            Some(typed(CPU_LIMIT, place(CPU_LIMIT)?, true)?),
            Some(typed(CPU_USED, place(CPU_USED)?, true)?),
            optional(MEM_LIMIT)?,
            optional(MEM_USED)?,
        ],
    })
}

/// One row group and where it stands.
struct Place<'a> {
    file: &'a Path,
    group: &'a dyn RowGroupReader,
    first_row: u64,
}

impl Place<'_> {
    fn integers(
        &self,
        column: &'static str,
        at: usize,
        out: &mut Vec<i64>,
    ) -> Result<(), TraceError> {
        match self.reader(at)? {
            ColumnReader::Int32ColumnReader(r) => self.read(column, r, i64::from, None, out),
            ColumnReader::Int64ColumnReader(r) => self.read(column, r, |v| v, None, out),
            ColumnReader::BoolColumnReader(_)
            | ColumnReader::Int96ColumnReader(_)
            | ColumnReader::FloatColumnReader(_)
            | ColumnReader::DoubleColumnReader(_)
            | ColumnReader::ByteArrayColumnReader(_)
            | ColumnReader::FixedLenByteArrayColumnReader(_) => Err(self.changed(column, INTEGER)),
        }
    }

    fn amounts(
        &self,
        column: &'static str,
        at: usize,
        out: &mut Vec<f64>,
    ) -> Result<(), TraceError> {
        // No memory known and no memory are the same to a trace; a missing CPU value is an error.
        let null = matches!(column, MEM_LIMIT | MEM_USED).then_some(0.0);
        match self.reader(at)? {
            ColumnReader::Int32ColumnReader(r) => self.read(column, r, f64::from, null, out),
            ColumnReader::Int64ColumnReader(r) => self.read(column, r, |v| v as f64, null, out),
            ColumnReader::FloatColumnReader(r) => self.read(column, r, f64::from, null, out),
            ColumnReader::DoubleColumnReader(r) => self.read(column, r, |v| v, null, out),
            ColumnReader::BoolColumnReader(_)
            | ColumnReader::Int96ColumnReader(_)
            | ColumnReader::ByteArrayColumnReader(_)
            | ColumnReader::FixedLenByteArrayColumnReader(_) => Err(self.changed(column, NUMBER)),
        }
    }

    fn reader(&self, at: usize) -> Result<ColumnReader, TraceError> {
        self.group.get_column_reader(at).map_err(|source| self.wrap(source))
    }

    /// Appends one column of the row group; a null becomes `null`, or an error where there is none.
    fn read<T: DataType, U: Clone>(
        &self,
        column: &'static str,
        mut reader: ColumnReaderImpl<T>,
        convert: impl Fn(T::T) -> U,
        null: Option<U>,
        out: &mut Vec<U>,
    ) -> Result<(), TraceError>
    where
        T::T: Clone,
    {
        let rows = usize::try_from(self.group.metadata().num_rows()).unwrap_or(0);
        let (mut levels, mut values) = (Vec::new(), Vec::with_capacity(rows.min(CAPACITY)));
        reader
            .read_records(rows, Some(&mut levels), None, &mut values)
            .map_err(|source| self.wrap(source))?;
        out.reserve(rows);
        if values.len() == rows {
            out.extend(values.into_iter().map(convert));
            return Ok(());
        }
        if levels.len() != rows {
            let why = format!("column `{column}` has {} of {rows} rows", values.len());
            return Err(self.wrap(ParquetError::EOF(why)));
        }
        let mut values = values.into_iter();
        for (i, level) in levels.iter().enumerate() {
            let value = if *level > 0 { values.next().map(&convert) } else { null.clone() };
            out.push(value.ok_or_else(|| TraceError::BadValue {
                file: self.file.to_owned(),
                row: self.first_row + i as u64,
                column,
                content: "null".to_owned(),
                why: "a number is needed in every row",
            })?);
        }
        Ok(())
    }

    fn wrap(&self, source: ParquetError) -> TraceError {
        TraceError::Parquet { file: self.file.to_owned(), source }
    }

    /// The row group's type is not the schema's: only a damaged file does that.
    fn changed(&self, column: &'static str, expected: &'static str) -> TraceError {
        TraceError::WrongType {
            file: self.file.to_owned(),
            column,
            found: "of another type in one row group".to_owned(),
            expected,
        }
    }
}
