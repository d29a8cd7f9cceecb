// SPDX-License-Identifier: Apache-2.0
//! Decisions that people will ask about, kept for a while with what became of them.

use crate::correction::{Ended, Ending};
use crate::story::Act;
use gleaner_engine::decision::Decision;
use gleaner_estimator::reason::Resource;
use gleaner_qos::level::Level;
use gleaner_qos::verdict::{Action, Correction};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most decisions that are kept.
const MOST: usize = 64;
/// Most candidates that all of them have together: some 200 bytes each. One decision is kept in any case.
const MOST_CANDIDATES: usize = 4096;

/// One decision and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) decision: Arc<Decision>,
    pub(crate) acts: Vec<Act>,
    /// The levels that changed with it.
    pub(crate) turned: Vec<(Resource, Level)>,
    /// It changed a level or took something back, and did not only put somebody in the standing class.
    matters: bool,
}

/// The latest decisions that did something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stories {
    kept: VecDeque<Kept>,
}

impl Stories {
    /// Keeps a decision; `turned` are the levels that changed with it. Numbers begin anew when a reload changes the rules:
    /// the older of two with one number could not be asked for any more.
    pub(crate) fn keep(&mut self, decision: &Decision, turned: Vec<(Resource, Level)>) {
        self.kept.retain(|kept| kept.decision.tick != decision.tick);
        let matters =
            !turned.is_empty() || decision.verdict.corrections.iter().any(|c| takes(c.action()));
        self.kept.push_back(Kept {
            decision: Arc::new(decision.clone()),
            acts: Vec::new(),
            turned,
            matters,
        });
        while self.kept.len() > 1 && (self.kept.len() > MOST || self.candidates() > MOST_CANDIDATES)
        {
            let least = self.kept.iter().position(|kept| !kept.matters).unwrap_or_default();
            self.kept.remove(least);
        }
    }

    /// A correction has ended; the one that it was, where its decision is still kept.
    pub(crate) fn end(&mut self, ended: &Ended) -> Option<Correction> {
        let kept = self.kept.iter_mut().rev().find(|k| Some(k.decision.tick) == ended.tick)?;
        if ended.ending != Ending::Observed {
            kept.acts.push(Act {
                task: ended.task.clone(),
                action: ended.action,
                wall_ms: ended.wall_ms,
                end: Some(ended.end.clone()),
            });
        }
        let same = |c: &&Correction| *c.task() == ended.task && c.action() == ended.action;
        kept.decision.verdict.corrections.iter().find(same).cloned()
    }

    /// The decision of this number.
    pub(crate) fn find(&self, tick: u64) -> Option<Kept> {
        self.kept.iter().rev().find(|kept| kept.decision.tick == tick).cloned()
    }

    /// All that is kept, the latest first.
    pub(crate) fn all(&self) -> Vec<Kept> {
        self.kept.iter().rev().cloned().collect()
    }

    /// The numbers of all, oldest first.
    pub(crate) fn ticks(&self) -> Vec<u64> {
        self.kept.iter().map(|kept| kept.decision.tick).collect()
    }

    fn candidates(&self) -> usize {
        self.kept.iter().map(|kept| kept.decision.verdict.candidates.len()).sum()
    }
}

/// Whether an action takes something back, beyond what stands for good.
pub(crate) fn takes(action: Action) -> bool {
    !action.releases() && !matches!(action, Action::StandingClass | Action::IoWeight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_engine::Engine;
    use gleaner_engine::config::Config;
    use gleaner_engine::reading::{Body, Reading};
    use gleaner_estimator::units::Timestamp;

    fn turn() -> Vec<(Resource, Level)> {
        vec![(Resource::Cpu, Level::Critical)]
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_matters_stays() {
        let mut engine = Engine::new(Config::default().engine);
        let reading = Reading { at: Timestamp(1), wall_ms: 1, body: Body::Failed("no reading") };
        let mut stories = Stories::default();
        for tick in 1..=200 {
            // Each hundredth turned a level; all else only put somebody where he stands for good.
            let turned = if tick % 100 == 0 { turn() } else { Vec::new() };
            stories.keep(&engine.tick(reading), turned);
        }
        let ticks = stories.ticks();
        assert_eq!((ticks.len(), ticks[0], ticks[1]), (MOST, 100, 138), "{ticks:?}");
        assert!(stories.find(200).is_some() && stories.find(137).is_none());
        (0..200).for_each(|_| stories.keep(&engine.tick(reading), turn()));
        assert_eq!(stories.ticks()[0], 400 + 1 - 64, "then the oldest goes");
        let again = engine.tick(reading);
        stories.keep(&again, turn());
        stories.keep(&again, turn());
        assert_eq!(stories.ticks().iter().filter(|tick| **tick == again.tick).count(), 1);
    }
}
