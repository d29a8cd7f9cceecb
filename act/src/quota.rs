// SPDX-License-Identifier: Apache-2.0
//! A cap on a target's CPU: never above the quota it has of its own, and watched whether it holds.
//!
//! A quota is no protection (bursts within a period hurt all the same): it caps, where somebody asks for a cap.

use crate::fault::Lost;
use crate::held::Held;
use crate::means::Means;
use crate::outcome::Outcome;
use crate::place::Version;
use crate::setting::{Deed, Hands, Setting};
use crate::slot::Slot;
use crate::target::{Target, Tree};
use crate::usage::cpu_usec;
use gleaner_collector::Controller;
use gleaner_estimator::units::{MilliCpus, Span, Timestamp};
use rustix::io::Errno;

const TREE: Tree = Tree::Of(Controller::Cpu);
/// The kernel's default period, for a file that names none.
const PERIOD_USEC: u64 = 100_000;
/// The kernel takes no quota below a millisecond.
const LEAST_USEC: u64 = 1000;

/// A quota in µs a period; `None` is no limit.
type Quota = (Option<u64>, u64);

/// Caps a target at `cap`, or at its own quota if that is lower.
pub fn cap(hands: &mut Hands, target: &Target, cap: MilliCpus, now: Timestamp) -> Deed {
    let Some(version) = target.version(TREE) else {
        return Deed { means: None, outcome: Lost::Unplaced("cpu").into() };
    };
    hands.attempt(Means::CpuQuota, now, |hands| {
        let held = match hands.enter(target, TREE) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let (own, period) = match own(hands, &held, version) {
            Ok(quota) => quota,
            Err(lost) => return lost.into(),
        };
        let wanted = (cap.0.saturating_mul(period) / 1000).max(LEAST_USEC);
        if own.is_some_and(|own| own <= wanted) {
            return hands.put_back_in(target, TREE, &slot(version));
        }
        let value = match version {
            Version::V1 => wanted.to_string(),
            Version::V2 => format!("{wanted} {period}"),
        };
        hands.set(target, &Setting { tree: TREE, slot: slot(version), value, also: &[] })
    })
}

/// Puts back the quota that a target had before us.
pub fn release(hands: &mut Hands, target: &Target) -> Outcome {
    match target.version(TREE) {
        Some(version) => hands.put_back_in(target, TREE, &slot(version)),
        None => Outcome::Vanished,
    }
}

const fn slot(version: Version) -> Slot {
    match version {
        Version::V1 => Slot::file("cpu.cfs_quota_us"),
        Version::V2 => Slot::file("cpu.max"),
    }
}

/// The quota that somebody else gave it, and the period in force.
fn own(hands: &Hands, held: &Held, version: Version) -> Result<Quota, Lost> {
    let slot = slot(version);
    let now = slot.read(held).map_err(|fault| held.judge(fault))?;
    let ours = hands.journal.change(held, &slot).filter(|change| change.is_ours(&now));
    let text = ours.map_or(now.as_str(), |change| change.before.as_str());
    let quota = match version {
        Version::V2 => parse(text),
        Version::V1 => {
            let period = held.read("cpu.cfs_period_us").map_err(|fault| held.judge(fault))?;
            parse(&format!("{text} {period}"))
        }
    };
    quota.ok_or_else(|| {
        let path = held.path().join(slot.file.as_ref());
        crate::fault::Fault::new(&path, format!("understand {text:?}"), Errno::INVAL).into()
    })
}

/// `max 100000`, `50000 100000`; v1 says -1 for no limit.
fn parse(text: &str) -> Option<Quota> {
    let mut words = text.split_whitespace();
    let quota = match words.next()? {
        "max" | "-1" => None,
        number => Some(number.parse().ok()?),
    };
    let period = words.next().map_or(Some(PERIOD_USEC), |word| word.parse().ok())?;
    (period > 0).then_some((quota, period))
}

/// A cap whose effect is yet to be seen.
#[derive(Clone, Debug)]
pub struct Watch {
    target: Target,
    cap: MilliCpus,
    since: Timestamp,
    cpu_usec: u64,
}

/// Time after which a cap must show: several periods, and the slices that CPUs had already taken are small against it.
const SHOWS_AFTER: Span = Span::from_millis(500);

impl Watch {
    /// Begins to watch; `None` if the target's use cannot be read.
    #[must_use]
    pub fn begin(target: &Target, cap: MilliCpus, now: Timestamp) -> Option<Self> {
        let cpu_usec = cpu_usec(target).ok()?;
        Some(Self { target: target.clone(), cap, since: now, cpu_usec })
    }

    /// Judges it when it is time. More than one and a half times the cap, and some slices, is no cap.
    pub fn poll(&self, hands: &mut Hands, now: Timestamp) -> Option<Outcome> {
        let passed = now.since(self.since).filter(|passed| *passed >= SHOWS_AFTER)?;
        let used = cpu_usec(&self.target).ok()?.checked_sub(self.cpu_usec)?;
        let allowed = self.cap.0.saturating_mul(passed.0 / 1000) / 1000;
        if used <= allowed + allowed / 2 + 2 * PERIOD_USEC / 5 {
            return Some(Outcome::Done);
        }
        let found = format!("used {} ms in {passed} at a cap of {}", used / 1000, self.cap);
        let outcome = Outcome::NoEffect { found };
        hands.means.note(Means::CpuQuota, &outcome, now);
        Some(outcome)
    }

    /// When it can be judged.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        self.since.plus(SHOWS_AFTER)
    }

    /// Whom it watches.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_of_both_versions_are_read() {
        assert_eq!(parse("max 100000"), Some((None, 100_000)));
        assert_eq!(parse("-1 50000"), Some((None, 50_000)));
        assert_eq!(parse("25000 100000"), Some((Some(25_000), 100_000)));
        assert_eq!(parse("25000"), Some((Some(25_000), 100_000)));
        for bad in ["", "many 100000", "100 0", "100 x"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
