// SPDX-License-Identifier: Apache-2.0
//! SIGHUP: the configuration is read again. One with a mistake changes nothing; a good one takes effect as a whole.

use super::daemon::Daemon;
use super::hand::Hand;
use super::pace::Pace;
use super::{notify, scribe};
use crate::clock::Clock;
use crate::exit::Failure;
use crate::settings;
use gleaner_engine::config::Config;
use gleaner_engine::decision::Mode;
use gleaner_watch::snapshot::Trouble;

impl Daemon {
    /// Reads the configuration again and puts it in force, or keeps the one before.
    pub(super) fn reload(&mut self, clock: &impl Clock) {
        notify::reloading();
        let result = self.take_over();
        self.host.reload_ok = result.is_ok();
        match result {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(failure) => {
                for why in failure.to_string().lines() {
                    tracing::error!(
                        why,
                        "the configuration is refused; the one before stays in force"
                    );
                }
            }
        }
        self.follow_layout();
        self.schedule.set_interval(clock.now(), self.parts.config.engine.interval);
        notify::ready("deciding");
    }

    /// A line for people while a refused configuration waits to be mended.
    pub(super) fn refused_reload(&self) -> Option<Trouble> {
        let file = self.parts.source.path.as_deref().filter(|_| !self.host.reload_ok)?;
        Some(Trouble {
            what: "the configuration was refused at the last reload; the one before is in force"
                .to_owned(),
            command: format!("gleaner check-config {}", file.display()),
        })
    }

    fn take_over(&mut self) -> Result<(), Failure> {
        let (config, places) = self.parts.source.load()?;
        let old = &self.parts.config;
        // Everything that can fail comes before the first change.
        let collector = match settings::same_collector(old, &config) {
            true => None,
            false => Some(settings::collector(&config)?),
        };
        let scribe = match old.host.audit == config.host.audit {
            true => None,
            false => Some(scribe(&config)?),
        };
        let journal = |config: &Config| {
            (config.engine.mode != Mode::Observe).then(|| config.host.act.journal.clone())
        };
        // Ours is locked by ourselves.
        if journal(&config).is_some() && journal(&config) != journal(old) {
            Hand::try_journal(&config)?;
        }
        warn_of_the_lasting(old, &config);
        if old.host.offer != config.host.offer {
            self.withdraw_from(old.host.offer.file.as_deref());
        }
        if let Some(collector) = collector {
            self.parts.collector = collector;
        }
        if let Some(scribe) = scribe {
            self.dropped_before += self.parts.scribe.dropped();
            self.parts.scribe = scribe;
            // The old hand writes to the old file: another is taken when the layout is followed.
            self.hand.lay_down();
        }
        self.pace = Pace::new(config.host.watch);
        self.parts.places = places;
        self.parts.config = config;
        Ok(())
    }
}

/// Says which changes wait for a restart.
fn warn_of_the_lasting(old: &Config, new: &Config) {
    let (old, new) = (&old.host, &new.host);
    let lasting = [
        ("http", old.http != new.http),
        ("log", old.log != new.log),
        ("policy", old.policy != new.policy),
        ("agent", old.agent != new.agent),
    ];
    for (section, _) in lasting.into_iter().filter(|(_, changed)| *changed) {
        tracing::warn!(section, "changes of this section take effect at the next start");
    }
}
