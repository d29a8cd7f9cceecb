// SPDX-License-Identifier: Apache-2.0
//! The acts of `act_*.rs`, on a hybrid kernel.

#[path = "act_actor.rs"]
mod actor;
#[path = "act_disk_full.rs"]
mod disk_full;
#[path = "act_evict.rs"]
mod evict;
#[path = "act_relief.rs"]
mod relief;
#[path = "act_selftest.rs"]
mod selftest;
#[path = "act_settings.rs"]
mod settings;
#[path = "act_stubborn.rs"]
mod stubborn;
#[path = "act_survey.rs"]
mod survey;
#[path = "act_sweep.rs"]
mod sweep;
