// SPDX-License-Identifier: Apache-2.0
//! From the configuration to the collector's settings: only words change, no number is made up here.

use gleaner_collector::{Glob, Preset as Found, Roots, Settings};
use gleaner_engine::config::{Config, OrAuto, Preset, TaskRule};
use gleaner_estimator::units::Span;

/// What the collector is to be opened with.
#[must_use]
pub fn settings(config: &Config) -> Settings {
    let (host, interval) = (&config.host, config.engine.interval);
    let samples =
        |span: Span| u32::try_from(span.0.div_ceil(interval.0.max(1))).unwrap_or(u32::MAX);
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
        memory_stat_every: samples(host.memory_stat_every),
        rescan_every: samples(host.rescan_every),
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
