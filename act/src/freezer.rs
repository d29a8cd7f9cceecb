// SPDX-License-Identifier: Apache-2.0
//! Freezing a target: asked for once, true some milliseconds later, and undone by thawing.
//!
//! The v2 freezer is preferred where the target's processes are in the unified hierarchy: what it froze can be killed.
//! What the v1 freezer froze dies only when it is thawed.
//!
//! A process enters the freezer by itself, on a CPU. In the lowest class on a busy node that can take long, and does no
//! harm meanwhile: a target that is not frozen at the deadline but has hardly run since is taken for frozen.

use crate::cover::{Cover, cover};
use crate::fault::Lost;
use crate::held::Held;
use crate::means::Means;
use crate::outcome::Outcome;
use crate::place::Version;
use crate::setting::{Deed, Hands, Setting, outcome};
use crate::slot::{Slot, V1_FREEZER};
use crate::target::{Target, Tree};
use crate::usage::cpu_usec;
use gleaner_collector::Controller;
use gleaner_estimator::units::{Span, Timestamp};

/// A freeze takes 16 ms; at this time it is judged. Well below the 10 s that a freeze may last.
const DEADLINE: Span = Span::from_millis(500);
/// CPU time that a target may use between the order and the deadline and still count as stopped.
const STOPPED_USEC: u64 = 20_000;

/// The two freezers.
const TREES: [Tree; 2] = [Tree::Unified, Tree::Of(Controller::Freezer)];

/// A freeze under way or in force.
#[derive(Clone, Debug)]
pub struct Freeze {
    target: Target,
    tree: Tree,
    ordered: Timestamp,
    cpu_usec: Option<u64>,
}

/// How far a freeze has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// Some still run.
    Pending,
    /// It has been judged.
    Judged(Outcome),
}

fn setting(version: Version, tree: Tree) -> Setting {
    let (file, value) = match version {
        Version::V1 => (V1_FREEZER, "FROZEN"),
        Version::V2 => ("cgroup.freeze", "1"),
    };
    Setting { tree, slot: Slot::file(file), value: value.to_owned(), also: &[] }
}

/// The means that a freezer is.
const fn means(version: Version) -> Means {
    match version {
        Version::V1 => Means::FreezerV1,
        Version::V2 => Means::FreezerV2,
    }
}

impl Freeze {
    /// Orders a freeze with the first usable freezer that holds all of the target's processes and no others.
    ///
    /// # Errors
    /// What came of it, if none would do.
    pub fn order(hands: &mut Hands, target: &Target, now: Timestamp) -> Result<Self, Deed> {
        let mut last = Deed { means: None, outcome: Lost::Unplaced("freezer").into() };
        for tree in TREES {
            let Some(version) = target.version(tree) else { continue };
            if let Err(outcome) = covered(target, tree) {
                last = Deed { means: None, outcome };
                continue;
            }
            // The order alone proves nothing, so only its refusal is noted here; `poll` notes the rest.
            let means = means(version);
            let usable = hands.means.usable(means, now);
            let outcome =
                if usable { hands.set(target, &setting(version, tree)) } else { continue };
            if outcome == Outcome::Done {
                let cpu_usec = cpu_usec(target).ok();
                return Ok(Self { target: target.clone(), tree, ordered: now, cpu_usec });
            }
            hands.means.note(means, &outcome, now);
            last = Deed { means: Some(means), outcome };
        }
        Err(last)
    }

    /// Whom it stops.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// When it was ordered.
    #[must_use]
    pub const fn ordered(&self) -> Timestamp {
        self.ordered
    }

    /// The freezer in use.
    #[must_use]
    pub fn means(&self) -> Means {
        means(self.target.version(self.tree).unwrap_or(Version::V2))
    }

    /// Looks whether it has come true. Without effect at the deadline it is undone.
    pub fn poll(&self, hands: &mut Hands, now: Timestamp) -> Frozen {
        let state = match self.target.enter(self.tree) {
            Ok(held) => is_frozen(&held).map_err(|fault| outcome(&held, fault)),
            Err(lost) => Err(lost.into()),
        };
        let outcome = match state {
            Ok(true) => Outcome::Done,
            Ok(false) if now.since(self.ordered).is_none_or(|waited| waited < DEADLINE) => {
                return Frozen::Pending;
            }
            Ok(false) => self.judge_late(hands),
            Err(outcome) => outcome,
        };
        hands.means.note(self.means(), &outcome, now);
        Frozen::Judged(outcome)
    }

    fn judge_late(&self, hands: &mut Hands) -> Outcome {
        let used = self.cpu_usec.zip(cpu_usec(&self.target).ok());
        let used = used.and_then(|(before, after)| after.checked_sub(before));
        if used.is_some_and(|usec| usec <= STOPPED_USEC) {
            return Outcome::Done;
        }
        drop(self.thaw(hands));
        let used = used.map_or("unknown".to_owned(), |usec| format!("{} ms", usec / 1000));
        Outcome::NoEffect { found: format!("not frozen after {DEADLINE}, CPU used since: {used}") }
    }

    /// Thaws it, unless somebody else had frozen it before.
    pub fn thaw(&self, hands: &mut Hands) -> Outcome {
        match self.target.version(self.tree) {
            Some(version) => {
                hands.put_back_in(&self.target, self.tree, &setting(version, self.tree).slot)
            }
            None => Outcome::Vanished,
        }
    }
}

/// Whether a freezer reaches all of a target and nobody else.
fn covered(target: &Target, tree: Tree) -> Result<(), Outcome> {
    match cover(target, tree)? {
        Cover::Same => Ok(()),
        Cover::Partial(missing) => Err(Outcome::NoEffect {
            found: format!("{} of its processes are not in the freezer's cgroup", missing.len()),
        }),
        Cover::Foreign(pid) => {
            Err(Outcome::Refused { why: format!("process {pid} of others would be frozen too") })
        }
    }
}

/// Whether all in it have stopped, by whoever's order.
pub(crate) fn is_frozen(held: &Held) -> Result<bool, crate::fault::Fault> {
    if held.has(V1_FREEZER) {
        return Ok(held.read(V1_FREEZER)? == "FROZEN");
    }
    Ok(held.read("cgroup.events")?.lines().any(|line| line == "frozen 1"))
}

/// Whether any freezer holds it now.
pub(crate) fn is_held(target: &Target) -> bool {
    let frozen = |tree: Tree| target.enter(tree).is_ok_and(|held| is_frozen(&held) == Ok(true));
    TREES.into_iter().any(frozen)
}

/// Takes back every freeze of ours on a target.
pub(crate) fn release(hands: &mut Hands, target: &Target) -> Outcome {
    let mut outcome = Outcome::Done;
    for tree in TREES {
        if let Some(version) = target.version(tree) {
            let thawed = hands.put_back_in(target, tree, &setting(version, tree).slot);
            outcome = if outcome == Outcome::Done { thawed } else { outcome };
        }
    }
    outcome
}

/// Thaws a target that is being killed, and every cgroup in it, whoever froze them: on v1 they could not die else.
pub(crate) fn thaw_to_die(target: &Target) {
    let Ok(held) = target.enter(Tree::Of(Controller::Freezer)) else { return };
    held.walk(&mut |cgroup| {
        if cgroup.read(V1_FREEZER).is_ok_and(|state| state != "THAWED") {
            // A parent's freeze is not ours to lift; whether it worked shows in who is left.
            drop(cgroup.write(V1_FREEZER, "THAWED"));
        }
    });
}
