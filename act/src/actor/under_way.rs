// SPDX-License-Identifier: Apache-2.0
//! What goes on: evictions and freezes that have begun, limits that are in force; since when, and for how long at most.

use super::Actor;
use super::case::Case;
use super::job::Work;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Actuator;
use gleaner_qos::verdict::Action;

/// Something that was begun and is not over.
#[derive(Clone, Debug, PartialEq)]
pub struct UnderWay {
    /// Whom it is done to.
    pub task: TaskId,
    /// What.
    pub action: Action,
    /// For which resource.
    pub resource: Resource,
    /// The tick whose decision asked for it.
    pub tick: u64,
    /// Since when, milliseconds since 1970-01-01 UTC.
    pub since_ms: u64,
    /// When it is over at the latest; `None` where that is decided as things go.
    pub until_ms: Option<u64>,
}

impl Actor {
    /// What goes on: evictions, then freezes, then all else, each the latest first. What stands for good is not in it.
    #[must_use]
    pub fn under_way(&self) -> Vec<UnderWay> {
        let jobs = self.jobs.iter().map(|job| match &job.work {
            Work::Evicting { eviction, .. } => (&job.case, Some(eviction.until())),
            Work::Freezing { until, .. } => (&job.case, Some(*until)),
            Work::Reclaiming(_) | Work::Limiting(_) => (&job.case, None),
        });
        let leases = self.leases.iter().map(|lease| (&lease.case, Some(lease.until)));
        let limits = self.holds.iter().filter(|((_, actuator), _)| is_limit(*actuator));
        let limits = limits.map(|(_, hold)| (&hold.case, None));
        let (now, wall_ms) = (self.clock.now(), self.clock.wall_ms());
        let mut all: Vec<UnderWay> = jobs
            .chain(leases)
            .chain(limits)
            .map(|(case, until)| under_way(case, until, now, wall_ms))
            .collect();
        all.sort_by_key(|one| (rank(one.action), u64::MAX - one.since_ms));
        all
    }
}

fn under_way(case: &Case, until: Option<Timestamp>, now: Timestamp, wall_ms: u64) -> UnderWay {
    UnderWay {
        task: case.task.clone(),
        action: case.action,
        resource: case.resource,
        tick: case.tick,
        since_ms: wall_ms.saturating_sub(now.since(case.began).unwrap_or_default().0 / 1_000_000),
        until_ms: until.map(|at| wall_ms + at.since(now).unwrap_or_default().0 / 1_000_000),
    }
}

const fn rank(action: Action) -> u8 {
    match action {
        Action::Evict => 0,
        Action::Freeze { .. } => 1,
        Action::CpuQuota { .. }
        | Action::MemoryHigh { .. }
        | Action::Reclaim { .. }
        | Action::IoLimit { .. }
        | Action::StandingClass
        | Action::IoWeight
        | Action::Thaw
        | Action::Undo { .. } => 2,
    }
}

/// Whether it holds a task back until it is undone.
pub(super) const fn is_limit(actuator: Actuator) -> bool {
    match actuator {
        Actuator::CpuQuota | Actuator::MemoryHigh | Actuator::IoLimit => true,
        Actuator::StandingClass
        | Actuator::IoWeight
        | Actuator::Reclaim
        | Actuator::Freeze
        | Actuator::Evict => false,
    }
}
