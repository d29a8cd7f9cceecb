// SPDX-License-Identifier: Apache-2.0
//! From the setup to the engine's rules, and from its decisions to what the host is told: only words change.

use crate::abi::code::{
    GLEANER_LEVEL_CALM, GLEANER_LEVEL_CRITICAL, GLEANER_LEVEL_STRAINED, GLEANER_LEVEL_UNKNOWN,
};
use crate::setup::Setup;
use gleaner_engine::config::{EngineConfig, OrAuto, Preset};
use gleaner_engine::decision::{Decision, Mode};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Span;
use gleaner_qos::level::Level;
use gleaner_qos::verdict::{Action, Correction, Reason};

/// The engine's part, with what may be lent resolved by who arranges the tasks.
pub(super) fn engine(setup: &Setup) -> EngineConfig {
    let config = &setup.config;
    let usual = match &config.host.layout.preset {
        OrAuto::Given(preset) => preset.lend(),
        OrAuto::Auto => Preset::Mesos.lend(),
    };
    EngineConfig {
        lend: config.host.lend.given().copied().unwrap_or(usual),
        // Where thresholds alone decide, the engine shows what it sees and does nothing, and nothing has
        // to be learned first.
        mode: if setup.stand.is_some() { Mode::Observe } else { config.engine.mode },
        warm_up: if setup.stand.is_some() { Span::default() } else { config.engine.warm_up },
        ..config.engine.clone()
    }
}

/// The higher of the levels of what can be lent.
pub(super) fn level(decision: &Decision) -> u32 {
    let Some(assessment) = &decision.assessment else { return GLEANER_LEVEL_UNKNOWN };
    let levels = [Resource::Cpu, Resource::Memory].map(|resource| assessment.of(resource).level);
    match levels[0].max(levels[1]) {
        Level::Calm => GLEANER_LEVEL_CALM,
        Level::Strained => GLEANER_LEVEL_STRAINED,
        Level::Critical => GLEANER_LEVEL_CRITICAL,
    }
}

/// Who is to go, and why.
pub(super) struct Wanted {
    pub(super) task: TaskId,
    pub(super) resource: Resource,
    pub(super) reason: Reason,
    /// For people.
    pub(super) words: String,
}

impl Wanted {
    fn of(correction: &Correction) -> Self {
        Self {
            task: correction.task().clone(),
            resource: correction.resource(),
            reason: correction.why().reason,
            words: why(correction),
        }
    }
}

/// Everybody whom a decision wants to go.
pub(super) fn wanted(decision: &Decision) -> Vec<Wanted> {
    let real = |c: &&Correction| c.action() == Action::Evict && !c.is_would();
    decision.verdict.corrections.iter().filter(real).map(Wanted::of).collect()
}

fn why(correction: &Correction) -> String {
    let why = correction.why();
    let mut text =
        format!("{} is {}: {}", correction.resource().word(), why.level.word(), why.reason.word());
    if let (Some(signal), Some(value)) = (why.signal, why.value) {
        text.push_str(&format!(", {} {value:.3}", signal.word()));
    }
    if let Some(threshold) = why.threshold {
        text.push_str(&format!(" at or above {threshold:.3}"));
    }
    if let Some(harmed) = &why.harmed {
        text.push_str(&format!(", harming {}", harmed.name));
    }
    text
}
