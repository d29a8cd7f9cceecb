// SPDX-License-Identifier: Apache-2.0
//! What was learned, as bytes for the host to keep: a restart continues instead of starting cold.
//!
//! Refused in favour of a cold start: bytes of another node, older than the host allows, from the
//! future, damaged, of another version, or learned under other settings of the predictor.

use crate::Engine;
use crate::config::EngineConfig;
use gleaner_estimator::envelope::{Envelope, EnvelopeError};
use gleaner_estimator::predict::StateError;
use gleaner_estimator::units::Span;
use gleaner_estimator::usage::Known;
use serde::{Deserialize, Serialize};

const ENVELOPE: Envelope = Envelope { magic: b"GLEN", version: 1 };

/// Whose state it is, and from when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The node's lasting identity (`/etc/machine-id`).
    pub node: String,
    /// Wall clock, milliseconds since 1970-01-01 UTC.
    pub wall_ms: u64,
}

/// Why learned state cannot be used. In each case the engine starts cold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnedError {
    /// Not ours, of another version, or damaged.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The checksum fits and the content does not: a defect of the writer.
    #[error("the kept state has a valid checksum but does not fit together")]
    Malformed,
    /// Of another node: an image or a volume was copied.
    #[error("the state was learned on node {found}, this is {here}")]
    OtherNode {
        /// In the state.
        found: String,
        /// This node.
        here: String,
    },
    /// Too old.
    #[error("the state is {age} old, more than the {allowed} allowed")]
    Old {
        /// How old.
        age: Span,
        /// How old it may be.
        allowed: Span,
    },
    /// Written later than now: the clock was set back.
    #[error("the state was written {ahead} after the present time")]
    Future {
        /// By how much.
        ahead: Span,
    },
    /// One of the predictors refuses.
    #[error("{0}")]
    Predictor(#[from] StateError),
}

/// A clock may be set back by this much without making a state suspicious: time daemons step by less.
const CLOCK_STEP: Span = Span::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Learned {
    origin: Origin,
    warm: bool,
    known: Known,
    /// Node and guaranteed group, of CPU and of memory.
    predictors: [Vec<u8>; 4],
}

impl Engine {
    /// Everything learned, stamped with its origin, for [`Engine::resume`].
    #[must_use]
    pub fn learned(&self, origin: Origin) -> Vec<u8> {
        let [a, b] = self.cpu.save();
        let [c, d] = self.memory.save();
        let (warm, known) = (self.is_warm(), self.paced.as_ref().unwrap_or(&self.tracker).known());
        let learned = Learned { origin, warm, known, predictors: [a, b, c, d] };
        let bytes = postcard::to_extend(&learned, ENVELOPE.begin());
        let mut bytes = bytes.expect("only sequences of known length, which always serialise");
        ENVELOPE.seal(&mut bytes);
        bytes
    }

    /// An engine that continues where the state was saved; it skips the warm-up if it was warm then.
    ///
    /// # Errors
    /// Anything that makes the state unfit; start with [`Engine::new`] then.
    pub fn resume(
        config: EngineConfig,
        bytes: &[u8],
        here: &Origin,
        allowed: Span,
    ) -> Result<Self, LearnedError> {
        let learned: Learned =
            postcard::from_bytes(ENVELOPE.open(bytes)?).map_err(|_| LearnedError::Malformed)?;
        check(&learned.origin, here, allowed)?;
        let mut engine = Self::new(config);
        let [a, b, c, d] = &learned.predictors;
        engine.cpu.restore([a, b])?;
        engine.memory.restore([c, d])?;
        engine.recall(learned.known, learned.warm);
        Ok(engine)
    }
}

fn check(saved: &Origin, here: &Origin, allowed: Span) -> Result<(), LearnedError> {
    if saved.node != here.node {
        let (found, here) = (saved.node.clone(), here.node.clone());
        return Err(LearnedError::OtherNode { found, here });
    }
    let ahead = Span::from_millis(saved.wall_ms.saturating_sub(here.wall_ms));
    if ahead > CLOCK_STEP {
        return Err(LearnedError::Future { ahead });
    }
    let age = Span::from_millis(here.wall_ms.saturating_sub(saved.wall_ms));
    match age > allowed {
        true => Err(LearnedError::Old { age, allowed }),
        false => Ok(()),
    }
}
