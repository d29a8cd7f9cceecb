// SPDX-License-Identifier: Apache-2.0
//! The real program, as a user and a supervisor meet it.

mod backtest;
mod cli;
mod common;
mod fake_node;
mod offer;
mod record;
mod run;
mod status;
