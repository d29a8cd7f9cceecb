// SPDX-License-Identifier: Apache-2.0
//! One machine of a trace: its tasks' runs on one time grid, usage capped at the limit.

use super::error::TraceError;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// Most steps of one machine: 30 years of 5-minute steps, 36 days of seconds.
const MAX_STEPS: u32 = 3_155_760;

/// The step where no two rows tell it.
const LONE_STEP_S: u32 = 300;

/// One unbroken run of a task. A task whose rows stop and start again has several: who comes back
/// is a newcomer, as it is for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRun {
    /// The trace's number of the task.
    pub id: i64,
    /// Step of its first row, counted from the machine's first row.
    pub first: usize,
    /// Its rows in the [`Series`], one a step.
    pub rows: Range<usize>,
}

impl TaskRun {
    /// The step after its last row.
    #[must_use]
    pub fn end(&self) -> usize {
        self.first + self.rows.len()
    }

    /// Its row at a step.
    #[must_use]
    pub fn row_at(&self, step: usize) -> Option<usize> {
        (step >= self.first && step < self.end()).then(|| self.rows.start + (step - self.first))
    }
}

/// One resource of all rows, in base units (cores or bytes).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What the task may use.
    pub limit: Vec<f64>,
    /// What it used, never above the limit.
    pub used: Vec<f64>,
}

/// One machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// The trace's number of it.
    pub id: i64,
    /// Time of the first row, seconds from the file's start.
    pub start_s: i64,
    /// Distance of two rows, seconds.
    pub step_s: u32,
    /// Steps from the first row to the last, both included.
    pub steps: usize,
    /// Sorted by first step, then id: the order of arrival.
    pub runs: Vec<TaskRun>,
    /// CPU, cores.
    pub cpu: Series,
    /// Memory, bytes; `None` where the trace has none.
    pub memory: Option<Series>,
}

/// The rows of one machine in the order task, time.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) id: i64,
    pub(crate) t: Vec<i64>,
    pub(crate) task: Vec<i64>,
    pub(crate) cpu: Series,
    pub(crate) memory: Series,
}

impl Raw {
    /// Puts the rows on a grid and caps usage.
    pub(crate) fn build(self, file: &Path) -> Result<Machine, TraceError> {
        let step_s = self.step();
        let start_s = self.t.iter().copied().min().unwrap_or(0);
        let last = self.t.iter().copied().max().unwrap_or(0);
        let steps = (last - start_s) / i64::from(step_s) + 1;
        if steps > i64::from(MAX_STEPS) {
            let (file, machine) = (file.to_owned(), self.id);
            return Err(TraceError::TooLong {
                file,
                machine,
                steps,
                step: step_s,
                limit: MAX_STEPS,
            });
        }
        let mut runs: Vec<TaskRun> = Vec::new();
        for (row, (&t, &task)) in self.t.iter().zip(&self.task).enumerate() {
            let offset = t - start_s;
            let step = usize::try_from(offset / i64::from(step_s)).unwrap_or(0);
            if offset % i64::from(step_s) != 0 {
                let (file, machine) = (file.to_owned(), self.id);
                return Err(TraceError::OffGrid { file, machine, task, t, step: step_s });
            }
            match runs.last_mut() {
                Some(run) if run.id == task && run.end() == step => run.rows.end = row + 1,
                Some(_) | None => runs.push(TaskRun { id: task, first: step, rows: row..row + 1 }),
            }
        }
        runs.sort_by_key(|run| (run.first, run.id));
        let has_memory = self.memory.limit.iter().any(|limit| *limit > 0.0);
        Ok(Machine {
            id: self.id,
            start_s,
            step_s,
            steps: usize::try_from(steps).unwrap_or(0),
            runs,
            cpu: capped(self.cpu),
            memory: has_memory.then(|| capped(self.memory)),
        })
    }

    /// The most frequent distance between two rows of one task; the shorter of equally frequent ones.
    fn step(&self) -> u32 {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for (t, task) in self.t.windows(2).zip(self.task.windows(2)) {
            if task[0] == task[1] {
                *counts.entry(t[1].saturating_sub(t[0])).or_default() += 1;
            }
        }
        let most = counts.values().copied().max().unwrap_or(0);
        let step = counts.iter().find(|(_, count)| **count == most).map(|(step, _)| *step);
        step.and_then(|s| u32::try_from(s).ok()).filter(|s| *s > 0).unwrap_or(LONE_STEP_S)
    }
}

fn capped(mut series: Series) -> Series {
    for (used, limit) in series.used.iter_mut().zip(&series.limit) {
        *used = used.min(*limit);
    }
    series
}

impl Machine {
    /// The tasks present at each step in turn, as indices into `runs` in the order of arrival.
    ///
    /// `visit` gets the step and the runs.
    pub fn walk(&self, mut visit: impl FnMut(usize, &[usize])) {
        let mut present: Vec<usize> = Vec::new();
        let mut next = 0;
        for step in 0..self.steps {
            present.retain(|run| self.runs[*run].end() > step);
            while self.runs.get(next).is_some_and(|run| run.first == step) {
                present.push(next);
                next += 1;
            }
            visit(step, &present);
        }
    }

    /// The largest sum of limits at any step: the capacity of a machine that says nothing of it.
    #[must_use]
    pub fn largest_limit(&self, series: &Series) -> f64 {
        let mut largest = 0.0_f64;
        self.walk(|step, present| {
            let rows = present.iter().filter_map(|run| self.runs[*run].row_at(step));
            largest = largest.max(rows.map(|row| series.limit[row]).sum());
        });
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(rows: &[(i64, i64, f64, f64)]) -> Raw {
        let mut raw = Raw { id: 7, ..Raw::default() };
        for (task, t, limit, used) in rows {
            raw.task.push(*task);
            raw.t.push(*t);
            raw.cpu.limit.push(*limit);
            raw.cpu.used.push(*used);
            raw.memory.limit.push(0.0);
            raw.memory.used.push(0.0);
        }
        raw
    }

    #[test]
    fn rows_become_runs_on_a_grid() {
        let rows = [
            (1, 600, 2.0, 1.0),
            (1, 660, 2.0, 3.0),
            (1, 780, 2.0, 1.5),
            (1, 840, 2.0, 1.5),
            (2, 660, 1.0, 0.5),
        ];
        let machine = raw(&rows).build(Path::new("x")).expect("a good trace");
        assert_eq!((machine.start_s, machine.step_s, machine.steps), (600, 60, 5));
        let runs: Vec<_> = machine.runs.iter().map(|r| (r.id, r.first, r.rows.clone())).collect();
        assert_eq!(runs, [(1, 0, 0..2), (2, 1, 4..5), (1, 3, 2..4)]);
        assert!((machine.cpu.used[1] - 2.0).abs() < 1e-15, "usage is capped at the limit");
        assert_eq!(machine.memory, None);
        assert!((machine.largest_limit(&machine.cpu) - 3.0).abs() < 1e-15);
        let mut seen = Vec::new();
        machine.walk(|step, present| seen.push((step, present.to_vec())));
        assert_eq!(seen, [(0, vec![0]), (1, vec![0, 1]), (2, vec![]), (3, vec![2]), (4, vec![2])]);
    }

    #[test]
    fn times_off_the_grid_are_refused() {
        let rows = [(1, 0, 1.0, 0.0), (1, 60, 1.0, 0.0), (1, 120, 1.0, 0.0), (1, 150, 1.0, 0.0)];
        let error = raw(&rows).build(Path::new("x.csv")).expect_err("150 is between two steps");
        assert_eq!(
            error.to_string(),
            "x.csv: machine 7, task 1: t_seconds 150 is not a multiple of the step of 60 s after \
             the machine's first row; resample the trace to one step"
        );
    }

    #[test]
    fn a_lone_row_has_a_step_too() {
        let machine = raw(&[(1, 5, 1.0, 0.5)]).build(Path::new("x")).expect("one row");
        assert_eq!((machine.step_s, machine.steps), (300, 1));
    }
}
