// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo`: a service, two greedy neighbours and one that grows, all in cgroups of our own, and what Gleaner
//! does about them.

mod files;
mod ground;
mod show;
mod troupe;
mod worker;

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::shown::Event;
use files::Files;
use ground::Ground;
use show::{Score, Show, Stop};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use troupe::{Actor, PROCESSORS, Service};
pub(crate) use worker::{Worker, work};

/// The cgroup of the one that grows.
const GROWER: &str = "batch-grower";
/// Memory that everything in the demonstration may take together.
const LIMIT_MIB: u64 = 72;
/// What the grower takes in a second, and in all.
const GROWTH_MIB: [u64; 2] = [9, 72];
/// The grower is given this long, seconds: where nothing is idle it hardly runs, and so hardly grows.
const GROWN_IN: u64 = 60;
/// The node must have this many times the limit available: else the shortage would not stay inside.
const ROOM: u64 = 3;
/// Time that the daemon is given for its first decision.
const PATIENCE: Duration = Duration::from_secs(20);
/// How busy each thread of the service is, in per cent: at ordinary times, and in a rush.
const LOAD: [u32; 2] = [25, 55];

/// Shows on this node how lending works: needs root, touches nothing but cgroups of its own
///
/// It starts a guaranteed service with a changing load and best-effort burners on at most two processors, and a daemon
/// that may act on these alone, and tells what happens and why. The page of that daemon shows the same. Everything is
/// removed at the end, also after SIGINT and SIGTERM; what a killed demonstration left is removed by the next.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long it lasts, about, in seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(15..=3600))]
    duration: u64,
    /// Serve the page here; without it at the usual address, or at a free port where that is taken
    #[arg(short, long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
}

/// What the demonstration starts in its cgroups.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    #[command(subcommand)]
    pub(crate) worker: Worker,
}

/// Everything that has to go at the end, in the order in which it goes.
struct Stage {
    daemon: Actor,
    actors: Vec<Actor>,
    service: Service,
    ground: Ground,
    files: Files,
    listen: SocketAddr,
    /// Why the demonstration has no limit of memory, where it has none.
    bounded: Result<(), String>,
}

pub(crate) fn demo(args: &Args) -> Result<(), Failure> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&ended)).map_err(|error| {
            Failure::new(Exit::Os, format_args!("cannot listen for signals: {error}"))
        })?;
    }
    let mut stage = Stage::set(address(args.listen)?)?;
    let mut show = Show::new(Client::new(&stage.listen.to_string()), ended, stage.ground.name());
    match stage.play(&mut show, args.duration) {
        Ok(()) | Err(Stop::Asked) => Ok(()),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// Where the page is served: port 0 is resolved here, because the daemon reads its address from a file.
fn address(asked: Option<SocketAddr>) -> Result<SocketAddr, Failure> {
    let usual = gleaner_watch::http::DEFAULT_ADDRESS.parse().ok();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let choices = asked.map_or_else(|| vec![usual, Some(any)], |asked| vec![Some(asked)]);
    let mut taken = choices
        .into_iter()
        .flatten()
        .map(|choice| TcpListener::bind(choice).and_then(|listener| listener.local_addr()));
    let found = taken.find_map(Result::ok);
    found.ok_or_else(|| {
        let what = asked.unwrap_or(any);
        Failure::new(Exit::Unavailable, format_args!("cannot listen on {what}: is it taken?"))
    })
}

impl Stage {
    fn set(listen: SocketAddr) -> Result<Self, Failure> {
        let files = Files::make()?;
        let ground = Ground::make()?;
        // Before the daemon starts, so that it knows one capacity of memory from the beginning.
        let bounded = bound_memory(&ground);
        files.configure("observe", ground.name(), listen)?;
        let service = Service::start(&ground)?;
        let daemon = Actor::daemon(&files.config(), files.log()?)?;
        Ok(Self { daemon, actors: Vec::new(), service, ground, files, listen, bounded })
    }

    fn play(&mut self, show: &mut Show, duration: u64) -> Result<(), Stop> {
        self.wait_for_the_daemon(show)?;
        show.say(&format!(
            "A service has reserved {PROCESSORS} processors of this node for its peak, and uses a part of them. \
             Best-effort work may\nborrow what it leaves, as long as it gives that back at once.\n\
             See the same at {}, or with `gleaner top --url {}`.",
            show.client.url(),
            self.listen
        ))?;
        let (scores, evicted) = self.acts(show, duration)?;
        show.say(&format!("\nWhat it was like for the service:\n{}", show::table(&scores)))?;
        if evicted {
            self.explain(show)?;
        }
        let stays = share(duration, 20);
        show.say(&format!("\nThe page stays for {stays} seconds more; Ctrl-C ends it now."))?;
        show.wait(Duration::from_secs(stays))?;
        show.say("Everything is put back; the cgroups of the demonstration are removed.")
    }

    fn wait_for_the_daemon(&mut self, show: &Show) -> Result<(), Stop> {
        let start = Instant::now();
        while show.client.text("/v1/decision").is_err() {
            show.wait(Duration::from_millis(50))?;
            if !self.daemon.runs() || start.elapsed() > PATIENCE {
                let log = self.files.end_of_log();
                let why = format_args!("the demonstration's daemon does not answer:\n{log}");
                return Err(Failure::new(Exit::Unavailable, why).into());
            }
        }
        Ok(())
    }

    fn acts(&mut self, show: &mut Show, duration: u64) -> Result<(Vec<Score>, bool), Stop> {
        let share = |percent| share(duration, percent);
        let on = |_: &[_]| false;
        let [usual, rush] = LOAD;
        show.say("\n1. The service is alone, and leaves most of what it reserved unused. Gleaner observes: it says what could\n   be lent, and touches nothing.")?;
        self.service.load(usual)?;
        let alone = show.act("alone", share(20), &mut self.service, on)?;
        if alone.is_slow() || !alone.offered {
            show.say("   Other work keeps this node busy: little is idle here, so little can be lent, and the service may wait for that\n   other work, which is none of Gleaner's.")?;
        }
        show.say("\n2. Two best-effort neighbours come and take what they can. Gleaner still only observes, and the service\n   shares its processors with them.")?;
        for batch in ["batch-1", "batch-2"] {
            let threads = PROCESSORS.to_string();
            self.actors.push(Actor::start(&self.ground, batch, &["burn", &threads])?);
        }
        let shared = show.act("beside neighbours, observed", share(20), &mut self.service, on)?;
        show.say("\n3. Gleaner may act from now on: the neighbours go to the lowest CPU class, and keep only what is idle.")?;
        self.files.configure("evict", self.ground.name(), self.listen)?;
        self.daemon.reload()?;
        let kept = show.act("beside neighbours, protected", share(20), &mut self.service, on)?;
        show.say(&compared(&alone, &shared, &kept))?;
        show.say("\n4. A rush: the service needs twice as much, and takes it back from the neighbours at once.")?;
        self.service.load(rush)?;
        let rushed = show.act("in a rush, protected", share(15), &mut self.service, on)?;
        self.service.load(usual)?;
        // They leave what is idle to the next.
        self.actors.iter_mut().for_each(Actor::kill);
        let mut scores = vec![alone, shared, kept, rushed];
        let (score, evicted) = self.shortage(show)?;
        scores.extend(score);
        Ok((scores, evicted))
    }

    /// A neighbour takes more and more memory, inside a limit that bounds the demonstration and nobody else.
    fn shortage(&mut self, show: &mut Show) -> Result<(Option<Score>, bool), Stop> {
        if let Err(why) = &self.bounded {
            show.say(&format!("\n5. Left out, because the shortage of memory would not stay inside the demonstration: {why}."))?;
            return Ok((None, false));
        }
        let [rate, most] = GROWTH_MIB.map(|mib| mib.to_string());
        show.say(&format!(
            "\n5. The neighbours have finished. A new one takes {rate} MiB of memory a second, and all in here may have {LIMIT_MIB} MiB\n   together. Slowing it down gives nothing back: it has to go before the service is short of memory."
        ))?;
        let grower = Actor::start(&self.ground, GROWER, &["grow", &rate, &most])?;
        self.actors.push(grower);
        let mut evicted = false;
        let over = |events: &[Event]| {
            let ends = |e: &Event| e.text.starts_with("evict ") && e.text.contains(GROWER);
            evicted |= events.iter().any(ends);
            evicted
        };
        let score = show.act("beside a grower, protected", GROWN_IN, &mut self.service, over)?;
        if !evicted {
            show.say("   Gleaner did not evict it in this time: it hardly grew, because nothing is idle here. At the latest the limit\n   stops it: the kernel then ends it inside its cgroup.")?;
        }
        Ok((Some(score), evicted))
    }

    /// What was evicted and why, in the words of `gleaner explain`.
    fn explain(&self, show: &Show) -> Result<(), Stop> {
        let program = std::env::current_exe().ok();
        let told = program.and_then(|program| {
            let mut command = Command::new(program);
            command.args(["explain", GROWER, "--file"]).arg(self.files.audit()).output().ok()
        });
        match told.filter(|output| output.status.success()) {
            Some(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                show.say(&format!(
                    "What `gleaner explain` says of the last one taken back:\n{text}"
                ))
            }
            None => Ok(()),
        }
    }
}

/// Seconds of an act that is to have so much of the whole.
fn share(duration: u64, percent: u64) -> u64 {
    (duration * percent / 100).max(2)
}

/// Bounds what everything in here may take together, so that a shortage stays inside.
fn bound_memory(ground: &Ground) -> Result<(), String> {
    let text = std::fs::read_to_string("/proc/meminfo").map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let mib = kib.map(|kib| kib / 1024).ok_or("this kernel does not say what is available")?;
    if mib < ROOM * LIMIT_MIB {
        return Err(format!("only {mib} MiB are available, and {} are wanted", ROOM * LIMIT_MIB));
    }
    ground.limit_memory(LIMIT_MIB << 20).map_err(|error| error.to_string())
}

/// The first three acts in a sentence.
fn compared(alone: &Score, shared: &Score, kept: &Score) -> String {
    let p99 = |score: &Score| score.p99.map_or_else(|| "–".to_owned(), show::millis);
    format!(
        "   The p99 of the service was {} alone, {} beside its neighbours, and is {} now;\n   the neighbours keep {} cores.",
        p99(alone),
        p99(shared),
        p99(kept),
        crate::table::cores(kept.best_effort)
    )
}
