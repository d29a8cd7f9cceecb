// SPDX-License-Identifier: Apache-2.0
//! Blocks → readings: the inverse of [`super::encode`]. Damage that a checksum did not see gives `None`, never a panic.

use super::columns::{NODE, NodeRow, TASK, TaskRow, node_sample, task_counters};
use super::encode::{ALL_KNOWN, FAILED, FRESH, SOME_KNOWN, UNCHANGED};
use super::frame::MAX_UNFOLDED;
use super::varint::Cursor;
use gleaner_estimator::sample::{Sample, Task, TaskSample};
use gleaner_estimator::units::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The first block of a file and of each continuation, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Wall clock at the start of the recorder, milliseconds: the same in all files of one run.
    pub(super) session: u64,
    /// Whether names are hashes; then tasks have to be sorted again.
    pub(super) hashed: bool,
    /// The columns of a task's rows, in their order.
    pub(super) task_columns: Vec<String>,
    /// The columns of the node's rows.
    pub(super) node_columns: Vec<String>,
}

impl Head {
    pub(super) fn new(session: u64, hashed: bool) -> Self {
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Self { session, hashed, task_columns: own(&TASK), node_columns: own(&NODE) }
    }
}

struct Entry {
    task: Arc<Task>,
    before: TaskRow,
}

/// One reading as it was recorded: times in nanoseconds and milliseconds, and the sample or why there is none.
pub(super) struct Decoded {
    pub(super) at: u64,
    pub(super) wall_ms: u64,
    pub(super) body: Result<Sample, String>,
}

/// What a block continues.
pub(super) struct Decoder {
    hashed: bool,
    /// For each column of the file its place here, `None` for one that is not known here.
    task_places: Vec<Option<usize>>,
    node_places: Vec<Option<usize>>,
    entries: Vec<Entry>,
    node_before: NodeRow,
    at_before: u64,
    wall_before: u64,
    list_before: Vec<usize>,
}

impl Decoder {
    pub(super) fn new(head: &Head) -> Self {
        let places = |columns: &[String], known: &[&str]| {
            columns.iter().map(|c| known.iter().position(|k| k == c)).collect()
        };
        Self {
            hashed: head.hashed,
            task_places: places(&head.task_columns, &TASK),
            node_places: places(&head.node_columns, &NODE),
            entries: Vec::new(),
            node_before: NodeRow::default(),
            at_before: 0,
            wall_before: 0,
            list_before: Vec::new(),
        }
    }

    /// Forgets what earlier blocks said: a key block follows.
    pub(super) fn start_over(&mut self) {
        self.entries.clear();
        self.node_before = NodeRow::default();
        (self.at_before, self.wall_before) = (0, 0);
        self.list_before.clear();
    }

    /// The readings of one block.
    pub(super) fn block(&mut self, payload: &[u8]) -> Option<Vec<Decoded>> {
        let mut cursor = Cursor(payload);
        let unfolded = usize::try_from(cursor.number()?).ok().filter(|n| *n <= MAX_UNFOLDED)?;
        let plain = zstd::bulk::decompress(cursor.0, unfolded).ok()?;
        let mut cursor = Cursor(&plain);
        let mut readings = self.readings(&mut cursor)?;
        self.dictionary(&mut cursor)?;
        let lists = self.lists(&mut cursor, &readings)?;
        self.columns(&mut cursor, &mut readings, &lists)?;
        cursor.0.is_empty().then_some(readings)
    }

    fn readings(&mut self, cursor: &mut Cursor<'_>) -> Option<Vec<Decoded>> {
        let count = cursor.count(4)?;
        let mut readings = Vec::with_capacity(count);
        for _ in 0..count {
            self.at_before = cursor.difference(self.at_before)?;
            let body = Err(String::new());
            readings.push(Decoded { at: self.at_before, wall_ms: 0, body });
        }
        for reading in &mut readings {
            self.wall_before = cursor.difference(self.wall_before)?;
            reading.wall_ms = self.wall_before;
        }
        for reading in &mut readings {
            reading.body = match cursor.byte()? {
                FRESH => Ok(Sample {
                    at: Timestamp(cursor.difference(reading.at)?),
                    vanished: u32::try_from(cursor.number()?).ok()?,
                    ..Sample::default()
                }),
                FAILED => Err(std::str::from_utf8(text(cursor)?).ok()?.to_owned()),
                _ => return None,
            };
        }
        Some(readings)
    }

    fn dictionary(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        for _ in 0..cursor.count(1)? {
            let task: Task = serde_json::from_slice(text(cursor)?).ok()?;
            self.entries.push(Entry { task: Arc::new(task), before: TaskRow::default() });
        }
        Some(())
    }

    /// The tasks of each fresh reading, as places in the dictionary.
    fn lists(&mut self, cursor: &mut Cursor<'_>, readings: &[Decoded]) -> Option<Vec<Vec<usize>>> {
        let mut lists = Vec::with_capacity(readings.len());
        for _ in readings.iter().filter(|r| r.body.is_ok()) {
            if cursor.byte()? != 0 {
                let count = cursor.count(1)?;
                let mut list = Vec::with_capacity(count);
                let mut before = 0;
                for _ in 0..count {
                    before = cursor.difference(before)?;
                    list.push(usize::try_from(before).ok().filter(|i| *i < self.entries.len())?);
                }
                self.list_before = list;
            }
            lists.push(self.list_before.clone());
        }
        Some(lists)
    }

    fn columns(
        &mut self,
        cursor: &mut Cursor<'_>,
        readings: &mut [Decoded],
        lists: &[Vec<usize>],
    ) -> Option<()> {
        let mut nodes = vec![self.node_before; lists.len()];
        for place in &self.node_places {
            let before = place.and_then(|p| self.node_before[p]);
            column(cursor, before, nodes.iter_mut().map(|row| place.map(|p| &mut row[p])))?;
        }
        if let Some(last) = nodes.last() {
            self.node_before = *last;
        }
        let mut rows: Vec<Vec<TaskRow>> = vec![Vec::new(); self.entries.len()];
        for entry in lists.iter().flatten() {
            rows[*entry].push(self.entries[*entry].before);
        }
        for place in &self.task_places {
            for (entry, rows) in self.entries.iter().zip(&mut rows).filter(|(_, r)| !r.is_empty()) {
                let before = place.and_then(|p| entry.before[p]);
                column(cursor, before, rows.iter_mut().map(|row| place.map(|p| &mut row[p])))?;
            }
        }
        for (entry, rows) in self.entries.iter_mut().zip(&rows) {
            entry.before = rows.last().copied().unwrap_or(entry.before);
        }
        let mut next = vec![0; rows.len()];
        let samples = readings.iter_mut().filter_map(|r| r.body.as_mut().ok());
        for ((sample, node), list) in samples.zip(&nodes).zip(lists) {
            sample.node = node_sample(node);
            for entry in list {
                let counters = task_counters(&rows[*entry][next[*entry]]);
                next[*entry] += 1;
                let task = Arc::clone(&self.entries[*entry].task);
                sample.tasks.push(TaskSample { task, counters });
            }
            if self.hashed {
                sample.tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
            }
        }
        Some(())
    }
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.count(1)?;
    cursor.bytes(length)
}

/// Decodes one column into its cells; a cell is `None` where the column is not known here.
fn column<'a>(
    cursor: &mut Cursor<'_>,
    before: Option<u64>,
    cells: impl Iterator<Item = Option<&'a mut Option<u64>>>,
) -> Option<()> {
    let coding = cursor.byte()?;
    let mut last = before.unwrap_or(0);
    for cell in cells {
        let value = match coding {
            UNCHANGED => before,
            SOME_KNOWN if cursor.byte()? == 0 => None,
            ALL_KNOWN | SOME_KNOWN => {
                last = cursor.difference(last)?;
                Some(last)
            }
            _ => return None,
        };
        if let Some(cell) = cell {
            *cell = value;
        }
    }
    Some(())
}
