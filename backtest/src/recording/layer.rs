// SPDX-License-Identifier: Apache-2.0
//! One kind of reading as columns of differences: `N` columns of the node, `T` columns of each task.
//!
//! A column of one task in one block is one byte for "nothing changed", or a list of differences. The list of
//! tasks is one byte where it is that of the reading before.

use super::varint::{Cursor, put, put_difference};

/// A row of optional numbers.
pub(super) type Row<const C: usize> = [Option<u64>; C];

/// How a column of a block is written.
const UNCHANGED: u8 = 0;
/// A difference a value.
const ALL_KNOWN: u8 = 1;
/// A byte a value, 1 with a difference after it where the value is known.
const SOME_KNOWN: u8 = 2;

/// One reading: the node's row, and each task's by its place in the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shot<const N: usize, const T: usize> {
    pub(super) node: Row<N>,
    pub(super) tasks: Vec<(usize, Row<T>)>,
}

/// One task's rows in the open block, and the one before it.
#[derive(Clone)]
struct Thread<const T: usize> {
    before: Row<T>,
    rows: Vec<Row<T>>,
}

/// The readings of the open block, and what they continue. The same for writing and reading.
#[derive(Clone)]
pub(super) struct Layer<const N: usize, const T: usize> {
    node_before: Row<N>,
    nodes: Vec<Row<N>>,
    list_before: Vec<usize>,
    lists: Vec<Vec<usize>>,
    /// By place in the dictionary.
    threads: Vec<Thread<T>>,
}

impl<const N: usize, const T: usize> Default for Layer<N, T> {
    fn default() -> Self {
        Self {
            node_before: [None; N],
            nodes: Vec::new(),
            list_before: Vec::new(),
            lists: Vec::new(),
            threads: Vec::new(),
        }
    }
}

impl<const N: usize, const T: usize> Layer<N, T> {
    /// Adds a reading to the open block.
    pub(super) fn push(&mut self, shot: Shot<N, T>) {
        self.nodes.push(shot.node);
        for (place, row) in &shot.tasks {
            self.thread(*place).rows.push(*row);
        }
        self.lists.push(shot.tasks.into_iter().map(|(place, _)| place).collect());
    }

    /// The tasks of the latest reading: most often those of the next one too.
    pub(super) fn latest(&self) -> &[usize] {
        self.lists.last().unwrap_or(&self.list_before)
    }

    fn thread(&mut self, place: usize) -> &mut Thread<T> {
        while self.threads.len() <= place {
            self.threads.push(Thread { before: [None; T], rows: Vec::new() });
        }
        &mut self.threads[place]
    }

    /// Writes the open block and begins the next.
    pub(super) fn put(&mut self, out: &mut Vec<u8>) {
        for list in std::mem::take(&mut self.lists) {
            let same = list == self.list_before;
            out.push(u8::from(!same));
            if !same {
                put(out, list.len() as u64);
                let mut before = 0;
                for place in &list {
                    put_difference(out, *place as u64, before);
                    before = *place as u64;
                }
                self.list_before = list;
            }
        }
        for column in 0..N {
            put_column(out, self.node_before[column], self.nodes.iter().map(|row| row[column]));
        }
        self.node_before = self.nodes.last().copied().unwrap_or(self.node_before);
        self.nodes.clear();
        for column in 0..T {
            for thread in self.threads.iter().filter(|thread| !thread.rows.is_empty()) {
                put_column(out, thread.before[column], thread.rows.iter().map(|row| row[column]));
            }
        }
        for thread in &mut self.threads {
            thread.before = thread.rows.last().copied().unwrap_or(thread.before);
            thread.rows.clear();
        }
    }

    /// Reads a block of `count` readings whose dictionary has `known` tasks.
    pub(super) fn take(
        &mut self,
        cursor: &mut Cursor<'_>,
        count: usize,
        known: usize,
        columns: &Columns,
    ) -> Option<Vec<Shot<N, T>>> {
        let lists = self.take_lists(cursor, count, known)?;
        let mut nodes = vec![self.node_before; count];
        for place in &columns.node {
            let before = place.and_then(|p| self.node_before[p]);
            take_column(cursor, before, nodes.iter_mut().map(|row| place.map(|p| &mut row[p])))?;
        }
        self.node_before = nodes.last().copied().unwrap_or(self.node_before);
        for place in lists.iter().flatten() {
            let thread = self.thread(*place);
            thread.rows.push(thread.before);
        }
        for place in &columns.task {
            for thread in self.threads.iter_mut().filter(|thread| !thread.rows.is_empty()) {
                let before = place.and_then(|p| thread.before[p]);
                let cells = thread.rows.iter_mut().map(|row| place.map(|p| &mut row[p]));
                take_column(cursor, before, cells)?;
            }
        }
        let mut next = vec![0; self.threads.len()];
        let mut shots = Vec::with_capacity(count);
        for (node, list) in nodes.into_iter().zip(&lists) {
            let mut tasks = Vec::with_capacity(list.len());
            for place in list {
                tasks.push((*place, *self.threads[*place].rows.get(next[*place])?));
                next[*place] += 1;
            }
            shots.push(Shot { node, tasks });
        }
        for thread in &mut self.threads {
            thread.before = thread.rows.last().copied().unwrap_or(thread.before);
            thread.rows.clear();
        }
        Some(shots)
    }

    fn take_lists(
        &mut self,
        cursor: &mut Cursor<'_>,
        count: usize,
        known: usize,
    ) -> Option<Vec<Vec<usize>>> {
        let mut lists = Vec::with_capacity(count);
        for _ in 0..count {
            if cursor.byte()? != 0 {
                let tasks = cursor.count(1)?;
                let mut list = Vec::with_capacity(tasks);
                let mut before = 0;
                for _ in 0..tasks {
                    before = cursor.difference(before)?;
                    list.push(usize::try_from(before).ok().filter(|place| *place < known)?);
                }
                self.list_before = list;
            }
            lists.push(self.list_before.clone());
        }
        Some(lists)
    }
}

/// For each column of a file its place here, `None` for one that is not known here.
#[derive(Clone)]
pub(super) struct Columns {
    pub(super) node: Vec<Option<usize>>,
    pub(super) task: Vec<Option<usize>>,
}

fn put_column(
    out: &mut Vec<u8>,
    before: Option<u64>,
    values: impl Iterator<Item = Option<u64>> + Clone,
) {
    if values.clone().all(|value| value == before) {
        return out.push(UNCHANGED);
    }
    let mut last = before.unwrap_or(0);
    let all = values.clone().all(|value| value.is_some());
    out.push(if all { ALL_KNOWN } else { SOME_KNOWN });
    for value in values {
        if !all {
            out.push(u8::from(value.is_some()));
        }
        if let Some(value) = value {
            put_difference(out, value, last);
            last = value;
        }
    }
}

/// Decodes one column into its cells; a cell is `None` where the column is not known here.
fn take_column<'a>(
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
