// SPDX-License-Identifier: Apache-2.0
//! One turn: read, decide, act, tell. And what lies between two: glances, and acts that take time.

use super::daemon::Daemon;
use super::journal::Journal;
use super::pace::{self, Need};
use super::{agent, lean, notify, rows};
use crate::clock::Clock;
use crate::exit::Failure;
use crate::output::Reader;
use gleaner_act::actor::Stage;
use gleaner_act::means::Means;
use gleaner_act::outcome::Outcome;
use gleaner_engine::audit;
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_qos::config::Standing;
use gleaner_qos::level::Level;
use gleaner_qos::report::Report;
use gleaner_qos::verdict::Action;
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::http::answer;
use gleaner_watch::publisher::Told;
use gleaner_watch::snapshot::{UNDER_WAY_MOST, UnderWay};
use gleaner_watch::story::End;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl Daemon {
    /// Does whatever is due now: drives on acts, reads, or glances. `pressed` asks for a glance at once.
    pub(super) fn due(&mut self, clock: &impl Clock, pressed: bool) -> Result<Reader, Failure> {
        let now = clock.now();
        let reports = self.hand.poll(now);
        self.report(&reports);
        if now >= self.schedule.next() {
            let reader = self.turn(clock, None)?;
            let missed = self.schedule.advance(clock.now());
            self.journal.late(missed, now);
            return Ok(reader);
        }
        let wanted = self.pace.next().is_some_and(|next| pressed || now >= next);
        // A probe measures from the freeze on, so that has to be told before the next glance.
        if wanted && !self.hand.is_freezing() && self.glance(now) {
            return self.turn(clock, Some(now));
        }
        Ok(Reader::Present)
    }

    /// Looks at what changes fast; true where a tick is asked for at once.
    fn glance(&mut self, now: Timestamp) -> bool {
        let before = pace::cpu_time();
        let read = self.parts.collector.glance(now, &mut self.glanced);
        let alarm = read.is_ok_and(|()| self.policies.glance(&self.glanced));
        self.pace.looked(now);
        self.pace.spent(Span(pace::cpu_time().0.saturating_sub(before.0)));
        alarm
    }

    /// One reading, one decision, carried out and told to everybody. `seen` is when a glance saw what made it haste.
    fn turn(&mut self, clock: &impl Clock, seen: Option<Timestamp>) -> Result<Reader, Failure> {
        let began = Instant::now();
        let at = clock.now();
        if let Some(agent) = &mut self.agent {
            agent.hear(&mut self.parts.collector);
        }
        let read = self.parts.collector.sample(at, &mut self.sample).map_err(|e| e.to_string());
        let sample_took = began.elapsed();
        if read.is_ok() {
            self.follow_agent(clock.wall_ms());
            let can = self.hand.survey(&self.sample);
            let can = self.agent.as_ref().map_or(can, |agent| agent.adds_to(can));
            self.policies.set_capabilities(at, can);
            self.host.abilities = can;
        }
        let body = match &read {
            Ok(()) => Body::Fresh(&self.sample),
            Err(why) => Body::Failed(why),
        };
        let began = Instant::now();
        let decision = self.policies.tick(Reading { at, wall_ms: clock.wall_ms(), body });
        let tick_took = began.elapsed();
        // Before the acts, so that the file tells the decision first.
        self.write_down(&decision);
        if read.is_ok() {
            self.carry_out(&decision, seen.unwrap_or(at));
        } else if let Some(agent) = &mut self.agent {
            agent.tell(&decision, Span::default());
        }
        self.pace.looked(at);
        self.pace.set_need(self.need(&decision));
        self.look_at_self();
        self.publish(&decision, read.is_ok(), sample_took, tick_took);
        self.hand_on_the_offer();
        self.tell_tally();
        self.log(&decision);
        let reader = self.show(&decision)?;
        self.tell_supervisor();
        self.decided += 1;
        lean::settle(self.decided);
        Ok(reader)
    }

    /// Shows everybody what was decided. Weighing comes after the acts, because nobody waits for it but those who look; it is
    /// a part of what a tick costs all the same.
    fn publish(&mut self, decision: &Decision, seen: bool, sample_took: Duration, took: Duration) {
        let began = Instant::now();
        let weights = seen.then(|| Arc::new(self.policies.live().weigh(&self.sample)));
        self.parts.publisher.tell(Told {
            decision,
            seen: seen.then_some((&self.sample, self.policies.live().usage())),
            weights: weights.as_ref(),
            sample_took: Some(sample_took),
            tick_took: took + began.elapsed(),
            host: &self.host,
        });
    }

    /// Hears what became of evictions that an agent was asked for.
    fn follow_agent(&mut self, wall_ms: u64) {
        let within = self.policies.live().config().qos.budget.gone_within;
        let Some(agent) = &mut self.agent else { return };
        let news = agent.follow_up(&self.sample, wall_ms, within);
        self.report(&news.reports);
        for ended in news.ended {
            let (task, resource) = (&*ended.task.name, ended.resource.word());
            let outcome = ended.ending.word();
            tracing::warn!(task, resource, outcome, "the agent was asked to evict");
            self.parts.publisher.tell_ended(&ended);
        }
    }

    /// Does what was decided: evictions through an agent where one is there for it, all else by our own hand.
    fn carry_out(&mut self, decision: &Decision, seen: Timestamp) {
        let holds = self.policies.live().config().stale_after;
        let through_agent = self.agent.as_mut().is_some_and(|agent| agent.tell(decision, holds));
        let reports = if through_agent {
            let mut ours = decision.verdict.clone();
            ours.corrections.retain(|correction| !agent::is_eviction(correction));
            self.hand.apply(decision, &ours, &self.sample, seen)
        } else {
            self.hand.apply(decision, &decision.verdict, &self.sample, seen)
        };
        self.report(&reports);
    }

    /// Tells the engine what became of corrections.
    fn report(&mut self, reports: &[Report]) {
        for report in reports {
            if let Some(settled) = self.policies.report(report) {
                tracing::info!(
                    task = %settled.task.name,
                    resource = settled.resource.word(),
                    expected = ?settled.expected,
                    measured = ?settled.measured,
                    "a victim is gone"
                );
            }
        }
    }

    /// How closely it has to be looked until the next decision.
    fn need(&self, decision: &Decision) -> Need {
        if decision.tasks.best_effort == 0 {
            return Need::None;
        }
        let resources = decision.assessment.iter().flat_map(|assessment| &assessment.resources);
        let wrong = resources.into_iter().any(|r| r.level != Level::Calm && !r.no_signal);
        // Where it takes its class only on harm, that has to be seen at once.
        let rules = self.policies.live().config();
        let open = rules.mode != Mode::Observe && rules.qos.standing == Standing::OnHarm;
        let frozen = self.hand.held().frozen > 0 || self.hand.is_freezing();
        if wrong || open || frozen { Need::Tense } else { Need::Calm }
    }

    /// Counts what was done since the last turn.
    fn tell_tally(&mut self) {
        let tally = self.hand.take_tally();
        for ending in tally.endings {
            log_ending(&ending);
            self.parts.publisher.tell_ended(&Ended {
                ending: counted_as(&ending.outcome, ending.action),
                task: ending.task,
                action: ending.action,
                resource: ending.resource,
                reason: ending.reason,
                wall_ms: ending.wall_ms,
                tick: Some(ending.tick),
                end: End {
                    outcome: ending.outcome.to_string(),
                    means: ending.means.map(Means::word),
                    took: ending.took,
                    relief: ending.relief,
                    reacted: ending.reacted,
                },
            });
        }
        for reaction in tally.reactions.into_iter().filter(|r| r.stage == Stage::Written) {
            self.parts.publisher.tell_reaction(Duration::from_nanos(reaction.took.0));
        }
    }

    /// Brings up to date what is told of this host itself.
    fn look_at_self(&mut self) {
        let health = self.parts.collector.health();
        self.host.files_malformed = health.malformed;
        self.host.audit_lines_dropped = self.dropped_before + self.parts.scribe.dropped();
        self.host.held = self.hand.held();
        self.host.holding = self.hand.holding();
        (self.host.under_way, self.host.under_way_more) = self.under_way();
        self.host.shadows = self.policies.scores().into();
        self.follow_means();
        if health.scans != self.scans {
            self.scans = health.scans;
            self.follow_layout();
        }
    }

    /// Hands what is offered to the writer, for those who read files.
    fn hand_on_the_offer(&self) {
        let Some(path) = &self.parts.config.host.offer.file else { return };
        if let Some(offer) = answer(&self.parts.publisher.published(), "/v1/offer") {
            self.parts.scribe.offer(path, offer);
        }
    }

    /// What goes on by our own hand and through an agent, the most pressing first.
    fn under_way(&self) -> (Arc<[UnderWay]>, usize) {
        let within = self.policies.live().config().qos.budget.gone_within;
        let asked = self.agent.iter().flat_map(|agent| agent.under_way(within));
        let mut all: Vec<UnderWay> = asked.chain(self.hand.under_way()).collect();
        let more = all.len().saturating_sub(UNDER_WAY_MOST);
        all.truncate(UNDER_WAY_MOST);
        (all.into(), more)
    }

    /// Hands the decision to the writer, and now and then what was learned.
    fn write_down(&mut self, decision: &Decision) {
        self.parts.scribe.line(|| audit::line(decision));
        let every = self.parts.config.host.state.every;
        let kept = self.kept_at.get_or_insert(decision.at);
        if decision.at.since(*kept).is_some_and(|span| span >= every) {
            *kept = decision.at;
            self.keep();
        }
    }

    fn log(&mut self, decision: &Decision) {
        if self.decided == 0 {
            Journal::begin(decision, &self.parts.collector.layout());
        }
        self.journal.note(decision);
    }

    fn show(&mut self, decision: &Decision) -> Result<Reader, Failure> {
        if self.decided == 0 {
            let parts = &self.parts;
            parts.show.begin(|| {
                let layout = parts.collector.layout();
                let rules = self.policies.live().config();
                rows::introduction(&parts.config, rules, &layout, decision, parts.address)
            })?;
        }
        let about = self.parts.publisher.published().about();
        self.parts.show.decision(decision, &about)
    }

    fn tell_supervisor(&self) {
        if self.decided == 0 {
            notify::check_patience(self.parts.config.engine.interval);
            notify::ready(&match self.parts.address {
                Some(address) => format!("deciding; http://{address}/metrics"),
                None => "deciding".to_owned(),
            });
        }
        notify::alive();
    }
}

/// Where an outcome is counted.
const fn counted_as(outcome: &Outcome, action: Action) -> Ending {
    match (outcome, action) {
        (Outcome::Done, _) => Ending::Done,
        (Outcome::NoEffect { .. }, Action::Evict) => Ending::Ignored,
        (Outcome::NoEffect { .. }, _) => Ending::NoRelief,
        (Outcome::Failed { .. } | Outcome::Refused { .. }, _) => Ending::Failed,
        (Outcome::Vanished, _) => Ending::Vanished,
        (Outcome::Observed, _) => Ending::Observed,
    }
}

/// An eviction is always logged; of all else only what did not work.
fn log_ending(ending: &gleaner_act::actor::Ending) {
    let (task, action) = (&*ending.task.name, ending.action.word());
    let resource = ending.resource.word();
    match (&ending.outcome, ending.action) {
        (Outcome::Done, Action::Evict) => tracing::warn!(task, resource, "evicted"),
        (Outcome::Done | Outcome::Observed | Outcome::Vanished, _) => {
            tracing::debug!(task, action, resource, outcome = ending.outcome.word(), "corrected");
        }
        (Outcome::NoEffect { .. } | Outcome::Failed { .. } | Outcome::Refused { .. }, _) => {
            tracing::warn!(task, action, resource, why = %ending.outcome, "a correction did not work");
        }
    }
}
