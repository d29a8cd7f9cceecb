// SPDX-License-Identifier: Apache-2.0
//! A long run in which nothing is wrong: a service whose load goes up and down beside every kind of best-effort work,
//! under `gleaner run` in mode `evict`. Each eviction in it is a false one.

use super::kind::Kind;
use super::report::Calm;
use super::schedule::Random;
use super::serve::{Order, Server};
use super::service::{Node, Service};
use super::table::percentiles;
use crate::cgroup_rig::CgroupRig;
use crate::gleaner::Gleaner;
use crate::load::Load;
use anyhow::Result;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Loads that follow one another, per cent of the capacity.
const LOADS: [u32; 6] = [20, 40, 60, 70, 50, 30];
/// How long each is kept, seconds.
const STEP_S: f64 = 10.0;
/// A freeze for longer than this is no probe.
const PROBE_NS: u64 = 1_000_000_000;

/// Runs for so long.
///
/// # Errors
/// Something cannot be started, or ends.
pub fn run(rig: &CgroupRig, length: Duration, directory: &Path, seed: u64) -> Result<Calm> {
    let node = Node::new(rig)?;
    let mut random = Random::new(seed);
    let mut service = Service::start(&Server { threads: 8, pages: None }, &node.guaranteed)?;
    let capacity = service.capacity(1000)?;
    let gleaner = Gleaner::start(&node.top, "evict", "");
    let mut loads = Vec::new();
    for work in Kind::ALL.iter().flat_map(|kind| kind.works(directory)) {
        loads.push(Load::start(&work, &node.best_effort)?);
    }
    let (begun, mut latencies) = (Instant::now(), Vec::new());
    for load in LOADS.into_iter().cycle() {
        let left = length.saturating_sub(begun.elapsed()).as_secs_f64();
        if left <= 0.0 {
            break;
        }
        let rate = capacity * f64::from(load) / 100.0;
        let order = Order::Poisson { rate, seconds: left.min(STEP_S), seed: random.next_u64() };
        service.order(order)?;
        latencies.extend(service.served()?.latencies_us);
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    let mut all_lived = true;
    for load in &mut loads {
        all_lived &= load.runs()?;
    }
    let audit = gleaner.audit();
    let (probes, freezes) = freezes(&audit);
    Ok(Calm {
        minutes,
        kinds: Kind::ALL.to_vec(),
        decisions: audit.iter().filter(|line| line["kind"].is_null()).count(),
        evictions: intents(&audit).filter(|line| line["action"] == "evict").count(),
        freezes,
        probes,
        latency: percentiles(latencies),
        all_lived,
    })
}

fn intents(audit: &[Value]) -> impl Iterator<Item = &Value> {
    audit.iter().filter(|line| line["kind"] == "intent")
}

/// Short freezes and long ones: a probe is told from what follows from it by its end.
fn freezes(audit: &[Value]) -> (usize, usize) {
    let decided = |tick: &Value| {
        let own = audit.iter().find(|line| line["kind"].is_null() && line["tick"] == *tick);
        own.and_then(|line| line["at"].as_u64())
    };
    let length = |line: &Value| {
        let until = line["action"]["freeze"]["until"].as_u64()?;
        Some(until.saturating_sub(decided(&line["tick"])?))
    };
    let lengths: Vec<u64> = intents(audit).filter_map(length).collect();
    let probes = lengths.iter().filter(|length| **length <= PROBE_NS).count();
    (probes, lengths.len() - probes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_probe_is_a_short_freeze() {
        let freeze = |tick: u64, until: u64| json!({ "kind": "intent", "tick": tick, "action": { "freeze": { "until": until } } });
        let audit = [
            json!({ "tick": 1, "at": 1_000_000_000_u64 }),
            freeze(1, 1_200_000_000),
            json!({ "tick": 2, "at": 5_000_000_000_u64 }),
            freeze(2, 15_000_000_000),
            json!({ "kind": "intent", "tick": 2, "action": "evict" }),
        ];
        assert_eq!(freezes(&audit), (1, 1));
    }
}
