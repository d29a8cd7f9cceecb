// SPDX-License-Identifier: Apache-2.0
//! What a policy's answer asks for, checked like any input: no offer above the slack, no victim but best-effort.
//!
//! A decision of another policy needs only these members of an audit line; everything else is its own:
//!
//! ```json
//! {"cpu": {"offer": {"amount": 1500}}, "memory": {"offer": {"amount": 0}},
//!  "verdict": {"corrections": [{"task": {"name": "mesos/c1", "inode": 7}, "resource": "cpu", "action": "evict"}]}}
//! ```
//!
//! The engine of the host goes on beside it: its slack is the bound of every offer, and where it could
//! not use a reading nothing is offered and nobody is evicted.

use gleaner_engine::decision::{Decision, Health, ResourceDecision};
use gleaner_estimator::offer::Offer;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Sample, TaskId};
use gleaner_estimator::units::{Amount, Bytes, MilliCpus};
use gleaner_qos::verdict::{BestEffort, Correction, Verdict};
use serde::Deserialize;

/// More corrections in one answer than this are nonsense.
const MOST: usize = 100;

/// Why an answer is not used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// It is not such an object.
    #[error("the policy's answer is no decision: {0}")]
    Malformed(String),
    /// It names somebody who is not best-effort in the sample that was judged.
    #[error("the policy wants {0} to be evicted, which is not a best-effort task")]
    Victim(String),
    /// It asks for something that only the built-in policy may: its book-keeping belongs to it.
    #[error("the policy asks for {0}: another policy can only evict")]
    Action(String),
    /// It asks for more at once than makes sense.
    #[error("the policy asks for {0} corrections at once, more than {MOST}")]
    TooMany(usize),
}

/// What an answer asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Proposal {
    /// Of CPU.
    pub cpu: Part<MilliCpus>,
    /// Of memory.
    pub memory: Part<Bytes>,
    /// Who is to go.
    #[serde(default)]
    pub verdict: Wanted,
}

/// One resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Part<Q> {
    /// What is to be offered.
    pub offer: Amounted<Q>,
}

/// How much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Amounted<Q> {
    /// More than is lent.
    pub amount: Q,
}

/// Corrections.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Wanted {
    /// In this order.
    #[serde(default)]
    pub corrections: Vec<Victim>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Victim {
    /// Whom.
    pub task: TaskId,
    /// Over what.
    pub resource: Resource,
    /// What; only `"evict"` is taken.
    pub action: serde_json::Value,
}

impl Proposal {
    /// Reads an answer.
    ///
    /// # Errors
    /// It is not such an object.
    pub fn read(answer: &[u8]) -> Result<Self, Nonsense> {
        let read: Self =
            serde_json::from_slice(answer).map_err(|e| Nonsense::Malformed(e.to_string()))?;
        match read.verdict.corrections.len() {
            count if count > MOST => Err(Nonsense::TooMany(count)),
            _ => Ok(read),
        }
    }

    /// Puts what was proposed in the place of the host engine's own offers and corrections.
    ///
    /// Offers are cut to the slack. `would` marks corrections that are only to be shown.
    ///
    /// # Errors
    /// It is nonsense: `decision` then offers nothing and corrects nobody.
    pub fn apply(
        &self,
        decision: &mut Decision,
        sample: &Sample,
        would: bool,
    ) -> Result<(), Nonsense> {
        let corrections = self.corrections(decision, sample, would);
        let usable = decision.health == Health::Fresh;
        let good = usable && corrections.is_ok();
        take(&mut decision.cpu, if good { self.cpu.offer.amount } else { MilliCpus(0) });
        take(&mut decision.memory, if good { self.memory.offer.amount } else { Bytes(0) });
        let held = decision.verdict.held;
        decision.verdict = Verdict { held, ..Verdict::default() };
        match corrections {
            Ok(list) if usable => decision.verdict.corrections = list,
            Ok(_) => {}
            Err(nonsense) => return Err(nonsense),
        }
        Ok(())
    }

    fn corrections(
        &self,
        decision: &Decision,
        sample: &Sample,
        would: bool,
    ) -> Result<Vec<Correction>, Nonsense> {
        let one = |victim: &Victim| {
            if victim.action != "evict" {
                return Err(Nonsense::Action(victim.action.to_string()));
            }
            let mut all = BestEffort::all(sample);
            let who = all.find(|who| who.sample().task.id == victim.task);
            let who = who.ok_or_else(|| Nonsense::Victim(victim.task.name.to_string()))?;
            let level = match &decision.assessment {
                Some(assessment) => assessment.of(victim.resource).level,
                None => decision.cpu.level,
            };
            Ok(Correction::proposed(&who, victim.resource, level, would))
        };
        self.verdict.corrections.iter().map(one).collect()
    }
}

/// Offers what was asked for, at most what the slack leaves.
fn take<Q: Amount>(resource: &mut ResourceDecision<Q>, asked: Q) {
    let most = resource.slack.less(resource.lent);
    let bound = if asked > most { resource.slack_bound } else { resource.offer.bound };
    resource.offer = Offer { amount: asked.min(most), target: asked, bound };
}
