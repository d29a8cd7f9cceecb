// SPDX-License-Identifier: Apache-2.0
//! The live policy, and who hears the same in the same order: policies that decide beside it, and the recording.

use crate::clock::wall_ms;
use gleaner_backtest::recording::{Event, Recorder, RecorderOptions, RecordingError};
use gleaner_engine::Engine;
use gleaner_engine::config::ShadowConfig;
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

    /// Says what can be done here.
    pub(super) fn set_capabilities(&mut self, at: Timestamp, can: Capabilities) {
        if can != self.can {
            self.can = can;
            self.record(&Event::Capabilities(at, &can));
            self.live.set_capabilities(can);
        }
    }

    /// One step of the live policy, and of those beside it.
    pub(super) fn tick(&mut self, reading: Reading<'_>) -> Decision {
        self.record(&Event::Reading(reading));
        self.shadows.tick(reading);
        self.live.tick(reading)
    }

    /// Takes a fast reading; true where a tick is asked for at once.
    pub(super) fn glance(&mut self, glance: &Glance) -> bool {
        self.record(&Event::Glance(glance));
        self.shadows.glance(glance);
        self.live.glance(glance).rings()
    }

    /// Takes what became of a correction. Shadows correct nobody.
    pub(super) fn report(&mut self, report: &Report) -> Option<Settlement> {
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
