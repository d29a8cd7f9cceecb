// SPDX-License-Identifier: Apache-2.0
//! One decision as one line of JSON: the form that is kept, compared byte for byte, and explained from.

use crate::decision::Decision;

/// The decision as JSON without a line break.
#[must_use]
pub fn line(decision: &Decision) -> String {
    // Decisions hold no maps with foreign keys and no floats that are not finite, so this cannot fail.
    serde_json::to_string(decision).expect("a decision is plain data")
}
