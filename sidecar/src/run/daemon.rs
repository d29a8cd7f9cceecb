// SPDX-License-Identifier: Apache-2.0
//! The daemon: what it is made of, and the loop that waits for whatever is due next.

use super::agent::Agent;
use super::hand::Hand;
use super::journal::Journal;
use super::pace::Pace;
use super::policies::Policies;
use super::show::Show;
use super::{Source, facts};
use crate::clock::{Clock, Schedule, Wake};
use crate::exit::{Exit, Failure};
use crate::output::Reader;
use crate::scribe::Scribe;
use crate::{learned, settings};
use gleaner_collector::Collector;
use gleaner_engine::config::Config;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Capabilities;
use gleaner_watch::publisher::Publisher;
use gleaner_watch::snapshot::{HostState, Trouble};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

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

/// Reads, decides, acts and tells.
pub(super) struct Daemon {
    pub(super) parts: Parts,
    pub(super) policies: Policies,
    pub(super) hand: Hand,
    /// The modules of an agent, where they are to connect.
    pub(super) agent: Option<Agent>,
    pub(super) host: HostState,
    pub(super) schedule: Schedule,
    pub(super) pace: Pace,
    /// Audit lines dropped by writers that a reload has ended.
    pub(super) dropped_before: u64,
    pub(super) sample: Sample,
    pub(super) glanced: Glance,
    pub(super) journal: Journal,
    /// Full scans after which the layout was last looked at.
    pub(super) scans: u64,
    pub(super) decided: u64,
    /// When what was learned was last written.
    pub(super) kept_at: Option<Timestamp>,
    /// What could be done when troubles were last looked for.
    could: Capabilities,
    /// Whether the offer could not be handed on then.
    unheard: bool,
}

impl Daemon {
    /// A cold daemon; its first reading is due at once.
    ///
    /// # Errors
    /// The mode allows acts, and the journal that they need cannot be had; or the recording cannot.
    pub(super) fn new(
        parts: Parts,
        recording: Option<&Path>,
        clock: &impl Clock,
    ) -> Result<Self, Failure> {
        let rules = settings::engine(&parts.config, &parts.collector);
        let engine = learned::start(rules, &parts.config.host.state);
        let schedule = Schedule::new(clock.now(), parts.config.engine.interval);
        let layout = parts.collector.layout();
        let socket = parts.config.host.agent.socket.as_deref();
        let agent = socket.map(Agent::open).transpose()?;
        let hand = Hand::open(&parts.config, &layout, parts.scribe.entries())?;
        let mut policies = Policies::new(engine, &parts.config.shadows, recording)
            .map_err(crate::record::failure)?;
        policies.invite(&parts.config)?;
        Ok(Self {
            policies,
            pace: Pace::new(parts.config.host.watch),
            parts,
            hand,
            agent,
            host: HostState::default(),
            schedule,
            dropped_before: 0,
            sample: Sample::default(),
            glanced: Glance::default(),
            journal: Journal::default(),
            scans: 0,
            decided: 0,
            kept_at: None,
            could: Capabilities::none(),
            unheard: false,
        })
    }

    /// Turns until it is told to end, the reader of its output is gone, or it has decided often enough.
    pub(super) fn run(
        &mut self,
        clock: &mut impl Clock,
        ticks: Option<u64>,
    ) -> Result<(), Failure> {
        loop {
            let wake = clock.wait(self.next());
            match wake {
                Wake::Due | Wake::Pressed => {
                    let reader = self.due(clock, wake == Wake::Pressed)?;
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
                    let why = "the thread for HTTP is gone";
                    return Err(Failure::new(Exit::Software, why));
                }
            }
        }
    }

    /// When something is due next.
    fn next(&self) -> Timestamp {
        let others = [self.pace.next(), self.hand.next()];
        others.into_iter().flatten().fold(self.schedule.next(), Timestamp::min)
    }

    /// The layout may be another now: an agent was started. What follows from it is brought up to date.
    pub(super) fn follow_layout(&mut self) {
        if let Err(failure) = self.rearm() {
            tracing::error!(why = %failure, "the mode cannot be carried out");
        }
        let Parts { config, places, collector, publisher, .. } = &mut self.parts;
        let rules = settings::engine(config, collector);
        if rules != *self.policies.live().config() {
            self.policies.replace(learned::carry_over(self.policies.live(), rules));
            // The new engine knows nothing of what the one before asked for.
            self.hand.put_everything_back();
            if let Err(failure) = self.policies.invite(config) {
                tracing::error!(why = %failure, "the loaded policy does not take the new rules");
            }
        }
        self.policies.follow(&config.shadows);
        publisher.set_about(facts::about(config, places.clone(), collector));
        self.refresh_troubles();
    }

    /// Takes another hand where the configuration or the layout asks for one.
    fn rearm(&mut self) -> Result<(), Failure> {
        let layout = self.parts.collector.layout();
        if self.hand.fits(&self.parts.config, &layout) {
            return Ok(());
        }
        self.hand.lay_down();
        self.hand = Hand::open(&self.parts.config, &layout, self.parts.scribe.entries())?;
        Ok(())
    }

    /// Looks again at what cannot be seen, what is asked for in vain and what does not work.
    pub(super) fn refresh_troubles(&mut self) {
        self.could = self.host.abilities;
        self.unheard = self.parts.scribe.is_unheard();
        let layout = self.parts.collector.layout();
        let mut troubles = facts::troubles(&layout);
        troubles.extend(self.refused_reload());
        troubles.extend(self.hand.troubles(&self.could));
        troubles.extend(self.policies.wrong().map(|why| Trouble {
            what: format!("the loaded policy is not followed: {why}"),
            command: "gleaner check-config  # policy.library".to_owned(),
        }));
        let file = self.parts.config.host.offer.file.as_deref().filter(|_| self.unheard);
        troubles.extend(file.map(|path| Trouble {
            what: format!("the offer cannot be written to {}", path.display()),
            command: format!("ls -ld {}", path.parent().unwrap_or(path).display()),
        }));
        troubles.extend(self.pace.stretched().map(|every| Trouble {
            what: format!(
                "looking for harm is dear here: it is done every {every} while all is calm"
            ),
            command: "gleaner check-config  # watch.budget".to_owned(),
        }));
        self.host.troubles = troubles.into();
    }

    /// As [`Daemon::refresh_troubles`], where what can be done has changed.
    pub(super) fn follow_means(&mut self) {
        let now = (self.host.abilities, self.parts.scribe.is_unheard());
        if (self.could, self.unheard) != now {
            self.refresh_troubles();
        }
    }

    /// Puts back whatever is in force, and writes what was learned and recorded.
    pub(super) fn finish(&mut self) {
        self.hand.put_everything_back();
        self.withdraw_from(self.parts.config.host.offer.file.as_deref());
        self.keep();
        self.policies.close();
    }

    /// Removes the file of an offer that is not kept up any more.
    pub(super) fn withdraw_from(&self, file: Option<&Path>) {
        if let Some(path) = file {
            self.parts.scribe.no_offer(path);
        }
    }

    /// Writes what was learned, where that is wanted.
    pub(super) fn keep(&self) {
        if let Some(path) = &self.parts.config.host.state.file {
            self.parts.scribe.state(path, self.policies.live().learned(learned::origin()));
        }
    }
}

#[cfg(test)]
mod tests;
