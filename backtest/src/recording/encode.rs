// SPDX-License-Identifier: Apache-2.0
//! Readings → blocks: columns of differences to the reading before, then zstd.
//!
//! A column of one task in one block is one byte for "nothing changed", or a list of differences. Tasks'
//! lasting facts stand once in a dictionary that grows from block to block; a key block starts it anew.

use super::columns::{NODE, NodeRow, TASK, TaskRow, node_row, task_row};
use super::frame::Kind;
use super::hash::Pseudonyms;
use super::varint::{put, put_difference};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::{Sample, Task, TaskId, TaskSample};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a column of a block is written.
pub(super) const UNCHANGED: u8 = 0;
/// A difference a value.
pub(super) const ALL_KNOWN: u8 = 1;
/// A byte a value, 1 with a difference after it where the value is known.
pub(super) const SOME_KNOWN: u8 = 2;

/// What a reading's body is.
pub(super) const FRESH: u8 = 0;
pub(super) const FAILED: u8 = 1;

/// Blocks that continue one key block: damage costs at most an hour at ten seconds a block.
const BLOCKS_PER_KEY: u32 = 360;
/// zstd level: higher ones gain less than a tenth here.
const LEVEL: i32 = 3;

struct Entry {
    task: Arc<Task>,
    /// The values before the open block.
    before: TaskRow,
    /// The values in the open block.
    rows: Vec<TaskRow>,
}

enum PendingBody {
    Fresh { sample_at: u64, vanished: u32, tasks: Vec<usize> },
    Failed(String),
}

struct Pending {
    at: u64,
    wall_ms: u64,
    body: PendingBody,
}

/// The open block and what it continues.
pub(super) struct Encoder {
    names: Option<Pseudonyms>,
    entries: Vec<Entry>,
    index: BTreeMap<TaskId, usize>,
    /// Entries that were there before the open block.
    known: usize,
    node_before: NodeRow,
    nodes: Vec<NodeRow>,
    at_before: u64,
    wall_before: u64,
    list_before: Vec<usize>,
    pending: Vec<Pending>,
    blocks: u32,
}

impl Encoder {
    pub(super) fn new(names: Option<Pseudonyms>) -> Self {
        Self {
            names,
            entries: Vec::new(),
            index: BTreeMap::new(),
            known: 0,
            node_before: NodeRow::default(),
            nodes: Vec::new(),
            at_before: 0,
            wall_before: 0,
            list_before: Vec::new(),
            pending: Vec::new(),
            blocks: BLOCKS_PER_KEY,
        }
    }

    /// Makes the next block one that continues nothing. What is pending is forgotten.
    pub(super) fn start_over(&mut self) {
        self.entries.clear();
        self.index.clear();
        self.known = 0;
        self.node_before = NodeRow::default();
        self.nodes.clear();
        (self.at_before, self.wall_before) = (0, 0);
        self.list_before.clear();
        self.pending.clear();
        self.blocks = BLOCKS_PER_KEY;
    }

    /// Readings in the open block.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Time of the first reading in the open block, nanoseconds.
    pub(super) fn first_at(&self) -> Option<u64> {
        self.pending.first().map(|p| p.at)
    }

    /// Adds a reading to the open block.
    pub(super) fn push(&mut self, reading: &Reading<'_>) {
        if self.pending.is_empty() && self.blocks >= BLOCKS_PER_KEY {
            self.start_over();
        }
        let body = match reading.body {
            Body::Fresh(sample) => self.fresh(sample),
            Body::Failed(why) => PendingBody::Failed(match &self.names {
                Some(names) => names.text(why),
                None => why.to_owned(),
            }),
        };
        self.pending.push(Pending { at: reading.at.0, wall_ms: reading.wall_ms, body });
    }

    fn fresh(&mut self, sample: &Sample) -> PendingBody {
        self.nodes.push(node_row(&sample.node));
        let mut tasks = Vec::with_capacity(sample.tasks.len());
        for (i, task) in sample.tasks.iter().enumerate() {
            let hint = self.latest_list().get(i).copied();
            let entry = self.entry(task, hint);
            self.entries[entry].rows.push(task_row(&task.counters));
            tasks.push(entry);
        }
        PendingBody::Fresh { sample_at: sample.at.0, vanished: sample.vanished, tasks }
    }

    /// The tasks of the last sample: most often those of the next one too.
    fn latest_list(&self) -> &[usize] {
        let in_block = self.pending.iter().rev().find_map(|p| match &p.body {
            PendingBody::Fresh { tasks, .. } => Some(tasks.as_slice()),
            PendingBody::Failed(_) => None,
        });
        in_block.unwrap_or(&self.list_before)
    }

    /// The task's place in the dictionary, a new one where it or its facts are new.
    fn entry(&mut self, sample: &TaskSample, hint: Option<usize>) -> usize {
        if let Some(hint) = hint.filter(|h| Arc::ptr_eq(&self.entries[*h].task, &sample.task)) {
            return hint;
        }
        if let Some(&found) = self.index.get(&sample.task.id) {
            let entry = &mut self.entries[found];
            if *entry.task == *sample.task {
                entry.task = Arc::clone(&sample.task);
                return found;
            }
        }
        let new = self.entries.len();
        self.index.insert(sample.task.id.clone(), new);
        let task = Arc::clone(&sample.task);
        self.entries.push(Entry { task, before: TaskRow::default(), rows: Vec::new() });
        new
    }

    /// Closes the open block; `None` where it is empty.
    pub(super) fn finish(&mut self) -> Option<(Kind, Vec<u8>)> {
        if self.pending.is_empty() {
            return None;
        }
        let kind = if self.blocks >= BLOCKS_PER_KEY { Kind::Key } else { Kind::Delta };
        self.blocks = if kind == Kind::Key { 1 } else { self.blocks + 1 };
        let mut plain = Vec::new();
        self.put_readings(&mut plain);
        self.put_dictionary(&mut plain);
        self.put_lists(&mut plain);
        self.put_columns(&mut plain);
        self.pending.clear();
        let mut payload = Vec::new();
        put(&mut payload, plain.len() as u64);
        match zstd::bulk::compress(&plain, LEVEL) {
            Ok(compressed) => payload.extend_from_slice(&compressed),
            // Only memory can be lacking: this block is lost, and the next one continues nothing.
            Err(_) => self.blocks = BLOCKS_PER_KEY,
        }
        Some((kind, payload))
    }

    fn put_readings(&mut self, out: &mut Vec<u8>) {
        put(out, self.pending.len() as u64);
        for p in &self.pending {
            put_difference(out, p.at, self.at_before);
            self.at_before = p.at;
        }
        for p in &self.pending {
            put_difference(out, p.wall_ms, self.wall_before);
            self.wall_before = p.wall_ms;
        }
        for p in &self.pending {
            match &p.body {
                PendingBody::Fresh { sample_at, vanished, .. } => {
                    out.push(FRESH);
                    put_difference(out, *sample_at, p.at);
                    put(out, u64::from(*vanished));
                }
                PendingBody::Failed(why) => {
                    out.push(FAILED);
                    put_text(out, why.as_bytes());
                }
            }
        }
    }

    fn put_dictionary(&mut self, out: &mut Vec<u8>) {
        let new = &self.entries[self.known..];
        put(out, new.len() as u64);
        for entry in new {
            let facts = match &self.names {
                Some(names) => serde_json::to_vec(&names.task(&entry.task)),
                None => serde_json::to_vec(&*entry.task),
            };
            put_text(out, &facts.expect("a task is plain data with text keys"));
        }
        self.known = self.entries.len();
    }

    fn put_lists(&mut self, out: &mut Vec<u8>) {
        for pending in &mut self.pending {
            let PendingBody::Fresh { tasks, .. } = &mut pending.body else { continue };
            let same = *tasks == self.list_before;
            out.push(u8::from(!same));
            if !same {
                put(out, tasks.len() as u64);
                let mut before = 0;
                for task in tasks.iter() {
                    put_difference(out, *task as u64, before);
                    before = *task as u64;
                }
                self.list_before = std::mem::take(tasks);
            }
        }
    }

    fn put_columns(&mut self, out: &mut Vec<u8>) {
        for column in 0..NODE.len() {
            put_column(out, self.node_before[column], self.nodes.iter().map(|row| row[column]));
        }
        if let Some(last) = self.nodes.last() {
            self.node_before = *last;
        }
        self.nodes.clear();
        for column in 0..TASK.len() {
            for entry in self.entries.iter().filter(|e| !e.rows.is_empty()) {
                put_column(out, entry.before[column], entry.rows.iter().map(|row| row[column]));
            }
        }
        for entry in &mut self.entries {
            if let Some(last) = entry.rows.last() {
                entry.before = *last;
            }
            entry.rows.clear();
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, text.len() as u64);
    out.extend_from_slice(text);
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
