// SPDX-License-Identifier: Apache-2.0
//! The loop of the daemon, and one turn of it.

use super::journal::Journal;
use super::show::Show;
use super::{Source, facts, notify, rows};
use crate::clock::{Clock, Schedule, Wake};
use crate::exit::{Exit, Failure};
use crate::output::Reader;
use crate::scribe::Scribe;
use crate::{learned, settings};
use gleaner_act::audit::Entry;
use gleaner_collector::Collector;
use gleaner_engine::Engine;
use gleaner_engine::config::Config;
use gleaner_engine::decision::Decision;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_watch::publisher::{Publisher, Told};
use gleaner_watch::snapshot::HostState;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a daemon is made of.
pub(super) struct Parts {
    pub(super) source: Source,
    pub(super) config: Config,
    pub(super) collector: Collector,
    pub(super) publisher: Publisher,
    pub(super) scribe: Scribe,
    pub(super) show: Show,
    /// Where everything is served.
    pub(super) address: Option<SocketAddr>,
}

/// Reads, decides and tells.
pub(super) struct Daemon {
    pub(super) parts: Parts,
    pub(super) engine: Engine,
    pub(super) host: HostState,
    pub(super) schedule: Schedule,
    /// Audit lines dropped by writers that a reload has ended.
    pub(super) dropped_before: u64,
    sample: Sample,
    journal: Journal,
    /// Full scans after which the layout was last looked at.
    scans: u64,
    decided: u64,
    /// When what was learned was last written.
    kept_at: Option<Timestamp>,
}

impl Daemon {
    /// A cold daemon; its first reading is due at once.
    pub(super) fn new(parts: Parts, clock: &impl Clock) -> Self {
        let rules = settings::engine(&parts.config, &parts.collector);
        let engine = learned::start(rules, &parts.config.host.state);
        let schedule = Schedule::new(clock.now(), parts.config.engine.interval);
        Self {
            parts,
            engine,
            host: HostState::default(),
            schedule,
            dropped_before: 0,
            sample: Sample::default(),
            journal: Journal::default(),
            scans: 0,
            decided: 0,
            kept_at: None,
        }
    }

    /// Turns until it is told to end, the reader of its output is gone, or it has decided often enough.
    pub(super) fn run(
        &mut self,
        clock: &mut impl Clock,
        ticks: Option<u64>,
    ) -> Result<(), Failure> {
        loop {
            match clock.wait(self.schedule.next()) {
                Wake::Due => {
                    let reader = self.turn(clock)?;
                    if reader == Reader::Gone || ticks.is_some_and(|ticks| self.decided >= ticks) {
                        return Ok(());
                    }
                }
                Wake::Reload => self.reload(clock),
                Wake::Stop => {
                    tracing::info!(decisions = self.decided, "told to end");
                    return Ok(());
                }
                Wake::Alone => {
                    let why = "the thread for signals and HTTP is gone";
                    return Err(Failure::new(Exit::Software, why));
                }
            }
        }
    }

    /// One reading, one decision, told to everybody.
    fn turn(&mut self, clock: &impl Clock) -> Result<Reader, Failure> {
        let began = Instant::now();
        let at = clock.now();
        let read = self.parts.collector.sample(at, &mut self.sample).map_err(|e| e.to_string());
        let sample_took = began.elapsed();
        let body = match &read {
            Ok(()) => Body::Fresh(&self.sample),
            Err(why) => Body::Failed(why),
        };
        let began = Instant::now();
        let decision = self.engine.tick(Reading { at, wall_ms: clock.wall_ms(), body });
        let tick_took = began.elapsed();
        self.look_at_self();
        self.publish(&decision, read.is_ok(), sample_took, tick_took);
        self.write_down(&decision);
        if self.decided == 0 {
            Journal::begin(&decision, &self.parts.collector.layout());
        }
        self.journal.note(&decision);
        let reader = self.show(&decision)?;
        self.tell_supervisor();
        self.decided += 1;
        let missed = self.schedule.advance(clock.now());
        self.journal.late(missed, at);
        Ok(reader)
    }

    /// Brings up to date what is told of this host itself.
    fn look_at_self(&mut self) {
        let health = self.parts.collector.health();
        self.host.files_malformed = health.malformed;
        self.host.audit_lines_dropped = self.dropped_before + self.parts.scribe.dropped();
        if health.scans != self.scans {
            self.scans = health.scans;
            self.refresh_troubles();
        }
    }

    /// Looks again at what cannot be seen and what is asked for in vain.
    pub(super) fn refresh_troubles(&mut self) {
        let layout = self.parts.collector.layout();
        let mut troubles = facts::troubles(&layout, self.parts.config.engine.mode);
        troubles.extend(self.refused_reload());
        self.host.troubles = troubles.into();
    }

    /// Hands the decision to the writer, and now and then what was learned.
    fn write_down(&mut self, decision: &Decision) {
        self.parts.scribe.line(|| Entry::Decision {
            id: format!(
                "{:x}-{}",
                self.parts.publisher.published().about().started_ms,
                decision.tick
            ),
            wall_ms: decision.wall_ms,
            body: serde_json::to_value(decision).unwrap_or_default(),
        });
        let every = self.parts.config.host.state.every;
        let kept = self.kept_at.get_or_insert(decision.at);
        if decision.at.since(*kept).is_some_and(|span| span >= every) {
            *kept = decision.at;
            self.keep();
        }
    }

    /// Writes what was learned, where that is wanted.
    pub(super) fn keep(&self) {
        if let Some(path) = &self.parts.config.host.state.file {
            self.parts.scribe.state(path, self.engine.learned(learned::origin()));
        }
    }

    fn publish(
        &mut self,
        decision: &Decision,
        good: bool,
        sample_took: Duration,
        tick_took: Duration,
    ) {
        self.parts.publisher.tell(Told {
            decision,
            seen: good.then_some((&self.sample, self.engine.usage())),
            sample_took: Some(sample_took),
            tick_took,
            host: &self.host,
        });
    }

    fn show(&mut self, decision: &Decision) -> Result<Reader, Failure> {
        if self.decided == 0 {
            let Parts { config, collector, address, .. } = &self.parts;
            self.parts.show.begin(|| {
                let layout = collector.layout();
                rows::introduction(config, self.engine.config(), &layout, decision, *address)
            })?;
        }
        let about = self.parts.publisher.published().about();
        self.parts.show.decision(decision, &about)
    }

    fn tell_supervisor(&self) {
        if self.decided == 0 {
            notify::ready(&match self.parts.address {
                Some(address) => format!("deciding; http://{address}/metrics"),
                None => "deciding".to_owned(),
            });
        }
        notify::alive();
    }
}
