// SPDX-License-Identifier: Apache-2.0
//! What the demonstration starts: a service that measures itself, burners, a grower, and the daemon. Each begins at
//! the first line on its standard input and ends when that closes, so that none outlives the demonstration.

use crate::cli::{ConfigFile, Run};
use crate::exit::{Exit, Failure};
use crate::run;
use rustix::process::{Signal, getpid, kill_process};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// CPU time of one request.
const COST: Duration = Duration::from_millis(2);
/// A request that would begin this late is given up, as its client would.
const TOO_LATE: Duration = Duration::from_secs(1);
/// Memory that the service keeps in use.
const HELD: usize = 24 << 20;
const MIB: usize = 1 << 20;
/// Memory that the grower takes at once, in MiB.
const STEP: usize = 3;
const PAGE: usize = 4096;

/// What to be.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Worker {
    /// Serve requests; `load PERCENT` and `tell` on standard input.
    Service { threads: usize },
    /// Use all the CPU time there is.
    Burn { threads: usize },
    /// Take memory, about so many MiB a second, up to so many.
    Grow { rate: usize, most: usize },
    /// Be the daemon.
    Daemon { config: PathBuf },
}

pub(crate) fn work(worker: &Worker) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Io, error);
    let mut first = String::new();
    io::stdin().read_line(&mut first).map_err(failed)?;
    match worker {
        Worker::Service { threads } => serve(*threads).map_err(failed),
        Worker::Burn { threads } => {
            (0..*threads).for_each(|_| drop(std::thread::spawn(burn)));
            wait_for_the_end().map_err(failed)
        }
        Worker::Grow { rate, most } => {
            let (rate, most) = (*rate, *most);
            std::thread::spawn(move || grow(rate, most));
            wait_for_the_end().map_err(failed)
        }
        Worker::Daemon { config } => {
            std::thread::spawn(|| {
                // However the input ends, the demonstration is over.
                drop(wait_for_the_end());
                let _ = kill_process(getpid(), Signal::TERM);
            });
            let config = ConfigFile { path: Some(config.clone()) };
            run::run(&Run { config, ticks: None, json: false, listen: None, record: None })
        }
    }
}

fn wait_for_the_end() -> io::Result<()> {
    io::copy(&mut io::stdin(), &mut io::sink()).map(|_| ())
}

fn burn() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

/// In steps that are not made up for: one that gets next to no CPU time grows slowly, and never by leaps.
fn grow(rate: usize, most: usize) {
    let mut held = Vec::new();
    for _ in 0..most / STEP {
        std::thread::sleep(Duration::from_secs_f64(STEP as f64 / rate.max(1) as f64));
        held.push(touched(STEP * MIB));
    }
    loop {
        std::thread::park();
        black_box(&held);
    }
}

/// Memory whose every page has been written, so that the kernel has given all of it.
fn touched(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0_u8; bytes];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    memory
}

/// What the threads of the service share.
#[derive(Default)]
struct Service {
    /// Share of one core that each thread is asked for, in per cent.
    load: AtomicU64,
    /// From when a request should have begun until it was done, ns, since last told.
    latencies: Mutex<Vec<u64>>,
}

/// Says on standard output, when told to `tell`: requests, and their 99th percentile in microseconds.
fn serve(threads: usize) -> io::Result<()> {
    let held = touched(HELD);
    let service = Arc::new(Service::default());
    for _ in 0..threads {
        let service = Arc::clone(&service);
        std::thread::spawn(move || answer(&service));
    }
    for line in io::stdin().lock().lines() {
        let line = line?;
        if let Some(load) = line.strip_prefix("load ").and_then(|load| load.parse().ok()) {
            service.load.store(load, Ordering::Relaxed);
        } else if line == "tell" {
            let mut all = service.latencies.lock().unwrap_or_else(PoisonError::into_inner);
            let mut all = std::mem::take(&mut *all);
            all.sort_unstable();
            let p99 = all.get(all.len() * 99 / 100).map_or(0, |ns| ns / 1000);
            let mut out = io::stdout().lock();
            writeln!(out, "{} {p99}", all.len())?;
            out.flush()?;
        }
    }
    black_box(held);
    Ok(())
}

/// Open loop: requests come whether or not the one before is done, as clients do.
fn answer(service: &Service) {
    let mut due = Instant::now();
    loop {
        let load = service.load.load(Ordering::Relaxed);
        if load == 0 {
            std::thread::sleep(Duration::from_millis(20));
            due = Instant::now();
            continue;
        }
        due += COST * 100 / u32::try_from(load).unwrap_or(u32::MAX).max(1);
        let now = Instant::now();
        if now > due + TOO_LATE {
            due = now;
        }
        std::thread::sleep(due.saturating_duration_since(now));
        use_cpu(COST);
        let took = u64::try_from(due.elapsed().as_nanos()).unwrap_or(u64::MAX);
        service.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(took);
    }
}

/// Uses that much CPU time of this thread, however long that takes.
fn use_cpu(cost: Duration) {
    let used = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let (secs, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
        Duration::new(secs.unwrap_or_default(), nanos.unwrap_or_default())
    };
    let end = used() + cost;
    let mut count = 0_u64;
    while used() < end {
        for _ in 0..2000 {
            count = black_box(count.wrapping_add(1));
        }
    }
}
