// SPDX-License-Identifier: Apache-2.0
//! Rung 0, the standing class: a best-effort cgroup gets the CPU and the disk only while nobody else wants them.
//!
//! Quirk: `cpu.idle` makes the kernel refuse the weight of the same cgroup (EINVAL), and `cpu.idle=0` sets it to the
//! default (seen on 6.18). An agent or kubelet that owns the weights would run into the refusal, and a Mesos agent
//! destroys the task then. So where the weights are not ours they are only looked at.

use crate::fault::Lost;
use crate::means::Means;
use crate::outcome::Outcome;
use crate::place::Version;
use crate::setting::{Deed, Hands, Setting, outcome};
use crate::slot::Slot;
use crate::target::{Target, Tree};
use gleaner_collector::Controller;
use gleaner_estimator::units::{MilliCpus, Timestamp};
use serde::{Deserialize, Serialize};

/// Who sets the CPU weights of best-effort cgroups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Nobody else: we hold them at the lowest.
    #[default]
    Ours,
    /// An agent or a kubelet, which rewrites them: we only look whether they are low enough.
    Theirs,
}

/// A best-effort cgroup must weigh at most this part of a guaranteed one of the same size. Measured: from 1/5 on nothing
/// was harmed, 1/20 leaves margin, and it is what agents give at the most.
const LIGHT: u64 = 20;

const CPU: Tree = Tree::Of(Controller::Cpu);
const IO: Tree = Tree::Of(Controller::Blkio);

/// Puts a target into the lowest CPU class, or looks whether its owner has.
///
/// `allocation` is what it was promised; it tells how much an owner's weight is worth.
pub fn cpu(
    hands: &mut Hands,
    target: &Target,
    weights: Weights,
    allocation: Option<MilliCpus>,
    now: Timestamp,
) -> Deed {
    let Some(version) = target.version(CPU) else {
        return Deed { means: None, outcome: Lost::Unplaced("cpu").into() };
    };
    match weights {
        Weights::Theirs => Deed { means: None, outcome: is_light(target, allocation) },
        Weights::Ours => {
            let idle = hands.attempt(Means::CpuIdle, now, |h| h.set(target, &idle(version)));
            if !idle.outcome.blames_means() {
                return idle;
            }
            hands.attempt(Means::CpuWeight, now, |h| h.set(target, &weight(version)))
        }
    }
}

/// Puts back the CPU class that a target had before us.
pub fn release_cpu(hands: &mut Hands, target: &Target) -> Outcome {
    let Some(version) = target.version(CPU) else { return Outcome::Vanished };
    let idle = hands.put_back_in(target, CPU, &idle(version).slot);
    let weight = hands.put_back_in(target, CPU, &weight(version).slot);
    if idle == Outcome::Done { weight } else { idle }
}

fn idle(version: Version) -> Setting {
    let also: &[&str] = match version {
        Version::V1 => &["cpu.shares"],
        Version::V2 => &["cpu.weight"],
    };
    Setting { tree: CPU, slot: Slot::file("cpu.idle"), value: "1".to_owned(), also }
}

fn weight(version: Version) -> Setting {
    let (file, lowest) = match version {
        Version::V1 => ("cpu.shares", "2"),
        Version::V2 => ("cpu.weight", "1"),
    };
    Setting { tree: CPU, slot: Slot::file(file), value: lowest.to_owned(), also: &[] }
}

/// Looks whether the owner of the weights has given this one a low weight: `Done` if so.
#[must_use]
pub fn is_light(target: &Target, allocation: Option<MilliCpus>) -> Outcome {
    let Some(version) = target.version(CPU) else { return Lost::Unplaced("cpu").into() };
    let held = match target.enter(CPU) {
        Ok(held) => held,
        Err(lost) => return lost.into(),
    };
    let slot = weight(version).slot;
    match slot.read(&held) {
        Ok(text) => match text.trim().parse::<u64>() {
            Ok(weight) if weight <= lightest(version, allocation) => Outcome::Done,
            Ok(_) | Err(_) => Outcome::NoEffect {
                found: format!("{slot} is {text}, more than 1/{LIGHT} of a guaranteed task's"),
            },
        },
        Err(fault) => outcome(&held, fault),
    }
}

/// The most that is light: a guaranteed task has 1024 shares or a weight of 100 a core, and so has a cgroup of which
/// nobody said how much it was promised.
fn lightest(version: Version, allocation: Option<MilliCpus>) -> u64 {
    let per_core = match version {
        Version::V1 => 1024,
        Version::V2 => 100,
    };
    let cores = allocation.map_or(1000, |cpu| cpu.0);
    // The kernel's least shares are 2, its least weight is 1.
    (per_core * cores / 1000 / LIGHT).max(2)
}

/// The files in which an IO weight may be, by version, and the lowest value of each.
fn io_weights(version: Version) -> [Setting; 2] {
    let of = |slot, value: &str| Setting { tree: IO, slot, value: value.to_owned(), also: &[] };
    match version {
        Version::V1 => [
            of(Slot::file("blkio.bfq.weight"), "1"),
            // The CFQ scheduler, up to 4.20.
            of(Slot::file("blkio.weight"), "10"),
        ],
        Version::V2 => [
            of(Slot::line("io.bfq.weight", "default", "100"), "1"),
            of(Slot::line("io.weight", "default", "100"), "1"),
        ],
    }
}

/// Gives a target the lowest IO weight in every file that this kernel has for it. Which of them counts depends on the
/// scheduler of each disk.
pub fn io(hands: &mut Hands, target: &Target, now: Timestamp) -> Deed {
    let Some(version) = target.version(IO) else {
        return Deed { means: None, outcome: Lost::Unplaced("blkio").into() };
    };
    hands.attempt(Means::IoWeight, now, |hands| {
        let outcomes = io_weights(version).map(|setting| hands.set(target, &setting));
        let [first, second] = outcomes;
        if second == Outcome::Done { second } else { first }
    })
}

/// Puts back the IO weight that a target had before us.
pub fn release_io(hands: &mut Hands, target: &Target) -> Outcome {
    let Some(version) = target.version(IO) else { return Outcome::Vanished };
    let outcomes = io_weights(version).map(|s| hands.put_back_in(target, IO, &s.slot));
    outcomes.into_iter().find(|o| *o != Outcome::Done).unwrap_or(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_give_is_light_and_what_services_have_is_not() {
        let cpus = |milli| Some(MilliCpus(milli));
        // Mesos gives a revocable task 10 shares a core, or a weight of 1; a regular one 1024, or 100.
        assert!(lightest(Version::V1, cpus(4000)) >= 40);
        assert!(lightest(Version::V1, cpus(4000)) < 4096);
        assert!(lightest(Version::V2, cpus(4000)) >= 4);
        // The kubelet's best-effort pods have no request and the least shares.
        assert_eq!(lightest(Version::V1, cpus(0)), 2);
        assert!(lightest(Version::V1, None) < 1024);
    }
}
