// SPDX-License-Identifier: Apache-2.0
//! Our own engine as a policy: the same step, the same audit bytes.

use crate::event::Event;
use gleaner_engine::config::{Config, EngineConfig};
use gleaner_engine::reading::{Body, Reading};
use gleaner_engine::{Engine, audit};
use gleaner_estimator::slack::Lend;
use serde::{Deserialize, Serialize};

/// What a host tells a policy at the start: `{"config": "…", "file": "…", "lend": "…"}`, all optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// The text of the host's configuration file, as TOML. A policy takes what it knows.
    pub config: String,
    /// The name of that file, for mistakes.
    pub file: String,
    /// Which part may be lent, resolved by the host.
    pub lend: Option<Lend>,
}

/// The engine.
pub struct BuiltIn {
    engine: Engine,
}

impl BuiltIn {
    /// Made from a [`Start`] as JSON; no bytes at all mean the defaults.
    ///
    /// # Errors
    /// It is not such an object, or the configuration has mistakes: all of them, one a line.
    pub fn new(start: &[u8]) -> Result<Self, String> {
        let start: Start = match start {
            [] => Start::default(),
            json => serde_json::from_slice(json).map_err(|e| format!("the start is wrong: {e}"))?,
        };
        let config = Config::parse(&start.config, &start.file).map_err(|e| e.to_string())?;
        let lend = start.lend.or(config.host.lend.given().copied());
        let config = EngineConfig { lend: lend.unwrap_or(config.engine.lend), ..config.engine };
        Ok(Self { engine: Engine::new(config) })
    }

    /// One step.
    ///
    /// # Errors
    /// The event is none that we know; nothing has changed then.
    pub fn step(&mut self, event: &[u8]) -> Result<String, String> {
        let event: Event<'_> =
            serde_json::from_slice(event).map_err(|e| format!("no event that we know: {e}"))?;
        Ok(match &event {
            Event::Sample { at, wall_ms, sample } => {
                self.tick(Reading { at: *at, wall_ms: *wall_ms, body: Body::Fresh(sample) })
            }
            Event::Failed { at, wall_ms, why } => {
                self.tick(Reading { at: *at, wall_ms: *wall_ms, body: Body::Failed(why) })
            }
            Event::Glance(glance) => {
                format!("{{\"alarm\":{}}}", self.engine.glance(glance).rings())
            }
            Event::Report(report) => match self.engine.report(report) {
                // Identities, times and amounts: plain data.
                Some(over) => serde_json::to_string(&over).expect("a settlement is plain data"),
                None => "{}".to_owned(),
            },
            Event::Can(can) => {
                self.engine.set_capabilities(*can);
                "{}".to_owned()
            }
        })
    }

    fn tick(&mut self, reading: Reading<'_>) -> String {
        audit::line(&self.engine.tick(reading))
    }
}
