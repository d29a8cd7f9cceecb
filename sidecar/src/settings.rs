// SPDX-License-Identifier: Apache-2.0
//! From the configuration to an open collector, and to the engine's part of it.

use crate::exit::{Exit, Failure};
use gleaner_backtest::recording::{RecordingError, RecordingReader};
use gleaner_collector::{Collector, Preset as Found};
use gleaner_engine::config::{Config, EngineConfig, Preset};
use gleaner_estimator::slack::Lend;
use gleaner_host::settings::settings;
use std::path::Path;

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

/// What may be lent in a recording, and how that is known: its node cannot be asked any more.
pub(crate) fn recorded_lend(
    config: &Config,
    recording: &Path,
) -> Result<(Lend, String), RecordingError> {
    let (lend, how) = match (config.host.lend.given(), config.host.layout.preset.given()) {
        (Some(lend), _) => (*lend, "as configured"),
        (None, Some(preset)) => (preset.lend(), "by the layout that is configured"),
        (None, None) => (guessed(recording)?, "guessed from the names of tasks"),
    };
    Ok((lend, format!("{} ({how})", lend.word())))
}

/// An agent of Mesos keeps its containers below `mesos`, and offers by itself what is not allocated.
fn guessed(recording: &Path) -> Result<Lend, RecordingError> {
    for recorded in RecordingReader::open(recording)? {
        let recorded = recorded?;
        let tasks = recorded.sample().map(|sample| &sample.tasks);
        let Some(tasks) = tasks.filter(|tasks| !tasks.is_empty()) else { continue };
        let mesos = tasks.iter().any(|task| task.task.id.name.split('/').any(|n| n == "mesos"));
        return Ok(if mesos { Preset::Mesos.lend() } else { Preset::Globs.lend() });
    }
    Ok(Preset::Globs.lend())
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
