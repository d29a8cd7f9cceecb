// SPDX-License-Identifier: Apache-2.0
//! The part of a guaranteed task's page cache that it cannot do without.
//!
//! MemAvailable counts all page cache as free, also the pages a guaranteed task reads all the time: it
//! still read 300 MiB when a service with 300 MiB of hot files began to thrash (measured). So that
//! part is taken off. But a service that has streamed logs holds cache it will never read again, and
//! to protect that would evict best-effort for nothing. The hot part is therefore learned:
//!
//! * it starts as all the cache there is, and never exceeds what the task was promised beyond its working set;
//! * cache that is reclaimed **without harm** was cold, and twice as much again is taken to be cold;
//! * harm while it shrinks makes all of what it was hot again;
//! * cache that stays settles into the hot part within `settles`.

use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};

/// How much more is taken to be cold than was reclaimed without harm. Judgement: with as much only,
/// a second of growth is always just as large as the headroom it has proved, and looks critical.
const COLD_AGAIN: f64 = 2.0;

/// What is known of one task's cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HotCache {
    seen: Option<(Timestamp, f64)>,
    hot: f64,
    /// Reclaimed without harm, in bytes; fades as cache settles.
    shrunk: f64,
    room: Option<Bytes>,
}

impl HotCache {
    /// Takes what was read. `harmed` is unknown where nothing can tell; then nothing is taken for cold.
    pub(crate) fn update(
        &mut self,
        at: Timestamp,
        cache: Option<Bytes>,
        room: Option<Bytes>,
        harmed: Option<bool>,
        settles: Span,
    ) {
        self.room = room;
        let Some(now) = cache.map(Amount::to_base) else { return };
        let Some((before_at, before)) = self.seen.replace((at, now)) else {
            self.hot = now;
            return;
        };
        let passed = at.since(before_at).map_or(0.0, Span::secs);
        let settled = (passed / settles.secs().max(1e-9)).min(1.0);
        match harmed {
            Some(true) => {
                self.shrunk = 0.0;
                self.hot = self.hot.max(before);
            }
            Some(false) if now < before => {
                self.shrunk += before - now;
                self.hot = self.hot.min((now - COLD_AGAIN * self.shrunk).max(0.0));
            }
            Some(false) | None => {
                self.shrunk *= 1.0 - settled;
                self.hot += (now - self.hot).max(0.0) * settled;
            }
        }
    }

    /// All the cache it has, as last read.
    pub(crate) fn all(&self) -> f64 {
        self.seen.map_or(0.0, |(_, now)| now)
    }

    /// Bytes of its present cache that must stay.
    pub(crate) fn bytes(&self) -> f64 {
        let room = self.room.map_or(f64::INFINITY, Amount::to_base);
        self.seen.map_or(0.0, |(_, now)| now.min(self.hot).min(room))
    }
}

/// The node's memory when the guaranteed tasks' cache was last seen to change.
///
/// Cache is read with samples, available memory ten times as often. When free memory is used up,
/// what available memory loses in between is cache that is being reclaimed; without this it would look
/// like headroom running out, and best-effort would be evicted for a service's cold files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CacheMark {
    cache: f64,
    available: f64,
    /// Free memory that can be used up before cache is reclaimed.
    free: f64,
}

impl CacheMark {
    /// Moves the mark if the cache has changed.
    pub(crate) fn update(&mut self, cache: f64, available: Bytes, free: Bytes) {
        if (cache - self.cache).abs() >= 1.0 {
            let available = available.to_base();
            // The kernel keeps some memory free and reclaims instead: beside cache that fills the node
            // there is none to use up, whatever MemFree says.
            let free = free.to_base().min((available - cache).max(0.0));
            *self = Self { cache, available, free };
        }
    }

    /// Bytes of the guaranteed tasks' cache that must have been reclaimed since, for so little is left.
    pub(crate) fn reclaimed(&self, available: Bytes) -> f64 {
        let beyond_free = self.available - available.to_base() - self.free;
        let all_cache = self.available - self.free;
        // Other tasks' cache is reclaimed too: theirs is the rest.
        let share = if all_cache > self.cache { self.cache / all_cache } else { 1.0 };
        beyond_free.max(0.0) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = (1 << 20) as f64;

    fn cache(steps: &[(u64, f64, Option<bool>)], room: Option<f64>) -> f64 {
        let mut c = HotCache::default();
        for (secs, mib, harmed) in steps {
            let at = Timestamp::default().plus(Span::from_secs(*secs));
            let bytes = Some(Bytes::from_base(mib * MIB));
            let room = room.map(|r| Bytes::from_base(r * MIB));
            c.update(at, bytes, room, *harmed, Span::from_secs(600));
        }
        c.bytes() / MIB
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.5
    }

    #[test]
    fn all_of_it_is_hot_until_some_goes_without_harm() {
        assert!(near(cache(&[(1, 300.0, Some(false)), (2, 300.0, Some(false))], None), 300.0));
        let gone = [(1, 44_000.0, Some(false)), (2, 43_000.0, Some(false))];
        assert!(near(cache(&gone, None), 41_000.0), "twice as much again is cold");
        let unknown = [(1, 44_000.0, None), (2, 43_000.0, None)];
        assert!(near(cache(&unknown, None), 43_000.0), "nothing can tell: all that is left is hot");
    }

    #[test]
    fn harm_while_it_shrinks_makes_it_hot() {
        let steps = [(1, 300.0, Some(false)), (2, 100.0, Some(true)), (3, 300.0, Some(false))];
        assert!(near(cache(&steps, None), 300.0));
    }

    #[test]
    fn between_samples_only_what_free_memory_cannot_explain_is_reclaimed_cache() {
        let bytes = |mib: f64| Bytes::from_base(mib * MIB);
        let mut mark = CacheMark::default();
        mark.update(300.0 * MIB, bytes(700.0), bytes(400.0));
        mark.update(300.0 * MIB, bytes(1.0), bytes(1.0));
        assert!(near(mark.reclaimed(bytes(900.0)) / MIB, 0.0), "more is free than then");
        assert!(near(mark.reclaimed(bytes(301.0)) / MIB, 0.0), "free memory was used");
        assert!(near(mark.reclaimed(bytes(250.0)) / MIB, 50.0));
        mark.update(299.0 * MIB, bytes(1_196.0), bytes(0.0));
        assert!(
            near(mark.reclaimed(bytes(1_096.0)) / MIB, 25.0),
            "a quarter of the cache is theirs"
        );
    }

    #[test]
    fn what_stays_settles_and_a_promise_bounds_it() {
        let steps = [(1, 100.0, Some(false)), (2, 400.0, Some(false)), (602, 400.0, Some(false))];
        assert!(near(cache(&steps[..2], None), 100.5));
        assert!(near(cache(&steps, None), 400.0));
        assert!(near(cache(&steps, Some(64.0)), 64.0));
    }
}
