// SPDX-License-Identifier: Apache-2.0
//! The library as a host sees it: through its C functions, from Rust, from C, and loaded as a file.

#![expect(unsafe_code, reason = "the functions of a C interface cannot be called otherwise")]

mod c;
mod daemon;
mod host;
mod lending;
mod library;
mod metrics;
mod policy;
mod real;
mod thin;
mod thresholds;
