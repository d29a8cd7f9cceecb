// SPDX-License-Identifier: Apache-2.0
//! Gleaner itself: does it decide, read, and what does it cost.

use super::{counter, entry, total};
use crate::metrics::entry::{Metric, Source};
use crate::metrics::labels::{REVISION, VERSION};
use crate::metrics::own::Own;

pub(super) const METRICS: &[Metric] = &[
    entry(
        "gleaner_tick_duration_seconds",
        &[],
        "Time that deciding once took; its count is the heartbeat, about one a second.",
        Source::Histogram(&[5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 0.1]),
    ),
    entry(
        "gleaner_sample_duration_seconds",
        &[],
        "Time that reading the node and its tasks once took.",
        Source::Histogram(&[1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 1.0]),
    ),
    counter(
        "gleaner_readings_failed_total",
        &[],
        "Readings of the node that failed or could not be used; nothing is offered after one.",
    ),
    counter(
        "gleaner_tasks_vanished_total",
        &[],
        "Tasks that were gone when they were read: churn, normal.",
    ),
    total(
        "gleaner_files_malformed_total",
        &[],
        "Files of single tasks that could not be understood; their values were left out.",
        |shot, s| {
            s.count(&[], shot.host.files_malformed);
        },
    ),
    total(
        "gleaner_audit_lines_dropped_total",
        &[],
        "Audit lines that were not written; decisions went on.",
        |shot, s| {
            s.count(&[], shot.host.audit_lines_dropped);
        },
    ),
    entry(
        "gleaner_config_last_reload_successful",
        &[],
        "0 after a reload whose configuration was refused; the one before it is in force.",
        Source::Host(|host, s| s.flag(&[], host.reload_ok)),
    ),
    entry(
        "gleaner_poisoned",
        &[],
        "1 after Gleaner stopped itself over a bug; it lends nothing and takes nothing back.",
        Source::Host(|host, s| s.flag(&[], host.poisoned)),
    ),
    entry(
        "gleaner_build_info",
        &[VERSION, REVISION],
        "1; says in its labels which Gleaner this is.",
        Source::About(|about, s| s.flag(&[&about.version, &about.revision], true)),
    ),
    entry(
        "process_cpu_seconds_total",
        &[],
        "CPU time that this process has used.",
        Source::OwnCounter(|own| own.cpu_seconds),
    ),
    own("process_resident_memory_bytes", "Resident memory of this process.", |own| {
        own.resident_bytes
    }),
    Metric {
        unshown: Some("address space costs nothing; what is resident is shown"),
        ..own("process_virtual_memory_bytes", "Address space of this process.", |own| {
            own.virtual_bytes
        })
    },
    own("process_start_time_seconds", "Start of this process, since 1970-01-01 UTC.", |own| {
        own.started
    }),
    Metric {
        unshown: Some("fixed by the program; of use only when looking for a leak"),
        ..own("process_threads", "Threads of this process.", |own| own.threads)
    },
    own("process_open_fds", "Descriptors that this process has open.", |own| own.open_fds),
    own("process_max_fds", "Descriptors that this process may have open.", |own| own.max_fds),
];

const fn own(name: &'static str, help: &'static str, read: fn(&Own) -> Option<f64>) -> Metric {
    entry(name, &[], help, Source::OwnGauge(read))
}
