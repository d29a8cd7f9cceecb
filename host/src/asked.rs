// SPDX-License-Identifier: Apache-2.0
//! Evictions that an agent is asked for: followed until the task is gone, or long overdue.

use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::report::{Outcome, Report};
use gleaner_qos::verdict::{Action, Reason};
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::story::End;

/// The container's id, by which an agent knows a task: the last name of its cgroup.
#[must_use]
pub fn container(task: &TaskId) -> &str {
    task.name.rsplit('/').next().unwrap_or(&task.name)
}

/// An eviction that the agent was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose.
    pub task: TaskId,
    /// For which resource.
    pub resource: Resource,
    /// Why, in the word of the verdict.
    pub reason: Reason,
    /// When it was decided.
    pub at: Timestamp,
    /// The same, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
    /// The decision's number, where the host counts with it.
    pub tick: Option<u64>,
}

/// When it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// On the clock of samples.
    pub at: Timestamp,
    /// Milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
}

/// What has become of some.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// For the engine.
    pub reports: Vec<Report>,
    /// For who counts them.
    pub ended: Vec<Ended>,
}

/// Those that are open, and whether the agent has taken them.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    open: Vec<(Asked, bool)>,
}

impl Asking {
    /// Adds one. Asking again for the same task starts its time anew, and does not forget that the agent took the first.
    pub fn ask(&mut self, asked: Asked) {
        let taken = self.open.iter().any(|(old, taken)| *taken && old.task == asked.task);
        self.open.retain(|(old, _)| old.task != asked.task);
        self.open.push((asked, taken));
    }

    /// Those that are open.
    pub fn open(&self) -> impl Iterator<Item = &Asked> {
        self.open.iter().map(|(asked, _)| asked)
    }

    /// What has become of them. `taken` names the containers whose corrections the agent took since the last call.
    ///
    /// One that the agent has not carried out `within` this time is given up, and may be decided again. Without a sample
    /// nobody can be said to be gone.
    pub fn follow_up(
        &mut self,
        taken: &[String],
        sample: Option<&Sample>,
        now: Now,
        within: Span,
    ) -> News {
        let mut news = News::default();
        for (asked, was_taken) in &mut self.open {
            if !*was_taken && taken.iter().any(|name| name == container(&asked.task)) {
                *was_taken = true;
                news.reports.push(report(asked, now.at, Outcome::Acted));
            }
        }
        let Some(sample) = sample else { return news };
        self.open.retain(|(asked, was_taken)| {
            let there = sample.tasks.iter().any(|task| task.task.id == asked.task);
            let late = now.at.since(asked.at).is_some_and(|span| span > within);
            let ending = match (there, was_taken) {
                (true, _) if late => Ending::Ignored,
                (true, _) => return true,
                (false, true) => Ending::Done,
                (false, false) => Ending::Vanished,
            };
            if !there {
                news.reports.push(report(asked, now.at, Outcome::Gone));
            }
            news.ended.push(Ended {
                task: asked.task.clone(),
                action: Action::Evict,
                resource: asked.resource,
                reason: asked.reason,
                ending,
                wall_ms: now.wall_ms,
                tick: asked.tick,
                end: End::default(),
            });
            false
        });
        news
    }
}

fn report(asked: &Asked, at: Timestamp, outcome: Outcome) -> Report {
    Report { at, task: asked.task.clone(), action: Action::Evict, outcome, relief: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::sample::{Class, Task, TaskCounters, TaskSample};
    use std::sync::Arc;

    const WITHIN: Span = Span::from_secs(10);

    fn id(name: &str) -> TaskId {
        TaskId { name: name.into(), inode: 1 }
    }

    fn asked(name: &str) -> Asked {
        let at = Timestamp::default();
        let (task, resource, reason) = (id(name), Resource::Cpu, Reason::Recurs);
        Asked { task, resource, reason, at, wall_ms: 1, tick: Some(3) }
    }

    fn sample(names: &[&str]) -> Sample {
        let task = |name: &&str| TaskSample {
            task: Arc::new(Task {
                id: id(name),
                class: Class::BestEffort,
                why: String::new(),
                allocation: gleaner_estimator::sample::Allocation::default(),
                priority: 0,
                tenant: None,
                labels: Vec::new(),
                started: None,
            }),
            counters: TaskCounters::default(),
        };
        Sample { tasks: names.iter().map(task).collect(), ..Sample::default() }
    }

    fn after(seconds: u64) -> Now {
        let at = Timestamp(Span::from_secs(seconds).0);
        Now { at, wall_ms: seconds * 1000 }
    }

    fn endings(news: &News) -> Vec<(&str, Ending)> {
        news.ended.iter().map(|ended| (&*ended.task.name, ended.ending)).collect()
    }

    fn outcomes(news: &News) -> Vec<Outcome> {
        news.reports.iter().map(|report| report.outcome).collect()
    }

    #[test]
    fn one_that_is_taken_and_then_gone_is_done() {
        let mut asking = Asking::default();
        asking.ask(asked("mesos/c1"));
        asking.ask(asked("mesos/c2"));
        let both = sample(&["mesos/c1", "mesos/c2"]);
        let taken = ["c1".to_owned()];
        let news = asking.follow_up(&taken, Some(&both), after(1), WITHIN);
        assert_eq!((outcomes(&news), endings(&news)), (vec![Outcome::Acted], vec![]));
        let news = asking.follow_up(&taken, None, after(2), WITHIN);
        assert_eq!(
            (outcomes(&news), endings(&news)),
            (vec![], vec![]),
            "said once, and nothing is known"
        );
        let news = asking.follow_up(&[], Some(&sample(&[])), after(3), WITHIN);
        assert_eq!(outcomes(&news), [Outcome::Gone, Outcome::Gone]);
        let ended = [("mesos/c1", Ending::Done), ("mesos/c2", Ending::Vanished)];
        assert_eq!(endings(&news), ended);
        assert_eq!(news.ended[0].wall_ms, 3000);
        let news = asking.follow_up(&[], Some(&sample(&[])), after(4), WITHIN);
        assert_eq!(endings(&news), []);
    }

    #[test]
    fn one_that_stays_is_ignored_after_its_time_and_a_newer_one_starts_it_anew() {
        let mut asking = Asking::default();
        asking.ask(asked("mesos/c1"));
        let there = sample(&["mesos/c1"]);
        assert_eq!(endings(&asking.follow_up(&[], Some(&there), after(10), WITHIN)), []);
        asking.ask(Asked { at: after(10).at, ..asked("mesos/c1") });
        assert_eq!(endings(&asking.follow_up(&[], Some(&there), after(20), WITHIN)), []);
        let news = asking.follow_up(&[], Some(&there), after(21), WITHIN);
        assert_eq!(endings(&news), [("mesos/c1", Ending::Ignored)]);
        assert_eq!(outcomes(&news), [], "the engine keeps its own time");
        asking.ask(asked("mesos/c1"));
        asking.follow_up(&["c1".to_owned()], Some(&there), after(1), WITHIN);
        asking.ask(asked("mesos/c1"));
        let news = asking.follow_up(&[], Some(&sample(&[])), after(2), WITHIN);
        assert_eq!(endings(&news), [("mesos/c1", Ending::Done)]);
    }
}
