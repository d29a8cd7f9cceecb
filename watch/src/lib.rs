// SPDX-License-Identifier: Apache-2.0
//! Snapshot to Prometheus text, JSON and page. Renders one `Decision` and adds nothing to it.
//!
//! A host owns a [`publisher::Publisher`] and tells it every decision; readers load the last
//! [`snapshot::Snapshot`] from [`published::Published`] and never meet the engine:
//!
//! ```text
//! tick thread ── Publisher::tell ──► Published (newest snapshot only) ──► http::serve, Metrics::render
//! ```
//!
//! Read in this order: [`about`], [`snapshot`], [`published`], [`publisher`], [`why`], [`story`],
//! [`order`], [`metrics`], [`http`].

pub mod about;
pub mod civil;
pub mod correction;
pub mod events;
mod figure;
mod harm;
pub mod history;
pub mod http;
pub mod listed;
pub mod metrics;
pub mod order;
pub mod printable;
pub mod published;
pub mod publisher;
mod sentence;
pub mod snapshot;
pub mod state;
mod stories;
pub mod story;
pub mod why;
