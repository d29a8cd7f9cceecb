// SPDX-License-Identifier: Apache-2.0
//! One step: `Engine::tick(Reading) -> Decision`.

pub mod config;
pub mod decision;
pub mod reading;
