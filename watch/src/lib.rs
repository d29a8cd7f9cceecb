// SPDX-License-Identifier: Apache-2.0
//! Snapshot to Prometheus text, JSON and page.
