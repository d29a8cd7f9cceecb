// SPDX-License-Identifier: Apache-2.0
//! Modules of an agent that let this daemon decide (`agent.socket`): what the agent says of its tasks is heard, offers are
//! left for it, and evictions go through it, so that the agent knows why a container is gone.

use crate::exit::{Exit, Failure};
use gleaner_collector::{Collector, Said, Saying};
use gleaner_engine::decision::{Decision, Health, Mode};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::{Allocation, Class, Sample};
use gleaner_estimator::units::{Bytes, MilliCpus, Span};
use gleaner_host::asked::{Asked, Asking, News, Now, container};
use gleaner_qos::capability::{Ability, Actuator, Capabilities};
use gleaner_qos::level::Level;
use gleaner_qos::verdict::{Action, Correction};
use gleaner_watch::snapshot::UnderWay;
use gleaner_wire::Desk;
use gleaner_wire::message::{self, Offer};
use gleaner_wire::server::Server;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The socket, and the evictions that the agent was asked for.
pub(super) struct Agent {
    desk: Arc<Desk>,
    /// Serves until it is dropped.
    _server: Server,
    heard: Option<u64>,
    asked: Asking,
}

impl Agent {
    /// Listens for modules.
    ///
    /// # Errors
    /// The socket cannot be had.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let desk = Arc::new(Desk::default());
        let server = Server::start(path, Arc::clone(&desk)).map_err(|error| {
            let path = path.display();
            Failure::new(Exit::Unavailable, format_args!("agent.socket: {path}: {error}"))
        })?;
        Ok(Self { desk, _server: server, heard: None, asked: Asking::default() })
    }

    /// Tells the collector what the agent says of its tasks, where that is new.
    pub(super) fn hear(&mut self, collector: &mut Collector) {
        let Some((_, table)) = self.desk.table() else { return };
        if self.heard != Some(table.generation) {
            self.heard = Some(table.generation);
            let said: Said = table.tasks.iter().map(|t| (t.name.clone(), saying(t))).collect();
            collector.listen(said);
        }
    }

    /// Leaves the offer of a decision, and asks for its evictions. True where the agent carries them out.
    pub(super) fn tell(&mut self, decision: &Decision, stale_after: Span) -> bool {
        let holds = Duration::from_nanos(stale_after.0);
        let fresh = decision.health == Health::Fresh;
        let generation = self.heard.unwrap_or_default();
        self.desk.offer(fresh.then(|| Offer { generation, ..offer(decision) }), holds);
        if matches!(decision.health, Health::Failed { .. }) {
            self.desk.withdraw();
        }
        let through_it = self.desk.has_controller() && decision.mode == Mode::Evict;
        if through_it {
            let evictions = decision.verdict.corrections.iter().filter(|c| is_eviction(c));
            for correction in evictions.filter(|c| !c.is_would()) {
                self.ask(correction, decision);
            }
        }
        through_it
    }

    /// What can be done with the agent's help.
    pub(super) fn adds_to(&self, can: Capabilities) -> Capabilities {
        match self.desk.has_controller() {
            true => can.with(Actuator::Evict, Ability::Works),
            false => can,
        }
    }

    fn ask(&mut self, correction: &Correction, decision: &Decision) {
        let task = correction.task().clone();
        let (resource, reason) = (correction.resource(), correction.why().reason);
        self.desk.correct(message::Correction {
            name: container(&task).to_owned(),
            resource: match resource {
                Resource::Cpu => 0,
                Resource::Memory => 1,
                Resource::Io => 2,
            },
            reason: reason.word().to_owned(),
        });
        let (at, wall_ms, tick) = (decision.at, decision.wall_ms, Some(decision.tick));
        self.asked.ask(Asked { task, resource, reason, at, wall_ms, tick });
    }

    /// The evictions that it was asked for and that are not over; it is asked anew where it has not carried them out
    /// `within` this time.
    pub(super) fn under_way(&self, within: Span) -> impl Iterator<Item = UnderWay> {
        self.asked.open().map(move |asked| UnderWay {
            task: asked.task.clone(),
            action: Action::Evict.word(),
            resource: asked.resource,
            tick: asked.tick,
            since_ms: asked.wall_ms,
            until_ms: Some(asked.wall_ms + within.0 / 1_000_000),
        })
    }

    /// What became of those whom the agent was asked to evict; who has ignored it is decided again.
    pub(super) fn follow_up(&mut self, sample: &Sample, wall_ms: u64, gone_within: Span) -> News {
        let now = Now { at: sample.at, wall_ms };
        self.asked.follow_up(&self.desk.taken(), Some(sample), now, gone_within)
    }
}

pub(super) fn is_eviction(correction: &Correction) -> bool {
    correction.action() == Action::Evict
}

fn saying(task: &message::Task) -> Saying {
    Saying {
        class: if task.best_effort { Class::BestEffort } else { Class::Guaranteed },
        allocation: Allocation {
            cpu: task.cpu_millis.map(MilliCpus),
            memory: task.memory_bytes.map(Bytes),
        },
        priority: task.priority,
        tenant: task.tenant.clone(),
    }
}

fn offer(decision: &Decision) -> Offer {
    let level = match decision.cpu.level.max(decision.memory.level) {
        Level::Calm => 0,
        Level::Strained => 1,
        Level::Critical => 2,
    };
    Offer {
        cpu_millis: decision.cpu.offer.amount.0,
        memory_bytes: decision.memory.offer.amount.0,
        level,
        ..Offer::default()
    }
}
