// SPDX-License-Identifier: Apache-2.0
//! The backtest's tests, one program: traces, definitions, recordings, reports.

mod common;
mod definitions;
mod readers;
mod recording;
mod replay;
mod told;
