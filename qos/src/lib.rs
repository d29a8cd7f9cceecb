// SPDX-License-Identifier: Apache-2.0
//! When to take lent resource back, and from whom: `Glance, Sample → Reading → Level → Correction`.
//!
//! Pure: no clock, file, environment, thread or random number. Time arrives with the readings.
//! Read in this order: [`signal`], [`level`], [`assessment`], [`verdict`], [`rank`], [`probe`],
//! [`controller`]; [`weights`] is for those who look; [`config`] has every number and where it comes from.

mod act;
pub mod assessment;
mod baseline;
mod budget;
mod cache;
pub mod capability;
pub mod compat;
pub mod config;
pub mod controller;
mod decide;
pub mod drop_in;
mod ladder;
mod ledger;
pub mod level;
mod node;
pub mod pressure;
pub mod probe;
mod proposed;
pub mod rank;
pub mod report;
pub mod signal;
mod tick;
mod track;
pub mod verdict;
pub mod weights;
mod window;

pub use controller::{Alarm, Controller};
