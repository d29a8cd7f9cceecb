// SPDX-License-Identifier: Apache-2.0
//! Which rung next: one at a time, undone in reverse when the resource is calm.
//!
//! | | CPU | memory | IO |
//! |---|---|---|---|
//! | 0 standing | lowest class | – | lowest io weight |
//! | Strained | quota where rung 0 cannot be had; probe | `memory.high` on growers; reclaim where there is swap | `io.max`; probe |
//! | Critical | freeze ≤ 10 s if the probe proved the cause; evict if that recurs, or the frozen would starve | freeze the fast grower; evict when memory runs out or a guaranteed task stalls | as CPU |
//!
//! * Rung 0 is not decided here: it stands whatever the level is.
//! * An actuator that is missing or broken is stepped over; nothing harsh over CPU or IO without proof,
//!   and where nothing can be frozen, so nothing proved, only harm as long as all those freezes would
//!   have taken; over CPU not even then if best-effort stands in the lowest class, for there a service
//!   that is busy with itself looks the same.
//! * A grower whose freeze is about to end is evicted instead where less than an ample part of the node's memory is left:
//!   a freeze gives nothing back, and thawed onto the edge it takes the rest before its growth can be measured again.
//! * Squeeze ends below the freeze. Observe walks the same rungs and only shows them.
//! * v1 has no `memory.high`: a limit at the present use made best-effort OOM-kill itself (measured).

use crate::capability::{Actuator, Capabilities};
use crate::level::Level;
use crate::probe::ProbeVerdict;
use crate::verdict::{Held, Mode, Reason};
use gleaner_estimator::reason::Resource;

/// What to do about one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing more.
    Hold(Held),
    /// Take back the highest rung in force.
    Undo(Actuator),
    /// Limit everybody who contributes.
    Limit(Actuator),
    /// Ask the causal question.
    Probe,
    /// Stop one.
    Freeze(Reason),
    /// End one.
    Evict(Reason),
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) level: Level,
    pub(crate) mode: Mode,
    pub(crate) can: &'a Capabilities,
    /// Rungs that are in force on somebody.
    pub(crate) on: [bool; Actuator::COUNT],
    /// Rungs that are on everybody who contributes, or failed on them: nothing is left to do there.
    pub(crate) full: [bool; Actuator::COUNT],
    /// Best-effort stands, or could stand, in the lowest CPU class.
    pub(crate) standing: bool,
    /// Memory: why an eviction cannot wait.
    pub(crate) urgent: Option<Reason>,
    pub(crate) proof: Option<ProbeVerdict>,
    pub(crate) probing: bool,
    pub(crate) probe_due: bool,
    pub(crate) recurs: bool,
    /// The one who would be frozen would starve.
    pub(crate) starves: bool,
    /// Harm over this resource has been Critical for as long as all the freezes would have taken.
    pub(crate) outlasted: bool,
    /// A signal asks for something now; a level also stands for what was.
    pub(crate) pressing: bool,
    /// A signal asks for Critical now.
    pub(crate) grave: bool,
    /// The last rung has had its time.
    pub(crate) waited: bool,
    pub(crate) swap: bool,
    /// Taking a rung back cannot bring the shortage back at once: a limit makes its own calm.
    pub(crate) roomy: bool,
    /// Somebody who was frozen for this resource is about to be thawed.
    pub(crate) thaws: bool,
}

/// Rungs of a resource that are undone, the highest first.
pub(crate) fn rungs(resource: Resource) -> &'static [Actuator] {
    match resource {
        Resource::Cpu => &[Actuator::Freeze, Actuator::CpuQuota],
        Resource::Memory => &[Actuator::Freeze, Actuator::MemoryHigh],
        Resource::Io => &[Actuator::Freeze, Actuator::IoLimit],
    }
}

/// The next step for a resource.
pub(crate) fn next(resource: Resource, facts: &Facts<'_>) -> Step {
    match (facts.level, resource) {
        (Level::Calm, _) => undo(resource, facts),
        // A freeze gives no memory back. Thawed onto what little is left, a grower would take it faster than its growth can
        // be measured again.
        (Level::Critical, Resource::Memory) if facts.thaws && !facts.roomy && facts.harsh() => {
            facts.evict(Reason::RunsOut)
        }
        (Level::Strained | Level::Critical, _) if !facts.pressing => Step::Hold(Held::Enough),
        (Level::Strained | Level::Critical, Resource::Memory) => memory(facts),
        (Level::Strained | Level::Critical, Resource::Cpu | Resource::Io) => {
            proved(resource, facts)
        }
    }
}

fn undo(resource: Resource, facts: &Facts<'_>) -> Step {
    match rungs(resource).iter().find(|rung| facts.on[rung.index()]) {
        Some(Actuator::MemoryHigh) if !facts.roomy => Step::Hold(Held::Enough),
        Some(rung) if facts.waited => Step::Undo(*rung),
        Some(_) => Step::Hold(Held::Waiting),
        None => Step::Hold(Held::Enough),
    }
}

impl Facts<'_> {
    /// Whether this rung is there and not yet on everybody.
    fn open(&self, rung: Actuator) -> bool {
        self.can.works(rung) && !self.full[rung.index()]
    }

    /// Whether we may freeze for longer than a probe, and end tasks; observing shows what evicting would do.
    fn harsh(&self) -> bool {
        match self.mode {
            Mode::Observe | Mode::Evict => true,
            Mode::Squeeze => false,
        }
    }

    fn evict(&self, reason: Reason) -> Step {
        if self.can.works(Actuator::Evict) {
            Step::Evict(reason)
        } else {
            Step::Hold(Held::NoActuator)
        }
    }
}

fn memory(facts: &Facts<'_>) -> Step {
    if let Some(reason) = facts.urgent.filter(|_| facts.harsh()) {
        return facts.evict(reason);
    }
    if facts.open(Actuator::MemoryHigh) {
        return Step::Limit(Actuator::MemoryHigh);
    }
    if facts.swap && facts.waited && facts.open(Actuator::Reclaim) {
        return Step::Limit(Actuator::Reclaim);
    }
    // Unlike CPU harm a shortage does not become grave by lasting: only what is grave now counts.
    if facts.level < Level::Critical || !facts.grave {
        return Step::Hold(Held::Enough);
    }
    if !facts.harsh() {
        return Step::Hold(Held::Mode);
    }
    if !facts.waited && facts.on[Actuator::MemoryHigh.index()] {
        return Step::Hold(Held::Waiting);
    }
    if facts.recurs {
        return facts.evict(Reason::Recurs);
    }
    if facts.starves {
        return facts.evict(Reason::Starves);
    }
    if facts.on[Actuator::Freeze.index()] {
        return Step::Hold(Held::Enough);
    }
    if facts.can.works(Actuator::Freeze) {
        return Step::Freeze(Reason::Grows);
    }
    // Without a freezer the eviction line is the next rung, and `urgent` says when it is reached.
    Step::Hold(Held::NoActuator)
}

/// CPU and IO: limits at once, anything harsh only when best-effort is proved to be the cause.
fn proved(resource: Resource, facts: &Facts<'_>) -> Step {
    let limit = match resource {
        Resource::Cpu => Actuator::CpuQuota,
        Resource::Io | Resource::Memory => Actuator::IoLimit,
    };
    if let Some(reason) = facts.urgent.filter(|_| facts.harsh() && facts.level == Level::Critical) {
        return facts.evict(reason);
    }
    // A quota costs best-effort work and protects less than the lowest class: only where that cannot be had.
    let wanted = resource != Resource::Cpu || !facts.standing;
    if wanted && facts.open(limit) {
        return Step::Limit(limit);
    }
    if facts.probing {
        return Step::Hold(Held::Probing);
    }
    if !facts.waited {
        return Step::Hold(Held::Waiting);
    }
    let can_freeze = facts.can.works(Actuator::Freeze);
    if can_freeze && facts.proof != Some(ProbeVerdict::Caused) {
        return match (facts.probe_due, facts.proof) {
            (true, _) => Step::Probe,
            (false, Some(ProbeVerdict::NotCaused)) => Step::Hold(Held::NotCaused),
            (false, _) => Step::Hold(Held::Unproved),
        };
    }
    if facts.level < Level::Critical {
        return Step::Hold(Held::Enough);
    }
    if !facts.harsh() {
        return Step::Hold(Held::Mode);
    }
    let outlasted = facts.outlasted && wanted;
    match (can_freeze, facts.recurs, facts.starves, outlasted) {
        (true, true, _, _) | (false, _, _, true) => facts.evict(Reason::Recurs),
        (true, false, true, _) => facts.evict(Reason::Starves),
        (true, false, false, _) if facts.on[Actuator::Freeze.index()] => Step::Hold(Held::Enough),
        (true, false, false, _) => Step::Freeze(Reason::Proved),
        (false, _, _, false) => Step::Hold(Held::Unproved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Ability;
    use Held::{Enough, NoActuator, NotCaused, Probing, Unproved, Waiting};
    use Step::{Evict, Freeze, Hold, Limit, Probe, Undo};

    fn all() -> Capabilities {
        Actuator::ALL.iter().fold(Capabilities::none(), |c, a| c.with(*a, Ability::Works))
    }

    /// Pressing Critical harm in mode evict, everything works, nothing done yet.
    fn facts(can: &Capabilities) -> Facts<'_> {
        Facts {
            level: Level::Critical,
            mode: Mode::Evict,
            can,
            on: [false; Actuator::COUNT],
            full: [false; Actuator::COUNT],
            standing: true,
            urgent: None,
            proof: None,
            probing: false,
            probe_due: true,
            recurs: false,
            starves: false,
            outlasted: false,
            pressing: true,
            grave: true,
            waited: true,
            swap: false,
            roomy: true,
            thaws: false,
        }
    }

    fn with(actuators: &[Actuator]) -> [bool; Actuator::COUNT] {
        Actuator::ALL.map(|a| actuators.contains(&a))
    }

    #[test]
    fn cpu_climbs_probe_freeze_evict_and_every_door_has_its_reason() {
        let (can, caused) = (all(), Some(ProbeVerdict::Caused));
        let base = facts(&can);
        let no_freezer = all().with(Actuator::Freeze, Ability::Missing);
        let bare = facts(&no_freezer);
        let full = with(&[Actuator::CpuQuota]);
        let frozen = with(&[Actuator::Freeze]);
        let not = Some(ProbeVerdict::NotCaused);
        let table = [
            (Probe, base),
            (Hold(Probing), Facts { probing: true, ..base }),
            (Hold(Waiting), Facts { waited: false, ..base }),
            (Hold(Unproved), Facts { probe_due: false, ..base }),
            (Hold(NotCaused), Facts { probe_due: false, proof: not, ..base }),
            (Probe, Facts { proof: not, ..base }),
            (Freeze(Reason::Proved), Facts { proof: caused, ..base }),
            (Hold(Enough), Facts { proof: caused, level: Level::Strained, ..base }),
            (Hold(Held::Mode), Facts { proof: caused, mode: Mode::Squeeze, ..base }),
            (Hold(Enough), Facts { proof: caused, on: frozen, ..base }),
            (Evict(Reason::Recurs), Facts { proof: caused, recurs: true, ..base }),
            (Evict(Reason::Starves), Facts { proof: caused, starves: true, ..base }),
            (Limit(Actuator::CpuQuota), Facts { standing: false, ..base }),
            (Hold(Unproved), bare),
            (Hold(Unproved), Facts { outlasted: true, ..bare }),
            (Evict(Reason::Recurs), Facts { outlasted: true, standing: false, full, ..bare }),
            (Hold(Enough), Facts { pressing: false, recurs: true, proof: caused, ..base }),
        ];
        for (want, facts) in table {
            assert_eq!(next(Resource::Cpu, &facts), want, "{facts:?}");
        }
    }

    #[test]
    fn memory_limits_first_and_evicts_when_it_cannot_wait() {
        let can = all();
        let base = facts(&can);
        let v1 = all().with(Actuator::MemoryHigh, Ability::Missing);
        let bare = v1.with(Actuator::Freeze, Ability::Broken);
        let limited = with(&[Actuator::MemoryHigh]);
        let urgent = Some(Reason::RunsOut);
        let table = [
            (Limit(Actuator::MemoryHigh), base),
            (Limit(Actuator::MemoryHigh), Facts { level: Level::Strained, ..base }),
            (Evict(Reason::RunsOut), Facts { urgent, ..base }),
            (Limit(Actuator::MemoryHigh), Facts { urgent, mode: Mode::Squeeze, ..base }),
            (Limit(Actuator::Reclaim), Facts { full: limited, swap: true, ..base }),
            (Hold(Waiting), Facts { on: limited, full: limited, waited: false, ..base }),
            (Freeze(Reason::Grows), Facts { on: limited, full: limited, ..base }),
            (Freeze(Reason::Grows), facts(&v1)),
            (Hold(Enough), Facts { level: Level::Strained, ..facts(&v1) }),
            (Hold(Enough), Facts { grave: false, ..facts(&v1) }),
            (Hold(Held::Mode), Facts { mode: Mode::Squeeze, ..facts(&v1) }),
            (Evict(Reason::Recurs), Facts { recurs: true, ..facts(&v1) }),
            (Hold(NoActuator), facts(&bare)),
            (Evict(Reason::RunsOut), Facts { thaws: true, roomy: false, pressing: false, ..base }),
            (Hold(Enough), Facts { thaws: true, pressing: false, ..base }),
            (Hold(Enough), Facts { roomy: false, pressing: false, ..base }),
            (Evict(Reason::Stalls), Facts { urgent: Some(Reason::Stalls), ..facts(&bare) }),
        ];
        for (want, facts) in table {
            assert_eq!(next(Resource::Memory, &facts), want, "{facts:?}");
        }
    }

    #[test]
    fn calm_undoes_the_highest_rung_first_and_never_a_limit_that_makes_the_calm() {
        let can = all();
        let calm = Facts { level: Level::Calm, pressing: false, ..facts(&can) };
        let both = with(&[Actuator::CpuQuota, Actuator::Freeze]);
        let high = with(&[Actuator::MemoryHigh]);
        assert_eq!(next(Resource::Cpu, &calm), Hold(Enough));
        assert_eq!(next(Resource::Cpu, &Facts { on: both, ..calm }), Undo(Actuator::Freeze));
        let quota = Facts { on: with(&[Actuator::CpuQuota]), ..calm };
        assert_eq!(next(Resource::Cpu, &quota), Undo(Actuator::CpuQuota));
        assert_eq!(next(Resource::Cpu, &Facts { waited: false, ..quota }), Hold(Waiting));
        assert_eq!(next(Resource::Memory, &Facts { on: high, ..calm }), Undo(Actuator::MemoryHigh));
        let tight = Facts { on: high, roomy: false, ..calm };
        assert_eq!(next(Resource::Memory, &tight), Hold(Enough));
    }

    #[test]
    fn io_is_limited_before_it_is_probed() {
        let can = all();
        assert_eq!(next(Resource::Io, &facts(&can)), Limit(Actuator::IoLimit));
        let limited = Facts { full: with(&[Actuator::IoLimit]), ..facts(&can) };
        assert_eq!(next(Resource::Io, &limited), Probe);
    }
}
