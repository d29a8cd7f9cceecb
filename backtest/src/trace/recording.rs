// SPDX-License-Identifier: Apache-2.0
//! A recording of `gleaner record` as a trace of one machine, number 0.

use super::error::TraceError;
use super::rows::{RowSource, Rows};
use crate::recording::{Row, gather};
use std::path::Path;

/// Rows handed over at once.
const BATCH: usize = 1 << 16;

pub(crate) struct RecordingRows {
    rows: Vec<Row>,
    step_s: u32,
    cursor: usize,
}

impl RecordingRows {
    pub(crate) fn open(path: &Path) -> Result<Self, TraceError> {
        let gathered = gather(path, None)?;
        Ok(Self { rows: gathered.rows, step_s: gathered.step_s, cursor: 0 })
    }
}

impl RowSource for RecordingRows {
    fn next(&mut self, rows: &mut Rows) -> Result<bool, TraceError> {
        rows.clear();
        let rest = &self.rows[self.cursor..];
        for row in &rest[..rest.len().min(BATCH)] {
            rows.machine.push(0);
            rows.t.push(i64::from(row.step) * i64::from(self.step_s));
            rows.task.push(row.task.into());
            rows.cpu_limit.push(row.cpu_limit.into());
            rows.cpu_used.push(row.cpu_used.into());
            rows.mem_limit.push(row.mem_limit as f64);
            rows.mem_used.push(row.mem_used as f64);
        }
        self.cursor += rows.len();
        Ok(rows.len() > 0)
    }

    fn total_rows(&self) -> Option<u64> {
        Some(self.rows.len() as u64)
    }
}
