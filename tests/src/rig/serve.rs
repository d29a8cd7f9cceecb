// SPDX-License-Identifier: Apache-2.0
//! The latency-critical server: threads that take requests in the order of their arrival and burn CPU for each.
//!
//! There is no client that waits for an answer. Every thread takes the next request of the schedule, sleeps until it is
//! due if it is not, works, and notes the time since it was due: a queue with as many servers as threads. While all
//! threads are held up requests go on arriving, and their waiting counts.

use super::machine::boot_ns;
use super::pause::until;
use super::schedule::{Request, at_once, poisson};
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// CPU time of one unit of work: requests take one to two milliseconds.
const UNIT: Duration = Duration::from_millis(1);
/// Every measurement of the capacity is of the same requests.
const AT_ONCE_SEED: u64 = 0;
/// Bytes that one request reads from the working set, where there is one.
const PAGE: u64 = 4096;

/// A server as it is started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    /// Threads that serve.
    pub threads: usize,
    /// Pages that its requests read.
    pub pages: Option<Pages>,
}

/// A part of a file or block device that the server lives on: its page cache is the working set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pages {
    /// The file; it is filled at the start.
    pub path: PathBuf,
    /// Where its part begins, bytes.
    pub from: u64,
    /// How large it is, bytes.
    pub bytes: u64,
    /// Pages that one request reads.
    pub per_request: u32,
}

/// What it is to do next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Poisson arrivals.
    Poisson {
        /// Requests a second.
        rate: f64,
        /// For how long.
        seconds: f64,
        /// From which seed.
        seed: u64,
    },
    /// So many requests at the same instant.
    AtOnce {
        /// How many.
        count: usize,
    },
}

/// What came of an order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Served {
    /// When the schedule began, on the clock of [`boot_ns`].
    pub start_ns: u64,
    /// Intended arrivals, microseconds from the start, in order.
    pub arrivals_us: Vec<u64>,
    /// Latencies of the same requests, microseconds from the intended arrival.
    pub latencies_us: Vec<u64>,
}

/// Serves one order a line of `orders`, and answers each with a line, until there are no more.
///
/// # Errors
/// An order is not understood, or the working set cannot be had.
pub fn serve(server: &Server, orders: impl BufRead, mut answers: impl Write) -> Result<()> {
    let rounds = rounds_per_unit();
    let pages = server.pages.as_ref().map(warm).transpose()?;
    writeln!(answers, "ready")?;
    answers.flush()?;
    for line in orders.lines() {
        let requests = match serde_json::from_str(&line?).context("an order")? {
            Order::Poisson { rate, seconds, seed } => poisson(rate, seconds, seed),
            Order::AtOnce { count } => at_once(count, AT_ONCE_SEED),
        };
        let served = work_off(server, pages.as_ref(), rounds, &requests);
        writeln!(answers, "{}", serde_json::to_string(&served)?)?;
        answers.flush()?;
    }
    Ok(())
}

fn work_off(server: &Server, pages: Option<&File>, rounds: f64, requests: &[Request]) -> Served {
    // A moment for the threads to be there before the first arrival.
    const AHEAD: Duration = Duration::from_millis(20);
    let (start, start_ns) = (Instant::now() + AHEAD, boot_ns() + 20_000_000);
    let next = AtomicUsize::new(0);
    let serve_some = || {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(place) else { return done };
            until(start + request.at);
            burn(rounds * request.work);
            if let (Some(file), Some(part)) = (pages, &server.pages) {
                read_some(file, part, place);
            }
            done.push((place, start.elapsed().saturating_sub(request.at)));
        }
    };
    let mut latencies = vec![0; requests.len()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..server.threads).map(|_| scope.spawn(serve_some)).collect();
        for (place, latency) in
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default())
        {
            latencies[place] = micros(latency);
        }
    });
    let arrivals_us = requests.iter().map(|request| micros(request.at)).collect();
    Served { start_ns, arrivals_us, latencies_us: latencies }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Does this many rounds of arithmetic, which no compiler can leave out.
fn burn(rounds: f64) {
    let mut state = black_box(rounds);
    let mut done = 0.0;
    while done < rounds {
        state = black_box(state * 1.000_000_1 + 1.0);
        done += 1.0;
    }
    black_box(state);
}

/// Rounds in a unit of CPU time: the most of some tries, since what disturbs can only slow it down.
fn rounds_per_unit() -> f64 {
    const TRY: f64 = 200_000.0;
    let once = |_| {
        let before = cpu_time();
        burn(TRY);
        TRY * UNIT.as_secs_f64() / (cpu_time() - before).as_secs_f64().max(1e-9)
    };
    (0..20).map(once).fold(1.0, f64::max)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default())
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}

/// Reads the working set twice: pages seen once are the first that the kernel drops.
fn warm(pages: &Pages) -> Result<File> {
    let named = || pages.path.display().to_string();
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&pages.path)
        .with_context(named)?;
    let mut buffer = vec![7; 1 << 20];
    let steps = || (pages.from..pages.from + pages.bytes).step_by(1 << 20);
    steps().try_for_each(|at| file.write_all_at(&buffer, at)).with_context(named)?;
    file.sync_data()?;
    for at in steps().chain(steps()) {
        file.read_exact_at(&mut buffer, at).with_context(named)?;
    }
    Ok(file)
}

/// Reads the pages of one request, spread over the working set.
fn read_some(file: &File, part: &Pages, place: usize) {
    let all = (part.bytes / PAGE).max(1);
    let mut buffer = [0; 4096];
    for step in 0..u64::from(part.per_request) {
        let turn = u64::try_from(place).unwrap_or(0) * u64::from(part.per_request) + step;
        // A stride prime to the number of pages visits every one; neighbours in time are far apart.
        let page = turn.wrapping_mul(7919) % all;
        // What cannot be read shows as a fast request: the file was read whole at the start, so it can be.
        let _ = file.read_exact_at(&mut buffer, part.from + page * PAGE);
        black_box(&buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_served_and_counts_from_its_intended_arrival() {
        let server = Server { threads: 2, pages: None };
        let requests: Vec<Request> =
            (0..50).map(|_| Request { at: Duration::ZERO, work: 1.0 }).collect();
        let served = work_off(&server, None, rounds_per_unit(), &requests);
        assert_eq!(served.latencies_us.len(), 50);
        let mut sorted = served.latencies_us;
        sorted.sort_unstable();
        // Two threads have 25 requests each: the last has waited for all before it, though it took one unit itself.
        assert!(sorted[49] > 10 * sorted[0].max(1), "{sorted:?}");
    }
}
