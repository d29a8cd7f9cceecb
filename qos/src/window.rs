// SPDX-License-Identifier: Apache-2.0
//! Sliding windows over cumulative counters, read at whatever distance readings arrive.
//!
//! A window keeps points at least `spacing` apart and always the newest one. A counter that is
//! missing or went back inside a window makes that counter unknown for as long as the window spans it.

use gleaner_estimator::units::{Span, Timestamp};
use std::collections::VecDeque;

/// Counters at one instant, some of them possibly unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<const N: usize> {
    pub(crate) at: Timestamp,
    /// Bit `i` says that `values[i]` is known: half the size of an array of options.
    known: u16,
    values: [u64; N],
}

impl<const N: usize> Point<N> {
    pub(crate) fn new(at: Timestamp, values: [Option<u64>; N]) -> Self {
        const { assert!(N <= 16) };
        let mut point = Self { at, known: 0, values: [0; N] };
        for (i, value) in values.into_iter().enumerate() {
            if let Some(v) = value {
                point.known |= 1 << i;
                point.values[i] = v;
            }
        }
        point
    }

    pub(crate) fn get(&self, field: usize) -> Option<u64> {
        (self.known & (1 << field) != 0).then(|| self.values[field])
    }
}

/// Two points and the time between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delta<'a, const N: usize> {
    pub(crate) span: Span,
    from: &'a Point<N>,
    to: &'a Point<N>,
}

impl<const N: usize> Delta<'_, N> {
    /// End of the window.
    pub(crate) fn at(&self) -> Timestamp {
        self.to.at
    }

    /// What the counter grew by; `None` when unknown at either end or when it went back.
    pub(crate) fn of(&self, field: usize) -> Option<u64> {
        self.to.get(field)?.checked_sub(self.from.get(field)?)
    }

    /// What the counter grew by a second.
    pub(crate) fn per_sec(&self, field: usize) -> Option<f64> {
        self.of(field).map(|d| d as f64 / self.span.secs())
    }

    /// Share of the window that a microsecond counter grew by.
    pub(crate) fn share(&self, field: usize) -> Option<f64> {
        self.per_sec(field).map(|usec| usec / 1e6)
    }

    /// Share of the window that a stall counter grew by; a stall longer than the window is no reading.
    pub(crate) fn stall(&self, field: usize) -> Option<f64> {
        self.share(field).filter(|share| *share <= 1.0 + STALL_SLACK)
    }

    /// How much a level fell by a second; negative when it rose.
    pub(crate) fn fall_per_sec(&self, field: usize) -> Option<f64> {
        let (from, to) = (self.from.get(field)? as f64, self.to.get(field)? as f64);
        Some((from - to) / self.span.secs())
    }
}

/// Counters are read one after another, so a stall may seem a little longer than its window.
const STALL_SLACK: f64 = 0.1;

/// Points of the recent past; never more than its capacity.
#[derive(Clone, Debug)]
pub(crate) struct Window<const N: usize> {
    kept: VecDeque<Point<N>>,
    newest: Option<Point<N>>,
    spacing: Span,
    capacity: usize,
}

/// Per cent of the asked length that a window must have: readings do not arrive to the microsecond.
const JITTER_PERCENT: u64 = 90;

impl<const N: usize> Window<N> {
    /// Covers about `capacity × spacing`, or `capacity` readings where they come more rarely.
    pub(crate) fn new(capacity: usize, spacing: Span) -> Self {
        Self { kept: VecDeque::with_capacity(capacity), newest: None, spacing, capacity }
    }

    /// Adds a reading; one that is not later than the newest is left out.
    pub(crate) fn push(&mut self, point: Point<N>) {
        if self.newest.is_some_and(|n| point.at.since(n.at).is_none()) {
            return;
        }
        let due = self
            .kept
            .back()
            .is_none_or(|b| point.at.since(b.at).is_some_and(|d| d >= self.spacing));
        if due {
            if self.kept.len() == self.capacity {
                self.kept.pop_front();
            }
            self.kept.push_back(point);
        }
        self.newest = Some(point);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.newest = None;
    }

    /// The newest reading's time.
    pub(crate) fn newest_at(&self) -> Option<Timestamp> {
        self.newest.map(|p| p.at)
    }

    /// From the newest point that is at least `span` old to the newest; longer where readings are rarer.
    pub(crate) fn over(&self, span: Span) -> Option<Delta<'_, N>> {
        let to = self.newest.as_ref()?;
        let least = Span(span.0 / 100 * JITTER_PERCENT);
        let old = |p: &Point<N>| to.at.since(p.at).is_some_and(|s| s >= least);
        let place = self.kept.partition_point(old).checked_sub(1)?;
        let from = &self.kept[place];
        to.at.since(from.at).map(|span| Delta { span, from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::default().plus(Span::from_millis(ms))
    }

    fn window() -> Window<1> {
        Window::new(24, Span::from_millis(50))
    }

    #[test]
    fn the_window_slides_at_any_distance() {
        for step in [7_u64, 50, 100, 250, 1_000, 300_000] {
            let mut w = window();
            for i in 0..400 {
                w.push(Point::new(at(i * step), [Some(i * step * 300)]));
            }
            let d = w.over(Span::from_secs(1)).expect("enough history");
            assert!(d.span >= Span::from_millis(900), "{step} ms: {}", d.span);
            assert!(d.span <= Span::from_millis(step.max(1_050) + step), "{step} ms: {}", d.span);
            assert!((d.share(0).expect("known") - 0.3).abs() < 1e-9);
            assert!(w.kept.len() <= 24);
        }
    }

    #[test]
    fn resets_gaps_and_repeated_readings_are_unknown_not_zero() {
        let mut w = window();
        w.push(Point::new(at(0), [Some(500)]));
        assert!(w.over(Span::from_secs(1)).is_none(), "one point is no window");
        w.push(Point::new(at(1_000), [Some(400)]));
        assert_eq!(w.over(Span::from_secs(1)).and_then(|d| d.of(0)), None, "went back");
        w.push(Point::new(at(1_000), [Some(9_999)]));
        w.push(Point::new(at(900), [Some(9_999)]));
        w.push(Point::new(at(2_000), [None]));
        assert_eq!(w.over(Span::from_secs(1)).and_then(|d| d.of(0)), None, "missing");
        w.push(Point::new(at(3_000), [Some(450)]));
        w.push(Point::new(at(4_000), [Some(460)]));
        assert_eq!(w.over(Span::from_secs(1)).and_then(|d| d.of(0)), Some(10));
        w.push(Point::new(at(5_000), [Some(900_000)]));
        w.push(Point::new(at(6_000), [Some(u64::MAX)]));
        assert_eq!(w.over(Span::from_secs(1)).and_then(|d| d.stall(0)), None, "garbage");
        w.clear();
        assert!(w.over(Span::default()).is_none());
    }
}
