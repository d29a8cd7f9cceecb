// SPDX-License-Identifier: Apache-2.0
//! Tests of the predictors as hosts see them: by name, through the trait.

mod anchors;
mod bounds;
mod cost;
mod golden;
mod machines;
mod outcomes;
mod state;
mod traces;
