// SPDX-License-Identifier: Apache-2.0
//! What every host of the engine does alike.
//!
//! [`settings`] tells the collector what a configuration asks for; [`asked`] follows evictions that an agent is
//! asked for until they are done.

pub mod asked;
pub mod settings;
