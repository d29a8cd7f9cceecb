// SPDX-License-Identifier: Apache-2.0
//! What several keys say together: defaults that follow from other keys, and contradictions.

use super::host::{OrAuto, Preset};
use super::mistake::{Fault, Ledger};
use super::parse::Places;
use super::setting::Setting;
use super::{Config, LendRule, Quota};
use crate::decision::MAX_HORIZONS;
use gleaner_estimator::units::{Amount, Span};

/// Sets what was not written and follows from what was.
pub(super) fn derive(config: &mut Config, places: &Places) {
    if !places.contains_key("sample.stale_after") {
        let three = Span(config.engine.interval.0.saturating_mul(3));
        config.engine.stale_after = config.engine.stale_after.max(three);
    }
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
