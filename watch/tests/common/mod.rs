// SPDX-License-Identifier: Apache-2.0
//! Decisions as the engine makes them, from the formula itself and numbers of the test's choice.

use gleaner_engine::decision::{
    Decision, Health, MAX_HORIZONS, Mode, Peak, PerClass, ResourceDecision,
};
use gleaner_estimator::offer::{OfferRule, OfferState};
use gleaner_estimator::reason::Bound;
use gleaner_estimator::slack::{Lend, SlackInput, slack};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus, Ratio, Span, Timestamp};
use gleaner_qos::level::Level;
use gleaner_qos::verdict::Verdict;
use gleaner_watch::about::About;
use std::collections::BTreeMap;

/// The numbers behind one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) capacity: u64,
    pub(crate) reserve: u64,
    pub(crate) cap: Option<u64>,
    pub(crate) lend: Lend,
    pub(crate) allocated: u64,
    pub(crate) peak_guaranteed: u64,
    pub(crate) peak_system: u64,
    pub(crate) lent: u64,
    pub(crate) threshold: u64,
    pub(crate) quantum: u64,
    pub(crate) rise: Option<u64>,
    pub(crate) gate: Option<Bound>,
}

impl Numbers {
    /// The node of the specification's wireframe, in millicores.
    pub(crate) const WIREFRAME: Self = Self {
        capacity: 64_000,
        reserve: 3_200,
        cap: None,
        lend: Lend::Headroom,
        allocated: 48_000,
        peak_guaranteed: 37_900,
        peak_system: 3_400,
        lent: 19_000,
        threshold: 100,
        quantum: 100,
        rise: None,
        gate: None,
    };

    /// The same in steps of a 64th of a GiB.
    pub(crate) const MEMORY_OFF: Self = Self {
        capacity: 256 << 30,
        reserve: 26 << 30,
        allocated: 200 << 30,
        peak_guaranteed: 150 << 30,
        peak_system: 4 << 30,
        lent: 0,
        threshold: 256 << 20,
        quantum: 64 << 20,
        gate: Some(Bound::Off),
        ..Self::WIREFRAME
    };

    fn peak<Q: Amount>(self) -> Peak<Q> {
        Peak {
            horizon: Span::from_secs(1800),
            guaranteed: Q::from_raw(self.peak_guaranteed),
            node: Q::from_raw(self.peak_guaranteed + self.peak_system),
        }
    }

    /// What the engine concludes from them.
    pub(crate) fn conclude<Q: Amount>(self) -> ResourceDecision<Q> {
        let q = Q::from_raw;
        let peak = self.peak();
        let formula = slack(&SlackInput {
            capacity: q(self.capacity),
            reserve: q(self.reserve),
            cap: self.cap.map(q),
            lend: self.lend,
            allocated_guaranteed: q(self.allocated),
            peak_guaranteed: peak.guaranteed,
            peak_node: peak.node,
        });
        let rule = OfferRule {
            threshold: q(self.threshold),
            quantum: q(self.quantum),
            rise: self.rise.map(q),
            rise_every: Span::from_secs(10),
        };
        let at = Timestamp(5_000_000_000);
        let offer = OfferState::default().update(at, &rule, &formula, q(self.lent), self.gate);
        let class = |guaranteed| PerClass {
            guaranteed: q(guaranteed),
            best_effort: q(self.lent),
            system: q(0),
        };
        let mut peaks = [None; MAX_HORIZONS];
        peaks[0] = Some(peak);
        ResourceDecision {
            capacity: q(self.capacity),
            reserve: q(self.reserve),
            cap: self.cap.map(q),
            threshold: rule.threshold,
            quantum: rule.quantum,
            rise: rule.rise,
            rise_every: rule.rise_every,
            lend: self.lend,
            risk: Ratio::from_milli(10),
            allocated: class(self.allocated),
            usage: PerClass::from_fn(|c| Some(*class(self.peak_guaranteed / 2).of(c))),
            peak: Some(peak),
            peaks,
            scores: [None; MAX_HORIZONS],
            headroom: formula.headroom,
            usage_slack: formula.usage_slack,
            slack: formula.slack,
            slack_bound: formula.bound,
            lent: q(self.lent),
            offer,
            level: Level::Calm,
        }
    }
}

/// A decision of an acting, warm engine.
pub(crate) fn decision(cpu: Numbers, memory: Numbers) -> Decision {
    Decision {
        tick: 7,
        at: Timestamp(5_000_000_000),
        wall_ms: 1_700_000_000_000,
        mode: Mode::Evict,
        health: Health::Fresh,
        cpu: cpu.conclude::<MilliCpus>(),
        memory: memory.conclude::<Bytes>(),
        assessment: None,
        verdict: Verdict::default(),
        tasks: PerClass { guaranteed: 2, best_effort: 1, system: 0 },
        vanished: 0,
    }
}

/// A host that knows where its settings stand.
pub(crate) fn about() -> About {
    let places = [("cpu.cap", 12), ("memory.enabled", 31)]
        .map(|(key, line)| (key.to_owned(), format!("gleaner.toml:{line}")));
    About {
        node: "node-0417".to_owned(),
        version: "0.1.0".to_owned(),
        revision: "abc1234".to_owned(),
        started_ms: 1_699_999_000_000,
        interval: Span::from_secs(1),
        stale_after: Span::from_secs(3),
        horizons: [300, 1800, 86_400].map(Span::from_secs).to_vec(),
        policy: "calibrated".to_owned(),
        shadows: Vec::new(),
        places: BTreeMap::from(places),
        layout: serde_json::Value::Null,
    }
}
