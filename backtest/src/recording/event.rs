// SPDX-License-Identifier: Apache-2.0
//! All that an engine is told: readings, glances, what the host can do, what became of corrections.

use gleaner_engine::Engine;
use gleaner_engine::decision::Decision;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::glance::Glance;
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::Timestamp;
use gleaner_qos::capability::Capabilities;
use gleaner_qos::report::Report;

/// One thing that an engine is told, as the host has it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A reading, good or failed.
    Reading(Reading<'a>),
    /// A fast reading between two samples.
    Glance(&'a Glance),
    /// What became of a correction.
    Report(&'a Report),
    /// What the host can do, from this instant on.
    Capabilities(Timestamp, &'a Capabilities),
}

impl Event<'_> {
    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Reading(reading) => reading.at,
            Self::Glance(glance) => glance.at,
            Self::Report(report) => report.at,
            Self::Capabilities(at, _) => *at,
        }
    }
}

/// One thing that an engine was told, as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A sample.
    Sample(Sample),
    /// Why a reading failed.
    Failed(String),
    /// A fast reading between two samples.
    Glance(Glance),
    /// What became of a correction.
    Report(Report),
    /// What the host could do.
    Capabilities(Capabilities),
}

/// One event of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// True for the first event of a recorder's run: the clock and the engine started over before it.
    pub starts: bool,
    /// When, on the node's monotonic clock.
    pub at: Timestamp,
    /// The same instant, milliseconds since 1970.
    pub wall_ms: u64,
    /// What the engine was told.
    pub told: Told,
}

impl Recorded {
    /// The sample, where it is one.
    #[must_use]
    pub fn sample(&self) -> Option<&Sample> {
        match &self.told {
            Told::Sample(sample) => Some(sample),
            Told::Failed(_) | Told::Glance(_) | Told::Report(_) | Told::Capabilities(_) => None,
        }
    }

    /// As a host has it.
    #[must_use]
    pub fn event(&self) -> Event<'_> {
        let (at, wall_ms) = (self.at, self.wall_ms);
        match &self.told {
            Told::Sample(sample) => {
                Event::Reading(Reading { at, wall_ms, body: Body::Fresh(sample) })
            }
            Told::Failed(why) => Event::Reading(Reading { at, wall_ms, body: Body::Failed(why) }),
            Told::Glance(glance) => Event::Glance(glance),
            Told::Report(report) => Event::Report(report),
            Told::Capabilities(capabilities) => Event::Capabilities(at, capabilities),
        }
    }

    /// Tells an engine; a reading makes it decide. Before an event that `starts` the engine has to be a new one.
    pub fn tell(&self, engine: &mut Engine) -> Option<Decision> {
        match self.event() {
            Event::Reading(reading) => return Some(engine.tick(reading)),
            Event::Glance(glance) => {
                // A live host ticks at once when this rings; that tick's reading comes next in the recording.
                let _ = engine.glance(glance);
            }
            Event::Report(report) => {
                engine.report(report);
            }
            Event::Capabilities(_, capabilities) => engine.set_capabilities(*capabilities),
        }
        None
    }
}
