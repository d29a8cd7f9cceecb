// SPDX-License-Identifier: Apache-2.0
//! Where the daemon's loop and its connections meet: the loop leaves offers and corrections, and finds tables.

use crate::message::{Correction, Offer, Role, Table};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Corrections that nobody fetched for so long are dropped: the daemon decides anew.
const FORGET: Duration = Duration::from_secs(10);

/// So long an estimator's table is kept against a controller's.
const KEEP: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
struct State {
    table: Option<(Instant, Arc<Table>)>,
    /// That table came from a module that estimates.
    from_estimator: bool,
    offer: Option<(Instant, Offer)>,
    corrections: Vec<(Instant, Correction)>,
    taken: Vec<String>,
    /// Controllers that are connected; without one nobody can be ended.
    controllers: BTreeMap<u64, ()>,
    connections: u64,
}

impl State {
    fn take(&mut self, role: Role, told: Instant, table: Table) {
        let kept = self.table.as_ref().is_some_and(|(at, _)| at.elapsed() < KEEP);
        if role.estimates() || !self.from_estimator || !kept {
            self.table = Some((told, Arc::new(table)));
            self.from_estimator = role.estimates();
        }
    }
}

/// See the module's head. Shared by reference counting; every call is short.
#[derive(Debug, Default)]
pub struct Desk {
    state: Mutex<State>,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest table, and its age; `None` before the first. That of an estimator is kept for a while
    /// against a controller's: the estimator's host knows what it has lent since a table of its own.
    #[must_use]
    pub fn table(&self) -> Option<(Duration, Arc<Table>)> {
        self.state().table.as_ref().map(|(at, table)| (at.elapsed(), Arc::clone(table)))
    }

    /// Leaves an offer that holds for `holds` from now on; `None` withdraws the one before.
    pub fn offer(&self, offer: Option<Offer>, holds: Duration) {
        let holds_ms = u64::try_from(holds.as_millis()).unwrap_or(u64::MAX);
        let offer = offer.map(|offer| (Instant::now(), Offer { holds_ms, ..offer }));
        self.state().offer = offer;
    }

    /// Leaves a correction for the next turn of a controller. The same container waits only once.
    pub fn correct(&self, correction: Correction) {
        let mut state = self.state();
        state.corrections.retain(|(_, waiting)| waiting.name != correction.name);
        state.corrections.push((Instant::now(), correction));
    }

    /// Withdraws every correction that waits: nothing is known any more.
    pub fn withdraw(&self) {
        let mut state = self.state();
        state.offer = None;
        state.corrections.clear();
    }

    /// Containers whose correction the agent has taken since this was last asked.
    #[must_use]
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.state().taken)
    }

    /// Whether a module is connected that can end containers.
    #[must_use]
    pub fn has_controller(&self) -> bool {
        !self.state().controllers.is_empty()
    }

    pub(crate) fn arrive(&self, role: Role) -> u64 {
        let mut state = self.state();
        state.connections += 1;
        let number = state.connections;
        if role.corrects() {
            state.controllers.insert(number, ());
        }
        number
    }

    pub(crate) fn depart(&self, number: u64) {
        self.state().controllers.remove(&number);
    }

    /// One turn of a module.
    pub(crate) fn turn(
        &self,
        role: Role,
        table: Option<Table>,
        age: Duration,
        taken: Vec<String>,
    ) -> (Option<Offer>, Vec<Correction>) {
        let mut state = self.state();
        let now = Instant::now();
        let told = now.checked_sub(age).unwrap_or(now);
        match table {
            Some(table) => state.take(role, told, table),
            // The same tasks, told again.
            None => {
                let same = state.from_estimator == role.estimates();
                if let Some((at, _)) = state.table.as_mut().filter(|_| same) {
                    *at = (*at).max(told);
                }
            }
        }
        state.taken.extend(taken);
        state.corrections.retain(|(left, _)| left.elapsed() < FORGET);
        let corrections = match role.corrects() {
            true => std::mem::take(&mut state.corrections).into_iter().map(|(_, c)| c).collect(),
            false => Vec::new(),
        };
        let offer = state.offer.and_then(|(left, offer)| {
            let age = u64::try_from(left.elapsed().as_millis()).unwrap_or(u64::MAX);
            let holds_ms = offer.holds_ms.checked_sub(age).filter(|left| *left > 0)?;
            Some(Offer { holds_ms, ..offer })
        });
        (offer, corrections)
    }
}
