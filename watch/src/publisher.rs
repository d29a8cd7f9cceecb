// SPDX-License-Identifier: Apache-2.0
//! The host's side: told every decision, it counts it and puts a snapshot where readers find it.

use crate::about::About;
use crate::correction::Ended;
use crate::events::Events;
use crate::history::row;
use crate::metrics::Metrics;
use crate::order::Rank;
use crate::published::Published;
use crate::snapshot::{HostState, Snapshot, TaskView};
use crate::stories::Stories;
use gleaner_engine::decision::Decision;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::usage::Usage;
use gleaner_qos::weights::Weights;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All that is told of one tick.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What was decided.
    pub decision: &'a Decision,
    /// The sample and the usage that it was decided from; `None` after a failed reading, whose
    /// snapshot keeps the tasks of the one before.
    pub seen: Option<(&'a Sample, &'a Usage)>,
    /// What best-effort tasks of that sample weigh against one another; `None` where nobody was weighed.
    pub weights: Option<&'a Arc<Weights>>,
    /// How long reading took; `None` where nothing was read.
    pub sample_took: Option<Duration>,
    /// How long deciding took, and weighing.
    pub tick_took: Duration,
    /// What the host knows of itself.
    pub host: &'a HostState,
}

/// What readers can be shown of a moment, but for the history: for who goes back to it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    newest: Option<Arc<Snapshot>>,
    events: Events,
    stories: Stories,
}

/// Owned by the thread that ticks. The task list of each snapshot is reused for the next but one, unless a
/// reader still holds it.
pub struct Publisher {
    published: Arc<Published>,
    metrics: Arc<Metrics>,
    /// The snapshot before the newest: its buffers are used for the next one.
    spare: Option<Arc<Snapshot>>,
}

impl Publisher {
    /// A publisher and the two things that readers are given.
    ///
    /// # Errors
    /// The list of metrics is malformed; a test makes sure that it is not.
    pub fn new(about: About) -> prometheus::Result<Self> {
        let published = Arc::new(Published::new(about));
        let metrics = Arc::new(Metrics::new(Arc::clone(&published))?);
        Ok(Self { published, metrics, spare: None })
    }

    /// Where readers find the newest snapshot.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }

    /// The metrics that a scrape renders.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Replaces the host's lasting facts, after a reload; the next snapshot has them.
    pub fn set_about(&mut self, about: About) {
        self.published.set_about(about);
    }

    /// What can be shown now.
    #[must_use]
    pub fn remember(&self) -> Memory {
        Memory {
            newest: self.published.load(),
            events: self.published.events().clone(),
            stories: self.published.stories().clone(),
        }
    }

    /// Shows again what could be shown then. Metrics and the history go on from where they are.
    pub fn recall(&mut self, memory: &Memory) {
        self.spare = None;
        self.published.replace(memory.newest.clone());
        self.published.events().clone_from(&memory.events);
        self.published.stories().clone_from(&memory.stories);
    }

    /// Counts one tick and publishes its snapshot.
    pub fn tell(&mut self, told: Told<'_>) {
        self.metrics.ticked(told.tick_took);
        if let Some(took) = told.sample_took {
            self.metrics.sampled(took);
        }
        let snapshot = self.snapshot(told);
        let before = self.published.load();
        self.metrics.count(&snapshot, before.as_deref());
        self.note(&snapshot, before.as_deref());
        drop(before);
        self.spare = self.published.store(snapshot);
    }

    /// Counts a correction that has ended.
    pub fn tell_ended(&self, ended: &Ended) {
        self.metrics.ended(ended);
        let asked = self.published.stories().end(ended);
        self.published.events().ended(ended, asked.as_ref());
    }

    /// Records how long it took from the first sign of harm until a correction was written.
    pub fn tell_reaction(&self, took: Duration) {
        self.metrics.reacted(took);
    }

    /// Adds to the history, to the events where a level changed, and to what can be explained where something was done.
    fn note(&self, shot: &Snapshot, before: Option<&Snapshot>) {
        let at_ms = shot.decision.wall_ms;
        self.published.history().push(at_ms, &row(shot, &shot.decision));
        let tick = shot.decision.tick;
        let turned: Vec<_> = shot.changed_levels(before).collect();
        let did = !turned.is_empty() || !shot.decision.verdict.corrections.is_empty();
        if did {
            self.published.events().forget(tick);
        }
        for (resource, level) in &turned {
            self.published.events().level(tick, at_ms, *resource, *level);
        }
        if did {
            self.published.stories().keep(&shot.decision, turned);
        }
    }

    fn snapshot(&mut self, told: Told<'_>) -> Arc<Snapshot> {
        let mut tasks = self.buffer();
        let rank = match (told.seen, self.published.load()) {
            (Some((sample, usage)), _) => {
                TaskView::fill(&mut tasks, sample, usage);
                Rank::of(told.weights.cloned())
            }
            (None, Some(last)) => {
                last.tasks.clone_into(&mut tasks);
                last.rank.clone()
            }
            (None, None) => {
                tasks.clear();
                Rank::default()
            }
        };
        Arc::new(Snapshot {
            about: self.published.about(),
            built: Instant::now(),
            decision: told.decision.clone(),
            tasks,
            rank,
            host: told.host.clone(),
        })
    }

    /// The task buffer of the spare snapshot, or a new one while some reader still holds it.
    fn buffer(&mut self) -> Vec<TaskView> {
        let spare = self.spare.take().and_then(|spare| Arc::try_unwrap(spare).ok());
        spare.map(|snapshot| snapshot.tasks).unwrap_or_default()
    }
}
