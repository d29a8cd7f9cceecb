// SPDX-License-Identifier: Apache-2.0
//! What several keys say together: defaults that follow from other keys, and contradictions.

use super::host::{OrAuto, Preset};
use super::mistake::{Fault, Ledger};
use super::parse::Places;
use super::qos_keys::forget_idle_compat;
use super::setting::Setting;
use super::{Config, LendRule, Quota};
use crate::decision::MAX_HORIZONS;
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

/// Notes every contradiction.
pub(super) fn cross_check(config: &Config, places: &Places, ledger: &mut Ledger<'_>) {
    let mut note = |keys: &[&str], wrong: String, instead: &str| {
        // The first of the keys that was written; a contradiction needs at least one.
        let place = keys.iter().find_map(|key| places.get_key_value(*key));
        if let Some((key, at)) = place {
            ledger.note(at, key.as_str(), Fault::new(wrong, instead.to_owned()));
        }
    };
    let engine = &config.engine;
    if engine.stale_after <= engine.interval {
        let (stale, interval) = (shown(&engine.stale_after), shown(&engine.interval));
        let wrong = format!("{stale} is not longer than sample.interval = {interval}");
        let instead = "write at least twice sample.interval, or leave it out";
        note(&["sample.stale_after", "sample.interval"], wrong, instead);
    }
    for (section, edges) in edges(&engine.qos) {
        if edges.leave > edges.enter {
            let (enter, leave) = (format!("{section}_enter"), format!("{section}_leave"));
            let wrong = "harm would end above where it begins".to_owned();
            note(&[&leave, &enter], wrong, &format!("write {leave} at most {enter}"));
        }
    }
    for (least, most, short, long) in rising(&engine.qos) {
        if short > long {
            let wrong = format!("{least} = {} is above {most} = {}", shown(&short), shown(&long));
            note(&[most, least], wrong, "write the larger one last");
        }
    }
    lend_rule("cpu", &engine.cpu, &mut note);
    lend_rule("memory", &engine.memory, &mut note);
    let horizons = config.engine.cpu.predictor.horizons.len();
    if horizons > MAX_HORIZONS {
        let wrong = format!("{horizons} horizons in all, with predict.horizon");
        let instead = format!("write at most {} here", MAX_HORIZONS - 1);
        note(&["predict.other_horizons"], wrong, &instead);
    }
    let http = &config.host.http;
    if http
        .metrics_listen
        .is_some_and(|address| address.port() != 0 && Some(address) == http.listen)
    {
        let wrong = "it is the address of http.listen, which serves the metrics too".to_owned();
        note(&["http.metrics_listen"], wrong, "write another port, or \"none\"");
    }
    let layout = &config.host.layout;
    if layout.preset == OrAuto::Given(Preset::Globs) && layout.tasks.is_empty() {
        let wrong =
            "\"globs\" knows only the tasks of [[layout.task]], and there is none".to_owned();
        note(
            &["layout.preset"],
            wrong,
            "add a [[layout.task]] with pattern and class, or write \"auto\"",
        );
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

fn lend_rule<Q: Amount + Setting>(
    section: &str,
    rule: &LendRule<Q>,
    note: &mut impl FnMut(&[&str], String, &str),
) {
    let key = |name: &str| format!("{section}.{name}");
    let cap = key("cap");
    if let Some(Quota::Exactly(most)) = rule.cap {
        for (name, value) in [("threshold", rule.threshold), ("quantum", rule.quantum)] {
            if value > most {
                let (value, most) = (shown(&value), shown(&most));
                let wrong = format!("{value} is above {cap} = {most}: nothing would ever be lent");
                note(&[&key(name), &cap], wrong, &format!("write a {name} below the cap"));
            }
        }
    }
    if let Quota::Share(share) = rule.reserve
        && share.get() >= 1.0
        && rule.enabled
    {
        let wrong = "all of the node is reserved: nothing would ever be lent".to_owned();
        let instead = format!("write less than \"100%\", or {section}.enabled = false");
        note(&[&key("reserve")], wrong, &instead);
    }
}
