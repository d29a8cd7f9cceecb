// SPDX-License-Identifier: Apache-2.0
//! Blocks → events: the inverse of [`super::encode`]. Damage that a checksum did not see gives `None`, never a panic.

use super::columns::{
    GLANCE_NODE, GLANCE_TASK, NODE, TASK, glance, glance_task, node_sample, task_counters,
};
use super::encode::{CAPABILITIES, FAILED, GLANCE, Glances, REPORT, SAMPLE, Samples};
use super::event::Told;
use super::frame::MAX_UNFOLDED;
use super::layer::Columns;
use super::varint::Cursor;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::{Sample, Task, TaskSample};
use gleaner_estimator::units::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The first block of a file and of each continuation, as JSON. Columns are in the order of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Wall clock at the start of the recorder, milliseconds: the same in all files of one run.
    pub(super) recorder: u64,
    /// Whether names are hashes; then tasks have to be sorted again.
    pub(super) hashed: bool,
    task_columns: Vec<String>,
    node_columns: Vec<String>,
    glance_task_columns: Vec<String>,
    glance_node_columns: Vec<String>,
}

impl Head {
    pub(super) fn new(recorder: u64, hashed: bool) -> Self {
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Self {
            recorder,
            hashed,
            task_columns: own(&TASK),
            node_columns: own(&NODE),
            glance_task_columns: own(&GLANCE_TASK),
            glance_node_columns: own(&GLANCE_NODE),
        }
    }
}

/// One event as it was recorded: times in nanoseconds and milliseconds.
pub(super) struct Decoded {
    pub(super) at: u64,
    pub(super) wall_ms: u64,
    pub(super) told: Told,
}

/// What a block continues.
#[derive(Clone)]
pub(super) struct Decoder {
    hashed: bool,
    sample_columns: Columns,
    glance_columns: Columns,
    tasks: Vec<Arc<Task>>,
    samples: Samples,
    glances: Glances,
    at_before: u64,
    wall_before: u64,
}

impl Decoder {
    pub(super) fn new(head: &Head) -> Self {
        let places = |columns: &[String], known: &[&str]| {
            columns.iter().map(|c| known.iter().position(|k| k == c)).collect()
        };
        Self {
            hashed: head.hashed,
            sample_columns: Columns {
                node: places(&head.node_columns, &NODE),
                task: places(&head.task_columns, &TASK),
            },
            glance_columns: Columns {
                node: places(&head.glance_node_columns, &GLANCE_NODE),
                task: places(&head.glance_task_columns, &GLANCE_TASK),
            },
            tasks: Vec::new(),
            samples: Samples::default(),
            glances: Glances::default(),
            at_before: 0,
            wall_before: 0,
        }
    }

    /// Forgets what earlier blocks said: a key block follows.
    pub(super) fn start_over(&mut self) {
        self.tasks.clear();
        self.samples = Samples::default();
        self.glances = Glances::default();
        (self.at_before, self.wall_before) = (0, 0);
    }

    /// The events of one block.
    pub(super) fn block(&mut self, payload: &[u8]) -> Option<Vec<Decoded>> {
        let mut cursor = Cursor(payload);
        let unfolded = usize::try_from(cursor.number()?).ok().filter(|n| *n <= MAX_UNFOLDED)?;
        let plain = zstd::bulk::decompress(cursor.0, unfolded).ok()?;
        let mut cursor = Cursor(&plain);
        let mut events = self.events(&mut cursor)?;
        for _ in 0..cursor.count(1)? {
            self.tasks.push(serde_json::from_slice(text(&mut cursor)?).ok()?);
        }
        self.fill_samples(&mut cursor, &mut events)?;
        self.fill_glances(&mut cursor, &mut events)?;
        cursor.0.is_empty().then_some(events)
    }

    /// The events, samples and glances still without what was read.
    fn events(&mut self, cursor: &mut Cursor<'_>) -> Option<Vec<Decoded>> {
        let count = cursor.count(3)?;
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            self.at_before = cursor.difference(self.at_before)?;
            times.push((self.at_before, 0));
        }
        for (_, wall_ms) in &mut times {
            self.wall_before = cursor.difference(self.wall_before)?;
            *wall_ms = self.wall_before;
        }
        let mut events = Vec::with_capacity(count);
        for (at, wall_ms) in times {
            let told = match cursor.byte()? {
                SAMPLE => Told::Sample(Sample {
                    at: Timestamp(cursor.difference(at)?),
                    vanished: u32::try_from(cursor.number()?).ok()?,
                    ..Sample::default()
                }),
                FAILED => Told::Failed(std::str::from_utf8(text(cursor)?).ok()?.to_owned()),
                GLANCE => Told::Glance(Glance { at: Timestamp(at), ..Glance::default() }),
                REPORT => Told::Report(serde_json::from_slice(text(cursor)?).ok()?),
                CAPABILITIES => Told::Capabilities(serde_json::from_slice(text(cursor)?).ok()?),
                _ => return None,
            };
            events.push(Decoded { at, wall_ms, told });
        }
        Some(events)
    }

    fn fill_samples(&mut self, cursor: &mut Cursor<'_>, events: &mut [Decoded]) -> Option<()> {
        let mut samples: Vec<&mut Sample> = events
            .iter_mut()
            .filter_map(|event| match &mut event.told {
                Told::Sample(sample) => Some(sample),
                Told::Failed(_) | Told::Glance(_) | Told::Report(_) | Told::Capabilities(_) => None,
            })
            .collect();
        let (count, known) = (samples.len(), self.tasks.len());
        let shots = self.samples.take(cursor, count, known, &self.sample_columns)?;
        for (sample, shot) in samples.iter_mut().zip(shots) {
            sample.node = node_sample(&shot.node);
            sample.tasks.extend(shot.tasks.iter().map(|(place, row)| TaskSample {
                task: Arc::clone(&self.tasks[*place]),
                counters: task_counters(row),
            }));
            if self.hashed {
                sample.tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
            }
        }
        Some(())
    }

    fn fill_glances(&mut self, cursor: &mut Cursor<'_>, events: &mut [Decoded]) -> Option<()> {
        let mut glances: Vec<&mut Glance> = events
            .iter_mut()
            .filter_map(|event| match &mut event.told {
                Told::Glance(glance) => Some(glance),
                Told::Failed(_) | Told::Sample(_) | Told::Report(_) | Told::Capabilities(_) => None,
            })
            .collect();
        let (count, known) = (glances.len(), self.tasks.len());
        let shots = self.glances.take(cursor, count, known, &self.glance_columns)?;
        for (seen, shot) in glances.iter_mut().zip(shots) {
            **seen = glance(seen.at, &shot.node);
            let task =
                |(place, row): &(usize, _)| glance_task(Arc::clone(&self.tasks[*place]), row);
            seen.tasks.extend(shot.tasks.iter().map(task));
            if self.hashed {
                seen.tasks.sort_by(|a, b| a.task.id.cmp(&b.task.id));
            }
        }
        Some(())
    }
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.count(1)?;
    cursor.bytes(length)
}
