// SPDX-License-Identifier: Apache-2.0
//! What a simulated task wants: steady, diurnal, spiky, leaking, restarting services; spinners, growers, page-cache
//! fillers and disk work that run on what is lent.

use super::dice::Dice;

/// How demand for CPU moves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// The same all the time.
    Steady,
    /// A wave of so many seconds.
    Diurnal { period: f64 },
    /// Every `every` seconds, for `lasts` seconds, so many times as much.
    Spiky { every: f64, lasts: f64, times: f64 },
}

/// What one task wants. Memory in MiB, CPU in cores, times in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    pub(super) shape: Shape,
    pub(super) cores: f64,
    /// Working set at the start.
    pub(super) memory: f64,
    /// What the working set grows by a second, until it is this large.
    pub(super) grows: f64,
    pub(super) grows_to: f64,
    /// Files that it reads again and again.
    pub(super) hot: f64,
    /// Files a second that it reads once.
    pub(super) streams: f64,
    /// Share of time in which it has IO under way.
    pub(super) io: f64,
    /// Its own CFS quota, in cores, and its own memory limit.
    pub(super) quota: Option<f64>,
    pub(super) limit: Option<f64>,
    /// How much it queues in itself, compared with the service that was measured. With as many threads as
    /// cores it hardly does.
    pub(super) queues: f64,
    /// Best-effort that harms whatever class it is in, as over hardware threads that all share.
    pub(super) hostile: bool,
    /// It starts anew, as another container of the same name, after this time.
    pub(super) restarts: Option<f64>,
}

/// What the workloads of a node are drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) cores: f64,
    pub(super) memory: f64,
}

impl Workload {
    /// A service that was promised something; `share` of the node is meant for all of them.
    pub(super) fn service(dice: &mut Dice, node: Size, share: f64) -> Self {
        let shape = match dice.below(4) {
            0 => Shape::Steady,
            1 => Shape::Diurnal { period: dice.between(60.0, 900.0) },
            _ => Shape::Spiky {
                every: dice.between(15.0, 120.0),
                lasts: dice.between(0.5, 20.0),
                times: dice.between(1.5, 5.0),
            },
        };
        let memory = dice.between(0.02, 0.5) * share * node.memory;
        Self {
            shape,
            cores: dice.between(0.05, 0.8) * share * node.cores,
            memory,
            grows: dice.maybe(0.2, 0.0, 0.002 * node.memory).unwrap_or(0.0),
            grows_to: memory * dice.between(1.0, 1.5),
            hot: dice.between(0.0, 0.3) * share * node.memory,
            streams: dice.maybe(0.3, 0.0, 0.01 * node.memory).unwrap_or(0.0),
            io: dice.maybe(0.3, 0.0, 0.3).unwrap_or(0.0),
            quota: None,
            limit: None,
            queues: dice.pick(&[0.1, 1.0, 1.0, 1.5]),
            hostile: false,
            restarts: dice.maybe(0.2, 40.0, 300.0),
        }
    }

    /// Work that runs on what is lent and holds at most this much memory.
    pub(super) fn batch(dice: &mut Dice, node: Size, most: f64) -> Self {
        let shape = match dice.below(4) {
            0 => Shape::Diurnal { period: dice.between(30.0, 300.0) },
            1 => Shape::Spiky {
                every: dice.between(10.0, 60.0),
                lasts: dice.between(1.0, 20.0),
                times: 3.0,
            },
            _ => Shape::Steady,
        };
        let memory = dice.between(0.05, 0.5) * most;
        let cores = dice.between(0.1, 1.5) * node.cores;
        let limited = dice.happens(0.15);
        Self {
            shape,
            cores,
            memory,
            grows: dice.maybe(0.4, 0.001, 0.05).unwrap_or(0.0) * node.memory,
            grows_to: if limited { f64::INFINITY } else { most },
            hot: 0.0,
            streams: dice.maybe(0.4, 0.01, 0.3).unwrap_or(0.0) * node.memory,
            io: dice.maybe(0.3, 0.2, 0.9).unwrap_or(0.0),
            quota: dice.happens(0.2).then_some(0.3 * cores),
            limit: limited.then_some(most),
            queues: 1.0,
            hostile: false,
            restarts: None,
        }
    }

    /// Cores it wants at this age.
    pub(super) fn cores_at(&self, age: f64) -> f64 {
        match self.shape {
            Shape::Steady => self.cores,
            Shape::Diurnal { period } => {
                self.cores * (0.6 + 0.4 * (age / period * std::f64::consts::TAU).sin())
            }
            Shape::Spiky { every, lasts, times } => {
                let high = age % every > every - lasts;
                self.cores * if high { times } else { 1.0 }
            }
        }
    }

    /// Working set it wants at this age.
    pub(super) fn memory_at(&self, age: f64) -> f64 {
        (self.memory + self.grows * age).min(self.grows_to.max(self.memory))
    }
}
