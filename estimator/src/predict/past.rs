// SPDX-License-Identifier: Apache-2.0
//! What `percentile`, `n-sigma` and `max` remember: a window of slots per task, and who is old enough to judge by.

use super::roster::{Group, Member};
use super::slot::slots_in;
use super::spec::Parameters;
use super::window::{Ring, Window};
use serde::{Deserialize, Serialize};

/// One task's window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Past {
    /// Its own peaks.
    pub(super) peaks: Ring,
    /// Its part of the group's peaks.
    shares: Ring,
    /// Whether `shares` are in the window's sums: from its warm-up on.
    counted: bool,
    /// Peak and limit of the open slot under which `percentile` was last found, and what it was.
    pub(super) found: Option<(f64, f64, f64)>,
}

/// The window of the group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct History {
    /// Sums over the warm tasks present now.
    pub(super) window: Window,
    /// Slots until a task is warm.
    warm_up: u64,
    /// Whether the sums changed since this was last set to false.
    pub(super) changed: bool,
    keeps: Keeps,
}

/// Which of the two rings are kept; the other one has no slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Keeps {
    /// `percentile`.
    Peaks,
    /// `n-sigma`.
    Shares,
    /// `max`.
    Both,
}

impl Keeps {
    const fn peaks(self) -> bool {
        matches!(self, Self::Peaks | Self::Both)
    }

    const fn shares(self) -> bool {
        matches!(self, Self::Shares | Self::Both)
    }
}

impl History {
    pub(super) fn new(parameters: &Parameters, keeps: Keeps) -> Self {
        let slots = usize::try_from(slots_in(parameters.window)).unwrap_or(usize::MAX);
        let warm_up = slots_in(parameters.warm_up);
        Self { window: Window::new(slots), warm_up, changed: true, keeps }
    }

    pub(super) fn admit(&self, past: &mut Past) {
        let slots = self.window.len();
        past.peaks.reset(if self.keeps.peaks() { slots } else { 0 });
        past.shares.reset(if self.keeps.shares() { slots } else { 0 });
        past.counted = false;
        past.found = None;
    }

    pub(super) fn leave(&mut self, member: &Member<Past>) {
        if member.memory.counted {
            self.window.remove(&member.memory.shares);
            self.changed = true;
        }
    }

    pub(super) fn turn(&mut self, members: &mut [Member<Past>], step: u64) {
        for member in members.iter_mut() {
            let past = &mut member.memory;
            self.window.write(&mut past.peaks, member.peak, member.limit, false);
            self.window.write(&mut past.shares, member.share, member.limit, past.counted);
            past.found = None;
        }
        let rings = members.iter_mut().map(|m| &mut m.memory);
        self.window.advance(step, rings.flat_map(|past| [&mut past.peaks, &mut past.shares]));
        self.changed = true;
    }

    /// Counts in the tasks that have become warm.
    pub(super) fn promote(&mut self, group: &Group, members: &mut [Member<Past>]) {
        for member in members {
            if !member.memory.counted && group.slot.saturating_sub(member.born) >= self.warm_up {
                member.memory.counted = true;
                self.window.add(&member.memory.shares);
                self.changed = true;
            }
        }
    }

    /// Whether a task is old enough to judge by.
    pub(super) fn is_warm(&self, member: &Member<Past>) -> bool {
        member.memory.counted
    }

    pub(super) fn is_sound(&self, members: &[Member<Past>]) -> bool {
        let Self { window, keeps, .. } = self;
        let fits = |ring: &Ring, kept: bool| if kept { window.fits(ring) } else { ring.is_empty() };
        window.is_sound()
            && members
                .iter()
                .map(|m| &m.memory)
                .all(|past| fits(&past.peaks, keeps.peaks()) && fits(&past.shares, keeps.shares()))
    }
}
