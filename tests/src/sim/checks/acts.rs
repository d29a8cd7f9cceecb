// SPDX-License-Identifier: Apache-2.0
//! Checks of who is corrected, and how often.

use super::{Check, Ticked, Verdict};
use crate::sim::ask::Ask;
use gleaner_engine::decision::Mode;
use gleaner_estimator::sample::{Class, TaskId};
use gleaner_qos::capability::Ability;
use gleaner_qos::verdict::{Action, Reason};

fn word(ask: &Ask) -> String {
    format!("{} of {}", ask.action.word(), ask.task.name)
}

/// Who is corrected is best-effort: in the sample that was judged, and in truth.
pub(super) struct OnlyBestEffort;

impl Check for OnlyBestEffort {
    fn name(&self) -> &'static str {
        "only best-effort"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        for ask in &t.asked.asks {
            let read = t.sample.and_then(|s| s.tasks.iter().find(|x| x.task.id == ask.task));
            let classes =
                [read.map(|x| x.task.class), t.kernel.get(&ask.task).map(|x| x.task.class)];
            if classes.iter().flatten().any(|c| *c != Class::BestEffort) {
                return Err(format!("{}, which is {classes:?}", word(ask)));
            }
        }
        Ok(())
    }
}

/// Who is corrected is in the sample that was judged, by name and inode.
pub(super) struct Identity;

impl Check for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let Some(sample) = t.sample else { return Ok(()) };
        for ask in &t.asked.asks {
            if !sample.tasks.iter().any(|x| x.task.id == ask.task) {
                let inode = ask.task.inode;
                return Err(format!("{} (inode {inode}), which was not seen", word(ask)));
            }
        }
        Ok(())
    }
}

/// Without a usable reading nothing is offered and nobody corrected.
pub(super) struct NoReading;

impl Check for NoReading {
    fn name(&self) -> &'static str {
        "no reading, no act"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let offers = t.asked.offers.iter().any(|o| o.amount > 0);
        if t.sample.is_some() || (t.asked.asks.is_empty() && !offers) {
            return Ok(());
        }
        Err(format!("{:?}, {:?}", t.asked.asks, t.asked.offers))
    }
}

/// Only what the host can do is asked of it.
pub(super) struct Possible;

impl Check for Possible {
    fn name(&self) -> &'static str {
        "possible"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        for ask in t.asked.asks.iter().filter(|a| !a.action.releases()) {
            let ability = t.can.ability(ask.action.actuator());
            if ability != Ability::Works {
                return Err(format!("{}, which is {ability:?}", word(ask)));
            }
        }
        Ok(())
    }
}

/// Observing touches nothing, squeezing neither freezes for long nor evicts.
pub(super) struct Moded;

impl Check for Moded {
    fn name(&self) -> &'static str {
        "mode"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let mode = t.config().mode;
        let beyond = |ask: &&Ask| match mode {
            Mode::Observe => !ask.would && !ask.action.releases(),
            Mode::Squeeze => ask.action == Action::Evict || ask.is_long_freeze(),
            Mode::Evict => ask.would,
        };
        match t.asked.asks.iter().find(beyond) {
            Some(ask) => Err(format!("{} in mode {}", word(ask), mode.word())),
            None => Ok(()),
        }
    }
}

/// One victim until it is gone or late, no more than the budget in any window, probes far apart.
#[derive(Default)]
pub(super) struct Budgeted {
    evicted: Vec<f64>,
    leaving: Option<(TaskId, f64)>,
    probed: Option<f64>,
}

impl Budgeted {
    fn victim(&mut self, t: &Ticked<'_>, id: &TaskId) -> Verdict {
        let (now, budget) = (t.now(), &t.config().qos.budget);
        // The same again is a host's refusal answered.
        if let Some((first, at)) = &self.leaving
            && first != id
            && now - at <= budget.gone_within.secs()
            && t.kernel.get(first).is_some()
            && !t.host.has_given_up(first)
        {
            return Err(format!("{} evicted while {} is leaving", id.name, first.name));
        }
        self.leaving = Some((id.clone(), now));
        self.evicted.push(now);
        let window = budget.evict_window.secs();
        self.evicted.retain(|at| now - at <= window);
        match u32::try_from(self.evicted.len()) {
            Ok(n) if n <= budget.evictions => Ok(()),
            Ok(_) | Err(_) => Err(format!("{} evictions in {window} s", self.evicted.len())),
        }
    }
}

impl Check for Budgeted {
    fn name(&self) -> &'static str {
        "budget"
    }

    fn tick(&mut self, t: &Ticked<'_>) -> Verdict {
        let (now, probe) = (t.now(), &t.config().qos.probe);
        let mut suspects = 0;
        for ask in &t.asked.asks {
            if ask.action == Action::Evict {
                self.victim(t, &ask.task)?;
            }
            let freezes = matches!(ask.action, Action::Freeze { .. });
            suspects += usize::from(freezes && ask.reason == Reason::Probe);
        }
        if suspects > 0 {
            let soon = self.probed.is_some_and(|at| now - at < probe.every.secs());
            self.probed = Some(now);
            if soon || suspects > probe.suspects {
                return Err(format!("a probe of {suspects} tasks, too soon: {soon}"));
            }
        }
        Ok(())
    }

    fn jumped(&mut self) {
        *self = Self::default();
    }
}
