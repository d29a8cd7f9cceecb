// SPDX-License-Identifier: Apache-2.0
//! The cell between the thread that decides and the host that asks: the newest offer, and corrections that wait.

use super::log::Log;
use gleaner_engine::decision::Decision;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Span, Timestamp};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An offer with the moment from which on it is stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) cpu_millis: u64,
    pub(crate) memory_bytes: u64,
    /// Everything configured is offered.
    pub(crate) configured: bool,
    pub(crate) level: u32,
    pub(crate) generation: u64,
    pub(crate) decided: Timestamp,
    pub(crate) stale_after: Span,
}

/// A correction that nobody has taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The task, by the name that its table gives it.
    pub(crate) name: String,
    pub(crate) resource: Resource,
    pub(crate) reason: String,
    pub(crate) decided: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    offered: Option<Offered>,
    waiting: Vec<Waiting>,
    /// Names of those whose correction was taken since the last turn.
    taken: Vec<String>,
    decision: Option<Decision>,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    event: OwnedFd,
    poisoned: AtomicBool,
    pub(crate) log: Arc<Log>,
}

impl Shared {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            state: Mutex::default(),
            event: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            poisoned: AtomicBool::new(false),
            log: Arc::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn event(&self) -> &OwnedFd {
        &self.event
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    /// Lends nothing and ends nobody from here on.
    pub(crate) fn poison(&self, why: &str) {
        if !self.poisoned.swap(true, Ordering::AcqRel) {
            self.log.error(&format!(
                "{why}; nothing is lent and nobody is ended until the agent restarts"
            ));
        }
        let mut state = self.state();
        (state.offered, state.decision) = (None, None);
        state.waiting.clear();
        drop(state);
        self.quieten();
    }

    /// Puts the newest decision where the host finds it.
    pub(crate) fn publish(&self, offered: Offered, decision: Option<Decision>) {
        let mut state = self.state();
        (state.offered, state.decision) = (Some(offered), decision);
    }

    /// Withdraws the offer alone.
    pub(crate) fn retract(&self) {
        self.state().offered = None;
    }

    /// Withdraws everything: nothing is known now.
    pub(crate) fn withdraw(&self, decision: Option<Decision>) {
        let mut state = self.state();
        (state.offered, state.decision) = (None, decision);
        state.waiting.clear();
        drop(state);
        self.quieten();
    }

    /// Lets these wait, in place of those of the same task, and of those for which `keep` is false.
    pub(crate) fn wait_for(&self, more: Vec<Waiting>, keep: impl Fn(&Waiting) -> bool) {
        if self.is_poisoned() {
            return;
        }
        let mut state = self.state();
        state.waiting.retain(|old| keep(old) && more.iter().all(|new| new.name != old.name));
        state.waiting.extend(more);
        let any = !state.waiting.is_empty();
        drop(state);
        match any {
            // Full only after 2^64 writings; then it is readable anyway.
            true => {
                let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
            }
            false => self.quieten(),
        }
    }

    /// Takes what waits, the oldest first.
    pub(crate) fn take(&self) -> Vec<Waiting> {
        self.quieten();
        let mut state = self.state();
        let taken = std::mem::take(&mut state.waiting);
        for one in &taken {
            self.log.info(&format!("{} is to be ended: {}", one.name, one.reason));
        }
        state.taken.extend(taken.iter().map(|one| one.name.clone()));
        taken
    }

    /// Whose corrections were taken since this was last asked.
    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.state().taken)
    }

    /// The offer, if it is not stale at `now`.
    pub(crate) fn offered(&self, now: Timestamp) -> Option<Offered> {
        let offered = self.state().offered?;
        let age = now.since(offered.decided).unwrap_or_default();
        (age <= offered.stale_after).then_some(offered)
    }

    pub(crate) fn decision(&self) -> (Option<Decision>, usize) {
        let state = self.state();
        (state.decision.clone(), state.waiting.len())
    }

    fn quieten(&self) {
        // It says "would block" where it was not readable.
        let _ = rustix::io::read(&self.event, &mut [0_u8; 8]);
    }
}
