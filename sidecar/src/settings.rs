// SPDX-License-Identifier: Apache-2.0
//! From the configuration to the collector's settings: only words change, no number is made up here.

use crate::exit::{Exit, Failure};
use gleaner_collector::{Collector, Glob, Preset as Found, Roots, Settings};
use gleaner_engine::config::{Config, EngineConfig, OrAuto, Preset, TaskRule};
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::Span;

/// Opens the collector that a configuration asks for.
pub(crate) fn collector(config: &Config) -> Result<Collector, Failure> {
    Collector::open(settings(config)).map_err(|error| Failure::new(Exit::Os, error))
}

/// Whether two configurations ask for the same collector.
pub(crate) fn same_collector(one: &Config, other: &Config) -> bool {
    settings(one) == settings(other)
}

fn settings(config: &Config) -> Settings {
    let host = &config.host;
    let samples = |span: Span| u32::try_from(span.0.div_ceil(config.engine.interval.0.max(1)));
    Settings {
        roots: Roots {
            proc: host.layout.proc_root.clone(),
            prefix: host.layout.mount_prefix.clone(),
        },
        preset: preset(&host.layout.preset),
        containers_root: host.layout.containers_root.given().cloned(),
        best_effort_slice: host.layout.best_effort_slice.clone(),
        globs: host.layout.tasks.iter().map(glob).collect(),
        descriptor_cap: host.limits.descriptors,
        memory_stat_every: samples(host.memory_stat_every).unwrap_or(u32::MAX),
        rescan_every: samples(host.rescan_every).unwrap_or(u32::MAX),
        max_tasks: config.engine.max_tasks,
        threads_per_task: host.limits.threads_per_task,
        threads_total: host.limits.threads,
        notify: true,
    }
}

const fn preset(asked: &OrAuto<Preset>) -> Found {
    match asked {
        OrAuto::Auto => Found::Auto,
        OrAuto::Given(Preset::Mesos) => Found::Mesos,
        OrAuto::Given(Preset::Kubernetes) => Found::Kubernetes,
        OrAuto::Given(Preset::Systemd) => Found::Systemd,
        OrAuto::Given(Preset::Globs) => Found::Globs,
    }
}

fn glob(rule: &TaskRule) -> Glob {
    Glob {
        pattern: rule.pattern.clone(),
        class: rule.class,
        priority: rule.priority,
        tenant: rule.tenant.clone(),
        cpu: rule.cpu,
        memory: rule.memory,
    }
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
