// SPDX-License-Identifier: Apache-2.0
//! What is told of the host beside its decisions: its name, version and settings, and what is wrong with it.

use crate::clock::wall_ms;
use crate::table::printable;
use gleaner_collector::{Collector, LayoutReport};
use gleaner_engine::config::Config;
use gleaner_watch::about::About;
use gleaner_watch::snapshot::Trouble;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The name of this node.
pub(crate) fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The host's lasting facts, until the next reload.
pub(crate) fn about(
    config: &Config,
    places: BTreeMap<String, String>,
    collector: &Collector,
) -> About {
    About {
        layout: serde_json::to_value(collector.layout()).unwrap_or_default(),
        ..about_recording(config, places, &node_name())
    }
}

/// The same where there is no node to look at: of a recording with this name.
pub(crate) fn about_recording(
    config: &Config,
    places: BTreeMap<String, String>,
    name: &str,
) -> About {
    static STARTED: OnceLock<u64> = OnceLock::new();
    let engine = &config.engine;
    About {
        node: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("GLEANER_REVISION").unwrap_or_default().to_owned(),
        started_ms: *STARTED.get_or_init(wall_ms),
        interval: engine.interval,
        stale_after: engine.stale_after,
        horizons: engine.cpu.predictor.horizons.clone(),
        policy: engine.cpu.predictor.kind.name().to_owned(),
        shadows: config.shadows.iter().map(|shadow| shadow.name.clone()).collect(),
        places,
        layout: serde_json::Value::Null,
    }
}

/// What a person should know of this host: what cannot be seen.
pub(super) fn troubles(layout: &LayoutReport) -> Vec<Trouble> {
    layout
        .unseen
        .iter()
        .map(|unseen| Trouble {
            what: printable(&format!("cannot see {}: {}", unseen.what, unseen.why)),
            command: "gleaner layout".to_owned(),
        })
        .collect()
}
