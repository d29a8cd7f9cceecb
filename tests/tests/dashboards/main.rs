// SPDX-License-Identifier: Apache-2.0
//! Dashboards, rules and alerts: against the list of metrics, a real Prometheus, the types of Grafana's own SDK, and a browser.

mod compose;
mod documents;
mod grafana;
mod house;
mod live;
mod page;
mod preview;
mod replay;
mod rules;
mod server;
mod types;
mod values;

use std::path::{Path, PathBuf};

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies one below the root")
}

/// A file or folder below `dashboards/`.
fn dashboards(path: &str) -> PathBuf {
    root().join("dashboards").join(path)
}
