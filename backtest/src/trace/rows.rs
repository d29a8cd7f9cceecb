// SPDX-License-Identifier: Apache-2.0
//! The columns of a trace and a batch of its rows.

use super::error::TraceError;
use std::path::Path;

/// Columns every trace has, and their place in a row.
pub(crate) const MACHINE: &str = "machine_id";
pub(crate) const TIME: &str = "t_seconds";
pub(crate) const TASK: &str = "task_id";
pub(crate) const CPU_LIMIT: &str = "cpu_limit_cores";
pub(crate) const CPU_USED: &str = "cpu_used_cores";
/// Columns that may be absent or 0: then there is no memory to backtest.
pub(crate) const MEM_LIMIT: &str = "mem_limit_bytes";
pub(crate) const MEM_USED: &str = "mem_used_bytes";

/// Rows in columns; all vectors have the same length.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) machine: Vec<i64>,
    pub(crate) t: Vec<i64>,
    pub(crate) task: Vec<i64>,
    pub(crate) cpu_limit: Vec<f64>,
    pub(crate) cpu_used: Vec<f64>,
    pub(crate) mem_limit: Vec<f64>,
    pub(crate) mem_used: Vec<f64>,
}

impl Rows {
    pub(crate) fn clear(&mut self) {
        self.machine.clear();
        self.t.clear();
        self.task.clear();
        for column in self.amounts_mut() {
            column.clear();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.machine.len()
    }

    pub(crate) fn amounts_mut(&mut self) -> [&mut Vec<f64>; 4] {
        [&mut self.cpu_limit, &mut self.cpu_used, &mut self.mem_limit, &mut self.mem_used]
    }

    /// Refuses amounts that are negative or not finite. `first_row` is the number of the first row here.
    pub(crate) fn check(&self, file: &Path, first_row: u64) -> Result<(), TraceError> {
        let columns = [
            (CPU_LIMIT, &self.cpu_limit),
            (CPU_USED, &self.cpu_used),
            (MEM_LIMIT, &self.mem_limit),
            (MEM_USED, &self.mem_used),
        ];
        for (column, values) in columns {
            if let Some(i) = values.iter().position(|v| !(v.is_finite() && *v >= 0.0)) {
                return Err(TraceError::BadValue {
                    file: file.to_owned(),
                    row: first_row + i as u64,
                    column,
                    content: values[i].to_string(),
                    why: "an amount must be a finite number, not below 0",
                });
            }
        }
        Ok(())
    }
}

/// Where rows come from, in the file's order.
pub(crate) trait RowSource: Send {
    /// Replaces `rows` by the next ones; false at the end. May be called again after the end.
    fn next(&mut self, rows: &mut Rows) -> Result<bool, TraceError>;
    /// Rows in the whole file, where that is known beforehand.
    fn total_rows(&self) -> Option<u64>;
}
