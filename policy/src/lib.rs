// SPDX-License-Identifier: Apache-2.0
//! Policies in libraries: the pure step behind four C functions, `gleaner_policy_*` of `ffi/include/gleaner.h`.
//!
//! Events go in and answers come out as JSON, one object a line ([`event`]). [`built_in`] is our own
//! engine behind that interface, which `libgleaner.so` exports; [`library`] loads any library that
//! exports it; [`proposal`] takes from an answer only what is safe, whoever wrote it.

pub mod built_in;
pub mod event;
pub mod library;
pub mod proposal;
