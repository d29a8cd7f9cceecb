// SPDX-License-Identifier: Apache-2.0
//! From the configuration to an open collector, and to the engine's part of it.

use crate::exit::{Exit, Failure};
use gleaner_collector::{Collector, Preset as Found};
use gleaner_engine::config::{Config, EngineConfig, Preset};
use gleaner_estimator::slack::Lend;
use gleaner_host::settings::settings;

/// Opens the collector that a configuration asks for.
pub(crate) fn collector(config: &Config) -> Result<Collector, Failure> {
    Collector::open(settings(config)).map_err(|error| Failure::new(Exit::Os, error))
}

/// Whether two configurations ask for the same collector.
pub(crate) fn same_collector(one: &Config, other: &Config) -> bool {
    settings(one) == settings(other)
}

/// The engine's part, with what may be lent resolved by the layout that was found.
pub(crate) fn engine(config: &Config, collector: &Collector) -> EngineConfig {
    let lend = config.host.lend.given().copied();
    EngineConfig {
        lend: lend.unwrap_or_else(|| usual(collector.layout().preset)),
        ..config.engine.clone()
    }
}

/// What `lend.rule = "auto"` means in a layout.
const fn usual(found: Found) -> Lend {
    match found {
        Found::Mesos => Preset::Mesos.lend(),
        Found::Kubernetes => Preset::Kubernetes.lend(),
        Found::Systemd => Preset::Systemd.lend(),
        Found::Auto | Found::Globs => Preset::Globs.lend(),
    }
}
