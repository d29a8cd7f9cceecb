// SPDX-License-Identifier: Apache-2.0
//! Where `top` looks: a running daemon, by itself at this node where none runs, or a recording.

use super::remote::Remote;
use super::replay::{Moment, Order, Played, Reel, Replay};
use super::story::Teller;
use crate::client::Client;
use crate::clock::{boot_time, wall_ms};
use crate::exit::{Exit, Failure};
use crate::shown::{Event, Shown, Task, Tasks};
use crate::{config, run, settings};
use gleaner_collector::Collector;
use gleaner_engine::Engine;
use gleaner_engine::decision::Mode;
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::Sample;
use gleaner_watch::http::answer;
use gleaner_watch::published::Published;
use gleaner_watch::publisher::{Publisher, Told};
use gleaner_watch::snapshot::HostState;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One look at everything.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) shown: Shown,
    pub(super) tasks: Vec<Task>,
    /// The latest first.
    pub(super) events: Vec<Event>,
    /// Where a replay stands; `None` of what happens now.
    pub(super) reel: Option<Reel>,
}

/// What was before the first look: thousandths of cores, and KiB, of the owners.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) cpu: Vec<Option<u32>>,
    pub(super) memory: Vec<Option<u32>>,
}

/// Somebody to look at.
pub(super) enum Source {
    /// A daemon that runs.
    Daemon(Box<Remote>),
    /// An engine of our own, which only observes.
    Own(Box<Own>),
    /// A recording.
    Replay(Box<Replay>),
}

impl Source {
    /// Our own look at this node, by the rules of a configuration.
    pub(super) fn own(config: Option<&Path>) -> Result<Self, Failure> {
        Own::open(config).map(|own| Self::Own(Box::new(own)))
    }

    /// A daemon that runs.
    pub(super) fn daemon(client: Client) -> Self {
        Self::Daemon(Box::new(Remote::new(client)))
    }

    /// A recording, decided anew by the rules of a configuration.
    pub(super) fn replay(recording: &Path, config: Option<&Path>) -> Result<Self, Failure> {
        Replay::open(recording, config).map(|replay| Self::Replay(Box::new(replay)))
    }

    /// Time to wait before the next look.
    pub(super) fn pause(&self) -> Duration {
        match self {
            Self::Daemon(remote) => remote.pause(),
            Self::Own(own) => own.every,
            Self::Replay(replay) => replay.pause(),
        }
    }

    /// Looks when there is something new: a daemon says so itself.
    pub(super) fn next(&mut self) -> Played {
        match self {
            Self::Daemon(remote) => Played::Shown(Box::new(remote.follow())),
            Self::Own(own) => Played::Shown(Box::new(own.look())),
            Self::Replay(replay) => replay.play(),
        }
    }

    /// Takes an order, which only a replay can.
    pub(super) fn obey(&mut self, order: Order) -> Played {
        match self {
            Self::Daemon(_) | Self::Own(_) => Played::Nothing,
            Self::Replay(replay) => replay.obey(order),
        }
    }

    /// Looks once, at a moment where it is a replay.
    ///
    /// # Errors
    /// As [`Source::look`].
    pub(super) fn look_at(&mut self, moment: Moment) -> Result<Frame, String> {
        match self {
            Self::Daemon(_) | Self::Own(_) => self.look(),
            Self::Replay(replay) => replay.arrive(moment),
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// One sentence that says why nothing can be seen.
    pub(super) fn look(&mut self) -> Result<Frame, String> {
        match self {
            Self::Daemon(remote) => remote.look(),
            Self::Own(own) => own.look(),
            Self::Replay(replay) => replay.look(),
        }
    }

    /// Who tells the stories of its decisions.
    pub(super) fn teller(&self) -> Teller {
        match self {
            Self::Daemon(remote) => Teller::Daemon(remote.client.clone()),
            Self::Own(own) => Teller::Own(own.publisher.published()),
            Self::Replay(replay) => Teller::Own(replay.publisher().published()),
        }
    }

    /// The last ten minutes, where somebody kept them.
    pub(super) fn past(&self) -> Past {
        match self {
            Self::Daemon(remote) => {
                let columns = remote.client.get::<Columns>("/v1/history?range=10m");
                columns.map(|columns| columns.past()).unwrap_or_default()
            }
            Self::Own(_) | Self::Replay(_) => Past::default(),
        }
    }
}

/// `/v1/history`.
#[derive(Deserialize)]
struct Columns {
    names: Vec<String>,
    columns: Vec<Vec<Option<u32>>>,
}

impl Columns {
    fn past(mut self) -> Past {
        let mut column = |name: &str| {
            let at = self.names.iter().position(|known| known == name);
            at.and_then(|at| self.columns.get_mut(at)).map(std::mem::take).unwrap_or_default()
        };
        Past { cpu: column("cpu_owners"), memory: column("memory_owners") }
    }
}

/// Collector and engine as in the daemon, without a hand.
pub(super) struct Own {
    collector: Collector,
    engine: Engine,
    publisher: Publisher,
    sample: Sample,
    host: HostState,
    every: Duration,
}

impl Own {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let (config, places) = config::load(path)?;
        let collector = settings::collector(&config)?;
        let mut rules = settings::engine(&config, &collector);
        rules.mode = Mode::Observe;
        let about = run::about(&config, places, &collector);
        let publisher = Publisher::new(about)
            .map_err(|error| Failure::new(Exit::Software, format_args!("metrics: {error}")))?;
        Ok(Self {
            every: Duration::from_nanos(rules.interval.0),
            collector,
            engine: Engine::new(rules),
            publisher,
            sample: Sample::default(),
            host: HostState::default(),
        })
    }

    fn look(&mut self) -> Result<Frame, String> {
        let began = Instant::now();
        let at = boot_time();
        let read = self.collector.sample(at, &mut self.sample).map_err(|error| error.to_string());
        let sample_took = began.elapsed();
        let body = match &read {
            Ok(()) => Body::Fresh(&self.sample),
            Err(why) => Body::Failed(why),
        };
        let began = Instant::now();
        let decision = self.engine.tick(Reading { at, wall_ms: wall_ms(), body });
        let weights = read.is_ok().then(|| Arc::new(self.engine.weigh(&self.sample)));
        let tick_took = began.elapsed();
        self.publisher.tell(Told {
            decision: &decision,
            seen: read.is_ok().then_some((&self.sample, self.engine.usage())),
            weights: weights.as_ref(),
            sample_took: Some(sample_took),
            tick_took,
            host: &self.host,
        });
        frame(&self.publisher.published())
    }
}

/// What can be seen of an engine in this process.
pub(super) fn frame(published: &Published) -> Result<Frame, String> {
    let Tasks { tasks } = ask(published, "/v1/tasks")?;
    let (shown, events) = (ask(published, "/v1/decision")?, ask(published, "/v1/events")?);
    Ok(Frame { shown, tasks, events, reel: None })
}

fn ask<T: DeserializeOwned>(published: &Published, path: &str) -> Result<T, String> {
    let body = answer(published, path).unwrap_or_default();
    serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))
}
