// SPDX-License-Identifier: Apache-2.0
//! The live policy, and who hears the same in the same order: policies that decide beside it, and the recording.

use super::guest::Guest;
use crate::clock::wall_ms;
use crate::exit::Failure;
use gleaner_backtest::recording::{Event, Recorder, RecorderOptions, RecordingError};
use gleaner_engine::Engine;
use gleaner_engine::config::{Config, ShadowConfig, effective};
use gleaner_engine::decision::Decision;
use gleaner_engine::reading::Reading;
use gleaner_engine::shadows::{ShadowScore, Shadows};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Capabilities;
use gleaner_qos::report::{Report, Settlement};
use std::path::{Path, PathBuf};

/// The policies of a daemon.
pub(super) struct Policies {
    live: Engine,
    /// Decides in the place of the live one, which goes on to bound it.
    guest: Option<Guest>,
    shadows: Shadows,
    tape: Option<Tape>,
    /// What the engine was last told that can be done.
    can: Capabilities,
}

/// A recording that is being made.
struct Tape {
    path: PathBuf,
    recorder: Option<Recorder>,
    /// The last piece was lost.
    troubled: bool,
}

impl Tape {
    fn open(path: &Path) -> Result<Self, RecordingError> {
        let recorder = Recorder::open(path, wall_ms(), RecorderOptions::default())?;
        Ok(Self { path: path.to_owned(), recorder: Some(recorder), troubled: false })
    }

    fn begin_anew(&mut self) {
        self.close();
        match Self::open(&self.path) {
            Ok(tape) => *self = tape,
            Err(error) => tracing::error!(%error, "no recording from here on"),
        }
    }

    fn close(&mut self) {
        if let Some(Err(error)) = self.recorder.take().map(Recorder::close) {
            tracing::error!(%error, "the end of the recording is lost");
        }
    }

    /// A full disk costs pieces of the recording, never a decision.
    fn tell(&mut self, event: &Event<'_>) {
        let Some(recorder) = &mut self.recorder else { return };
        let kept = recorder.tell(event, wall_ms());
        if let (Err(error), false) = (&kept, self.troubled) {
            tracing::warn!(%error, "pieces of the recording are lost until it can be written again");
        }
        self.troubled = kept.is_err();
    }
}

impl Policies {
    /// A live policy with its company.
    ///
    /// # Errors
    /// The recording cannot be begun or continued.
    pub(super) fn new(
        live: Engine,
        shadows: &[ShadowConfig],
        recording: Option<&Path>,
    ) -> Result<Self, RecordingError> {
        Ok(Self {
            shadows: Shadows::new(shadows, live.config()),
            live,
            guest: None,
            tape: recording.map(Tape::open).transpose()?,
            can: Capabilities::none(),
        })
    }

    /// The live policy.
    pub(super) fn live(&self) -> &Engine {
        &self.live
    }

    /// Puts another engine in the place of the live one.
    pub(super) fn replace(&mut self, live: Engine) {
        self.live = live;
        self.can = Capabilities::none();
        // What comes now was told to another engine.
        if let Some(tape) = &mut self.tape {
            tape.begin_anew();
        }
    }

    /// Shadows under a new configuration.
    pub(super) fn follow(&mut self, shadows: &[ShadowConfig]) {
        self.shadows = std::mem::take(&mut self.shadows).follow(shadows, self.live.config());
    }

    /// Loads the policy that a configuration names, or lets the one go that it names no more.
    ///
    /// # Errors
    /// It cannot be used; the one before goes on.
    pub(super) fn invite(&mut self, config: &Config) -> Result<(), Failure> {
        let library = config.host.policy.library.as_deref();
        let (text, lend) = (effective(config), self.live.config().lend);
        self.guest = library.map(|library| Guest::open(library, &text, lend)).transpose()?;
        self.can = Capabilities::none();
        self.live.set_capabilities(self.can);
        Ok(())
    }

    /// What is wrong with the guest's answers.
    pub(super) fn wrong(&self) -> Option<&str> {
        self.guest.as_ref().and_then(Guest::wrong)
    }

    /// Says what can be done here.
    pub(super) fn set_capabilities(&mut self, at: Timestamp, can: Capabilities) {
        if can != self.can {
            self.can = can;
            match &mut self.guest {
                // Its own corrections are not carried out, so it must not wait for what becomes of them.
                Some(guest) => guest.set_capabilities(can),
                None => {
                    self.record(&Event::Capabilities(at, &can));
                    self.live.set_capabilities(can);
                }
            }
        }
    }

    /// One step of the live policy, and of those beside it.
    pub(super) fn tick(&mut self, reading: Reading<'_>) -> Decision {
        self.record(&Event::Reading(reading));
        self.shadows.tick(reading);
        let mut decision = self.live.tick(reading);
        if let Some(guest) = &mut self.guest {
            guest.decide(reading, &mut decision);
        }
        decision
    }

    /// Takes a fast reading; true where a tick is asked for at once.
    pub(super) fn glance(&mut self, glance: &Glance) -> bool {
        self.record(&Event::Glance(glance));
        self.shadows.glance(glance);
        let rings = self.live.glance(glance).rings();
        match &mut self.guest {
            Some(guest) => guest.glance(glance),
            None => rings,
        }
    }

    /// Takes what became of a correction. Shadows correct nobody.
    pub(super) fn report(&mut self, report: &Report) -> Option<Settlement> {
        if let Some(guest) = &mut self.guest {
            guest.report(report);
            return None;
        }
        self.record(&Event::Report(report));
        self.live.report(report)
    }

    /// How the predictions of the shadows have turned out.
    pub(super) fn scores(&self) -> Vec<ShadowScore> {
        self.shadows.scores().collect()
    }

    /// Writes what is gathered of the recording; the end of it.
    pub(super) fn close(&mut self) {
        if let Some(mut tape) = self.tape.take() {
            tape.close();
        }
    }

    fn record(&mut self, event: &Event<'_>) {
        if let Some(tape) = &mut self.tape {
            tape.tell(event);
        }
    }
}
