// SPDX-License-Identifier: Apache-2.0
//! The C ABI of Gleaner: `libgleaner.so` and `ffi/include/gleaner.h`.
//!
//! ```text
//! api (guarded, arguments checked) ─► handle ─► measure: one thread, shared ─► judge: one engine a handle
//!                                        ▲                                        │
//!                                        └────────── shared: offer, corrections ◄─┘
//! ```
//!
//! Read in this order: [`abi`] is what crosses, [`api`] the functions, then `handle`, `setup` for the
//! parameters, `measure`, `judge`, `tell` for metrics.

pub mod abi;
pub mod api;
mod border;
mod guard;
mod handle;
mod judge;
mod measure;
mod policies;
mod setup;
mod spawn;
mod tell;
mod thin;
