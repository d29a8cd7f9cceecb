// SPDX-License-Identifier: Apache-2.0
//! The loop on a clock that a test moves.

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
    Daemon::new(parts, None, clock).expect("observing needs nothing")
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
fn without_its_server_the_loop_fails() {
    let mut clock = ManualClock::new([(Wake::Alone, 0)]);
    let failure = daemon(&clock, None).run(&mut clock, None).expect_err("a failure");
    assert!(failure.to_string().contains("HTTP"), "{failure}");
}
