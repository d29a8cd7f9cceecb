// SPDX-License-Identifier: Apache-2.0
//! CSV traces, plain or gzipped: a header with the columns' names, one row a line.

use super::error::TraceError;
use super::rows::{CPU_LIMIT, CPU_USED, MACHINE, MEM_LIMIT, MEM_USED, RowSource, Rows, TASK, TIME};
use csv::{ByteRecord, Reader};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Rows handed over at once: enough to make the hand-over cheap, little enough to stay in the cache.
const BATCH: usize = 16_384;

const WHOLE: &str = "a whole number is needed";
const NUMBER: &str = "a number is needed";

/// Where the columns stand in a line.
struct Places {
    integers: [(usize, &'static str); 3],
    amounts: [(Option<usize>, &'static str); 4],
}

pub(crate) struct CsvRows {
    file: PathBuf,
    reader: Reader<Box<dyn Read + Send>>,
    places: Places,
    record: ByteRecord,
    next_row: u64,
}

impl CsvRows {
    pub(crate) fn open(path: &Path, gzipped: bool) -> Result<Self, TraceError> {
        let io = |source| TraceError::Io { file: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let input: Box<dyn Read + Send> =
            if gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let header = reader.byte_headers().map_err(|e| wrap(path, 0, e))?.clone();
        let places = find(path, &header)?;
        Ok(Self { file: path.to_owned(), reader, places, record: ByteRecord::new(), next_row: 1 })
    }

    fn push(&self, rows: &mut Rows) -> Result<(), TraceError> {
        let [machine, t, task] = self.places.integers;
        rows.machine.push(self.integer(machine)?);
        rows.t.push(self.integer(t)?);
        rows.task.push(self.integer(task)?);
        for (column, place) in rows.amounts_mut().into_iter().zip(self.places.amounts) {
            column.push(self.amount(place)?);
        }
        Ok(())
    }

    fn integer(&self, (place, column): (usize, &'static str)) -> Result<i64, TraceError> {
        let cell = self.record.get(place).unwrap_or_default();
        std::str::from_utf8(cell)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| self.bad(column, cell, WHOLE))
    }

    fn amount(&self, (place, column): (Option<usize>, &'static str)) -> Result<f64, TraceError> {
        let cell = place.and_then(|at| self.record.get(at)).unwrap_or_default();
        if cell.is_empty() && matches!(column, MEM_LIMIT | MEM_USED) {
            return Ok(0.0);
        }
        std::str::from_utf8(cell)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| self.bad(column, cell, NUMBER))
    }

    fn bad(&self, column: &'static str, cell: &[u8], why: &'static str) -> TraceError {
        TraceError::BadValue {
            file: self.file.clone(),
            row: self.next_row,
            column,
            content: String::from_utf8_lossy(&cell[..cell.len().min(40)]).into_owned(),
            why,
        }
    }
}

impl RowSource for CsvRows {
    fn next(&mut self, rows: &mut Rows) -> Result<bool, TraceError> {
        rows.clear();
        let first_row = self.next_row;
        while rows.len() < BATCH {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => self.push(rows)?,
                Ok(false) => break,
                Err(error) => return Err(wrap(&self.file, self.next_row, error)),
            }
            self.next_row += 1;
        }
        rows.check(&self.file, first_row)?;
        Ok(rows.len() > 0)
    }

    fn total_rows(&self) -> Option<u64> {
        None
    }
}

fn find(file: &Path, header: &ByteRecord) -> Result<Places, TraceError> {
    let place = |column: &'static str| header.iter().position(|name| name == column.as_bytes());
    let needed = |column: &'static str| {
        place(column).ok_or_else(|| TraceError::MissingColumn {
            file: file.to_owned(),
            column,
            present: header
                .iter()
                .map(|name| String::from_utf8_lossy(name))
                .collect::<Vec<_>>()
                .join(", "),
        })
    };
    Ok(Places {
        integers: [(needed(MACHINE)?, MACHINE), (needed(TIME)?, TIME), (needed(TASK)?, TASK)],
        amounts: [
            (Some(needed(CPU_LIMIT)?), CPU_LIMIT),
            (Some(needed(CPU_USED)?), CPU_USED),
            (place(MEM_LIMIT), MEM_LIMIT),
            (place(MEM_USED), MEM_USED),
        ],
    })
}

fn wrap(file: &Path, row: u64, error: csv::Error) -> TraceError {
    let text = format!("row {row}: {error}");
    let kind = match error.into_kind() {
        csv::ErrorKind::Io(source) => source.kind(),
        csv::ErrorKind::Utf8 { .. }
        | csv::ErrorKind::UnequalLengths { .. }
        | csv::ErrorKind::Seek
        | csv::ErrorKind::Serialize(_)
        | csv::ErrorKind::Deserialize { .. }
        | _ => io::ErrorKind::InvalidData,
    };
    TraceError::Io { file: file.to_owned(), source: io::Error::new(kind, text) }
}
