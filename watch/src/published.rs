// SPDX-License-Identifier: Apache-2.0
//! The cell between the one who ticks and all who look: holds the newest snapshot, never a queue.

use crate::about::About;
use crate::events::{Event, Events};
use crate::history::History;
use crate::snapshot::Snapshot;
use crate::stories::Stories;
use crate::story::Act;
use gleaner_engine::decision::Decision;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The newest snapshot. Writing waits at most for readers that are just cloning the pointer.
#[derive(Debug)]
pub struct Published {
    newest: RwLock<Option<Arc<Snapshot>>>,
    about: RwLock<Arc<About>>,
    /// Locked for the time of adding one row, or of copying the columns of one range.
    history: Mutex<History>,
    events: Mutex<Events>,
    stories: Mutex<Stories>,
}

impl Published {
    /// A cell that has nothing to show yet but who it speaks of.
    #[must_use]
    pub fn new(about: About) -> Self {
        Self {
            newest: RwLock::new(None),
            about: RwLock::new(Arc::new(about)),
            history: Mutex::default(),
            events: Mutex::default(),
            stories: Mutex::default(),
        }
    }

    /// The newest snapshot; `None` before the first tick.
    #[must_use]
    pub fn load(&self) -> Option<Arc<Snapshot>> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the snapshot and hands the old one back for reuse.
    pub(crate) fn store(&self, snapshot: Arc<Snapshot>) -> Option<Arc<Snapshot>> {
        self.newest.write().unwrap_or_else(PoisonError::into_inner).replace(snapshot)
    }

    /// Puts back what was the newest once, or nothing.
    pub(crate) fn replace(&self, newest: Option<Arc<Snapshot>>) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = newest;
    }

    /// The last hours.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened lately.
    pub(crate) fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decisions that can be explained.
    pub(crate) fn stories(&self) -> MutexGuard<'_, Stories> {
        self.stories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest events, newest first; each names its decision only where that can still be explained.
    pub(crate) fn latest_events(&self) -> Vec<Event> {
        let mut latest = self.events().latest();
        let kept = self.stories().ticks();
        for event in &mut latest {
            event.tick = event.tick.filter(|tick| kept.contains(tick));
        }
        latest
    }

    /// A decision and what became of it: one that is kept, or the newest. `None` for any other number.
    pub(crate) fn explained(&self, tick: u64) -> Option<(Arc<Decision>, Vec<Act>)> {
        if let Some(kept) = self.stories().find(tick) {
            return Some((kept.decision, kept.acts));
        }
        let newest = self.load().filter(|shot| shot.decision.tick == tick)?;
        Some((Arc::new(newest.decision.clone()), Vec::new()))
    }

    /// The host's lasting facts.
    #[must_use]
    pub fn about(&self) -> Arc<About> {
        Arc::clone(&self.about.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the host's lasting facts, after a reload.
    pub(crate) fn set_about(&self, about: About) {
        *self.about.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(about);
    }
}
