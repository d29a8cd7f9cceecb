// SPDX-License-Identifier: Apache-2.0
//! Who plays: child processes in the demonstration's cgroups, and the daemon that watches them. All end when dropped.

use super::ground::Ground;
use crate::exit::{Exit, Failure};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Processors that the demonstration uses at most: the rest of a large node goes on undisturbed.
pub(super) const PROCESSORS: usize = 2;

/// How long a process is given to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// A child process.
pub(super) struct Actor(Child);

/// What the service says of the time since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) requests: u64,
    pub(super) p99: Duration,
}

/// The guaranteed service.
pub(super) struct Service {
    actor: Actor,
    out: BufReader<ChildStdout>,
}

impl Actor {
    /// Starts one in a cgroup of its own, bound to the demonstration's processors; it begins when all that is done.
    pub(super) fn start(ground: &Ground, child: &str, arguments: &[&str]) -> Result<Self, Failure> {
        let mut actor = Self::spawn(arguments, Stdio::null(), Stdio::null())?;
        actor.place(ground, child).map_err(failed)?;
        Ok(actor)
    }

    /// The daemon: in no cgroup of ours, its log in a file.
    pub(super) fn daemon(config: &Path, log: File) -> Result<Self, Failure> {
        let config = config.display().to_string();
        let mut actor = Self::spawn(&["daemon", &config], Stdio::null(), log.into())?;
        actor.say("go").map_err(failed)?;
        Ok(actor)
    }

    fn spawn(arguments: &[&str], out: Stdio, err: Stdio) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        // The supervisor of the demonstration is not that of its daemon.
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        command.arg("demo-worker").args(arguments);
        command.stdin(Stdio::piped()).stdout(out).stderr(err).spawn().map(Self).map_err(failed)
    }

    fn place(&mut self, ground: &Ground, child: &str) -> io::Result<()> {
        ground.add(child)?;
        ground.enter(child, self.0.id())?;
        // After the move: on v2 that gives it all processors of its cpuset again.
        let allowed = sched_getaffinity(None)?;
        let mut few = CpuSet::new();
        let usable = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
        usable.take(PROCESSORS).for_each(|cpu| few.set(cpu));
        sched_setaffinity(self.pid(), &few)?;
        self.say("go")
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let Some(input) = &mut self.0.stdin else { return Ok(()) };
        writeln!(input, "{line}")
    }

    /// Ends it; it may take its time where nothing is idle.
    pub(super) fn kill(&mut self) {
        // Ended already is as good.
        drop(self.0.kill());
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Asks the daemon to read its configuration again.
    pub(super) fn reload(&self) -> Result<(), Failure> {
        let pid = self.pid().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        kill_process(pid, Signal::HUP).map_err(|error| failed(error.into()))
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
    }
}

impl Drop for Actor {
    /// Its standard input closes, which ends it: the daemon puts everything back first. One that is frozen, or does
    /// not listen, is left to the removal of its cgroup.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let start = Instant::now();
        while self.runs() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.runs() {
            // Not waited for: a process frozen by v1 dies only when it is thawed, which its cgroup's removal does.
            drop(self.0.kill());
        }
    }
}

impl Service {
    pub(super) fn start(ground: &Ground) -> Result<Self, Failure> {
        let threads = PROCESSORS.to_string();
        let mut actor = Actor::spawn(&["service", &threads], Stdio::piped(), Stdio::null())?;
        actor.place(ground, "web").map_err(failed)?;
        let out = actor.0.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self { actor, out: BufReader::new(out) })
    }

    /// How much each of its threads is asked for, in per cent of a core.
    pub(super) fn load(&mut self, percent: u32) -> Result<(), Failure> {
        self.actor.say(&format!("load {percent}")).map_err(failed)
    }

    /// How it fared since it was last asked.
    pub(super) fn tell(&mut self) -> Result<Told, Failure> {
        self.actor.say("tell").map_err(failed)?;
        let mut line = String::new();
        self.out.read_line(&mut line).map_err(failed)?;
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let mut next = || numbers.next().and_then(Result::ok);
        match (next(), next()) {
            (Some(requests), Some(p99)) => Ok(Told { requests, p99: Duration::from_micros(p99) }),
            _ => Err(Failure::new(Exit::Software, "the demonstration's service has ended")),
        }
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::new(Exit::Os, format_args!("the demonstration's processes: {error}"))
}
