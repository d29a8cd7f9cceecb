// SPDX-License-Identifier: Apache-2.0
//! Rings of slots: one per task, and their sums over the tasks present now.

use super::numeric::narrow;
use serde::{Deserialize, Serialize};

/// One task's past slots, or none at all. A limit of zero marks a slot in which it was not seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ring {
    usage: Vec<f32>,
    limit: Vec<f32>,
}

impl Ring {
    /// Forgets everything and holds `slots` slots from now on.
    pub(super) fn reset(&mut self, slots: usize) {
        for column in [&mut self.usage, &mut self.limit] {
            column.clear();
            column.resize(slots, 0.0);
        }
    }

    /// Whether it holds no slots at all.
    pub(super) fn is_empty(&self) -> bool {
        self.usage.is_empty() && self.limit.is_empty()
    }

    fn clear(&mut self, at: usize) {
        self.set(at, 0.0, 0.0);
    }

    fn set(&mut self, at: usize, usage: f32, limit: f32) {
        if let (Some(u), Some(l)) = (self.usage.get_mut(at), self.limit.get_mut(at)) {
            (*u, *l) = (usage, limit);
        }
    }
}

/// Sums of rings, slot by slot. All rings added to it have its length and its position.
///
/// Sums are exact but for rounding: values are singles, sums are doubles, and a slot that no ring
/// fills any more is set to zero, so that rounding cannot pass for usage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    /// Position of the open slot; its own sums are zero until it ends.
    open: usize,
    usage: Vec<f64>,
    limit: Vec<f64>,
    filled: Vec<u32>,
}

impl Window {
    /// An empty window of `slots` slots, the open one included.
    pub(super) fn new(slots: usize) -> Self {
        let slots = slots.max(1);
        Self { open: 0, usage: vec![0.0; slots], limit: vec![0.0; slots], filled: vec![0; slots] }
    }

    /// Slots, the open one included.
    pub(super) fn len(&self) -> usize {
        self.usage.len()
    }

    /// Whether lengths and position fit together: false only for a state that was made up.
    pub(super) fn is_sound(&self) -> bool {
        let n = self.usage.len();
        self.open < n && self.limit.len() == n && self.filled.len() == n
    }

    /// Whether a ring belongs to this window.
    pub(super) fn fits(&self, ring: &Ring) -> bool {
        ring.usage.len() == self.len() && ring.limit.len() == self.len()
    }

    /// Writes what a task used and could use in the open slot into its ring, and into the sums if it counts.
    pub(super) fn write(&mut self, ring: &mut Ring, usage: f64, limit: f64, counts: bool) {
        let (usage, limit) = (narrow(usage), narrow(limit));
        ring.set(self.open, usage, limit);
        if counts && limit > 0.0 {
            self.usage[self.open] += f64::from(usage);
            self.limit[self.open] += f64::from(limit);
            self.filled[self.open] += 1;
        }
    }

    /// Moves on by `step` slots and forgets what was in them before.
    pub(super) fn advance<'a>(&mut self, step: u64, rings: impl Iterator<Item = &'a mut Ring>) {
        let n = self.len();
        let cleared = usize::try_from(step).unwrap_or(n).min(n);
        let first = self.open + 1;
        for at in (first..first + cleared).map(|at| at % n) {
            self.usage[at] = 0.0;
            self.limit[at] = 0.0;
            self.filled[at] = 0;
        }
        for ring in rings {
            for at in (first..first + cleared).map(|at| at % n) {
                ring.clear(at);
            }
        }
        // The remainder is below n, so it fits.
        self.open = (self.open + usize::try_from(step % n as u64).unwrap_or(0)) % n;
    }

    /// Counts a task's past in.
    pub(super) fn add(&mut self, ring: &Ring) {
        for (at, (usage, limit)) in ring.usage.iter().zip(&ring.limit).enumerate() {
            if *limit > 0.0 {
                self.usage[at] += f64::from(*usage);
                self.limit[at] += f64::from(*limit);
                self.filled[at] += 1;
            }
        }
    }

    /// Takes a task's past out: it has left.
    pub(super) fn remove(&mut self, ring: &Ring) {
        for (at, (usage, limit)) in ring.usage.iter().zip(&ring.limit).enumerate() {
            if *limit > 0.0 {
                self.filled[at] = self.filled[at].saturating_sub(1);
                let any = if self.filled[at] == 0 { 0.0 } else { 1.0 };
                self.usage[at] = (self.usage[at] - f64::from(*usage)).max(0.0) * any;
                self.limit[at] = (self.limit[at] - f64::from(*limit)).max(0.0) * any;
            }
        }
    }

    /// One task's ended slots in which it was seen: usage and limit, in no particular order.
    pub(super) fn past<'a>(&self, ring: &'a Ring) -> impl Iterator<Item = (f32, f32)> + 'a {
        let slots = ring.usage.iter().copied().zip(ring.limit.iter().copied());
        let open = self.open;
        slots
            .enumerate()
            .filter(move |(at, (_, limit))| *at != open && *limit > 0.0)
            .map(|(_, s)| s)
    }

    /// The ended slots, newest first: age in slots, what was used, and what could be used at most. Nothing of slots in
    /// which none of the tasks was seen.
    pub(super) fn ended(&self) -> impl Iterator<Item = (usize, f64, f64)> + '_ {
        let n = self.len();
        (1..n).filter_map(move |age| {
            let at = (self.open + n - age) % n;
            (self.filled[at] > 0).then(|| (age, self.usage[at], self.limit[at]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_takes_its_past_along() {
        let mut window = Window::new(4);
        let (mut a, mut b) = (Ring::default(), Ring::default());
        a.reset(4);
        b.reset(4);
        for slot in 1..=3_u8 {
            window.write(&mut a, f64::from(slot), 8.0, true);
            if slot > 1 {
                window.write(&mut b, 0.5, 2.0, true);
            }
            window.advance(1, [&mut a, &mut b].into_iter());
        }
        let both: Vec<_> = window.ended().collect();
        assert_eq!(both, [(1, 3.5, 10.0), (2, 2.5, 10.0), (3, 1.0, 8.0)]);
        window.remove(&a);
        let rest: Vec<_> = window.ended().collect();
        assert_eq!(rest, [(1, 0.5, 2.0), (2, 0.5, 2.0)]);
        window.remove(&b);
        assert_eq!(window.ended().count(), 0);
        window.add(&b);
        window.advance(2, [&mut b].into_iter());
        assert_eq!(window.ended().collect::<Vec<_>>(), [(3, 0.5, 2.0)]);
    }
}
