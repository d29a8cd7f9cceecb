// SPDX-License-Identifier: Apache-2.0
//! What was learned, kept in a file: read at the start if it is fresh and of this node, else the start is cold.

use crate::clock::wall_ms;
use gleaner_engine::Engine;
use gleaner_engine::config::{EngineConfig, StateConfig};
use gleaner_engine::learned::Origin;
use gleaner_estimator::units::Span;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

/// Largest file that is read; 5,000 tasks are some 50 MiB.
const MAX_BYTES: u64 = 256 << 20;

/// This node at this moment. Where the node has no identity of its own, its name has to do.
pub(crate) fn origin() -> Origin {
    let identity = std::fs::read_to_string("/etc/machine-id").ok();
    let identity = identity.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Origin { node: identity.unwrap_or_else(crate::run::node_name), wall_ms: wall_ms() }
}

/// An engine that continues what was kept, or a cold one.
pub(crate) fn start(config: EngineConfig, state: &StateConfig) -> Engine {
    let Some(path) = &state.file else { return Engine::new(config) };
    let why = match read(path) {
        Ok(bytes) => match Engine::resume(config.clone(), &bytes, &origin(), state.max_age) {
            Ok(engine) => {
                tracing::info!(path = %path.display(), "continuing with what was learned before");
                return engine;
            }
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => "there is none yet".to_owned(),
        Err(error) => error.to_string(),
    };
    tracing::info!(path = %path.display(), why, "nothing learned before can be used: starting cold");
    Engine::new(config)
}

/// An engine under other rules that keeps what the one before has learned, where that still fits.
pub(crate) fn carry_over(before: &Engine, config: EngineConfig) -> Engine {
    let here = origin();
    let bytes = before.learned(here.clone());
    Engine::resume(config.clone(), &bytes, &here, Span::from_secs(60)).unwrap_or_else(|error| {
        tracing::warn!(why = %error, "what was learned does not fit the new rules: starting over cold");
        Engine::new(config)
    })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
