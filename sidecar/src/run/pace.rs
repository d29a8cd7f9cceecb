// SPDX-License-Identifier: Apache-2.0
//! When to glance: a steady pace in calm within a budget of CPU time, a faster one in need.

use gleaner_engine::config::WatchConfig;
use gleaner_estimator::units::{Span, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// However dear a glance is, harm is looked for this often.
const SLOWEST: Span = Span::from_secs(1);

/// In need so many times the budget may be spent: harm costs more than looking.
const IN_NEED: f64 = 10.0;

/// Weight of the newest glance in the mean of what one costs.
const NEWEST: f64 = 0.1;

/// When the next glance is due, from what the last ones cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    config: WatchConfig,
    /// CPU time of one glance, ns, mean of the last ones.
    cost: f64,
    last: Timestamp,
    need: Need,
}

/// How closely it has to be looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Need {
    /// Nobody is there who could do harm.
    #[default]
    None,
    /// Best-effort tasks run, and nothing is wrong.
    Calm,
    /// Something is wrong, or would be harm at once.
    Tense,
}

impl Pace {
    pub(super) fn new(config: WatchConfig) -> Self {
        Self { config, cost: 0.0, last: Timestamp::default(), need: Need::None }
    }

    /// When the next glance is due; `None` where none is needed.
    pub(super) fn next(&self) -> Option<Timestamp> {
        let (every, budget) = match self.need {
            Need::None => return None,
            Need::Calm => (self.config.every, self.config.budget.get()),
            Need::Tense => (self.config.every_in_need, self.config.budget.get() * IN_NEED),
        };
        Some(self.last.plus(every.max(self.affordable(budget))))
    }

    /// How closely it has to be looked from now on.
    pub(super) fn set_need(&mut self, need: Need) {
        self.need = need;
    }

    /// A glance, or a reading that shows as much, was made at `at`.
    pub(super) fn looked(&mut self, at: Timestamp) {
        self.last = at;
    }

    /// What a glance cost.
    pub(super) fn spent(&mut self, cpu: Span) {
        let cpu = cpu.0 as f64;
        self.cost = if self.cost == 0.0 { cpu } else { self.cost + (cpu - self.cost) * NEWEST };
    }

    /// Time between two glances in calm, where they cost so much that it is more than twice what was asked for.
    pub(super) fn stretched(&self) -> Option<Span> {
        let every = self.affordable(self.config.budget.get());
        (every.0 > self.config.every.0 * 2).then_some(every)
    }

    /// The pace that keeps to this share of a core.
    fn affordable(&self, budget: f64) -> Span {
        Span::from_secs_f64(self.cost / 1e9 / budget.min(1.0)).min(SLOWEST)
    }
}

/// CPU time that this thread has used.
pub(super) fn cpu_time() -> Span {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    Span(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::units::Ratio;

    fn every(need: Need, cost: Span) -> Option<Span> {
        let config = WatchConfig {
            every: Span::from_millis(100),
            every_in_need: Span::from_millis(25),
            budget: Ratio::from_milli(5),
        };
        let mut pace = Pace::new(config);
        let now = Timestamp::default().plus(Span::from_secs(9));
        pace.set_need(need);
        pace.looked(now);
        (0..100).for_each(|_| pace.spent(cost));
        pace.next().and_then(|next| next.since(now))
    }

    #[test]
    fn cheap_glances_keep_their_pace_and_dear_ones_the_budget() {
        let micros = |n: u64| Span(n * 1000);
        assert_eq!(every(Need::None, micros(100)), None);
        assert_eq!(every(Need::Calm, micros(100)), Some(Span::from_millis(100)));
        assert_eq!(every(Need::Tense, micros(100)), Some(Span::from_millis(25)));
        // 2 ms at half a per cent of a core: every 400 ms; in need every 40.
        assert_eq!(every(Need::Calm, micros(2000)), Some(Span::from_millis(400)));
        assert_eq!(every(Need::Tense, micros(2000)), Some(Span::from_millis(40)));
        assert_eq!(every(Need::Calm, Span::from_secs(1)), Some(SLOWEST));
    }
}
