// SPDX-License-Identifier: Apache-2.0
//! The backtest's tests, one program: traces, definitions, recordings, reports.

mod common;
mod definitions;
mod playback;
mod prediction;
mod readers;
mod recording;
mod replay;
#[path = "../../../tests/src/skip.rs"]
#[expect(unreachable_pub, reason = "shared with the crate of the tests that see the whole")]
mod skip;
mod told;
mod verdicts;
