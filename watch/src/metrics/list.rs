// SPDX-License-Identifier: Apache-2.0
//! THE list of metrics. Registration, `docs/metrics.md` and dashboards are made from it; adding a metric is adding an entry.
//!
//! Rules: base units; every counter series there at 0 from the start; never a label per task, cgroup or
//! path; at most 300 series a node whatever the number of tasks; unknown is left out, never 0.

use super::entry::{Group, Label, Metric, Series, Source};
use super::labels::{
    BOUND, CLASS, HORIZON, LENT_RESOURCE, MODE, OF, POLICY, REVISION, ROLE, TO, VERSION,
};
use super::own::Own;
use crate::about::{About, horizon_word};
use crate::snapshot::Snapshot;
use gleaner_engine::decision::{Decision, Mode, PerClass, ResourceDecision};
use gleaner_estimator::sample::Class;
use gleaner_estimator::units::Amount;

/// Every metric, in the order of the documentation.
pub static ALL: &[Metric] = &[
    gauge(
        "gleaner_capacity_cpu_cores",
        Group::Node,
        &[],
        "CPU that the node's tasks can use.",
        |d, s| {
            s.amount(&[], Some(d.cpu.capacity));
        },
    ),
    gauge(
        "gleaner_capacity_memory_bytes",
        Group::Node,
        &[],
        "Memory that the node's tasks can use.",
        |d, s| {
            s.amount(&[], Some(d.memory.capacity));
        },
    ),
    gauge(
        "gleaner_allocated_cpu_cores",
        Group::Node,
        &[CLASS],
        "CPU promised to tasks.",
        |d, s| {
            classes(&d.cpu.allocated, s);
        },
    ),
    gauge(
        "gleaner_allocated_memory_bytes",
        Group::Node,
        &[CLASS],
        "Memory promised to tasks.",
        |d, s| {
            classes(&d.memory.allocated, s);
        },
    ),
    gauge(
        "gleaner_usage_cpu_cores",
        Group::Node,
        &[CLASS],
        "CPU used over the last interval; system is all that no known task used.",
        |d, s| {
            known(&d.cpu.usage, s);
        },
    ),
    gauge(
        "gleaner_working_set_bytes",
        Group::Node,
        &[CLASS],
        "Memory that cannot be dropped; page cache is not in it.",
        |d, s| {
            known(&d.memory.usage, s);
        },
    ),
    gauge("gleaner_tasks", Group::Node, &[CLASS], "Tasks seen in the last reading.", |d, s| {
        for class in Class::ALL {
            s.count(&[class.word()], u64::from(*d.tasks.of(class)));
        }
    }),
    gauge(
        "gleaner_predicted_peak_cpu_cores",
        Group::Prediction,
        &[HORIZON, OF],
        "CPU peak predicted within the horizon, of guaranteed tasks or of them and the system together (node).",
        |d, s| {
            peaks(&d.cpu, s);
        },
    ),
    gauge(
        "gleaner_predicted_peak_memory_bytes",
        Group::Prediction,
        &[HORIZON, OF],
        "Memory peak predicted within the horizon, of guaranteed tasks or of them and the system together (node).",
        |d, s| {
            peaks(&d.memory, s);
        },
    ),
    gauge(
        "gleaner_risk_asked_ratio",
        Group::Prediction,
        &[LENT_RESOURCE],
        "Share of intervals in which the true peak may exceed the prediction, as configured.",
        |d, s| {
            s.put(&["cpu"], Some(d.cpu.risk.get()));
            s.put(&["memory"], Some(d.memory.risk.get()));
        },
    ),
    Metric {
        only: Some(policy_has_role),
        ..total(
            "gleaner_predictions_total",
            Group::Prediction,
            &[LENT_RESOURCE, HORIZON, POLICY, ROLE],
            "Predictions whose horizon has passed.",
            |shot, s| {
                scores(shot, s, |score| score.predictions);
            },
        )
    },
    Metric {
        only: Some(policy_has_role),
        ..total(
            "gleaner_prediction_violations_total",
            Group::Prediction,
            &[LENT_RESOURCE, HORIZON, POLICY, ROLE],
            "Predictions that the true peak exceeded.",
            |shot, s| {
                scores(shot, s, |score| score.violations);
            },
        )
    },
    gauge("gleaner_reserve_cpu_cores", Group::Lending, &[], "CPU that is never lent.", |d, s| {
        s.amount(&[], Some(d.cpu.reserve));
    }),
    gauge(
        "gleaner_reserve_memory_bytes",
        Group::Lending,
        &[],
        "Memory that is never lent.",
        |d, s| {
            s.amount(&[], Some(d.memory.reserve));
        },
    ),
    gauge(
        "gleaner_slack_cpu_cores",
        Group::Lending,
        &[],
        "CPU that may be lent in all.",
        |d, s| {
            s.amount(&[], Some(d.cpu.slack));
        },
    ),
    gauge(
        "gleaner_slack_memory_bytes",
        Group::Lending,
        &[],
        "Memory that may be lent in all.",
        |d, s| {
            s.amount(&[], Some(d.memory.slack));
        },
    ),
    gauge(
        "gleaner_lent_cpu_cores",
        Group::Lending,
        &[],
        "CPU that best-effort tasks hold.",
        |d, s| {
            s.amount(&[], Some(d.cpu.lent));
        },
    ),
    gauge(
        "gleaner_lent_memory_bytes",
        Group::Lending,
        &[],
        "Memory that best-effort tasks hold.",
        |d, s| {
            s.amount(&[], Some(d.memory.lent));
        },
    ),
    gauge(
        "gleaner_offer_cpu_cores",
        Group::Lending,
        &[],
        "CPU that may be lent beyond what is; 0 is no error, gleaner_ticks_total says why.",
        |d, s| {
            s.amount(&[], Some(d.cpu.offer.amount));
        },
    ),
    gauge(
        "gleaner_offer_memory_bytes",
        Group::Lending,
        &[],
        "Memory that may be lent beyond what is; 0 is no error, gleaner_ticks_total says why.",
        |d, s| {
            s.amount(&[], Some(d.memory.offer.amount));
        },
    ),
    counter(
        "gleaner_ticks_total",
        Group::Lending,
        &[LENT_RESOURCE, BOUND],
        "Ticks by what kept the offer from being larger; docs/why.md explains each word.",
    ),
    gauge(
        "gleaner_mode_info",
        Group::Lending,
        &[MODE],
        "1 for the mode in force: how far Gleaner may go.",
        |d, s| {
            for mode in Mode::ALL {
                s.flag(&[mode.word()], mode == d.mode);
            }
        },
    ),
    gauge(
        "gleaner_level",
        Group::Harm,
        &[LENT_RESOURCE],
        "Harm to guaranteed tasks: 0 calm, 1 strained (nothing more is lent), 2 critical (lent resource is taken back).",
        |d, s| {
            s.count(&["cpu"], level(&d.cpu));
            s.count(&["memory"], level(&d.memory));
        },
    ),
    counter(
        "gleaner_level_transitions_total",
        Group::Harm,
        &[LENT_RESOURCE, TO],
        "Changes of level, by the level they led to.",
    ),
    Metric {
        source: Source::Histogram(&[2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.02, 0.1]),
        ..counter(
            "gleaner_tick_duration_seconds",
            Group::Itself,
            &[],
            "Time that deciding once took; its count is the heartbeat, about one a second.",
        )
    },
    Metric {
        source: Source::Histogram(&[5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0]),
        ..counter(
            "gleaner_sample_duration_seconds",
            Group::Itself,
            &[],
            "Time that reading the node and its tasks once took.",
        )
    },
    counter(
        "gleaner_readings_failed_total",
        Group::Itself,
        &[],
        "Readings of the node that failed or could not be used; nothing is offered after one.",
    ),
    counter(
        "gleaner_tasks_vanished_total",
        Group::Itself,
        &[],
        "Tasks that were gone when they were read: churn, normal.",
    ),
    total(
        "gleaner_files_malformed_total",
        Group::Itself,
        &[],
        "Files of single tasks that could not be understood; their values were left out.",
        |shot, s| {
            s.count(&[], shot.host.files_malformed);
        },
    ),
    total(
        "gleaner_audit_lines_dropped_total",
        Group::Itself,
        &[],
        "Audit lines that were not written; decisions went on.",
        |shot, s| {
            s.count(&[], shot.host.audit_lines_dropped);
        },
    ),
    Metric {
        source: Source::Host(|host, s| s.flag(&[], host.reload_ok)),
        ..counter(
            "gleaner_config_last_reload_successful",
            Group::Itself,
            &[],
            "0 after a reload whose configuration was refused; the one before it is in force.",
        )
    },
    Metric {
        source: Source::Host(|host, s| s.flag(&[], host.poisoned)),
        ..counter(
            "gleaner_poisoned",
            Group::Itself,
            &[],
            "1 after Gleaner stopped itself over a bug; it lends nothing and takes nothing back.",
        )
    },
    Metric {
        source: Source::About(|about, s| s.flag(&[&about.version, &about.revision], true)),
        ..counter(
            "gleaner_build_info",
            Group::Itself,
            &[VERSION, REVISION],
            "1; says in its labels which Gleaner this is.",
        )
    },
    Metric {
        source: Source::OwnCounter(|own| own.cpu_seconds),
        ..counter(
            "process_cpu_seconds_total",
            Group::Itself,
            &[],
            "CPU time that this process has used.",
        )
    },
    own("process_resident_memory_bytes", "Resident memory of this process.", |own| {
        own.resident_bytes
    }),
    own("process_virtual_memory_bytes", "Address space of this process.", |own| own.virtual_bytes),
    own("process_start_time_seconds", "Start of this process, since 1970-01-01 UTC.", |own| {
        own.started
    }),
    own("process_threads", "Threads of this process.", |own| own.threads),
    own("process_open_fds", "Descriptors that this process has open.", |own| own.open_fds),
    own("process_max_fds", "Descriptors that this process may have open.", |own| own.max_fds),
];

/// The entry of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    ALL.iter().find(|metric| metric.name == name)
}

const fn counter(
    name: &'static str,
    group: Group,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric { name, help, group, labels, only: None, source: Source::Counter }
}

const fn gauge(
    name: &'static str,
    group: Group,
    labels: &'static [Label],
    help: &'static str,
    read: fn(&Decision, &mut Series),
) -> Metric {
    Metric { name, help, group, labels, only: None, source: Source::Decision(read) }
}

const fn total(
    name: &'static str,
    group: Group,
    labels: &'static [Label],
    help: &'static str,
    read: fn(&Snapshot, &mut Series),
) -> Metric {
    Metric { name, help, group, labels, only: None, source: Source::Total(read) }
}

const fn own(name: &'static str, help: &'static str, read: fn(&Own) -> Option<f64>) -> Metric {
    Metric {
        name,
        help,
        group: Group::Itself,
        labels: &[],
        only: None,
        source: Source::OwnGauge(read),
    }
}

fn classes<Q: Amount>(amounts: &PerClass<Q>, series: &mut Series) {
    for class in Class::ALL {
        series.amount(&[class.word()], Some(*amounts.of(class)));
    }
}

fn known<Q: Amount>(amounts: &PerClass<Option<Q>>, series: &mut Series) {
    for class in Class::ALL {
        series.amount(&[class.word()], *amounts.of(class));
    }
}

fn peaks<Q: Amount>(resource: &ResourceDecision<Q>, series: &mut Series) {
    for peak in resource.peaks.iter().flatten() {
        let horizon = horizon_word(peak.horizon);
        series.amount(&[&horizon, "guaranteed"], Some(peak.guaranteed));
        series.amount(&[&horizon, "node"], Some(peak.node));
    }
}

/// The index in `Level::ALL`, which is the order of the enumeration.
fn level<Q: Amount>(resource: &ResourceDecision<Q>) -> u64 {
    resource.level as u64
}

fn policy_has_role(about: &About, row: &[&str]) -> bool {
    row[3] == role(about, row[2])
}

fn role(about: &About, policy: &str) -> &'static str {
    if policy == about.policy { "live" } else { "shadow" }
}

fn scores(shot: &Snapshot, series: &mut Series, number: fn(&crate::snapshot::PolicyScore) -> u64) {
    for score in &shot.host.scores[..] {
        let horizon = horizon_word(score.horizon);
        let role = role(&shot.about, &score.policy);
        series.count(&[score.resource.word(), &horizon, &score.policy, role], number(score));
    }
}
