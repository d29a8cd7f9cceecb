// SPDX-License-Identifier: Apache-2.0
//! How much of a node may be lent: `Sample → Usage → Prediction → Slack → Offer`.
//!
//! Pure: no clock, file, environment, thread or random number. Time arrives with the sample.
//! Read in this order: [`units`], [`sample`], [`usage`], [`predict`], [`slack`], [`offer`]; [`reason`] has the words.

pub mod envelope;
pub mod glance;
pub mod offer;
pub mod predict;
pub mod reason;
pub mod sample;
pub mod slack;
pub mod units;
pub mod usage;
