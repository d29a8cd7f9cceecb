// SPDX-License-Identifier: Apache-2.0
//! How soon contention that begins is answered, where best-effort work is not in its lowest class beforehand.
//!
//! The onset is on our own clock, what follows is in Gleaner's audit file, on the same clock (`CLOCK_BOOTTIME`).

use super::machine::{boot_ns, cores, ms_between};
use super::pause::pause;
use super::report::Reaction;
use super::schedule::Random;
use super::serve::{Order, Server};
use super::service::{Node, Service};
use crate::cgroup_rig::CgroupRig;
use crate::gleaner::Gleaner;
use crate::load::{Load, Work};
use anyhow::Result;
use serde_json::Value;
use std::time::Duration;

/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(8);
/// Between two looks at the audit file: looking uses the CPU that is contended.
const LOOK: Duration = Duration::from_millis(1500);
/// Decisions before the onset, one a second: what a guaranteed task shows alone is known after five.
const CALM: usize = 8;

/// What the guaranteed group does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guaranteed {
    /// Spins, a thread a core.
    Spinners,
    /// Serves at 60 % of its capacity.
    Service,
}

impl Guaranteed {
    const fn word(self) -> &'static str {
        match self {
            Self::Spinners => "spinners",
            Self::Service => "service",
        }
    }
}

/// One onset.
///
/// # Errors
/// Something cannot be started.
pub fn trial(
    rig: &CgroupRig,
    place: &str,
    guaranteed: Guaranteed,
    random: &mut Random,
) -> Result<Reaction> {
    let node = Node::new(rig)?;
    let mut spinner = None;
    let mut service = None;
    match guaranteed {
        Guaranteed::Spinners => {
            spinner = Some(Load::start(&Work::Spin { threads: cores() }, &node.guaranteed)?);
        }
        Guaranteed::Service => {
            let server = Server { threads: 8, pages: None };
            let mut started = Service::start(&server, &node.guaranteed)?;
            let rate = started.capacity(400)? * 0.6;
            // It is killed before its orders end.
            started.order(Order::Poisson { rate, seconds: 60.0, seed: random.next_u64() })?;
            service = Some(started);
        }
    }
    let mut contender = Load::prepare(&Work::Spin { threads: 2 * cores() }, &node.best_effort)?;
    let gleaner = Gleaner::start(&node.top, "squeeze", "[qos]\nstanding = \"on_harm\"");
    gleaner.let_decide(CALM);
    // Anywhere between two readings.
    pause(Duration::from_secs_f64(random.next_share()));
    let onset = boot_ns();
    contender.begin()?;
    let answer = wait_for_answer(&gleaner, onset);
    drop((gleaner, contender, spinner, service));
    Ok(Reaction { place: place.to_owned(), guaranteed: guaranteed.word().to_owned(), ..answer })
}

fn wait_for_answer(gleaner: &Gleaner, onset: u64) -> Reaction {
    let mut waited = Duration::ZERO;
    loop {
        pause(LOOK);
        waited += LOOK;
        let found = answer(&gleaner.audit(), onset, "standing_class", "cpu");
        if found.written_ms.is_some() || waited >= PATIENCE {
            return found;
        }
    }
}

/// The first act of this kind that took effect after the onset, and the decision behind it.
#[must_use]
pub fn answer(audit: &[Value], onset: u64, action: &str, resource: &str) -> Reaction {
    let ended = audit.iter().find(|line| {
        line["kind"] == "outcome"
            && line["outcome"] == "done"
            && line["action"].to_string().contains(action)
            && line["at"].as_u64().is_some_and(|at| at >= onset)
    });
    let decision = ended.and_then(|ended| {
        audit.iter().find(|line| line["kind"].is_null() && line["tick"] == ended["tick"])
    });
    let ms = |line: &Value| line["at"].as_u64().map(|at| ms_between(onset, at));
    let (seen_ms, written_ms) = (decision.and_then(ms), ended.and_then(ms));
    Reaction {
        place: String::new(),
        guaranteed: String::new(),
        signal: decision.map_or_else(|| "none".to_owned(), |line| leading(line, resource)),
        seen_ms,
        written_ms,
        ours_ms: seen_ms.zip(written_ms).map(|(seen, written)| written - seen),
    }
}

/// The signal that led a resource in a decision.
fn leading(decision: &Value, resource: &str) -> String {
    let resources = decision["assessment"]["resources"].as_array();
    let own = resources.into_iter().flatten().find(|this| this["resource"] == resource);
    own.and_then(|this| this["leading"].as_str()).unwrap_or("none").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_answer_is_the_first_act_after_the_onset() {
        let resources = json!([{ "resource": "cpu", "leading": "run_wait_burst" }]);
        let outcome = |tick: u64, at: u64| {
            json!({ "kind": "outcome", "tick": tick, "at": at, "outcome": "done",
                    "action": "standing_class" })
        };
        let audit = [
            outcome(1, 5_000_000),
            json!({ "tick": 2, "at": 92_000_000, "assessment": { "resources": resources } }),
            outcome(2, 94_000_000),
        ];
        let found = answer(&audit, 10_000_000, "standing_class", "cpu");
        assert_eq!((found.seen_ms, found.written_ms), (Some(82.0), Some(84.0)));
        assert_eq!(found.signal, "run_wait_burst");
    }
}
