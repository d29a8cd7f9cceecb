// SPDX-License-Identifier: Apache-2.0
//! `gleaner run`: wait, read, tick, act, tell, for as long as wanted.
//!
//! This thread waits, reads, decides and acts, and meets nobody. A second serves HTTP from the last snapshot; a third
//! writes files; a fourth sleeps on the kernel's PSI triggers to end a wait early; a fifth waits for signals.

mod agent;
mod background;
mod daemon;
mod facts;
mod guest;
mod hand;
mod journal;
mod lean;
mod notify;
mod pace;
mod policies;
mod reload;
mod rows;
mod show;
mod signals;
mod turn;
mod wakeups;

use crate::clock::SystemClock;
use crate::exit::{Exit, Failure};
use crate::scribe::Scribe;
use crate::{cli, config, logging, output, settings};
use background::{Background, Doors};
use config::Placed;
use daemon::{Daemon, Parts};
pub(crate) use facts::{about, about_recording, node_name};
use gleaner_engine::config::{Config, LogConfig, LogLevel};
use gleaner_watch::publisher::Publisher;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use show::Show;
use signals::Listening;
use std::sync::mpsc::channel;
use wakeups::Wakeups;

/// Where the configuration comes from, for the start and for every reload.
pub(crate) struct Source {
    path: Option<std::path::PathBuf>,
    listen: Option<std::net::SocketAddr>,
}

impl Source {
    /// The configuration of the file with the command line's wishes on top.
    fn load(&self) -> Result<Placed, Failure> {
        let (mut config, mut places) = config::load(self.path.as_deref())?;
        if let Some(listen) = self.listen {
            config.host.http.listen = Some(listen);
            places.insert("http.listen".to_owned(), "--listen".to_owned());
        }
        Ok((config, places))
    }
}

/// Runs until it is told to end.
pub(crate) fn run(args: &cli::Run) -> Result<(), Failure> {
    let source = Source { path: args.config.path.clone(), listen: args.listen };
    let (config, places) = source.load()?;
    let show = Show::new(args.json, output::is_terminal());
    logging::start(log_for(&config, &show));
    let named = if args.listen.is_some() { "--listen" } else { "http.listen" };
    allow_descriptors(config.host.limits.descriptors);
    let doors = Doors::open(&config.host.http, named)?;
    let collector = settings::collector(&config)?;
    let scribe = scribe(&config)?;
    let address = doors.address;
    let about = facts::about(&config, places.clone(), &collector);
    let publisher = Publisher::new(about)
        .map_err(|error| Failure::new(Exit::Software, format_args!("metrics: {error}")))?;
    let (wake, mailbox) = channel();
    let wakeups = Wakeups::start(&config.host.layout.proc_root, wake.clone());
    let signals = Listening::start(wake.clone())?;
    let background = Background::start(doors, &publisher, wake)?;
    let mut clock = SystemClock::new(mailbox);
    let parts = Parts { source, config, places, collector, publisher, scribe, show, address };
    let mut daemon = Daemon::new(parts, args.record.as_deref(), &clock)?;
    let result = daemon.run(&mut clock, args.ticks);
    notify::stopping();
    daemon.finish();
    drop(daemon);
    drop(background);
    drop(signals);
    drop(wakeups);
    result
}

/// Beside the rows on a terminal a log would say everything twice; without them it is all there is.
fn log_for(config: &Config, show: &Show) -> LogConfig {
    let log = config.host.log;
    match (show, log.level) {
        (Show::Rows(_), LogLevel::Info | LogLevel::Warn) => {
            LogConfig { level: LogLevel::Error, ..log }
        }
        (Show::Rows(_) | Show::Json | Show::Nothing, _) => log,
    }
}

/// Starts the writer of files.
fn scribe(config: &Config) -> Result<Scribe, Failure> {
    Scribe::start(&config.host.audit).map_err(|error| {
        Failure::new(Exit::Os, format_args!("cannot start the writer of files: {error}"))
    })
}

/// Raises the soft limit of descriptors, which systemd sets to 1024, to what the collector was allowed: it keeps to half.
fn allow_descriptors(wanted: usize) {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_mul(2);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.map_or(wanted, |most| wanted.min(most));
    if current.is_some_and(|current| current < most)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum })
    {
        tracing::warn!(%error, "the limit of open files stays as it is: reading may be slower");
    }
}
