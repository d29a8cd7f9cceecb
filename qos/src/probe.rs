// SPDX-License-Identifier: Apache-2.0
//! The causal probe: freeze the suspects for 200 ms and see whether the harmed task waits less.
//!
//! ```text
//!            start()                 acted()            `until`             as long again
//!   Idle ──────────────▶ Asked ──────────────▶ Frozen ──────────▶ Thawed ──────────────▶ Idle + outcome
//!    ▲                     │ nothing reported by the end, or all failed: Unclear(NotActed)
//!    └─────────────────────┘
//! ```
//!
//! * **Measure**: run-queue wait per CPU of the harmed task, before, while frozen, and after the thaw. It separated
//!   all cases where PSI did not (a backlog keeps PSI high for longer than 200 ms; measured). Without
//!   schedstat, and for IO, the stall share: a fall proves the cause, no fall proves nothing.
//! * **Why after the thaw as well**: a probe is asked when a service waits much, so by itself it soon waits less. What
//!   falls with the freeze and does not come back with the thaw has fallen by itself (simulated: without this,
//!   services that queue in themselves had best-effort frozen).
//! * **When it says nothing**: steal above the guard in any part, fewer than two readings while frozen or
//!   after, a harmed task that did not run, an actuator that did nothing, a clock jump.
//! * **How long a proof stands**: `proof`, not beyond the return to calm, for the next harm may have another cause,
//!   and for one freeze or eviction: the next needs its own.
//! * **Limits**: at most once in `every`, doubled while it says "not caused", at most `suspects` tasks.

use crate::config::QosConfig;
use gleaner_estimator::glance::Glance;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{CpuTimes, TaskId};
use gleaner_estimator::units::{Span, Timestamp};
use serde::Serialize;

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeVerdict {
    /// The harmed task waits less without the suspects: they are the cause.
    Caused,
    /// It waits as long without them, or as little when they are back.
    NotCaused,
    /// Too much steal.
    UnclearSteal,
    /// Too little was read while they were frozen.
    UnclearBlind,
    /// The stall did not fall, which a backlog explains as well as innocence.
    UnclearBacklog,
    /// They were not frozen.
    UnclearNotActed,
}

impl ProbeVerdict {
    /// The word used in metrics, JSON and text.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Caused => "caused",
            Self::NotCaused => "not_caused",
            Self::UnclearSteal => "unclear_steal",
            Self::UnclearBlind => "unclear_blind",
            Self::UnclearBacklog => "unclear_backlog",
            Self::UnclearNotActed => "unclear_not_acted",
        }
    }
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Run-queue wait per CPU time.
    WaitPerCpu,
    /// Share of time stalled.
    Stall,
}

/// A finished probe: the measured answer to "what if best-effort were not there?".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeOutcome {
    /// When it ended.
    pub at: Timestamp,
    /// For which resource.
    pub resource: Resource,
    /// The guaranteed task whose wait was compared.
    pub harmed: TaskId,
    /// How many tasks were frozen.
    pub suspects: usize,
    /// What was compared.
    pub measure: Measure,
    /// Before.
    pub before: f64,
    /// While the suspects were frozen; `None` where that could not be measured.
    pub during: Option<f64>,
    /// After they were thawed; `None` where that could not be measured.
    pub after: Option<f64>,
    /// The verdict.
    pub verdict: ProbeVerdict,
}

/// Counters of the harmed task and of the node at one instant.
#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Timestamp,
    wait_ns: Option<u64>,
    ran_ns: Option<u64>,
    stall_usec: Option<u64>,
    cpu: Option<CpuTimes>,
}

/// The first and the last reading of one part of a probe.
type Part = Option<(Seen, Seen)>;

#[derive(Clone, Debug)]
struct Running {
    outcome: ProbeOutcome,
    until: Timestamp,
    /// When what follows the thaw has been watched for as long as the freeze.
    over: Timestamp,
    frozen_at: Option<Timestamp>,
    failed: usize,
    frozen: Part,
    thawed: Part,
}

/// What is to be asked of a probe.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) resource: Resource,
    pub(crate) harmed: TaskId,
    pub(crate) suspects: usize,
    pub(crate) measure: Measure,
    pub(crate) before: f64,
}

/// The state machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    running: Option<Running>,
    last: Option<ProbeOutcome>,
    ended: Option<Timestamp>,
    pause: Option<Span>,
}

impl Probe {
    /// Whether one may start now.
    pub(crate) fn due(&self, now: Timestamp, config: &QosConfig) -> bool {
        let pause = self.pause.unwrap_or(config.probe.every);
        let rested = |at| now.since(at).is_some_and(|s| s >= pause);
        self.running.is_none() && self.ended.is_none_or(rested)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The last outcome for a resource.
    pub(crate) fn last(&self, resource: Resource) -> Option<&ProbeOutcome> {
        self.last.as_ref().filter(|o| o.resource == resource)
    }

    /// The verdict for a resource while it stands.
    pub(crate) fn proof(
        &self,
        resource: Resource,
        now: Timestamp,
        config: &QosConfig,
    ) -> Option<ProbeVerdict> {
        let fresh = |o: &&ProbeOutcome| now.since(o.at).unwrap_or_default() <= config.probe.proof;
        self.last(resource).filter(fresh).map(|o| o.verdict)
    }

    /// Starts one; returns until when the suspects are to be frozen.
    pub(crate) fn start(
        &mut self,
        now: Timestamp,
        question: Question,
        config: &QosConfig,
    ) -> Timestamp {
        let until = now.plus(config.probe.length);
        let Question { resource, harmed, suspects, measure, before } = question;
        let outcome = ProbeOutcome {
            at: until,
            resource,
            harmed,
            suspects,
            measure,
            before,
            during: None,
            after: None,
            verdict: ProbeVerdict::UnclearBlind,
        };
        self.running = Some(Running {
            outcome,
            until,
            over: until.plus(config.probe.length),
            frozen_at: None,
            failed: 0,
            frozen: None,
            thawed: None,
        });
        until
    }

    /// A suspect was frozen; the last one counts.
    pub(crate) fn acted(&mut self, at: Timestamp) {
        if let Some(running) = &mut self.running {
            running.frozen_at = running.frozen_at.max(Some(at));
        }
    }

    /// A suspect could not be frozen.
    pub(crate) fn failed(&mut self) {
        if let Some(running) = &mut self.running {
            running.failed += 1;
        }
    }

    /// Takes one fast reading. Returns whether the probe ended.
    pub(crate) fn see(&mut self, glance: &Glance, config: &QosConfig) -> bool {
        let Some(running) = &mut self.running else { return false };
        let settled = running.frozen_at.map(|at| at.plus(config.probe.settle));
        // A reading a moment after the thaw still counts: ticks and readings share one rhythm, and
        // the second reading at 100 ms would otherwise often miss the end by a hair.
        let latest = running.until.plus(config.probe.settle);
        if settled.is_some_and(|from| glance.at >= from)
            && let Some(seen) = look(&running.outcome, glance)
        {
            let part = if glance.at <= latest { &mut running.frozen } else { &mut running.thawed };
            let first = part.map_or(seen, |(first, _)| first);
            *part = Some((first, seen));
        }
        self.end(glance.at, config)
    }

    /// Ends a probe that no reading has ended although its time is long over.
    pub(crate) fn end_overdue(&mut self, now: Timestamp, config: &QosConfig) -> bool {
        let latest = self.running.as_ref().map(|r| r.over.plus(config.probe.settle));
        latest.is_some_and(|latest| now > latest) && self.end(now, config)
    }

    /// Ends a probe whose time is over.
    fn end(&mut self, now: Timestamp, config: &QosConfig) -> bool {
        if self.running.as_ref().is_none_or(|r| now < r.over) {
            return false;
        }
        let Some(running) = self.running.take() else { return false };
        let mut outcome = running.outcome.clone();
        outcome.during = measure(&running, running.frozen, config).ok();
        outcome.after = measure(&running, running.thawed, config).ok();
        outcome.verdict = judge(&running, config).unwrap_or_else(|unclear| unclear);
        self.ended = Some(outcome.at);
        let pause = self.pause.unwrap_or(config.probe.every);
        self.pause = match outcome.verdict {
            ProbeVerdict::NotCaused => {
                Some(Span(pause.0.saturating_mul(2)).min(config.probe.every_max))
            }
            ProbeVerdict::Caused
            | ProbeVerdict::UnclearSteal
            | ProbeVerdict::UnclearBlind
            | ProbeVerdict::UnclearBacklog
            | ProbeVerdict::UnclearNotActed => None,
        };
        self.last = Some(outcome);
        true
    }

    /// A gap: what runs is worth nothing, and what was proved was proved before it. The rest stays due.
    pub(crate) fn forget(&mut self) {
        self.ended = self.running.take().map(|r| r.outcome.at).or(self.ended);
        self.last = None;
    }

    /// After a clock jump, nothing lies in the future.
    pub(crate) fn rebase(&mut self, now: Timestamp) {
        self.ended = self.ended.map(|at| at.min(now));
    }

    /// A proof is used up by the act that it justifies, and ends with the harm that it was about.
    pub(crate) fn use_up(&mut self, resource: Resource) {
        self.last.take_if(|outcome| outcome.resource == resource);
    }
}

/// What a glance shows of the harmed task.
fn look(outcome: &ProbeOutcome, glance: &Glance) -> Option<Seen> {
    let i = glance.tasks.binary_search_by(|t| t.task.id.cmp(&outcome.harmed)).ok()?;
    let task = &glance.tasks[i];
    let stall = match outcome.resource {
        Resource::Cpu => task.psi.cpu,
        Resource::Io => task.psi.io,
        Resource::Memory => task.psi.memory,
    };
    Some(Seen {
        at: glance.at,
        wait_ns: task.run_wait_ns,
        ran_ns: task.run_cpu_ns,
        stall_usec: stall.map(|p| p.some_usec),
        cpu: glance.cpu,
    })
}

/// What was measured in one part, or why nothing was.
fn measure(running: &Running, part: Part, config: &QosConfig) -> Result<f64, ProbeVerdict> {
    let blind = ProbeVerdict::UnclearBlind;
    let (first, last) = part.ok_or(blind)?;
    // Less than this much of the freeze says nothing: one scheduling slice would decide it.
    let least = Span(config.probe.length.0 / 3);
    let span = last.at.since(first.at).filter(|s| *s >= least).ok_or(blind)?;
    if steal(&first, &last).is_none_or(|share| share > config.cpu.steal) {
        return Err(ProbeVerdict::UnclearSteal);
    }
    let grew = |later: Option<u64>, earlier: Option<u64>| later?.checked_sub(earlier?);
    let value = match running.outcome.measure {
        Measure::WaitPerCpu => {
            let ran = grew(last.ran_ns, first.ran_ns)
                .filter(|ns| *ns as f64 / 1e9 >= config.cpu.min_cpu * span.secs());
            grew(last.wait_ns, first.wait_ns).zip(ran).map(|(w, r)| w as f64 / r as f64)
        }
        Measure::Stall => {
            grew(last.stall_usec, first.stall_usec).map(|usec| usec as f64 / 1e6 / span.secs())
        }
    };
    value.ok_or(blind)
}

/// What it means; an error says why it means nothing.
fn judge(running: &Running, config: &QosConfig) -> Result<ProbeVerdict, ProbeVerdict> {
    if running.frozen_at.is_none() || running.failed >= running.outcome.suspects {
        return Err(ProbeVerdict::UnclearNotActed);
    }
    let during = measure(running, running.frozen, config)?;
    let below = |other: f64| during < other * (1.0 - config.probe.fall);
    match (below(running.outcome.before), running.outcome.measure) {
        (true, _) if below(measure(running, running.thawed, config)?) => Ok(ProbeVerdict::Caused),
        (true, _) | (false, Measure::WaitPerCpu) => Ok(ProbeVerdict::NotCaused),
        (false, Measure::Stall) => Ok(ProbeVerdict::UnclearBacklog),
    }
}

fn steal(first: &Seen, last: &Seen) -> Option<f64> {
    let (a, b) = first.cpu.zip(last.cpu)?;
    let grew = |later: u64, earlier: u64| later.checked_sub(earlier);
    let stolen = grew(b.steal_usec, a.steal_usec)?;
    let all = grew(b.busy_usec, a.busy_usec)? + grew(b.idle_usec, a.idle_usec)? + stolen;
    (all > 0).then(|| stolen as f64 / all as f64)
}

#[cfg(test)]
mod tests;
