// SPDX-License-Identifier: Apache-2.0
//! How often and how fast: one victim at a time, a wait until its memory is back, and a limit per window.

use crate::config::{BudgetConfig, QosConfig};
use crate::rank::Relief;
use crate::verdict::Held;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::{Amount, Bytes, Span, Timestamp};
use std::collections::VecDeque;

/// A victim that is not gone yet.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    pub(crate) task: TaskId,
    pub(crate) resource: Resource,
    pub(crate) asked: Timestamp,
    pub(crate) size: Bytes,
    pub(crate) expected: Option<Relief>,
    /// Only shown, so it will never be gone; it blocks like a real one until its deadline.
    pub(crate) would: bool,
}

/// Most tenants that are remembered as hit; the oldest is forgotten first.
const TENANTS: usize = 64;

/// What has been spent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    leaving: Option<Leaving>,
    settled_at: Option<Timestamp>,
    recovered_at: Option<Timestamp>,
    evictions: VecDeque<Timestamp>,
    /// Freezes that were not probes, per resource.
    freezes: [VecDeque<Timestamp>; 3],
    hold_off: [Option<Timestamp>; 3],
    tenants: VecDeque<(String, Timestamp)>,
}

/// Whether `at` lies within `window` before `now`; what lies after `now` was before a clock jump and counts.
fn within(at: Timestamp, window: Span, now: Timestamp) -> bool {
    now.since(at).unwrap_or_default() <= window
}

impl Budget {
    pub(crate) fn leaving(&self) -> Option<&Leaving> {
        self.leaving.as_ref()
    }

    /// Whether a victim may be chosen now.
    pub(crate) fn may_evict(&self, now: Timestamp, config: &BudgetConfig) -> Result<(), Held> {
        if self.leaving.is_some() {
            return Err(Held::Leaving);
        }
        if self.settled_at.is_some_and(|at| now < at) {
            return Err(Held::Settling);
        }
        let spent = self.evictions.iter().filter(|at| within(**at, config.evict_window, now));
        if spent.count() >= usize::try_from(config.evictions).unwrap_or(usize::MAX) {
            return Err(Held::Budget);
        }
        Ok(())
    }

    /// When the stall that the last victim left behind was over.
    pub(crate) fn recovered_at(&self) -> Option<Timestamp> {
        self.recovered_at
    }

    /// A victim that was only shown is leaving no more: the mode has changed.
    pub(crate) fn forget_shown(&mut self) {
        self.leaving.take_if(|l| l.would);
    }

    /// A victim was chosen.
    pub(crate) fn evict(&mut self, victim: Leaving, tenant: Option<&str>, config: &BudgetConfig) {
        let now = victim.asked;
        while self.evictions.front().is_some_and(|at| !within(*at, config.evict_window, now)) {
            self.evictions.pop_front();
        }
        self.evictions.push_back(now);
        self.hit(tenant, now);
        self.leaving = Some(victim);
    }

    fn hit(&mut self, tenant: Option<&str>, now: Timestamp) {
        let Some(name) = tenant else { return };
        self.tenants.retain(|(known, _)| known != name);
        if self.tenants.len() == TENANTS {
            self.tenants.pop_front();
        }
        self.tenants.push_back((name.to_owned(), now));
    }

    /// Whether this tenant was hit lately.
    pub(crate) fn was_hit(
        &self,
        tenant: Option<&str>,
        now: Timestamp,
        config: &BudgetConfig,
    ) -> bool {
        tenant.is_some_and(|name| {
            self.tenants.iter().any(|(known, at)| known == name && within(*at, config.tenant, now))
        })
    }

    /// The victim is gone: its memory comes back within a time that grows with its size.
    pub(crate) fn gone(
        &mut self,
        task: &TaskId,
        at: Timestamp,
        config: &QosConfig,
    ) -> Option<Leaving> {
        let leaving = self.leaving.take_if(|l| l.task == *task)?;
        let gib = leaving.size.to_base() / f64::from(1_u32 << 30);
        let wait =
            config.budget.settle + Span::from_secs_f64(config.budget.settle_per_gib.secs() * gib);
        self.settled_at = Some(at.plus(wait));
        self.recovered_at = Some(at.plus(wait.max(config.budget.recover)));
        self.hold(leaving.resource, at, config);
        Some(leaving)
    }

    /// The victim could not be ended: another may be chosen at once.
    pub(crate) fn failed(&mut self, task: &TaskId) -> Option<Leaving> {
        self.leaving.take_if(|l| l.task == *task)
    }

    /// A victim whose deadline passed has ignored its eviction.
    pub(crate) fn ignored(&mut self, now: Timestamp, config: &BudgetConfig) -> Option<Leaving> {
        let late = |l: &mut Leaving| now.since(l.asked).is_some_and(|s| s > config.gone_within);
        self.leaving.take_if(late)
    }

    /// A freeze that was not a probe.
    pub(crate) fn froze(&mut self, resource: Resource, now: Timestamp, config: &BudgetConfig) {
        let log = &mut self.freezes[index(resource)];
        while log.front().is_some_and(|at| !within(*at, config.recur_window, now)) {
            log.pop_front();
        }
        log.push_back(now);
    }

    /// Whether harm has needed so many freezes that it must be answered by eviction.
    pub(crate) fn recurs(&self, resource: Resource, now: Timestamp, config: &BudgetConfig) -> bool {
        let log = &self.freezes[index(resource)];
        let recent = log.iter().filter(|at| within(**at, config.recur_window, now)).count();
        recent >= usize::try_from(config.recur).unwrap_or(usize::MAX)
    }

    /// The resource lends nothing for a while from now.
    pub(crate) fn hold(&mut self, resource: Resource, now: Timestamp, config: &QosConfig) {
        let until = now.plus(config.budget.hold_off);
        let held = &mut self.hold_off[index(resource)];
        *held = (*held).max(Some(until));
    }

    /// Until when the resource lends nothing because of a correction.
    pub(crate) fn held_until(&self, resource: Resource, now: Timestamp) -> Option<Timestamp> {
        self.hold_off[index(resource)].filter(|until| now < *until)
    }

    /// Postpones the next eviction: load averages need this long to show the last one.
    pub(crate) fn settle_until(&mut self, until: Timestamp) {
        self.settled_at = self.settled_at.max(Some(until));
    }

    /// After a clock jump, what lies in the future is moved to now: no wait may last longer than it was meant to.
    pub(crate) fn rebase(&mut self, now: Timestamp, config: &QosConfig) {
        for at in self.evictions.iter_mut().chain(self.freezes.iter_mut().flatten()) {
            *at = (*at).min(now);
        }
        for (_, at) in &mut self.tenants {
            *at = (*at).min(now);
        }
        if let Some(leaving) = &mut self.leaving {
            leaving.asked = leaving.asked.min(now);
        }
        let longest = now.plus(config.budget.hold_off);
        for until in self.hold_off.iter_mut().flatten() {
            *until = (*until).min(longest);
        }
        self.settled_at = self.settled_at.map(|at| at.min(longest));
        self.recovered_at = self.recovered_at.map(|at| at.min(longest));
    }
}

/// The place of a resource in [`Resource::ALL`].
pub(crate) fn index(resource: Resource) -> usize {
    match resource {
        Resource::Cpu => 0,
        Resource::Memory => 1,
        Resource::Io => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::default().plus(Span::from_millis(ms))
    }

    fn id(name: &str) -> TaskId {
        TaskId { name: name.into(), inode: 1 }
    }

    fn victim(name: &str, asked: u64, gib: u64) -> Leaving {
        Leaving {
            task: id(name),
            resource: Resource::Memory,
            asked: at(asked),
            size: Bytes(gib << 30),
            expected: None,
            would: false,
        }
    }

    #[test]
    fn the_second_victim_waits_until_the_first_is_gone_and_its_memory_back() {
        let config = QosConfig::default();
        let mut budget = Budget::default();
        budget.evict(victim("a", 0, 5), None, &config.budget);
        assert_eq!(budget.may_evict(at(500), &config.budget), Err(Held::Leaving));
        assert!(budget.gone(&id("b"), at(600), &config).is_none(), "somebody else is gone");
        assert!(budget.gone(&id("a"), at(600), &config).is_some());
        assert_eq!(budget.may_evict(at(1_599), &config.budget), Err(Held::Settling));
        assert_eq!(budget.may_evict(at(1_600), &config.budget), Ok(()), "0.5 s + 5 × 0.1 s");
        assert_eq!(budget.held_until(Resource::Memory, at(700)), Some(at(30_600)));
        assert_eq!(budget.held_until(Resource::Cpu, at(700)), None);
    }

    #[test]
    fn an_ignored_eviction_is_known_after_its_deadline_only() {
        let config = QosConfig::default();
        let mut budget = Budget::default();
        budget.evict(victim("a", 0, 1), None, &config.budget);
        assert!(budget.ignored(at(10_000), &config.budget).is_none());
        assert!(budget.ignored(at(10_001), &config.budget).is_some());
        assert_eq!(budget.may_evict(at(10_001), &config.budget), Ok(()));
    }

    #[test]
    fn evictions_in_a_window_are_limited() {
        let config = QosConfig::default();
        let mut budget = Budget::default();
        for i in 0..u64::from(config.budget.evictions) {
            budget.evict(victim("a", i * 1_000, 0), None, &config.budget);
            budget.failed(&id("a"));
        }
        assert_eq!(budget.may_evict(at(60_000), &config.budget), Err(Held::Budget));
        assert_eq!(budget.may_evict(at(60_001), &config.budget), Ok(()));
    }

    #[test]
    fn after_a_clock_jump_nothing_waits_longer_than_it_was_meant_to() {
        let config = QosConfig::default();
        let mut budget = Budget::default();
        budget.evict(victim("a", 9_000_000, 1), Some("t"), &config.budget);
        budget.gone(&id("a"), at(9_000_000), &config);
        budget.rebase(at(1_000), &config);
        assert_eq!(budget.held_until(Resource::Memory, at(31_001)), None);
        assert_eq!(budget.may_evict(at(61_001), &config.budget), Ok(()));
        assert!(budget.was_hit(Some("t"), at(2_000), &config.budget));
    }
}
