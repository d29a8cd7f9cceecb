// SPDX-License-Identifier: Apache-2.0
//! The only writer of cgroup files and sender of signals.

pub mod clock;
pub mod fault;
pub mod held;
pub mod journal;
pub mod outcome;
pub mod place;
pub mod protect;
pub mod slot;
pub mod target;
