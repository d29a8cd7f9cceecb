// SPDX-License-Identifier: Apache-2.0
//! Whether Gleaner itself is well, and what it costs.

use crate::panel::{Kind, Panel, Style, Unit, panel};
use gleaner_watch::metrics::look;

/// Whether something works.
const WORKS: &[(u8, &str, &str)] =
    &[(0, "does not work", look::STRAINED), (1, "works", look::CALM)];
/// Whether something is all right.
const WELL: &[(u8, &str, &str)] = &[(0, "well", look::CALM), (1, "not well", look::CRITICAL)];

pub(super) fn panels() -> Vec<Panel> {
    let mut panels = cost();
    panels.extend(health());
    panels.extend(running());
    panels
}

fn cost() -> Vec<Panel> {
    let alert = look::OWN_COST_ALERT_FACTOR;
    vec![
        panel(
            "How long do reading and deciding take?",
            Kind::Lines,
            Unit::Seconds,
            "99 of 100 are faster; interpolated between bounds. Grows with the number of tasks, linearly. Above \
             the dashed line on a node with few tasks: the node starves Gleaner of CPU.",
        )
        .ask(
            "histogram_quantile(0.99, sum by (le) (rate(gleaner_sample_duration_seconds_bucket{N}[RI])))",
            "reading",
        )
        .ask(
            "histogram_quantile(0.99, sum by (le) (rate(gleaner_tick_duration_seconds_bucket{N}[RI])))",
            "deciding",
        )
        .steps(look::GUARANTEED, &[(0.01, look::STRAINED)])
        .size(8, 8),
        panel(
            "How much CPU does it cost?",
            Kind::Lines,
            Unit::Share,
            "Of one core. The promise at 150 tasks is 1 %; above the dashed line see how many tasks there are, \
             then whether reading or deciding takes the time.",
        )
        .ask("rate(process_cpu_seconds_total{N}[RI])", "CPU")
        .steps(look::GUARANTEED, &[(alert * look::OWN_CPU_CORES, look::CRITICAL)])
        .size(8, 8),
        panel(
            "How much memory does it cost?",
            Kind::Lines,
            Unit::Bytes,
            "Resident memory of the program. At 150 tasks 10 MiB are promised; above the dashed line, report \
             it with the number of tasks and the configuration.",
        )
        .draw("process_resident_memory_bytes{N}", "resident", Style::Line(look::GUARANTEED))
        .steps(look::GUARANTEED, &[(alert * look::OWN_RESIDENT_BYTES, look::CRITICAL)])
        .size(8, 8),
    ]
}

fn health() -> Vec<Panel> {
    vec![
        panel(
            "Which readings fail?",
            Kind::Lines,
            Unit::PerSecond,
            "Failed readings offer nothing: the log names the path and the error. Vanished tasks are churn, \
             normal. Malformed files and dropped audit lines should stay 0: report the former, make room for the \
             latter.",
        )
        .ask("rate(gleaner_readings_failed_total{N}[RI])", "readings failed")
        .ask("rate(gleaner_tasks_vanished_total{N}[RI])", "tasks vanished")
        .ask("rate(gleaner_files_malformed_total{N}[RI])", "files malformed")
        .ask("rate(gleaner_audit_lines_dropped_total{N}[RI])", "audit lines dropped"),
        panel(
            "How many descriptors are open?",
            Kind::Lines,
            Unit::Share,
            "Open descriptors of those that may be open; several for each task. Near 100 % new tasks cannot be \
             watched: raise LimitNOFILE of the unit.",
        )
        .ask("process_open_fds{N} / process_max_fds{N}", "open"),
        panel(
            "What works here?",
            Kind::States,
            Unit::Of("state"),
            "Ways of acting, and signals of harm, that work on this node, and whether the last reload of the \
             configuration was accepted. A signal is also shown as not working while there is nothing to \
             measure it on. `gleaner selftest` on the node names the file and the error.",
        )
        .ask("1 - gleaner_actuator_broken{N}", "{{actuator}}")
        .ask("gleaner_signal_available{N}", "{{resource}}: {{signal}}")
        .ask("gleaner_config_last_reload_successful{N}", "configuration")
        .states(WORKS)
        .size(12, 10),
    ]
}

fn running() -> Vec<Panel> {
    vec![
        panel(
            "Did it stop itself?",
            Kind::States,
            Unit::Of("state"),
            "After a bug in itself Gleaner lends nothing and takes nothing back. Nothing is at risk then; copy \
             log and audit file, report it, restart.",
        )
        .ask("gleaner_poisoned{N}", "Gleaner")
        .states(WELL)
        .size(6, 10),
        panel(
            "What runs here?",
            Kind::Table,
            Unit::Mixed,
            "Version and revision of the program. Compare with the Fleet dashboard when a roll-out is stuck.",
        )
        .ask("gleaner_build_info{N}", "")
        .columns(&[
            ("version", "version"),
            ("revision", "revision"),
            ("Value", ""),
            ("__name__", ""),
            ("job", ""),
            ("cluster", ""),
            ("pool", ""),
            ("instance", ""),
        ])
        .size(6, 10),
    ]
}
