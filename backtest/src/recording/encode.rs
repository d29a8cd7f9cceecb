// SPDX-License-Identifier: Apache-2.0
//! Events → blocks: times, then a dictionary of tasks, then columns of differences ([`super::layer`]), then zstd.
//!
//! Tasks' lasting facts stand once in a dictionary that grows from block to block; a key block starts it anew.

use super::columns::{
    GLANCE_NODE, GLANCE_TASK, NODE, TASK, glance_node_row, glance_task_row, node_row, task_row,
};
use super::event::Event;
use super::frame::Kind;
use super::hash::Pseudonyms;
use super::layer::{Layer, Shot};
use super::varint::{put, put_difference};
use gleaner_engine::reading::Body;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{Sample, Task, TaskId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an event is.
pub(super) const SAMPLE: u8 = 0;
pub(super) const FAILED: u8 = 1;
pub(super) const GLANCE: u8 = 2;
pub(super) const REPORT: u8 = 3;
pub(super) const CAPABILITIES: u8 = 4;

/// Blocks that continue one key block: damage costs at most an hour at ten seconds a block.
const BLOCKS_PER_KEY: u32 = 360;
/// zstd level: higher ones gain less than a tenth here.
const LEVEL: i32 = 3;

/// Samples as columns.
pub(super) type Samples = Layer<{ NODE.len() }, { TASK.len() }>;
/// Glances as columns.
pub(super) type Glances = Layer<{ GLANCE_NODE.len() }, { GLANCE_TASK.len() }>;

/// An event without its columns.
enum PendingBody {
    Sample {
        at: u64,
        vanished: u32,
    },
    Glance,
    /// A failure's sentence, or JSON.
    Text(u8, Vec<u8>),
}

struct Pending {
    at: u64,
    wall_ms: u64,
    body: PendingBody,
}

/// The open block and what it continues.
pub(super) struct Encoder {
    names: Option<Pseudonyms>,
    tasks: Vec<Arc<Task>>,
    index: BTreeMap<TaskId, usize>,
    /// Tasks that were known before the open block.
    known: usize,
    samples: Samples,
    glances: Glances,
    at_before: u64,
    wall_before: u64,
    pending: Vec<Pending>,
    blocks: u32,
}

impl Encoder {
    pub(super) fn new(names: Option<Pseudonyms>) -> Self {
        Self {
            names,
            tasks: Vec::new(),
            index: BTreeMap::new(),
            known: 0,
            samples: Layer::default(),
            glances: Layer::default(),
            at_before: 0,
            wall_before: 0,
            pending: Vec::new(),
            blocks: BLOCKS_PER_KEY,
        }
    }

    /// Makes the next block one that continues nothing. What is pending is forgotten.
    pub(super) fn start_over(&mut self) {
        *self = Self::new(self.names.take());
    }

    /// Events in the open block.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Time of the first event in the open block, nanoseconds.
    pub(super) fn first_at(&self) -> Option<u64> {
        self.pending.first().map(|p| p.at)
    }

    /// Adds an event to the open block.
    pub(super) fn push(&mut self, event: &Event<'_>, wall_ms: u64) {
        if self.pending.is_empty() && self.blocks >= BLOCKS_PER_KEY {
            self.start_over();
        }
        let body = match event {
            Event::Reading(reading) => match reading.body {
                Body::Fresh(sample) => self.sample(sample),
                Body::Failed(why) => PendingBody::Text(FAILED, self.sentence(why)),
            },
            Event::Glance(glance) => self.glance(glance),
            Event::Report(report) => match &self.names {
                Some(names) => {
                    let mut report = (*report).clone();
                    report.task = names.id(&report.task);
                    PendingBody::Text(REPORT, json(&report))
                }
                None => PendingBody::Text(REPORT, json(report)),
            },
            Event::Capabilities(_, capabilities) => {
                PendingBody::Text(CAPABILITIES, json(capabilities))
            }
        };
        self.pending.push(Pending { at: event.at().0, wall_ms, body });
    }

    fn sentence(&self, why: &str) -> Vec<u8> {
        self.names.as_ref().map_or_else(|| why.to_owned(), |names| names.text(why)).into_bytes()
    }

    fn sample(&mut self, sample: &Sample) -> PendingBody {
        let mut tasks = Vec::with_capacity(sample.tasks.len());
        for (i, task) in sample.tasks.iter().enumerate() {
            let hint = self.samples.latest().get(i).copied();
            tasks.push((self.place(&task.task, hint), task_row(&task.counters)));
        }
        self.samples.push(Shot { node: node_row(&sample.node), tasks });
        PendingBody::Sample { at: sample.at.0, vanished: sample.vanished }
    }

    fn glance(&mut self, glance: &Glance) -> PendingBody {
        let mut tasks = Vec::with_capacity(glance.tasks.len());
        for (i, task) in glance.tasks.iter().enumerate() {
            let hint = self.glances.latest().get(i).copied();
            tasks.push((self.place(&task.task, hint), glance_task_row(task)));
        }
        self.glances.push(Shot { node: glance_node_row(glance), tasks });
        PendingBody::Glance
    }

    /// The task's place in the dictionary, a new one where it or its facts are new.
    fn place(&mut self, task: &Arc<Task>, hint: Option<usize>) -> usize {
        if let Some(hint) = hint.filter(|hint| Arc::ptr_eq(&self.tasks[*hint], task)) {
            return hint;
        }
        if let Some(&found) = self.index.get(&task.id)
            && *self.tasks[found] == **task
        {
            self.tasks[found] = Arc::clone(task);
            return found;
        }
        let new = self.tasks.len();
        self.index.insert(task.id.clone(), new);
        self.tasks.push(Arc::clone(task));
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
        self.put_events(&mut plain);
        self.put_dictionary(&mut plain);
        self.samples.put(&mut plain);
        self.glances.put(&mut plain);
        let mut payload = Vec::new();
        put(&mut payload, plain.len() as u64);
        match zstd::bulk::compress(&plain, LEVEL) {
            Ok(compressed) => payload.extend_from_slice(&compressed),
            // Only memory can be lacking: this block is lost, and the next one continues nothing.
            Err(_) => self.blocks = BLOCKS_PER_KEY,
        }
        Some((kind, payload))
    }

    fn put_events(&mut self, out: &mut Vec<u8>) {
        let events = std::mem::take(&mut self.pending);
        put(out, events.len() as u64);
        for event in &events {
            put_difference(out, event.at, self.at_before);
            self.at_before = event.at;
        }
        for event in &events {
            put_difference(out, event.wall_ms, self.wall_before);
            self.wall_before = event.wall_ms;
        }
        for event in &events {
            match &event.body {
                PendingBody::Sample { at, vanished } => {
                    out.push(SAMPLE);
                    put_difference(out, *at, event.at);
                    put(out, u64::from(*vanished));
                }
                PendingBody::Glance => out.push(GLANCE),
                PendingBody::Text(kind, text) => {
                    out.push(*kind);
                    put_text(out, text);
                }
            }
        }
    }

    fn put_dictionary(&mut self, out: &mut Vec<u8>) {
        let new = &self.tasks[self.known..];
        put(out, new.len() as u64);
        for task in new {
            match &self.names {
                Some(names) => put_text(out, &json(&names.task(task))),
                None => put_text(out, &json(&**task)),
            }
        }
        self.known = self.tasks.len();
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data under text keys")
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put(out, text.len() as u64);
    out.extend_from_slice(text);
}
