// SPDX-License-Identifier: Apache-2.0
//! The JSON of `/v1/*`: what a snapshot says, with the unit last in every name.

use crate::about::About;
use crate::metrics::own::Own;
use crate::order::{self, Said};
use crate::snapshot::{HostState, Snapshot, TaskView};
use crate::state::State;
use crate::why::{Why, why, why_io};
use gleaner_engine::decision::{Decision, Health, Mode};
use gleaner_estimator::predict::Score;
use gleaner_estimator::reason::{Bound, Resource};
use gleaner_estimator::sample::Class;
use gleaner_estimator::units::{Bytes, MilliCpus, Ratio};
use gleaner_estimator::usage::Stalls;
use gleaner_qos::capability::Actuator;
use serde::Serialize;
use std::borrow::Cow;
use std::time::Instant;

/// What every answer begins with.
#[derive(Serialize)]
struct Head<'a> {
    node: &'a str,
    tick: u64,
    /// When it was decided, milliseconds since 1970-01-01 UTC.
    wall_ms: u64,
    /// Time since it was published.
    age_ms: u64,
    mode: Mode,
    state: State,
}

impl<'a> Head<'a> {
    fn of(shot: &'a Snapshot, now: Instant) -> Self {
        Self {
            node: &shot.about.node,
            tick: shot.decision.tick,
            wall_ms: shot.decision.wall_ms,
            age_ms: u64::try_from(shot.age(now).as_millis()).unwrap_or(u64::MAX),
            mode: shot.decision.mode,
            state: State::of_node(shot, now),
        }
    }
}

/// `/v1/offer`: for schedulers.
#[derive(Serialize)]
pub(super) struct OfferAnswer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    /// Whether the numbers come from a good and recent reading; where not, the offers are 0.
    valid: bool,
    /// Nothing of this may be relied on after this time, milliseconds since 1970-01-01 UTC.
    valid_until_ms: u64,
    cpu: CpuOffer,
    memory: MemoryOffer,
}

#[derive(Serialize)]
struct CpuOffer {
    offer_millicpus: MilliCpus,
    lent_millicpus: MilliCpus,
    /// Lent and offered together: all that best-effort work may hold now.
    total_millicpus: MilliCpus,
    slack_millicpus: MilliCpus,
    bound: Bound,
    why: String,
}

#[derive(Serialize)]
struct MemoryOffer {
    offer_bytes: Bytes,
    lent_bytes: Bytes,
    /// As `total_millicpus`.
    total_bytes: Bytes,
    slack_bytes: Bytes,
    bound: Bound,
    why: String,
}

pub(super) fn offer(shot: &Snapshot, now: Instant) -> OfferAnswer<'_> {
    let decision = shot.decision_at(now);
    let [cpu_why, memory_why] = why(&decision, &shot.about);
    let (cpu, memory) = (&decision.cpu, &decision.memory);
    OfferAnswer {
        head: Head::of(shot, now),
        valid: !matches!(decision.health, Health::Failed { .. }),
        valid_until_ms: decision.wall_ms.saturating_add(shot.about.stale_after.0 / 1_000_000),
        cpu: CpuOffer {
            offer_millicpus: cpu.offer.amount,
            lent_millicpus: cpu.lent,
            total_millicpus: cpu.lent + cpu.offer.amount,
            slack_millicpus: cpu.slack,
            bound: cpu.offer.bound,
            why: cpu_why.sentence,
        },
        memory: MemoryOffer {
            offer_bytes: memory.offer.amount,
            lent_bytes: memory.lent,
            total_bytes: memory.lent + memory.offer.amount,
            slack_bytes: memory.slack,
            bound: memory.offer.bound,
            why: memory_why.sentence,
        },
    }
}

/// `/v1/decision`: everything but the tasks.
#[derive(Serialize)]
pub(super) struct DecisionAnswer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    about: &'a About,
    why: WhyAnswer,
    /// The same form as a line of the audit file: cores in thousandths, memory in bytes, spans in nanoseconds.
    decision: Cow<'a, Decision>,
    host: &'a HostState,
    own: Own,
}

#[derive(Serialize)]
struct WhyAnswer {
    cpu: Why,
    memory: Why,
    /// `null` where nobody judges it.
    io: Option<Why>,
}

pub(super) fn decision(shot: &Snapshot, now: Instant) -> DecisionAnswer<'_> {
    let decision = shot.decision_at(now);
    let [cpu, memory] = why(&decision, &shot.about);
    DecisionAnswer {
        head: Head::of(shot, now),
        about: &shot.about,
        why: WhyAnswer { cpu, memory, io: why_io(&decision) },
        decision,
        host: &shot.host,
        own: Own::read(),
    }
}

/// `/v1/policies`: the live policy and those that decide beside it.
#[derive(Serialize)]
pub(super) struct PoliciesAnswer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    policies: Vec<PolicyAnswer<'a>>,
}

/// One policy's predictions of one resource for one horizon.
#[derive(Serialize)]
struct PolicyAnswer<'a> {
    policy: &'a str,
    live: bool,
    resource: Resource,
    /// What it offers, or would: thousandths of a core, or bytes.
    offer: u64,
    horizon_seconds: f64,
    asked_ratio: Ratio,
    /// Share of the last day's predictions that were exceeded; `null` before the first outcome.
    achieved_ratio: Option<Ratio>,
    predictions: u64,
}

pub(super) fn policies(shot: &Snapshot, now: Instant) -> PoliciesAnswer<'_> {
    let one = |policy, live, resource, offer, score: &Score| PolicyAnswer {
        policy,
        live,
        resource,
        offer,
        horizon_seconds: score.horizon.secs(),
        asked_ratio: score.asked,
        achieved_ratio: score.last_day.rate(),
        predictions: score.last_day.predictions,
    };
    let name = shot.about.policy.as_str();
    let (cpu, memory) = (&shot.decision.cpu, &shot.decision.memory);
    let cpu_scores = cpu.scores.iter().flatten();
    let memory_scores = memory.scores.iter().flatten();
    let own = cpu_scores
        .map(|s| one(name, true, Resource::Cpu, cpu.offer.amount.0, s))
        .chain(memory_scores.map(|s| one(name, true, Resource::Memory, memory.offer.amount.0, s)));
    let beside = shot.host.shadows.iter();
    let beside = beside.map(|s| one(s.policy.as_str(), false, s.resource, s.offer, &s.score));
    PoliciesAnswer { head: Head::of(shot, now), policies: own.chain(beside).collect() }
}

/// `/v1/tasks`.
#[derive(Serialize)]
pub(super) struct TasksAnswer<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    tasks: Vec<TaskAnswer<'a>>,
}

#[derive(Serialize)]
struct TaskAnswer<'a> {
    name: &'a str,
    inode: u64,
    class: Class,
    /// Why it has that class.
    why: &'a str,
    priority: i32,
    tenant: Option<&'a str>,
    allocation_millicpus: Option<MilliCpus>,
    allocation_bytes: Option<Bytes>,
    used_cores: Option<f64>,
    working_set_bytes: Option<Bytes>,
    file_cache_bytes: Option<Bytes>,
    memory_limit_bytes: Option<Bytes>,
    throttled_ratio: Option<Ratio>,
    wait_per_cpu_ratio: Option<f64>,
    major_faults_per_second: Option<f64>,
    stalls: Stalls,
    pids: Option<u64>,
    age_seconds: f64,
    /// What of ours is in force on it.
    held: Vec<&'static str>,
    /// Its place among those who would be evicted, by resource; `null` for who is not best-effort.
    goes: Goes,
}

#[derive(Serialize)]
struct Goes {
    cpu: Option<PlaceAnswer>,
    memory: Option<PlaceAnswer>,
    io: Option<PlaceAnswer>,
}

#[derive(Serialize)]
struct PlaceAnswer {
    /// From 1; `null` for who cannot be chosen.
    number: Option<usize>,
    why: String,
}

impl From<Said> for PlaceAnswer {
    fn from(said: Said) -> Self {
        Self { number: said.number, why: said.why }
    }
}

impl<'a> TaskAnswer<'a> {
    fn of(shot: &'a Snapshot, view: &'a TaskView, said: [Option<Said>; 3]) -> Self {
        let [cpu, memory, io] = said.map(|said| said.map(PlaceAnswer::from));
        let (task, usage) = (&view.task, &view.usage);
        Self {
            name: &task.id.name,
            inode: task.id.inode,
            class: task.class,
            why: &task.why,
            priority: task.priority,
            tenant: task.tenant.as_deref(),
            allocation_millicpus: task.allocation.cpu,
            allocation_bytes: task.allocation.memory,
            used_cores: usage.cpu,
            working_set_bytes: usage.working_set,
            file_cache_bytes: usage.file_cache,
            memory_limit_bytes: view.memory_limit,
            throttled_ratio: usage.throttled,
            wait_per_cpu_ratio: usage.wait_per_cpu,
            major_faults_per_second: usage.major_faults,
            stalls: usage.stalls,
            pids: view.pids,
            age_seconds: view.age.secs(),
            held: shot.holds(&task.id).map(Actuator::word).collect(),
            goes: Goes { cpu, memory, io },
        }
    }
}

pub(super) fn tasks(shot: &Snapshot, now: Instant) -> TasksAnswer<'_> {
    let said = order::said(shot.rank.order(), shot.tasks.len());
    let each = shot.tasks.iter().zip(said);
    let tasks = each.map(|(view, said)| TaskAnswer::of(shot, view, said)).collect();
    TasksAnswer { head: Head::of(shot, now), tasks }
}
