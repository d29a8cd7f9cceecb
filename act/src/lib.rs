// SPDX-License-Identifier: Apache-2.0
//! The only writer of cgroup files and sender of signals.

pub mod actor;
pub mod audit;
pub mod clock;
mod cover;
pub mod evict;
pub mod fault;
pub mod freezer;
pub mod held;
pub mod io;
pub mod journal;
pub mod means;
pub mod memory;
pub mod outcome;
pub mod place;
pub mod protect;
pub mod quota;
pub mod selftest;
pub mod setting;
mod signal;
pub mod slot;
pub mod standing;
pub mod target;
pub mod usage;
