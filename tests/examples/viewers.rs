// SPDX-License-Identifier: Apache-2.0
//! Whether being looked at costs a tick anything: 200 open pages and a scraper, in slices of a few seconds with and without
//! them, and the times of the ticks in both.
//!
//! `cargo run --release -p gleaner-tests --example viewers [SLICES]`
//!
//! Engine, publisher and server are the real ones; the node is scripted. Each page does what `watch/page` does: it asks
//! for the stream and, where all places are taken, for a frame each ten seconds; for tasks and policies every five. The
//! pages are another process, as browsers are. Ticks come 20 times a second so that a p99 has enough of them.
#![expect(clippy::print_stdout, reason = "what it is started for")]

#[path = "../tests/watch_server/mod.rs"]
#[expect(dead_code, reason = "tests ask the same server more")]
mod watch_server;
#[path = "../tests/watch_support/mod.rs"]
#[expect(dead_code, reason = "tests script the same node more")]
mod watch_support;

use gleaner_tests::rig::pause::{pause, until};
use gleaner_tests::rig::stats::quantile;
use rustix::process::setpriority_process;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use watch_server::Server;
use watch_support::Node;

const PAGES: u64 = 200;
const TASKS: usize = 150;
const TICK: Duration = Duration::from_millis(50);
/// A slice, and the part of it at the beginning that does not count: pages open and close then.
const SLICE: Duration = Duration::from_secs(12);
const SETTLE: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut words = env::args().skip(1);
    match (words.next().as_deref(), words.next()) {
        (Some("pages"), Some(address)) => pages(address.parse()?),
        (slices, _) => measure(slices.map_or(Ok(12), str::parse)?),
    }
}

/// The pages, in another process.
struct Pages {
    child: Child,
    orders: ChildStdin,
}

impl Pages {
    fn start(address: SocketAddr) -> Result<Self, Failure> {
        let mut child = Command::new(env::current_exe()?)
            .args(["pages", &address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("piped above")?;
        Ok(Self { child, orders })
    }

    fn order(&mut self, order: &str) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "{order}")?)
    }

    /// What they were answered.
    fn end(mut self) -> Result<String, Failure> {
        drop(self.orders);
        let mut said = String::new();
        self.child.stdout.take().ok_or("piped above")?.read_to_string(&mut said)?;
        self.child.wait()?;
        Ok(said)
    }
}

fn measure(slices: usize) -> Result<(), Failure> {
    let mut node = Node::warm(TASKS);
    let server = Server::of(&node);
    let mut pages = Pages::start(server.address)?;
    let mut took = [Vec::new(), Vec::new()];
    for slice in 0..slices {
        let with = slice % 2;
        pages.order(["off", "on"][with])?;
        let (begun, mut due) = (Instant::now(), Instant::now());
        while begun.elapsed() < SLICE {
            due += TICK;
            until(due);
            let tick = u64::try_from(node.timed_tick(TASKS).as_nanos())?;
            if begun.elapsed() > SETTLE {
                took[with].push(tick);
            }
        }
    }
    println!("{}", pages.end()?.trim_end());
    let [without, with] = took.map(|mut all| {
        all.sort_unstable();
        all
    });
    println!("{} ticks without, {} with {PAGES} pages and a scraper", without.len(), with.len());
    for (name, permille) in [("p50", 500), ("p90", 900), ("p99", 990)] {
        let at = |all: &[u64]| quantile(all, permille).map_or(f64::NAN, |ns| ns as f64 / 1e3);
        let (a, b) = (at(&without), at(&with));
        println!("{name}: {a:.1} µs without, {b:.1} µs with: {:.2} times", b / a);
    }
    Ok(())
}

/// What all pages share.
#[derive(Default)]
struct Counts {
    open: AtomicBool,
    answers: AtomicU64,
    bytes: AtomicU64,
    frames: AtomicU64,
    turned_away: AtomicU64,
    failed: AtomicU64,
}

/// Opens and closes the pages as told on standard input, until that ends.
fn pages(address: SocketAddr) -> Result<(), Failure> {
    // Browsers run on another machine: here they take only what is idle.
    setpriority_process(None, 19)?;
    let counts = Arc::new(Counts::default());
    for number in 0..=PAGES {
        let counts = Arc::clone(&counts);
        let page = move || match number {
            0 => scrape(address, &counts),
            _ => page(address, &counts, number),
        };
        thread::Builder::new().stack_size(128 << 10).spawn(page)?;
    }
    for order in std::io::stdin().lines() {
        counts.open.store(order? == "on", Relaxed);
    }
    let said =
        [&counts.answers, &counts.bytes, &counts.frames, &counts.turned_away, &counts.failed];
    let [answers, bytes, frames, away, failed] = said.map(|count| count.load(Relaxed));
    println!(
        "{answers} answers of {} MiB, {frames} frames streamed, {away} times no place for a stream, {failed} failed",
        bytes >> 20
    );
    Ok(())
}

/// One answer on a connection of its own.
fn ask(address: SocketAddr, path: &str, counts: &Counts) {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)
    });
    match asked {
        Ok(bytes) => {
            counts.answers.fetch_add(1, Relaxed);
            counts.bytes.fetch_add(u64::try_from(bytes).unwrap_or_default(), Relaxed);
        }
        Err(_) => drop(counts.failed.fetch_add(1, Relaxed)),
    }
}

fn scrape(address: SocketAddr, counts: &Counts) {
    loop {
        if counts.open.load(Relaxed) {
            ask(address, "/metrics", counts);
        }
        pause(SECOND);
    }
}

fn page(address: SocketAddr, counts: &Arc<Counts>, number: u64) {
    // People do not all look in the same moment.
    let apart = Duration::from_millis(number * 5);
    loop {
        while !counts.open.load(Relaxed) {
            pause(SECOND / 10);
        }
        pause(apart);
        for path in ["/", "/v1/history?range=10m", "/v1/events"] {
            ask(address, path, counts);
        }
        let streaming = Arc::new(AtomicBool::new(true));
        let (own, shared) = (Arc::clone(&streaming), Arc::clone(counts));
        let stream = move || listen(address, &shared, &own);
        let stream = thread::Builder::new().stack_size(128 << 10).spawn(stream);
        let mut second = 0;
        while counts.open.load(Relaxed) {
            if second % 5 == 0 {
                ask(address, "/v1/tasks", counts);
                ask(address, "/v1/policies", counts);
            }
            if second % 10 == 0 && !streaming.load(Relaxed) {
                ask(address, "/v1/frame", counts);
            }
            second += 1;
            pause(SECOND);
        }
        drop(stream.map(thread::JoinHandle::join));
    }
}

/// Takes in frames until the page closes, or learns at once that there is no place.
fn listen(address: SocketAddr, counts: &Counts, streaming: &AtomicBool) {
    let read = TcpStream::connect(address).and_then(|mut stream| {
        write!(stream, "GET /v1/live HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            if line.starts_with("HTTP/1.1 204") {
                counts.turned_away.fetch_add(1, Relaxed);
                break;
            }
            counts.frames.fetch_add(u64::from(line.starts_with("data:")), Relaxed);
            if !counts.open.load(Relaxed) {
                break;
            }
        }
        Ok(())
    });
    counts.failed.fetch_add(u64::from(read.is_err()), Relaxed);
    streaming.store(false, Relaxed);
}
