// SPDX-License-Identifier: Apache-2.0
//! What a seed means: the node, who starts on it, the configuration, and what goes wrong.

use super::dice::Dice;
use super::faults::FaultPlan;
use super::host::HostFaults;
use super::workload::Size;
use gleaner_engine::config::EngineConfig;
use gleaner_engine::decision::Mode;
use gleaner_estimator::predict::PredictorKind;
use gleaner_estimator::slack::Lend;
use gleaner_estimator::units::Span;
use gleaner_qos::capability::Actuator;
use gleaner_qos::config::Standing;

/// How rough it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Calm mixed load: best-effort is in the lowest class and holds little memory, so nobody is harmed by it.
    Calm,
    /// Best-effort that harms and grows, readings and acts that work.
    Storm,
    /// As a storm, and readings and acts that fail.
    Faulty,
}

impl Weather {
    /// The weather of a seed: half of them are storms.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        match seed % 4 {
            0 => Self::Calm,
            1 | 2 => Self::Storm,
            _ => Self::Faulty,
        }
    }
}

/// What a seed means.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) weather: Weather,
    pub(super) size: Size,
    pub(super) config: EngineConfig,
    pub(super) faults: FaultPlan,
    pub(super) host: HostFaults,
    /// Distance of fast readings, milliseconds.
    pub(super) glance_ms: u64,
    pub(super) services: usize,
    /// Best-effort tasks that are there from the start, and most of them at once.
    pub(super) batches: usize,
    pub(super) crowd: usize,
    /// Share of the node that services use at their usual load, together.
    pub(super) share: f64,
    /// MiB that one best-effort task holds at most.
    pub(super) batch_memory: f64,
    /// Probability that a best-effort task is hostile.
    pub(super) hostile: f64,
}

impl Scene {
    /// Draws one.
    pub(super) fn draw(dice: &mut Dice, weather: Weather) -> Self {
        let size = Size {
            cores: dice.pick(&[2.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
            memory: dice.pick(&[1_024.0, 4_096.0, 16_384.0, 65_536.0]),
        };
        let calm = weather == Weather::Calm;
        let (faults, host) = match weather {
            Weather::Calm => (FaultPlan::default(), HostFaults::default()),
            Weather::Storm => (FaultPlan::default(), lacks(dice, 0.06)),
            Weather::Faulty => (plan(dice), fails(dice)),
        };
        let crowd = 2 + dice.below(7);
        let part = if calm { 0.35 / crowd as f64 } else { dice.between(0.05, 0.6) };
        Self {
            weather,
            size,
            config: config(dice, weather),
            faults,
            host,
            glance_ms: if calm { 100 } else { dice.pick(&[100, 100, 100, 50, 20]) },
            services: 1 + dice.below(4),
            batches: dice.below(4),
            crowd,
            share: dice.between(0.1, if calm { 0.5 } else { 0.7 }),
            batch_memory: part * size.memory,
            hostile: if calm { 0.0 } else { dice.pick(&[0.0, 0.2, 0.5]) },
        }
    }
}

fn config(dice: &mut Dice, weather: Weather) -> EngineConfig {
    let mut config = EngineConfig {
        mode: Mode::Evict,
        warm_up: Span::from_secs(15),
        task_warm_up: Span::from_secs(10),
        lend: dice.pick(&[Lend::Allocated, Lend::Headroom]),
        ..EngineConfig::default()
    };
    let kind = dice.pick(&[
        PredictorKind::Calibrated,
        PredictorKind::Percentile,
        PredictorKind::NSigma,
        PredictorKind::Fixed,
    ]);
    let memory = dice.happens(0.5);
    for predictor in [&mut config.cpu.predictor, &mut config.memory.predictor] {
        predictor.kind = kind;
        predictor.parameters.warm_up = Span::from_secs(10);
        predictor.parameters.start_ramp = false;
    }
    config.cpu.predictor.parameters.amount = 1.0;
    config.memory.enabled = memory;
    if dice.happens(0.5) {
        (config.cpu.rise, config.memory.rise) = (None, None);
    }
    if weather != Weather::Calm {
        config.mode =
            dice.pick(&[Mode::Evict, Mode::Evict, Mode::Evict, Mode::Squeeze, Mode::Observe]);
        if dice.happens(0.1) {
            config.qos.standing = Standing::OnHarm;
        }
    }
    config
}

/// A host that lacks some means, each with this probability.
fn lacks(dice: &mut Dice, probability: f64) -> HostFaults {
    let mut host = HostFaults { foreign: dice.happens(0.1), ..HostFaults::default() };
    for actuator in Actuator::ALL {
        if dice.happens(probability) {
            host.missing.insert(actuator);
        }
    }
    host
}

/// A host on which acts fail as well.
fn fails(dice: &mut Dice) -> HostFaults {
    let mut host = lacks(dice, 0.1);
    for actuator in Actuator::ALL {
        if dice.happens(0.1) {
            host.dead.insert(actuator);
        }
    }
    host.ignores = dice.pick(&[0.0, 0.3, 1.0]);
    host.loses = dice.pick(&[0.0, 0.0, 0.1]);
    host.refuses = dice.pick(&[0.0, 0.0, 0.2]);
    host
}

fn plan(dice: &mut Dice) -> FaultPlan {
    FaultPlan {
        per_second: dice.between(0.0, 0.15),
        no_psi: dice.happens(0.15),
        no_schedstat: dice.happens(0.15),
    }
}
