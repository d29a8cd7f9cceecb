// SPDX-License-Identifier: Apache-2.0
//! What the tests share: made-up machines, and how to show them to a predictor.

use gleaner_estimator::predict::PredictorSpec;
use gleaner_estimator::predict::{
    Load, NodeLoad, Observation, Parameters, Predictor, PredictorKind,
};
use gleaner_estimator::units::{Ratio, Span, Timestamp};

/// One interval of one machine: its end in seconds, and the tasks present, by arrival number.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) secs: u64,
    pub(crate) loads: Vec<Load>,
}

/// Random numbers from a seed (SplitMix64): the same machine from the same seed, everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

/// A machine of up to `most` tasks with daily and random load, spikes, resizes, tasks that come and go.
pub(crate) fn machine(seed: u64, steps: u64, secs: u64, most: usize) -> Vec<Step> {
    struct Task {
        arrival: u64,
        limit: f64,
        base: f64,
        usage: f64,
    }
    let mut dice = Dice(seed);
    let (mut tasks, mut arrivals) = (Vec::<Task>::new(), 0);
    let mut out = Vec::new();
    for step in 0..steps {
        tasks.retain(|_| !dice.one_in(150));
        while tasks.len() < most && (step == 0 || dice.one_in(30)) {
            arrivals += 1 + dice.next() % 3;
            let limit = 0.5 + 4.0 * dice.unit();
            let base = 0.1 + 0.4 * dice.unit();
            tasks.push(Task { arrival: arrivals, limit, base, usage: base * limit });
        }
        let day = (std::f64::consts::TAU * (step * secs) as f64 / 86_400.0).sin();
        for task in &mut tasks {
            if dice.one_in(400) {
                task.limit = 0.5 + 4.0 * dice.unit();
            }
            let aim = task.limit * task.base * (1.0 + 0.5 * day);
            task.usage += 0.2 * (aim - task.usage) + 0.05 * task.limit * (dice.unit() - 0.5);
            if dice.one_in(60) {
                task.usage = task.limit * dice.unit();
            }
            task.usage = task.usage.clamp(0.0, task.limit);
        }
        let load = |t: &Task| Load { arrival: t.arrival, usage: t.usage, limit: t.limit };
        out.push(Step { secs: step * secs, loads: tasks.iter().map(load).collect() });
    }
    out
}

/// A calm observation without a ceiling.
pub(crate) fn observation(secs: u64, loads: &[Load]) -> Observation<'_> {
    Observation {
        at: Timestamp::default().plus(Span::from_secs(secs)),
        loads,
        ceiling: f64::INFINITY,
        calm: true,
        node: NodeLoad::default(),
    }
}

/// Default settings but for the kind, the risk, and an amount that `fixed` and `threshold` never need.
pub(crate) fn spec(kind: PredictorKind, risk_percent: f64) -> PredictorSpec {
    PredictorSpec {
        kind,
        risk: Ratio::new(risk_percent / 100.0).expect("a finite risk"),
        parameters: Parameters { amount: 2.0, ..Parameters::cpu() },
        ..PredictorSpec::default()
    }
}

/// The peaks for all horizons.
pub(crate) fn peaks(predictor: &dyn Predictor) -> Vec<f64> {
    (0..predictor.horizons().len()).filter_map(|h| predictor.peak(h)).collect()
}

/// The sum of limits and the sum of usages.
pub(crate) fn sums(loads: &[Load]) -> (f64, f64) {
    (loads.iter().map(|l| l.limit).sum(), loads.iter().map(|l| l.usage).sum())
}
