// SPDX-License-Identifier: Apache-2.0
//! What several keys say together: defaults that follow from other keys, and contradictions.

use super::host::{OrAuto, Preset};
use super::mistake::{Fault, Ledger};
use super::parse::Places;
use super::qos_keys::forget_idle_compat;
use super::setting::Setting;
use super::{Config, LendRule, Quota};
use crate::decision::MAX_HORIZONS;
use core::net::SocketAddr;
use gleaner_estimator::units::{Amount, Span};
use gleaner_qos::config::{Edges, QosConfig};

/// Sets what was not written and follows from what was.
pub(super) fn derive(config: &mut Config, places: &Places) {
    if !places.contains_key("sample.stale_after") {
        let three = Span(config.engine.interval.0.saturating_mul(3));
        config.engine.stale_after = config.engine.stale_after.max(three);
    }
    forget_idle_compat(config);
}

/// Notes a contradiction at the first of the keys that was written; one of them must have been.
struct Notes<'l, 't> {
    /// Put before a key.
    label: &'l str,
    places: &'l Places,
    ledger: &'l mut Ledger<'t>,
}

impl Notes<'_, '_> {
    fn add(&mut self, keys: &[&str], wrong: impl Into<String>, instead: impl Into<String>) {
        if let Some((key, at)) = keys.iter().find_map(|key| self.places.get_key_value(*key)) {
            self.ledger.note(
                at,
                format!("{}{key}", self.label),
                Fault::new(wrong.into(), instead.into()),
            );
        }
    }
}

/// Notes every contradiction of which a key was written; `label` is put before that key.
pub(super) fn cross_check(config: &Config, label: &str, places: &Places, ledger: &mut Ledger<'_>) {
    let mut notes = Notes { label, places, ledger };
    sampling(config, &mut notes);
    harm(&config.engine.qos, &mut notes);
    lend_rule("cpu", &config.engine.cpu, &mut notes);
    lend_rule("memory", &config.engine.memory, &mut notes);
    host(config, &mut notes);
}

fn sampling(config: &Config, notes: &mut Notes<'_, '_>) {
    let engine = &config.engine;
    if engine.stale_after <= engine.interval {
        let (stale, interval) = (shown(&engine.stale_after), shown(&engine.interval));
        let wrong = format!("{stale} is not longer than sample.interval = {interval}");
        let instead = "write at least twice sample.interval, or leave it out";
        notes.add(&["sample.stale_after", "sample.interval"], wrong, instead);
    }
    let horizons = engine.cpu.predictor.horizons.len();
    if horizons > MAX_HORIZONS {
        let wrong = format!("{horizons} horizons in all, with predict.horizon");
        let instead = format!("write at most {} here", MAX_HORIZONS - 1);
        notes.add(&["predict.other_horizons"], wrong, instead);
    }
}

fn harm(qos: &QosConfig, notes: &mut Notes<'_, '_>) {
    for (section, edges) in edges(qos) {
        if edges.leave > edges.enter {
            let (enter, leave) = (format!("{section}_enter"), format!("{section}_leave"));
            let instead = format!("write {leave} at most {enter}");
            notes.add(&[&leave, &enter], "harm would end above where it begins", instead);
        }
    }
    for (least, most, short, long) in rising(qos) {
        if short > long {
            let wrong = format!("{least} = {} is above {most} = {}", shown(&short), shown(&long));
            notes.add(&[most, least], wrong, format!("write {most} at least {least}"));
        }
    }
}

/// What the kill itself may take after the grace, before an eviction counts as ignored.
const KILL: Span = Span::from_secs(5);

fn host(config: &Config, notes: &mut Notes<'_, '_>) {
    let (grace, gone) = (config.host.act.grace, config.engine.qos.budget.gone_within);
    if grace + KILL > gone {
        let (grace, gone) = (shown(&grace), shown(&gone));
        let wrong = format!(
            "a grace of {grace} and up to {KILL} for the kill are longer than qos.budget.gone_within = {gone}"
        );
        let instead = "write a shorter act.grace or a longer qos.budget.gone_within";
        notes.add(&["act.grace", "qos.budget.gone_within"], wrong, instead);
    }
    let watch = config.host.watch;
    if watch.every_in_need > watch.every {
        let (need, every) = (shown(&watch.every_in_need), shown(&watch.every));
        let wrong = format!("watch.every_in_need = {need} is longer than watch.every = {every}");
        let instead = "write watch.every_in_need at most watch.every";
        notes.add(&["watch.every_in_need", "watch.every"], wrong, instead);
    }
    let http = &config.host.http;
    let twice = |address: SocketAddr| address.port() != 0 && Some(address) == http.listen;
    if http.metrics_listen.is_some_and(twice) {
        let wrong = "it is the address of http.listen, which serves the metrics too";
        notes.add(&["http.metrics_listen"], wrong, "write another port, or \"none\"");
    }
    let layout = &config.host.layout;
    if layout.preset == OrAuto::Given(Preset::Globs) && layout.tasks.is_empty() {
        let wrong = "\"globs\" knows only the tasks of [[layout.task]], and there is none";
        let instead = "add a [[layout.task]] with pattern and class, or write \"auto\"";
        notes.add(&["layout.preset"], wrong, instead);
    }
}

/// Where harm begins and ends, by the keys without their last word.
fn edges(qos: &QosConfig) -> [(&'static str, Edges); 5] {
    [
        ("qos.cpu.run_wait", qos.cpu.run_wait),
        ("qos.cpu.stall_excess", qos.cpu.stall_excess),
        ("qos.memory.stall", qos.memory.stall),
        ("qos.memory.major_faults", qos.memory.major_faults),
        ("qos.io.stall_excess", qos.io.stall_excess),
    ]
}

/// Pairs of times of which the second must not be shorter.
fn rising(qos: &QosConfig) -> [(&'static str, &'static str, Span, Span); 4] {
    let QosConfig { cpu, memory, io, probe, .. } = qos;
    [
        ("qos.cpu.dwell", "qos.cpu.dwell_max", cpu.level.dwell, cpu.level.dwell_max),
        ("qos.memory.dwell", "qos.memory.dwell_max", memory.level.dwell, memory.level.dwell_max),
        ("qos.io.dwell", "qos.io.dwell_max", io.level.dwell, io.level.dwell_max),
        ("qos.probe.every", "qos.probe.every_max", probe.every, probe.every_max),
    ]
}

/// A value as one writes it, without the quotes.
fn shown(value: &impl Setting) -> String {
    value.show().trim_matches('"').to_owned()
}

fn lend_rule<Q: Amount + Setting>(section: &str, rule: &LendRule<Q>, notes: &mut Notes<'_, '_>) {
    let key = |name: &str| format!("{section}.{name}");
    let cap = key("cap");
    if let Some(Quota::Exactly(most)) = rule.cap {
        for (name, value) in [("threshold", rule.threshold), ("quantum", rule.quantum)] {
            if value > most {
                let (value, most) = (shown(&value), shown(&most));
                let wrong = format!("{value} is above {cap} = {most}: nothing would ever be lent");
                notes.add(&[&key(name), &cap], wrong, format!("write a {name} below the cap"));
            }
        }
    }
    if let Quota::Share(share) = rule.reserve
        && share.get() >= 1.0
        && rule.enabled
    {
        let wrong = "all of the node is reserved: nothing would ever be lent";
        let instead = format!("write less than \"100%\", or {section}.enabled = false");
        notes.add(&[&key("reserve")], wrong, instead);
    }
}
