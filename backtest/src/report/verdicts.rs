// SPDX-License-Identifier: Apache-2.0
//! What a policy would have lent and taken back, as a table for people.

use super::percent;
use super::table::put;
use crate::verdicts::{Standing, Verdicts};
use gleaner_engine::config::EngineConfig;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use gleaner_qos::level::Level;

/// The table of one recording.
#[must_use]
pub fn verdicts(name: &str, policy: &EngineConfig, seen: &Verdicts) -> String {
    let mut text = String::new();
    let time = seen.standings[0].time();
    let predictor = policy.cpu.predictor.kind;
    let failed = match seen.failed {
        0 => String::new(),
        failed => format!(", {failed} of them without a usable reading"),
    };
    put(
        &mut text,
        format_args!(
            "{name} · the policy with {predictor} over {time} · {} decisions{failed}\n",
            seen.decisions
        ),
    );
    let heading: String = Level::ALL.map(|level| format!("{:>10}", level.word())).concat();
    put(
        &mut text,
        format_args!("  {:10}{heading}{:>12}{:>14}\n", "resource", "no signal", "mean offer"),
    );
    for (resource, standing) in Resource::ALL.into_iter().zip(&seen.standings) {
        put(&mut text, format_args!("{}\n", row(resource, standing)));
    }
    let c = &seen.corrections;
    put(
        &mut text,
        format_args!(
            "  asked for: {} lowest class, {} squeezes, {} probes, {} freezes, {} evictions\n\n",
            c.standing, c.squeezes, c.probes, c.freezes, c.evictions
        ),
    );
    text
}

fn row(resource: Resource, standing: &Standing) -> String {
    let all = standing.time().secs();
    let share = |secs: f64| if all > 0.0 { percent(secs / all, 1) } else { "–".to_owned() };
    let levels: String = standing.levels.map(|span| format!("{:>10}", share(span.secs()))).concat();
    let offer = match (resource, standing.mean_offer()) {
        (Resource::Cpu, Some(offer)) => format!("{} cores", MilliCpus::from_base(offer)),
        (Resource::Memory, Some(offer)) => Bytes::from_base(offer).to_string(),
        (Resource::Io, _) | (_, None) => "–".to_owned(),
    };
    format!("  {:10}{levels}{:>12}{offer:>14}", resource.word(), share(standing.unknown.secs()))
}
