// SPDX-License-Identifier: Apache-2.0
//! What could be lent, is lent, is offered, and what bound it.

use super::{counter, gauge};
use crate::metrics::entry::Metric;
use crate::metrics::labels::{BOUND, LENT_RESOURCE, MODE};
use gleaner_engine::decision::Mode;

pub(super) const METRICS: &[Metric] = &[
    gauge("gleaner_reserve_cpu_cores", &[], "CPU that is never lent.", |d, s| {
        s.amount(&[], Some(d.cpu.reserve));
    }),
    gauge("gleaner_reserve_memory_bytes", &[], "Memory that is never lent.", |d, s| {
        s.amount(&[], Some(d.memory.reserve));
    }),
    gauge("gleaner_slack_cpu_cores", &[], "CPU that may be lent in all.", |d, s| {
        s.amount(&[], Some(d.cpu.slack));
    }),
    gauge("gleaner_slack_memory_bytes", &[], "Memory that may be lent in all.", |d, s| {
        s.amount(&[], Some(d.memory.slack));
    }),
    gauge("gleaner_lent_cpu_cores", &[], "CPU that best-effort tasks hold.", |d, s| {
        s.amount(&[], Some(d.cpu.lent));
    }),
    gauge("gleaner_lent_memory_bytes", &[], "Memory that best-effort tasks hold.", |d, s| {
        s.amount(&[], Some(d.memory.lent));
    }),
    gauge(
        "gleaner_offer_cpu_cores",
        &[],
        "CPU that may be lent beyond what is; 0 is no error, gleaner_ticks_total says why.",
        |d, s| {
            s.amount(&[], Some(d.cpu.offer.amount));
        },
    ),
    gauge(
        "gleaner_offer_memory_bytes",
        &[],
        "Memory that may be lent beyond what is; 0 is no error, gleaner_ticks_total says why.",
        |d, s| {
            s.amount(&[], Some(d.memory.offer.amount));
        },
    ),
    counter(
        "gleaner_ticks_total",
        &[LENT_RESOURCE, BOUND],
        "Ticks by what kept the offer from being larger; docs/why.md explains each word.",
    ),
    gauge(
        "gleaner_mode_info",
        &[MODE],
        "1 for the mode in force: how far Gleaner may go.",
        |d, s| {
            for mode in Mode::ALL {
                s.flag(&[mode.word()], mode == d.mode);
            }
        },
    ),
];
