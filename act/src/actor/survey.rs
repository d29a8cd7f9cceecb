// SPDX-License-Identifier: Apache-2.0
//! Which means this node has, looked for in the files of its best-effort tasks. Nothing is written.

use super::Actor;
use crate::means::Means;
use crate::outcome::Outcome;
use crate::selftest::Row;
use crate::standing::{self, Weights};
use crate::target::Target;
use gleaner_estimator::sample::{Class, Sample, TaskId};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use std::collections::{BTreeMap, BTreeSet};

/// New tasks looked at in one round; the others wait for the next.
const A_ROUND: usize = 16;

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    present: BTreeSet<Means>,
    /// Tasks that were looked at, and whether their owner gave them a low weight.
    tasks: BTreeMap<TaskId, bool>,
}

impl Actor {
    /// Looks at best-effort tasks that were not looked at before. Call it with each sample, before
    /// [`Actor::capabilities`].
    pub fn survey(&mut self, sample: &Sample) {
        let best_effort =
            sample.tasks.iter().map(|t| &t.task).filter(|task| task.class == Class::BestEffort);
        let known = std::mem::take(&mut self.survey.tasks);
        let mut left = A_ROUND;
        for task in best_effort {
            let light = match known.get(&task.id) {
                Some(light) => *light,
                None if left == 0 => continue,
                None => {
                    left -= 1;
                    let Ok(target) = Target::find(&self.places, &task.id) else { continue };
                    self.survey.look(&target);
                    let light = standing::is_light(&target, task.allocation.cpu);
                    light == Outcome::Done
                }
            };
            self.survey.tasks.insert(task.id.clone(), light);
        }
    }

    /// Takes what a self-test found: what failed there is not tried on anybody's work.
    pub fn learn(&mut self, rows: &[Row]) {
        let now = self.clock.now();
        for row in rows {
            self.hands.means.note(row.means, &row.outcome, now);
            if row.outcome.blames_means() {
                self.hands.means.rule_out(row.means, now);
            }
        }
    }

    /// What can be done on this node now.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        let now = self.clock.now();
        let mut can = Capabilities::none();
        for actuator in Actuator::ALL {
            let there = || means_of(actuator).iter().filter(|m| self.survey.present.contains(m));
            let ability = match (there().count(), there().any(|m| self.hands.means.usable(*m, now)))
            {
                (0, _) => Ability::Missing,
                (_, true) => Ability::Works,
                (_, false) => Ability::Broken,
            };
            can = can.with(actuator, ability);
        }
        match self.config.weights {
            Weights::Ours => can,
            Weights::Theirs => can.with_foreign_class(self.survey.tasks.values().all(|l| *l)),
        }
    }
}

impl Survey {
    fn look(&mut self, target: &Target) {
        let missing = |means: &Means| !self.present.contains(means);
        let found: Vec<Means> = Means::ALL
            .into_iter()
            .filter(|means| missing(means) && means.file(target).is_some())
            .collect();
        self.present.extend(found);
    }
}

/// The means that an actuator has, the first choice first.
pub(super) const fn means_of(actuator: Actuator) -> &'static [Means] {
    match actuator {
        Actuator::StandingClass => &[Means::CpuIdle, Means::CpuWeight],
        Actuator::CpuQuota => &[Means::CpuQuota],
        Actuator::MemoryHigh => &[Means::MemoryHigh],
        Actuator::Reclaim => &[Means::MemoryReclaim],
        Actuator::IoWeight => &[Means::IoWeight],
        Actuator::IoLimit => &[Means::IoLimit],
        Actuator::Freeze => &[Means::FreezerV2, Means::FreezerV1],
        Actuator::Evict => &[Means::KillCgroup, Means::KillEach],
    }
}
