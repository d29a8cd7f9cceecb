// SPDX-License-Identifier: Apache-2.0
//! One handle's policy: its own engine over what is measured for all, and what the host hears of it.

mod rules;
mod stand;
mod words;

use crate::handle::shared::{Offered, Shared, Waiting};
use crate::handle::table::Table;
use crate::setup::Setup;
use crate::tell::Teller;
use gleaner_engine::Engine;
use gleaner_engine::decision::{Decision, Health, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_host::asked::{Asked, Asking, Now, container};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use rules::Wanted;
use stand::Standing;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use words::Words;

/// What was measured in one turn.
pub(crate) struct Seen<'a> {
    pub(crate) at: Timestamp,
    pub(crate) wall_ms: u64,
    pub(crate) sample: Result<&'a Sample, &'a str>,
    pub(crate) table: Option<&'a Table>,
    pub(crate) took: Duration,
    pub(crate) malformed: u64,
}

/// See the module's head.
pub(crate) struct Judge {
    setup: Arc<Setup>,
    shared: Arc<Shared>,
    engine: Engine,
    /// Set where thresholds alone decide.
    stand: Option<Standing>,
    teller: Option<Teller>,
    asked: Asking,
    words: Words,
}

impl Judge {
    pub(crate) fn new(setup: Arc<Setup>, shared: Arc<Shared>, teller: Option<Teller>) -> Self {
        let mut engine = Engine::new(rules::engine(&setup));
        // The agent can only end a container, and gives best-effort its weight itself; that this is
        // low enough was not checked.
        let can = Capabilities::none().with(Actuator::Evict, Ability::Works);
        engine.set_capabilities(can.with_foreign_class(false));
        let stand = setup.stand.map(Standing::new);
        Self {
            setup,
            shared,
            engine,
            stand,
            teller,
            asked: Asking::default(),
            words: Words::default(),
        }
    }

    pub(crate) fn poison(&mut self, why: &str) {
        self.shared.poison(why);
        if let Some(teller) = &mut self.teller {
            teller.poison();
        }
    }

    /// Whether glances mean anything to it: thresholds alone are judged by samples.
    pub(crate) fn watches(&self) -> bool {
        self.stand.is_none() && !self.shared.is_poisoned()
    }

    /// Takes a fast reading; whether it asks for a sample at once.
    pub(crate) fn glance(&mut self, glance: &Glance) -> bool {
        self.guarded(|judge| judge.engine.glance(glance).rings()).unwrap_or(false)
    }

    /// Takes what was measured and decides.
    pub(crate) fn judge(&mut self, seen: &Seen<'_>) {
        let _ = self.guarded(|judge| judge.step(seen));
    }

    /// A panic in one judge is its own: the others go on.
    fn guarded<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.shared.is_poisoned() {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| body(self))) {
            Ok(value) => Some(value),
            Err(panic) => {
                self.poison(&crate::guard::words(&*panic));
                None
            }
        }
    }

    fn step(&mut self, seen: &Seen<'_>) {
        #[cfg(feature = "inject-panic")]
        inject(seen);
        let usable = self.usable(seen);
        self.follow_up(seen, usable.as_ref().ok().copied());
        let body = match &usable {
            Ok(sample) => Body::Fresh(sample),
            Err(why) => Body::Failed(why),
        };
        let began = Instant::now();
        let mut decision = self.engine.tick(Reading { at: seen.at, wall_ms: seen.wall_ms, body });
        let (took, sample) = (began.elapsed(), usable.ok());
        let mode = self.setup.config.engine.mode;
        let closed = sample
            .zip(seen.table)
            .zip(self.stand.as_ref())
            .map(|((sample, table), s)| s.overrule(&mut decision, sample, table, mode));
        self.correct(seen, &decision, sample);
        self.tell(seen, &decision, sample, took);
        for line in self.words.of(&decision, &self.setup) {
            self.shared.log.info(&line);
        }
        let offered = match (&decision.health, self.setup.role.estimates()) {
            (Health::Fresh, true) => Some(self.offered(seen, &decision, closed == Some(false))),
            // Whom thresholds alone decide for has nothing to learn first.
            (Health::Cold { .. }, true) if self.stand.is_some() => {
                Some(self.offered(seen, &decision, closed == Some(false)))
            }
            (Health::Fresh | Health::Cold { .. } | Health::Failed { .. }, _) => None,
        };
        match (offered, decision.health.clone()) {
            (_, Health::Failed { .. }) => self.shared.withdraw(Some(decision)),
            (offered, _) => {
                let fresh = offered.unwrap_or_else(|| self.offered_nothing(seen, &decision));
                self.shared.publish(fresh, Some(decision));
            }
        }
    }

    /// The sample, or why nothing may be concluded from it.
    fn usable<'s>(&self, seen: &Seen<'s>) -> Result<&'s Sample, String> {
        let sample = seen.sample.map_err(str::to_owned)?;
        let Some(table) = seen.table else {
            return Err("the agent has not told its tasks yet".to_owned());
        };
        let age = seen.at.since(table.at).unwrap_or_default();
        let most = self.setup.paces.table_max_age;
        if age > most {
            return Err(format!("the agent has not told its tasks for {age}, more than {most}"));
        }
        Ok(sample)
    }

    fn offered(&self, seen: &Seen<'_>, decision: &Decision, configured: bool) -> Offered {
        Offered {
            cpu_millis: decision.cpu.offer.amount.0,
            memory_bytes: decision.memory.offer.amount.0,
            configured,
            ..self.offered_nothing(seen, decision)
        }
    }

    fn offered_nothing(&self, seen: &Seen<'_>, decision: &Decision) -> Offered {
        Offered {
            level: rules::level(decision),
            generation: seen.table.map_or(0, |table| table.generation),
            decided: seen.at,
            stale_after: self.setup.config.engine.stale_after,
            ..Offered::default()
        }
    }

    /// Tells the engine what became of those who were asked for.
    fn follow_up(&mut self, seen: &Seen<'_>, sample: Option<&Sample>) {
        let within = self.setup.config.engine.qos.budget.gone_within;
        let now = Now { at: seen.at, wall_ms: seen.wall_ms };
        let news = self.asked.follow_up(&self.shared.taken(), sample, now, within);
        for report in &news.reports {
            self.engine.report(report);
        }
        for ended in news.ended {
            if let Some(teller) = &self.teller {
                teller.ended(&ended);
            }
        }
    }

    /// Lets new corrections wait for the host.
    fn correct(&mut self, seen: &Seen<'_>, decision: &Decision, sample: Option<&Sample>) {
        let Some(sample) = sample.filter(|_| self.setup.role.corrects()) else { return };
        let strict = self.setup.stand.is_some_and(|stand| stand.rules.strict);
        let wanted = match (&mut self.stand, seen.table) {
            (Some(stand), Some(table)) if self.setup.config.engine.mode == Mode::Evict => {
                stand.wanted(sample, self.engine.usage(), table, &self.setup.config.engine.qos)
            }
            (Some(_), _) => Vec::new(),
            (None, _) => rules::wanted(decision),
        };
        let mut waiting = Vec::new();
        for Wanted { task, resource, reason, words } in wanted {
            let name = container(&task).to_owned();
            waiting.push(Waiting { name, resource, reason: words, decided: seen.at });
            let (at, wall_ms) = (seen.at, decision.wall_ms);
            // Thresholds may have asked for it, and not the decision.
            self.asked.ask(Asked { task, resource, reason, at, wall_ms, tick: None });
        }
        let limit = self.setup.config.engine.qos.budget.gone_within;
        let fresh = |at: Timestamp| seen.at.since(at).is_none_or(|span: Span| span <= limit);
        let there = |name: &str| sample.tasks.iter().any(|t| container(&t.task.id) == name);
        // Under strict compatibility each turn says anew whether anybody is to go.
        self.shared.wait_for(waiting, |old| !strict && fresh(old.decided) && there(&old.name));
    }

    fn tell(
        &mut self,
        seen: &Seen<'_>,
        decision: &Decision,
        sample: Option<&Sample>,
        took: Duration,
    ) {
        if let Some(teller) = &mut self.teller {
            let seen_by = sample.map(|sample| (sample, self.engine.usage()));
            teller.tell(decision, seen_by, seen.took, took, seen.malformed);
        }
    }
}

/// For tests of the guard only: a table whose first task is named so makes the judge panic.
#[cfg(feature = "inject-panic")]
fn inject(seen: &Seen<'_>) {
    let first = seen.table.and_then(|table| table.entries.first());
    assert!(first.is_none_or(|entry| entry.name != "panic in the judge"), "asked for by a test");
}
