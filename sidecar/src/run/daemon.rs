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
use gleaner_collector::Collector;
use gleaner_engine::config::Config;
use gleaner_engine::decision::Decision;
use gleaner_engine::reading::{Body, Reading};
use gleaner_engine::{Engine, audit};
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_watch::publisher::{Publisher, Told};
use gleaner_watch::snapshot::HostState;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a daemon is made of.
pub(super) struct Parts {
    pub(super) source: Source,
    pub(super) config: Config,
    /// Where each key that was written stands.
    pub(super) places: BTreeMap<String, String>,
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
            self.follow_layout();
        }
    }

    /// The layout may be another now: an agent was started. What follows from it is brought up to date.
    pub(super) fn follow_layout(&mut self) {
        let Parts { config, places, collector, publisher, .. } = &mut self.parts;
        let rules = settings::engine(config, collector);
        if rules != *self.engine.config() {
            self.engine = learned::carry_over(&self.engine, rules);
        }
        publisher.set_about(facts::about(config, places.clone(), collector));
        self.refresh_troubles();
    }

    /// Looks again at what cannot be seen and what is asked for in vain.
    fn refresh_troubles(&mut self) {
        let layout = self.parts.collector.layout();
        let mut troubles = facts::troubles(&layout);
        troubles.extend(self.refused_reload());
        self.host.troubles = troubles.into();
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
            notify::check_patience(self.parts.config.engine.interval);
            notify::ready(&match self.parts.address {
                Some(address) => format!("deciding; http://{address}/metrics"),
                None => "deciding".to_owned(),
            });
        }
        notify::alive();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_engine::decision::Health;
    use gleaner_estimator::units::Span;
    use std::collections::VecDeque;

    fn at(secs: u64) -> Timestamp {
        Timestamp::default().plus(Span::from_secs(secs))
    }

    /// A clock that stands still until it is waited on, and then is as late as the script says.
    struct ManualClock {
        now: Timestamp,
        script: VecDeque<(Wake, Span)>,
    }

    impl ManualClock {
        /// One entry a wait: what ends it, and how long after the time waited for.
        fn new(script: impl IntoIterator<Item = (Wake, u64)>) -> Self {
            let mut clock = Self { now: at(1000), script: VecDeque::new() };
            clock.then(script);
            clock
        }

        fn then(&mut self, script: impl IntoIterator<Item = (Wake, u64)>) {
            let script = script.into_iter().map(|(wake, ms)| (wake, Span::from_millis(ms)));
            self.script.extend(script);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            self.now
        }
        fn wall_ms(&self) -> u64 {
            self.now.0 / 1_000_000
        }
        fn wait(&mut self, until: Timestamp) -> Wake {
            let (wake, late) = self.script.pop_front().unwrap_or((Wake::Stop, Span::default()));
            if wake == Wake::Due {
                self.now = self.now.max(until.plus(late));
            }
            wake
        }
    }

    /// A daemon on this very node that keeps its decisions to itself.
    fn daemon(clock: &impl Clock, path: Option<&std::path::Path>) -> Daemon {
        let source = Source { path: path.map(Into::into), listen: None };
        let (config, places) = source.load().expect("valid");
        let collector = settings::collector(&config).expect("a node");
        let about = facts::about(&config, places.clone(), &collector);
        let parts = Parts {
            publisher: Publisher::new(about).expect("metrics"),
            scribe: Scribe::start(&config.host.audit).expect("a thread"),
            show: Show::Nothing,
            address: None,
            source,
            config,
            places,
            collector,
        };
        Daemon::new(parts, clock)
    }

    fn health(daemon: &Daemon) -> Health {
        let shot = daemon.parts.publisher.published().load().expect("a snapshot");
        shot.decision.health.clone()
    }

    #[test]
    fn a_late_tick_is_noted_and_a_long_gap_starts_over_cold() {
        let due = |ms| (Wake::Due, ms);
        let mut clock = ManualClock::new([due(0), due(20), due(0)]);
        let mut daemon = daemon(&clock, None);
        daemon.run(&mut clock, Some(3)).expect("no failure");
        assert_eq!(clock.now, at(1002), "no drift");
        let Health::Cold { seen, .. } = health(&daemon) else { panic!("{:?}", health(&daemon)) };
        assert_eq!(seen, Span::from_secs(2));
        clock.then([due(9_500), due(0)]);
        daemon.run(&mut clock, Some(5)).expect("no failure");
        let Health::Cold { seen, .. } = health(&daemon) else { panic!("{:?}", health(&daemon)) };
        assert_eq!(seen, Span::from_millis(500), "what was seen before the gap does not count");
        assert_eq!(clock.now, at(1013), "back in step");
    }

    #[test]
    fn a_refused_configuration_leaves_the_pace_and_a_good_one_changes_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("gleaner.toml");
        let write = |text: &str| std::fs::write(&path, text).expect("writable");
        write("[sample]\ninterval = \"2s\"");
        let mut clock = ManualClock::new([(Wake::Due, 0)]);
        let mut daemon = daemon(&clock, Some(&path));
        daemon.run(&mut clock, None).expect("told to end");
        write("[sample]\ninterval = 3");
        daemon.reload(&clock);
        let told = |daemon: &Daemon| {
            let mut troubles = daemon.host.troubles.iter();
            troubles.any(|trouble| trouble.what.contains("refused"))
        };
        assert!(!daemon.host.reload_ok && told(&daemon));
        let next = daemon.schedule.next();
        assert_eq!(next.since(clock.now), Some(Span::from_secs(2)));
        write("[sample]\ninterval = \"500ms\"");
        daemon.reload(&clock);
        assert!(daemon.host.reload_ok && !told(&daemon));
        assert_eq!(daemon.schedule.next().since(clock.now), Some(Span::from_millis(500)));
    }

    #[test]
    fn without_anybody_to_end_it_the_loop_fails() {
        let mut clock = ManualClock::new([(Wake::Alone, 0)]);
        let failure = daemon(&clock, None).run(&mut clock, None).expect_err("a failure");
        assert!(failure.to_string().contains("signals"), "{failure}");
    }
}
