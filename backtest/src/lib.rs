// SPDX-License-Identifier: Apache-2.0
//! What a policy would have lent, violated and evicted on a recorded trace.

pub mod advice;
pub mod forecast;
pub mod html;
pub mod oracle;
pub mod plan;
pub mod playback;
pub mod policy;
pub mod prediction;
pub mod recording;
pub mod replay;
pub mod report;
pub mod run;
pub mod score;
pub mod study;
pub mod sweep;
pub mod trace;
pub mod verdicts;
