// SPDX-License-Identifier: Apache-2.0
//! How much of a node may be lent: `Sample → Usage → Prediction → Slack → Offer`.
//!
//! Pure: no clock, file, environment, thread or random number. Time arrives with the sample.
//! Read in this order: [`units`], [`sample`], [`predict`].

pub mod predict;
pub mod sample;
pub mod units;
