// SPDX-License-Identifier: Apache-2.0
//! A recording decided anew, one decision after the other, with marks to go back to.
//!
//! The engine is told what the recorder's was: readings, glances, what the host could do. It only observes, so what
//! became of the corrections of a daemon that acted is left out, as in [`crate::verdicts`]: they were another's. Until a
//! recording says what the host can do, all actuators count as working.
//!
//! Nothing is kept of what was played but one sample. Whoever wants to go back keeps a [`Mark`], which holds an engine,
//! and plays again from there: the same readings give the same decisions.

use crate::recording::{Damage, Place, RecordingError, RecordingReader, Told};
use gleaner_engine::Engine;
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::{Decision, Mode};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::Sample;
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use std::path::Path;

/// A recording and the engine that it is told to.
pub struct Playback {
    reader: RecordingReader,
    engine: Engine,
    /// Decisions so far.
    number: u64,
    sample: Option<Sample>,
}

/// A moment between two decisions.
#[derive(Clone)]
pub struct Mark {
    engine: Engine,
    place: Place,
    number: u64,
    sample: Option<Sample>,
}

impl Mark {
    /// Decisions that lie before it.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl Playback {
    /// Opens a recording and all files rotated from it. Nothing is decided yet.
    ///
    /// # Errors
    /// One of the files cannot be read or is not a recording.
    pub fn open(path: &Path, policy: &EngineConfig) -> Result<Self, RecordingError> {
        let policy = EngineConfig { mode: Mode::Observe, ..policy.clone() };
        let reader = RecordingReader::open(path)?;
        Ok(Self { reader, engine: cold(policy), number: 0, sample: None })
    }

    /// The next decision; `None` at the end.
    ///
    /// # Errors
    /// A file cannot be read any more. Damage is passed over, see [`Playback::damage`].
    pub fn advance(&mut self) -> Result<Option<Decision>, RecordingError> {
        while let Some(recorded) = self.reader.next().transpose()? {
            if recorded.starts {
                self.engine = cold(self.engine.config().clone());
            }
            let (at, wall_ms) = (recorded.at, recorded.wall_ms);
            let body = match &recorded.told {
                Told::Sample(sample) => Body::Fresh(sample),
                Told::Failed(why) => Body::Failed(why),
                Told::Glance(_) | Told::Report(_) | Told::Capabilities(_) => {
                    hear(&mut self.engine, &recorded.told);
                    continue;
                }
            };
            let decision = self.engine.tick(Reading { at, wall_ms, body });
            self.number += 1;
            self.sample = match recorded.told {
                Told::Sample(sample) => Some(sample),
                Told::Failed(_) | Told::Glance(_) | Told::Report(_) | Told::Capabilities(_) => None,
            };
            return Ok(Some(decision));
        }
        Ok(None)
    }

    /// A mark, where one can be made: the reader has to be between two blocks of the recording, which is so about once in
    /// ten seconds of it. What the open block has before its next reading is told first.
    pub fn mark(&mut self) -> Option<Mark> {
        while let Some(Told::Glance(_) | Told::Report(_) | Told::Capabilities(_)) =
            self.reader.peek()
        {
            // It lies ready, so it can be read.
            let next = self.reader.next()?.ok()?;
            hear(&mut self.engine, &next.told);
        }
        Some(Mark {
            place: self.reader.place()?,
            engine: self.engine.clone(),
            number: self.number,
            sample: self.sample.clone(),
        })
    }

    /// Goes on from a mark of this playback.
    ///
    /// # Errors
    /// Its file cannot be read any more, or is another by now.
    pub fn go_to(&mut self, mark: &Mark) -> Result<(), RecordingError> {
        self.reader.go_to(&mark.place)?;
        self.engine = mark.engine.clone();
        (self.number, self.sample) = (mark.number, mark.sample.clone());
        Ok(())
    }

    /// Decisions so far.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The sample behind the last decision; `None` where its reading had failed.
    #[must_use]
    pub const fn sample(&self) -> Option<&Sample> {
        self.sample.as_ref()
    }

    /// The engine as it stands after the last decision.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How much of the recording's bytes lies behind, in hundredths.
    #[must_use]
    pub fn progress(&self) -> u8 {
        self.reader.progress()
    }

    /// What of it could not be read so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        self.reader.damage()
    }
}

/// An engine on a host where everything works.
fn cold(policy: EngineConfig) -> Engine {
    let all = Actuator::ALL.into_iter();
    let able = all.fold(Capabilities::none(), |able, one| able.with(one, Ability::Works));
    let mut engine = Engine::new(policy);
    engine.set_capabilities(able);
    engine
}

/// Tells what is no reading.
fn hear(engine: &mut Engine, told: &Told) {
    match told {
        Told::Glance(glance) => {
            // What the live host did about an alarm is in the recording: the tick that follows.
            let _ = engine.glance(glance);
        }
        Told::Capabilities(able) => engine.set_capabilities(*able),
        Told::Report(_) | Told::Sample(_) | Told::Failed(_) => {}
    }
}
