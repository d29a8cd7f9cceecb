// SPDX-License-Identifier: Apache-2.0
//! Tests of the predictors as hosts see them: by name, through the trait.

mod anchors;
mod bounds;
mod cost;
mod golden;
mod machines;
mod outcomes;
#[path = "../../../tests/src/skip.rs"]
#[expect(unreachable_pub, reason = "shared with the crate of the tests that see the whole")]
mod skip;
mod state;
mod traces;
