// SPDX-License-Identifier: Apache-2.0
//! What a loaded module costs against the daemon, on the same cgroups at the same time.
//!
//! ```sh
//! cargo build --release -p gleaner
//! cargo run --release -p gleaner-tests --example module_cost [CGROUPS] [SECONDS]
//! ```
//! Both look at the same cgroups, of which a fifth is best-effort, every second. The module's host opens an estimator and a
//! controller as an agent does, and tells its tasks every five seconds; what it held before that is not counted.

#![expect(unsafe_code, reason = "the functions of a C interface cannot be called otherwise")]

#[path = "../tests/ffi/host.rs"]
#[expect(dead_code, reason = "written for tests, of which this needs a part")]
mod host;

use gleaner::abi::code::{
    GLEANER_DIALECT_GLEANER, GLEANER_ROLE_CONTROLLER, GLEANER_ROLE_ESTIMATOR,
};
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::gleaner::configuration;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use host::{Row, best_effort, guaranteed, open};
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Until both have found everything and are warm.
const SETTLE: Duration = Duration::from_secs(10);
const PUSH_EVERY: Duration = Duration::from_secs(5);

/// CPU time in nanoseconds, of the threads that live, and resident KiB.
#[derive(Clone, Copy)]
struct Spent {
    cpu: u64,
    kib: u64,
}

impl Spent {
    fn of(pid: u32) -> io::Result<Self> {
        let threads = fs::read_dir(format!("/proc/{pid}/task"))?.flatten();
        let ran = threads.filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let digits = line.unwrap_or_default().trim().trim_end_matches(" kB");
        Ok(Self { cpu: ran.sum(), kib: digits.parse().map_err(io::Error::other)? })
    }
}

/// A child that ends when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A fifth of them.
const fn is_best_effort(index: usize) -> bool {
    index.is_multiple_of(5)
}

fn name(index: usize) -> String {
    let class = if is_best_effort(index) { "be" } else { "svc" };
    format!("{class}{index}")
}

/// Plays the agent: waits for a word, then opens both handles and tells `count` tasks below `root`.
fn play_agent(root: &str, count: usize) -> io::Result<()> {
    let mut go = String::new();
    io::stdin().lock().read_line(&mut go)?;
    let parameters = [("layout.containers_root", root), ("mode", "observe")];
    let opened = [GLEANER_ROLE_ESTIMATOR, GLEANER_ROLE_CONTROLLER].map(|role| {
        let handle = open(role, GLEANER_DIALECT_GLEANER, &parameters).expect("open");
        handle.start().expect("start");
        handle
    });
    let row = |index: usize| -> Row {
        let name: &'static str = Box::leak(name(index).into_boxed_str());
        if is_best_effort(index) { best_effort(name, 100) } else { guaranteed(name, 1000) }
    };
    let rows: Vec<Row> = (0..count).map(row).collect();
    loop {
        for handle in &opened {
            handle.push(&rows).expect("a table");
        }
        std::thread::sleep(PUSH_EVERY);
    }
}

fn start_agent(parent: &Group, count: usize) -> io::Result<Running> {
    let root = parent.path().display().to_string();
    let child = Command::new(std::env::current_exe()?)
        .args(["agent", &root, &count.to_string()])
        .stdin(Stdio::piped())
        .spawn()?;
    // Until it has read its libraries: it waits for the word.
    std::thread::sleep(Duration::from_secs(1));
    Ok(Running(child))
}

fn measure(count: usize, seconds: u64) -> io::Result<()> {
    let rig = CgroupRig::new()?;
    let parent = rig.group("cost")?;
    let groups = (0..count).map(|i| parent.child(&name(i))).collect::<io::Result<Vec<_>>>()?;
    let loads = groups.iter().map(|group| Load::start(&Work::Idle, group));
    let _loads = loads.collect::<io::Result<Vec<_>>>()?;

    let mut agent = start_agent(&parent, count)?;
    let before = Spent::of(agent.0.id())?;
    writeln!(agent.0.stdin.as_mut().expect("a piped input"), "go")?;
    let files = tempfile::tempdir()?;
    let config = files.path().join("gleaner.toml");
    fs::write(&config, configuration(files.path(), parent.path(), "observe", ""))?;
    let daemon = Command::new(built("gleaner")?).arg("run").arg("--config").arg(&config).spawn()?;
    let daemon = Running(daemon);

    std::thread::sleep(SETTLE);
    let pids = [agent.0.id(), daemon.0.id()];
    let [module_then, daemon_then] = pids.map(Spent::of);
    std::thread::sleep(Duration::from_secs(seconds));
    let [module, daemon] = pids.map(Spent::of);
    let (module_then, daemon_then, module, daemon) = (module_then?, daemon_then?, module?, daemon?);

    let millis = |now: Spent, then: Spent| (now.cpu - then.cpu) as f64 / 1e6 / seconds as f64;
    let (ours, theirs) = (millis(module, module_then), millis(daemon, daemon_then));
    let (added, whole) = (module.kib.saturating_sub(before.kib) as f64, daemon.kib as f64);
    let mut out = io::stdout().lock();
    writeln!(out, "{count} cgroups, {seconds} s, every second:")?;
    writeln!(
        out,
        "CPU a second: module {ours:.2} ms, daemon {theirs:.2} ms: {:.2}",
        ours / theirs
    )?;
    let mib = |kib: f64| kib / 1024.0;
    let (added, whole) = (mib(added), mib(whole));
    writeln!(out, "memory: module adds {added:.1} MiB, daemon {whole:.1} MiB: {:.2}", added / whole)
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments.get(index).and_then(|text| text.parse::<u64>().ok());
    match arguments.first().map(String::as_str) {
        Some("agent") => {
            let count = usize::try_from(number(2).unwrap_or_default()).map_err(io::Error::other)?;
            play_agent(&arguments[1], count)
        }
        Some(_) | None => {
            let count = usize::try_from(number(0).unwrap_or(150)).map_err(io::Error::other)?;
            measure(count, number(1).unwrap_or(60))
        }
    }
}
