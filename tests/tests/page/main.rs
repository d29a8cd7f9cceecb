// SPDX-License-Identifier: Apache-2.0
//! The page in a real browser, in each of its states, over many updates, and through trouble.

mod bring;
mod first;
mod goldens;
mod lists;
mod states;
mod trouble;
mod upkeep;
mod walk;
#[path = "../watch_server/mod.rs"]
mod watch_server;
#[path = "../watch_support/mod.rs"]
mod watch_support;
mod weight;
