// SPDX-License-Identifier: Apache-2.0
//! Checks of what is on tasks: every freeze ends, nothing stays on who is best-effort no more, limits are taken off.

use super::{Check, Moment, Ticked, Verdict, is_clean};
use crate::sim::task::SimTask;
use gleaner_engine::decision::Mode;
use gleaner_estimator::sample::{Class, TaskId};
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Actuator;
use gleaner_qos::config::Standing as When;
use gleaner_qos::verdict::{Action, Reason};
use std::collections::{BTreeMap, BTreeSet};

/// A host thaws at its next look, readings have a rhythm.
const MARGIN: f64 = 0.4;

/// Nobody is frozen for longer than the configuration says, on the clock that the host thaws by.
#[derive(Default)]
pub(super) struct Thawed {
    since: BTreeMap<TaskId, Timestamp>,
}

impl Check for Thawed {
    fn name(&self) -> &'static str {
        "freezes end"
    }

    fn moment(&mut self, m: &Moment<'_>) -> Verdict {
        let (now, longest) = (m.kernel.at(), m.scene.config.qos.budget.freeze.secs());
        self.since.retain(|id, _| {
            m.kernel.get(id).is_some_and(|t| t.carried.frozen.is_some() && t.dying.is_none())
        });
        let frozen = |t: &&SimTask| t.carried.frozen.is_some() && t.dying.is_none();
        for task in m.kernel.tasks.iter().filter(frozen) {
            let since = *self.since.entry(task.id().clone()).or_insert(now);
            let lasts = now.since(since).map_or(0.0, gleaner_estimator::units::Span::secs);
            if lasts > longest + MARGIN {
                return Err(format!("{} frozen for {lasts:.1} s", task.id().name));
            }
        }
        Ok(())
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        for ask in &t.asked.asks {
            let Action::Freeze { until } = ask.action else { continue };
            let probe = ask.reason == Reason::Probe;
            let qos = &t.config().qos;
            let limit = if probe { qos.probe.length } else { qos.budget.freeze };
            let length = until.since(t.at).unwrap_or_default();
            if length > limit {
                return Err(format!("{} is to stay frozen for {} s", ask.task.name, length.secs()));
            }
        }
        Ok(())
    }
}

/// What a sample showed as best-effort no more carries nothing of ours.
#[derive(Default)]
pub(super) struct LetGo {
    seen: BTreeSet<TaskId>,
}

impl Check for LetGo {
    fn name(&self) -> &'static str {
        "let go"
    }

    fn moment(&mut self, m: &Moment<'_>) -> Verdict {
        let holds = |t: &&SimTask| !t.is_best_effort() && t.carried.anything();
        let still = m.kernel.tasks.iter().filter(holds).find(|t| self.seen.contains(t.id()));
        match still {
            Some(t) => Err(format!("{} is guaranteed and carries {:?}", t.id().name, t.carried)),
            None => Ok(()),
        }
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let other = |class: Class| class != Class::BestEffort;
        let sample = t.sample.into_iter().flat_map(|s| &s.tasks);
        self.seen = sample.filter(|x| other(x.task.class)).map(|x| x.task.id.clone()).collect();
        Ok(())
    }
}

/// Best-effort is in its standing class soon after it was first seen, and stays there.
#[derive(Default)]
pub(super) struct Standing {
    since: BTreeMap<TaskId, f64>,
}

/// Seconds from the first sample to the class.
const SOON: f64 = 2.0;

impl Check for Standing {
    fn name(&self) -> &'static str {
        "standing class"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let (now, config) = (t.now(), t.config());
        let wanted = config.mode != Mode::Observe && config.qos.standing == When::Always;
        let works = t.host.really_works(Actuator::StandingClass) && is_clean(t.scene);
        if !wanted || !works {
            return Ok(());
        }
        self.since.retain(|id, _| t.kernel.get(id).is_some());
        for task in t.kernel.tasks.iter().filter(|x| x.is_best_effort() && x.dying.is_none()) {
            let since = *self.since.entry(task.id().clone()).or_insert(now);
            if now - since > SOON && !task.carried.standing {
                let name = &task.id().name;
                return Err(format!("{name} is an equal after {:.1} s", now - since));
            }
        }
        Ok(())
    }
}

/// Limits and freezes are taken off when all is calm and there is room.
#[derive(Default)]
pub(super) struct Undone {
    calm_since: Option<f64>,
}

/// Seconds of calm after which nothing stands: the wait between two steps, for each rung of each resource.
const TAKEN_OFF: f64 = 30.0;

impl Check for Undone {
    fn name(&self) -> &'static str {
        "undone when calm"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let (now, truth) = (t.now(), &t.kernel.truth);
        let gap = [&truth.cpu, &truth.memory, &truth.io].iter().any(|h| h.ago(now) < 1.0);
        let roomy = truth.room > 0.2 * t.kernel.size.memory;
        let calm = t.asked.calm == [true; 3] && roomy && !gap;
        if !calm || !is_clean(t.scene) {
            self.calm_since = None;
            return Ok(());
        }
        let since = *self.calm_since.get_or_insert(now);
        let held = |x: &&SimTask| {
            x.is_best_effort() && x.dying.is_none() && x.born <= since && x.carried.limits()
        };
        match t.kernel.tasks.iter().find(held) {
            Some(x) if now - since > TAKEN_OFF => {
                Err(format!("{} carries {:?} after {TAKEN_OFF} s", x.id().name, x.carried))
            }
            Some(_) | None => Ok(()),
        }
    }
}
