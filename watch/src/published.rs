// SPDX-License-Identifier: Apache-2.0
//! The cell between the one who ticks and all who look: holds the newest snapshot, never a queue.

use crate::about::About;
use crate::snapshot::Snapshot;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// The newest snapshot. Writing waits at most for readers that are just cloning the pointer.
#[derive(Debug)]
pub struct Published {
    newest: watch::Sender<Option<Arc<Snapshot>>>,
    about: RwLock<Arc<About>>,
}

impl Published {
    /// A cell that has nothing to show yet but who it speaks of.
    #[must_use]
    pub fn new(about: About) -> Self {
        Self { newest: watch::Sender::new(None), about: RwLock::new(Arc::new(about)) }
    }

    /// The newest snapshot; `None` before the first tick.
    #[must_use]
    pub fn load(&self) -> Option<Arc<Snapshot>> {
        self.newest.borrow().clone()
    }

    /// Replaces the snapshot, wakes whoever waits for one, and hands the old one back for reuse.
    pub(crate) fn store(&self, snapshot: Arc<Snapshot>) -> Option<Arc<Snapshot>> {
        self.newest.send_replace(Some(snapshot))
    }

    /// A receiver that is woken at each snapshot and sees only the newest.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.newest.subscribe()
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
