// SPDX-License-Identifier: Apache-2.0
//! The node: capacity, allocation, use.

use super::{classes, gauge, known};
use crate::metrics::entry::Metric;
use crate::metrics::labels::CLASS;
use gleaner_estimator::sample::Class;

pub(super) const METRICS: &[Metric] = &[
    gauge("gleaner_capacity_cpu_cores", &[], "CPU that the node's tasks can use.", |d, s| {
        s.amount(&[], Some(d.cpu.capacity));
    }),
    gauge("gleaner_capacity_memory_bytes", &[], "Memory that the node's tasks can use.", |d, s| {
        s.amount(&[], Some(d.memory.capacity));
    }),
    gauge("gleaner_allocated_cpu_cores", &[CLASS], "CPU promised to tasks.", |d, s| {
        classes(&d.cpu.allocated, s);
    }),
    gauge("gleaner_allocated_memory_bytes", &[CLASS], "Memory promised to tasks.", |d, s| {
        classes(&d.memory.allocated, s);
    }),
    gauge(
        "gleaner_usage_cpu_cores",
        &[CLASS],
        "CPU used over the last interval; system is all that no known task used.",
        |d, s| {
            known(&d.cpu.usage, s);
        },
    ),
    gauge(
        "gleaner_working_set_bytes",
        &[CLASS],
        "Memory that cannot be dropped; page cache is not in it.",
        |d, s| {
            known(&d.memory.usage, s);
        },
    ),
    gauge("gleaner_tasks", &[CLASS], "Tasks seen in the last reading.", |d, s| {
        for class in Class::ALL {
            s.count(&[class.word()], u64::from(*d.tasks.of(class)));
        }
    }),
];
