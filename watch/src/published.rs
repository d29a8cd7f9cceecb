// SPDX-License-Identifier: Apache-2.0
//! The cell between the one who ticks and all who look: holds the newest snapshot, never a queue.

use crate::about::About;
use crate::events::Events;
use crate::history::History;
use crate::snapshot::Snapshot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The newest snapshot. Writing waits at most for readers that are just cloning the pointer.
#[derive(Debug)]
pub struct Published {
    newest: RwLock<Option<Arc<Snapshot>>>,
    about: RwLock<Arc<About>>,
    /// Locked for the time of adding one row, or of copying the columns of one range.
    history: Mutex<History>,
    events: Mutex<Events>,
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

    /// The last hours.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened lately.
    pub(crate) fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
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
