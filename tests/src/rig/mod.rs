// SPDX-License-Identifier: Apache-2.0
//! The co-location rig: what a latency-critical service and best-effort work do to each other, and what Gleaner changes.
//!
//! The words are those of resctl-bench. *Isolation*: the guaranteed service keeps the latency that it has alone.
//! *Latency impact*: the ratio of its percentiles to those alone. *Work conservation*: best-effort work gets the idle
//! CPU. Everything is compared within the same minutes, in short slices of which the order is drawn from a seed:
//! machines differ from minute to minute by more than what is to be seen.
//!
//! The service is open-loop ([`serve`]): its arrivals are fixed before, and a latency counts from the intended arrival,
//! so a server that is held up cannot hide it by asking later (coordinated omission).

pub mod calm;
pub mod guest;
pub mod judged;
pub mod kind;
pub mod machine;
pub mod markdown;
pub mod memory;
pub mod pause;
pub mod reaction;
pub mod report;
pub mod schedule;
pub mod serve;
pub mod service;
pub mod slice;
pub mod stats;
pub mod table;
