// SPDX-License-Identifier: Apache-2.0
//! Keeping a target's memory from growing, and taking back what it can do without. Both need cgroup v2: a v1 limit
//! makes the kernel kill inside the cgroup, and a v1 soft limit does nothing in time (measured).

use crate::means::Means;
use crate::outcome::Outcome;
use crate::place::Version;
use crate::setting::{Deed, Hands, Setting, outcome};
use crate::slot::Slot;
use crate::target::{Target, Tree};
use crate::usage::memory_bytes;
use gleaner_collector::Controller;
use gleaner_estimator::units::{Bytes, Timestamp};
use rustix::io::Errno;

const TREE: Tree = Tree::Of(Controller::Memory);
const HIGH: Slot = Slot::file("memory.high");

/// Most that is reclaimed in one call, because the call lasts until it is done: 8 MiB of clean cache take some 2 ms.
const STEP: u64 = 8 << 20;

/// Throttles a target's growth above `high`, or above its own `memory.high` if that is lower. What it holds it keeps.
pub fn high(hands: &mut Hands, target: &Target, high: Bytes, now: Timestamp) -> Deed {
    if let Some(deed) = needs_v2(target, "memory.high") {
        return deed;
    }
    hands.attempt(Means::MemoryHigh, now, |hands| {
        let held = match hands.enter(target, TREE) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let found = match HIGH.read(&held) {
            Ok(found) => found,
            Err(fault) => return outcome(&held, fault),
        };
        let ours = hands.journal.change(&held, &HIGH).filter(|change| change.is_ours(&found));
        let own = ours.map_or(found.as_str(), |change| change.before.as_str());
        // The kernel keeps whole pages and rounds down.
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let wanted = high.0 / page * page;
        if own.parse::<u64>().is_ok_and(|own| own <= wanted) {
            return hands.put_back_in(target, TREE, &HIGH);
        }
        let value = wanted.to_string();
        hands.set(target, &Setting { tree: TREE, slot: HIGH, value, also: &[] })
    })
}

/// Puts back the `memory.high` that a target had before us.
pub fn release(hands: &mut Hands, target: &Target) -> Outcome {
    hands.put_back_in(target, TREE, &HIGH)
}

/// A reclaim under way: some at every poll, because the kernel works inside the call.
#[derive(Clone, Debug)]
pub struct Reclaim {
    target: Target,
    left: u64,
    began_at: u64,
}

impl Reclaim {
    /// Begins to take `bytes` from a target.
    ///
    /// # Errors
    /// What came of it, where it cannot begin.
    pub fn begin(hands: &Hands, target: Target, bytes: Bytes) -> Result<Self, Deed> {
        if let Some(deed) = needs_v2(&target, "memory.reclaim") {
            return Err(deed);
        }
        let began_at = hands.enter(&target, TREE).and_then(|_| Ok(memory_bytes(&target)?));
        let began_at = began_at.map_err(|outcome| Deed { means: None, outcome })?;
        Ok(Self { target, left: bytes.0, began_at })
    }

    /// From whom.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Takes some more; answers when there is no more to take. `Done` if the target then holds less than before.
    pub fn poll(&mut self, hands: &mut Hands, now: Timestamp) -> Option<Deed> {
        let step = self.left.min(STEP);
        let outcome = match hands.enter(&self.target, TREE) {
            Ok(held) if step > 0 => match held.write("memory.reclaim", &step.to_string()) {
                Ok(()) => {
                    self.left -= step;
                    if self.left > 0 {
                        return None;
                    }
                    self.measure()
                }
                // Less could be reclaimed than asked: it has no more to give.
                Err(fault) if fault.errno == Errno::AGAIN => self.measure(),
                Err(fault) => outcome(&held, fault),
            },
            Ok(_) => self.measure(),
            Err(outcome) => outcome,
        };
        hands.means.note(Means::MemoryReclaim, &outcome, now);
        Some(Deed { means: Some(Means::MemoryReclaim), outcome })
    }

    fn measure(&self) -> Outcome {
        match memory_bytes(&self.target) {
            Ok(now) if now < self.began_at => Outcome::Done,
            Ok(now) => Outcome::NoEffect {
                found: format!("it holds {}, before {}", Bytes(now), Bytes(self.began_at)),
            },
            Err(lost) => lost.into(),
        }
    }
}

fn needs_v2(target: &Target, file: &str) -> Option<Deed> {
    match target.version(TREE) {
        Some(Version::V2) => None,
        Some(Version::V1) | None => Some(Deed {
            means: None,
            outcome: Outcome::Failed {
                errno: Errno::OPNOTSUPP.raw_os_error(),
                what: format!(
                    "{}: {file} needs cgroup v2 with the memory controller",
                    target.name()
                ),
            },
        }),
    }
}
