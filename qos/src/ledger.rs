// SPDX-License-Identifier: Apache-2.0
//! What is remembered of each best-effort task: how fast it grows, and what of ours it carries.
//!
//! Everything that was asked for stands here until it was undone, so nothing is asked twice, and a task
//! made again under the same name (another inode) inherits nothing. Who is missing for long is forgotten:
//! what is in force on it the host remembers, who wrote it, and reports when it is back ([`Hold::found`]).

use crate::capability::Actuator;
use crate::config::QosConfig;
use crate::node::possible;
use crate::report::{Outcome, Report};
use crate::verdict::Action;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Class, Sample, Task, TaskId};
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use std::sync::Arc;

/// How far one act on one task has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Asked for, not reported yet.
    Asked,
    /// Reported as done, or only shown and taken as done.
    InForce,
    /// Its undoing was asked for, not reported yet.
    Undoing,
    /// It failed or had no effect: not tried again on this task for a while.
    Failed,
}

/// One act on one task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) state: State,
    /// For which resource it was asked.
    pub(crate) resource: Resource,
    /// When the state was entered.
    pub(crate) at: Timestamp,
    /// When a freeze ends.
    pub(crate) until: Option<Timestamp>,
    /// Only shown: nothing was really done.
    pub(crate) would: bool,
    /// Part of a probe, not of the ladder.
    pub(crate) probe: bool,
}

impl Hold {
    /// What a host reports in force that was not expected: on a task that is back after it was forgotten, or later than
    /// was waited for. `None` for what ends by itself.
    pub(crate) fn found(report: &Report) -> Option<Self> {
        let resource = match report.action {
            Action::StandingClass | Action::CpuQuota { .. } => Resource::Cpu,
            Action::MemoryHigh { .. } => Resource::Memory,
            Action::IoWeight | Action::IoLimit { .. } => Resource::Io,
            Action::Reclaim { .. }
            | Action::Freeze { .. }
            | Action::Thaw
            | Action::Undo { .. }
            | Action::Evict => return None,
        };
        (report.outcome == Outcome::Acted).then_some(Self {
            state: State::InForce,
            resource,
            at: report.at,
            until: None,
            would: false,
            probe: false,
        })
    }

    /// Whether something of ours is, or may be, on the task.
    pub(crate) fn is_on(&self) -> bool {
        match self.state {
            State::Asked | State::InForce | State::Undoing => true,
            State::Failed => false,
        }
    }
}

/// Growth of a working set, measured between readings that differ.
///
/// Memory statistics are costly and may be read at a slower rate than samples arrive: an unchanged
/// number is taken for a repeated reading until [`REPEATED`] has passed.
#[derive(Clone, Copy, Debug, Default)]
struct Growth {
    anchor: Option<(Timestamp, Bytes)>,
    per_sec: Option<f64>,
}

/// Shortest distance over which growth is measured.
const MEASURED_OVER: Span = Span::from_millis(900);
/// An unchanged working set is believed to be unchanged after this time.
const REPEATED: Span = Span::from_secs(11);

impl Growth {
    fn update(&mut self, at: Timestamp, working_set: Option<Bytes>) {
        let Some(now) = working_set else {
            *self = Self::default();
            return;
        };
        let Some((since, before)) = self.anchor else {
            self.anchor = Some((at, now));
            return;
        };
        let Some(passed) = at.since(since) else {
            *self = Self { anchor: Some((at, now)), per_sec: None };
            return;
        };
        let due = if now == before { REPEATED } else { MEASURED_OVER };
        if passed >= due {
            self.per_sec = Some((now.to_base() - before.to_base()) / passed.secs());
            self.anchor = Some((at, now));
        }
    }
}

/// One best-effort task.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) task: Arc<Task>,
    /// Its place in the current sample; `None` while it is missing there.
    pub(crate) index: Option<usize>,
    /// The first sample since it was last in one: time without samples is not absence.
    missing: Option<Timestamp>,
    growth: Growth,
    holds: [Option<Hold>; Actuator::COUNT],
    /// Time spent frozen by the ladder within the recurrence window, and when that was last added to.
    frozen: (Span, Timestamp),
}

impl Entry {
    /// Bytes of working set it grows by a second.
    pub(crate) fn growth(&self) -> Option<f64> {
        self.growth.per_sec
    }

    pub(crate) fn hold(&self, actuator: Actuator) -> Option<Hold> {
        self.holds[actuator.index()]
    }

    pub(crate) fn is_on(&self, actuator: Actuator) -> bool {
        self.hold(actuator).is_some_and(|h| h.is_on())
    }

    /// Whether the act failed on it within the time in which it is not tried again.
    pub(crate) fn failed(&self, actuator: Actuator, now: Timestamp, config: &QosConfig) -> bool {
        self.hold(actuator).is_some_and(|h| {
            h.state == State::Failed && now.since(h.at).unwrap_or_default() <= config.budget.retry
        })
    }

    pub(crate) fn set(&mut self, actuator: Actuator, hold: Option<Hold>) {
        self.holds[actuator.index()] = hold;
    }

    /// Adds a freeze of the ladder to the time it has spent frozen.
    pub(crate) fn froze(&mut self, span: Span, now: Timestamp, config: &QosConfig) {
        let old = now.since(self.frozen.1).unwrap_or_default() > config.budget.recur_window;
        let before = if old { Span::default() } else { self.frozen.0 };
        self.frozen = (before + span, now);
    }

    /// Whether to freeze it once more would starve it.
    pub(crate) fn starves(&self, now: Timestamp, config: &QosConfig) -> bool {
        let recent = now.since(self.frozen.1).unwrap_or_default() <= config.budget.recur_window;
        recent && self.frozen.0 + config.budget.freeze > config.budget.starve
    }

    fn carries_something(&self) -> bool {
        self.holds.iter().flatten().any(|h| h.is_on() && !h.would)
    }
}

/// All best-effort tasks, sorted by id; also those missing for a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    list: Vec<Entry>,
}

impl Ledger {
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.list.iter_mut()
    }

    /// Those that are in the current sample.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter().filter(|e| e.index.is_some())
    }

    pub(crate) fn get(&self, id: &TaskId) -> Option<&Entry> {
        self.place(id).map(|i| &self.list[i])
    }

    pub(crate) fn get_mut(&mut self, id: &TaskId) -> Option<&mut Entry> {
        self.place(id).map(|i| &mut self.list[i])
    }

    fn place(&self, id: &TaskId) -> Option<usize> {
        self.list.binary_search_by(|e| e.task.id.cmp(id)).ok()
    }

    /// Nothing that was only shown stands any more: the mode has changed.
    pub(crate) fn forget_shown(&mut self) {
        for hold in self.list.iter_mut().flat_map(|e| &mut e.holds) {
            hold.take_if(|h| h.would);
        }
    }

    /// Takes the tasks of a sample. A task missing for longer than `forget` is dropped.
    pub(crate) fn take_sample(&mut self, sample: &Sample, config: &QosConfig) {
        for entry in &mut self.list {
            entry.index = None;
        }
        let mut place = 0;
        for (index, task) in sample.tasks.iter().enumerate() {
            match task.task.class {
                Class::BestEffort => {
                    place = self.reach(place, &task.task, sample.at);
                    let entry = &mut self.list[place];
                    entry.index = Some(index);
                    entry.missing = None;
                    entry.growth.update(sample.at, possible(sample, task.counters.working_set));
                    place += 1;
                }
                Class::Guaranteed | Class::System => {}
            }
        }
        self.list.retain_mut(|e| {
            if e.index.is_some() {
                return true;
            }
            let since = *e.missing.get_or_insert(sample.at);
            sample.at.since(since).unwrap_or_default() < config.forget
        });
    }

    /// The place of a task at or after `from`, where it is put if it is new.
    fn reach(&mut self, from: usize, task: &Arc<Task>, at: Timestamp) -> usize {
        let mut place = match from.checked_sub(1).and_then(|last| self.list.get(last)) {
            // Samples are sorted; one that is not must not break the order of this list.
            Some(last) if last.task.id >= task.id => 0,
            Some(_) | None => from,
        };
        while self.list.get(place).is_some_and(|e| e.task.id < task.id) {
            place += 1;
        }
        match self.list.get_mut(place) {
            Some(entry) if entry.task.id == task.id => entry.task = Arc::clone(task),
            Some(_) | None => self.list.insert(
                place,
                Entry {
                    task: Arc::clone(task),
                    index: None,
                    missing: None,
                    growth: Growth::default(),
                    holds: [None; Actuator::COUNT],
                    frozen: (Span::default(), at),
                },
            ),
        }
        place
    }

    /// Tasks that carry something of ours and are in the sample in another class; they are dropped.
    pub(crate) fn let_go(&mut self, sample: &Sample) -> Vec<TaskId> {
        let mut gone = Vec::new();
        self.list.retain(|entry| {
            let id = &entry.task.id;
            let other = entry.index.is_none()
                && sample.tasks.binary_search_by(|t| t.task.id.cmp(id)).is_ok();
            if other && entry.carries_something() {
                gone.push(id.clone());
            }
            !other
        });
        gone
    }

    /// After a clock jump, nothing lies in the future, and every freeze is over.
    pub(crate) fn rebase(&mut self, now: Timestamp) {
        for entry in &mut self.list {
            entry.missing = entry.missing.map(|at| at.min(now));
            entry.growth = Growth::default();
            entry.frozen.1 = entry.frozen.1.min(now);
            for hold in entry.holds.iter_mut().flatten() {
                hold.at = hold.at.min(now);
                hold.until = hold.until.map(|until| until.min(now));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(readings: &[(u64, u64)]) -> Option<f64> {
        let mut g = Growth::default();
        for (secs, mib) in readings {
            let at = Timestamp::default().plus(Span::from_secs(*secs));
            g.update(at, Some(Bytes(mib << 20)));
        }
        g.per_sec.map(|b| b / f64::from(1_u32 << 20))
    }

    #[test]
    fn growth_is_measured_between_readings_that_differ() {
        assert_eq!(growth(&[(1, 100)]), None);
        let near = |v: Option<f64>, want: f64| v.is_some_and(|v| (v - want).abs() < 1e-6);
        assert!(near(growth(&[(1, 100), (2, 150)]), 50.0));
        let slow = [(1, 100), (2, 100), (3, 100), (11, 600), (12, 600)];
        assert!(near(growth(&slow), 50.0), "a statistic read every tenth second");
        assert!(near(growth(&[(1, 100), (2, 200), (13, 200)]), 0.0), "it stopped");
        assert!(near(growth(&[(1, 100), (2, 40)]), -60.0));
        assert!(growth(&[(1, 100), (2, 150), (2, 150)]).is_none(), "time did not advance");
    }
}
