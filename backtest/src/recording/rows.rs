// SPDX-License-Identifier: Apache-2.0
//! A recording as rows of a trace: the mean CPU and the largest working set of each guaranteed task in each step.
//!
//! Rates come from the same place as the engine's (`UsageTracker`). A step's mean is weighted by the time of the
//! samples within it. A task without an allocation has the node's capacity as its limit, as in the engine.
//! After a pause nothing is known: no rows, and who comes back is a newcomer.

use super::RecordingError;
use super::event::Recorded;
use super::reader::{Damage, RecordingReader};
use gleaner_estimator::sample::{Class, Sample, TaskId};
use gleaner_estimator::units::{Amount, Span, Timestamp};
use gleaner_estimator::usage::{TaskUsage, Usage, UsageTracker};
use std::collections::BTreeMap;
use std::path::Path;

/// One task in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    /// Number of the task in the order in which tasks were first seen, from 0.
    pub(crate) task: u32,
    /// Number of the step.
    pub(crate) step: u32,
    /// Cores.
    pub(crate) cpu_limit: f32,
    pub(crate) cpu_used: f32,
    /// Bytes; 0 where unknown.
    pub(crate) mem_limit: u64,
    pub(crate) mem_used: u64,
}

/// A whole recording as rows.
pub(crate) struct Gathered {
    /// Sorted by task, then step.
    pub(crate) rows: Vec<Row>,
    pub(crate) step_s: u32,
    pub(crate) tasks: u32,
    pub(crate) damage: Vec<Damage>,
}

/// Readings that are looked at to find the distance of samples.
const PROBE: usize = 101;
/// A longer pause between two samples is a gap, in steps, and at least [`LEAST_GAP`].
const GAP_STEPS: u64 = 3;
const LEAST_GAP: Span = Span::from_secs(30);

/// Reads a recording; without a step its samples' usual distance is taken, in whole seconds.
pub(crate) fn gather(path: &Path, step_s: Option<u32>) -> Result<Gathered, RecordingError> {
    let step_s = match step_s {
        Some(step) => step.max(1),
        None => usual_step(path)?,
    };
    let mut reader = RecordingReader::open(path)?;
    let mut gatherer = Gatherer::new(Span::from_secs(step_s.into()));
    for recorded in reader.by_ref() {
        gatherer.take(&recorded?);
    }
    let damage = reader.damage().to_vec();
    let (rows, tasks) = gatherer.finish();
    Ok(Gathered { rows, step_s, tasks, damage })
}

/// The median distance of the first samples, rounded to whole seconds, at least one.
fn usual_step(path: &Path) -> Result<u32, RecordingError> {
    let first: Vec<Recorded> =
        RecordingReader::open(path)?.take(PROBE).collect::<Result<_, _>>()?;
    let mut spans: Vec<Span> = first.windows(2).filter_map(|w| w[1].at.since(w[0].at)).collect();
    spans.sort_unstable();
    let median = spans.get(spans.len() / 2).map_or(0, |span| span.0);
    let seconds = median.saturating_add(500_000_000) / 1_000_000_000;
    Ok(u32::try_from(seconds).unwrap_or(u32::MAX).max(1))
}

/// The step of one task that is being filled.
struct Filling {
    number: u32,
    step: u64,
    /// CPU × time, and the time, nanoseconds.
    cpu: f64,
    covered: f64,
    cpu_limit: f64,
    mem_limit: u64,
    mem_used: u64,
}

struct Gatherer {
    step: Span,
    /// A run of the recorder began, and no sample of it has come yet.
    starts: bool,
    tracker: UsageTracker,
    last_at: Option<Timestamp>,
    /// Wall clock less monotonic clock of this run, nanoseconds from the recording's start.
    offset: Option<i128>,
    /// Wall clock of the recording's start, nanoseconds.
    origin: Option<i128>,
    tasks: BTreeMap<TaskId, Filling>,
    rows: Vec<Row>,
}

impl Gatherer {
    fn new(step: Span) -> Self {
        Self {
            step,
            starts: false,
            tracker: UsageTracker::default(),
            last_at: None,
            offset: None,
            origin: None,
            tasks: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    fn take(&mut self, recorded: &Recorded) {
        // The first event of a run need not be a sample.
        self.starts |= recorded.starts;
        let Some(sample) = recorded.sample() else { return };
        if sample.validate(usize::MAX).is_err() {
            return;
        }
        if std::mem::take(&mut self.starts) || self.offset.is_none() {
            let wall = i128::from(recorded.wall_ms) * 1_000_000;
            let origin = *self.origin.get_or_insert(wall);
            self.offset = Some(wall - origin - i128::from(recorded.at.0));
            self.tracker = UsageTracker::default();
            self.last_at = None;
        }
        let distance = self.last_at.and_then(|last| sample.at.since(last));
        let gap = LEAST_GAP.max(Span(GAP_STEPS * self.step.0));
        if distance.is_some_and(|span| span > gap) {
            self.tracker.forget_counters();
        }
        self.last_at = Some(sample.at);
        let mut tracker = std::mem::take(&mut self.tracker);
        if let Some(usage) = tracker.update(sample) {
            self.add(sample, usage);
        }
        self.tracker = tracker;
    }

    fn add(&mut self, sample: &Sample, usage: &Usage) {
        let end = self.offset.unwrap_or(0) + i128::from(sample.at.0);
        // A clock set back over the recording's start has no place on its axis.
        let Ok(end) = u64::try_from(end) else { return };
        let start = end.saturating_sub(usage.span.0);
        for (task, used) in sample.tasks.iter().zip(&usage.tasks) {
            let guaranteed = task.task.class == Class::Guaranteed;
            let Some(cpu) = used.cpu.filter(|_| guaranteed) else { continue };
            let whole = sample.node.capacity_cpu;
            let filling = self.filling(&task.task.id);
            let allocation = task.task.allocation;
            filling.cpu_limit = allocation.cpu.unwrap_or(whole).to_base();
            let memory = memory(used, allocation.memory.unwrap_or(sample.node.capacity_memory).0);
            self.spread(&task.task.id, start, end, cpu, memory);
        }
    }

    fn filling(&mut self, id: &TaskId) -> &mut Filling {
        let number = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
        self.tasks.entry(id.clone()).or_insert(Filling {
            number,
            step: 0,
            cpu: 0.0,
            covered: 0.0,
            cpu_limit: 0.0,
            mem_limit: 0,
            mem_used: 0,
        })
    }

    /// Adds usage in `start..end` to the steps that it touches.
    fn spread(&mut self, id: &TaskId, start: u64, end: u64, cpu: f64, memory: (u64, u64)) {
        let Some(filling) = self.tasks.get_mut(id) else { return };
        let mut from = start;
        while from < end {
            let step = from / self.step.0;
            let until = end.min((step + 1).saturating_mul(self.step.0));
            if step > filling.step {
                self.rows.extend(filling.close());
                filling.step = step;
            }
            // A clock set back fills steps that are closed: they keep what they have.
            if step == filling.step {
                let time = (until - from) as f64;
                filling.cpu += cpu * time;
                filling.covered += time;
                filling.mem_limit = memory.0;
                filling.mem_used = filling.mem_used.max(memory.1);
            }
            from = until;
        }
    }

    fn finish(mut self) -> (Vec<Row>, u32) {
        for filling in self.tasks.values_mut() {
            self.rows.extend(filling.close());
        }
        self.rows.sort_unstable_by_key(|row| (row.task, row.step));
        (self.rows, u32::try_from(self.tasks.len()).unwrap_or(u32::MAX))
    }
}

impl Filling {
    /// The row of the step, if anything was measured in it; then the next step is empty.
    fn close(&mut self) -> Option<Row> {
        let covered = std::mem::take(&mut self.covered);
        let cpu = std::mem::take(&mut self.cpu) / covered;
        let mem_used = std::mem::take(&mut self.mem_used);
        #[expect(clippy::cast_possible_truncation, reason = "f32 is the traces' type; cores fit")]
        let (cpu_limit, cpu_used) = (self.cpu_limit as f32, cpu as f32);
        let step = u32::try_from(self.step).ok()?;
        let (task, mem_limit) = (self.number, self.mem_limit);
        let row = Row { task, step, cpu_limit, cpu_used, mem_limit, mem_used };
        (covered > 0.0).then_some(row)
    }
}

/// Limit and use of memory; both 0 where the use is unknown.
fn memory(usage: &TaskUsage, limit: u64) -> (u64, u64) {
    usage.working_set_latest.map_or((0, 0), |used| (limit, used.0))
}
