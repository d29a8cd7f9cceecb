// SPDX-License-Identifier: Apache-2.0
//! Measures what best-effort work does to a latency-critical service, and what Gleaner changes: see `gleaner_tests::rig`.

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use gleaner_tests::cgroup_rig::{CgroupRig, Layout};
use gleaner_tests::programs::installed;
use gleaner_tests::rig::guest::{self, Task};
use gleaner_tests::rig::judged::judge;
use gleaner_tests::rig::kind::Kind;
use gleaner_tests::rig::machine::{cores, kernel};
use gleaner_tests::rig::reaction::{self, Guaranteed};
use gleaner_tests::rig::report::{About, Report};
use gleaner_tests::rig::schedule::Random;
use gleaner_tests::rig::serve::{Server, serve};
use gleaner_tests::rig::service::{Node, Service};
use gleaner_tests::rig::slice::Bench;
use gleaner_tests::rig::stats::spread;
use gleaner_tests::rig::{calm, markdown, table};
use std::fs;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Kinds of best-effort work in the table; all of them run beside one another in the calm run.
const COMPARED: [Kind; 5] = [Kind::Spin, Kind::Stream, Kind::Cache, Kind::Fork, Kind::Disk];

#[derive(Parser)]
#[command(
    about = "Measures co-location: isolation, latency impact, work conservation, reaction times"
)]
struct Cli {
    #[command(subcommand)]
    command: What,
}

#[derive(Subcommand)]
enum What {
    /// Measure, and write tables and JSON.
    Measure(Measure),
    /// The latency-critical server; started by the rig.
    #[command(hide = true)]
    Serve,
    /// The half in a virtual machine; started by the rig.
    #[command(hide = true)]
    Guest {
        /// What to do, JSON.
        task: String,
    },
}

#[derive(Args, Clone)]
struct Measure {
    /// Minutes for everything but the calm run.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Minutes of the calm run after it; 0 for none.
    #[arg(long, default_value_t = 0.0)]
    calm: f64,
    /// Loads of the service, per cent of what it can serve alone.
    #[arg(long, value_delimiter = ',', default_values_t = [20, 40, 60, 80])]
    loads: Vec<u32>,
    /// Kinds of best-effort work; the first is measured at every load.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = COMPARED)]
    kinds: Vec<Kind>,
    /// Measured seconds of a slice.
    #[arg(long, default_value_t = 2.5)]
    slice: f64,
    /// Threads of the service.
    #[arg(long, default_value_t = 8)]
    threads: usize,
    /// Onsets of contention to be answered, for each of two kinds of service.
    #[arg(long, default_value_t = 4)]
    onsets: usize,
    /// Boot no virtual machines: nothing about memory, and about this machine's cgroup layout only.
    #[arg(long)]
    no_guests: bool,
    /// From which everything random is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the document is written; to standard output otherwise.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Where the numbers are written as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        What::Measure(args) => measure(&args),
        What::Serve => server(),
        What::Guest { task } => serde_json::from_str::<Task>(&task)
            .context("the task")
            .and_then(|task| guest::serve(&task)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("colocate: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn server() -> Result<()> {
    let mut orders = BufReader::new(stdin());
    let mut first = String::new();
    orders.read_line(&mut first)?;
    let server: Server = serde_json::from_str(&first).context("the server")?;
    serve(&server, orders, stdout())
}

fn measure(args: &Measure) -> Result<()> {
    let load_before = fs::read_to_string("/proc/loadavg")?.trim().to_owned();
    let end = Instant::now() + Duration::from_secs_f64(args.minutes * 60.0);
    let rig = CgroupRig::new().context("cgroups are needed, and root")?;
    // Page cache and writes are to meet a disk, not a file system in memory.
    let files = tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"))?;
    let mut random = Random::new(args.seed);
    let mut report = Report { about: about(args, &rig, load_before)?, ..Report::default() };
    if !args.no_guests {
        guests(args, &mut report);
    }
    for guaranteed in [Guaranteed::Spinners, Guaranteed::Service] {
        for onset in 0..args.onsets {
            say(&format!("onset {onset}"));
            report.reactions.push(reaction::trial(&rig, "host", guaranteed, &mut random)?);
        }
    }
    co_locate(args, &rig, files.path(), end, &mut random, &mut report)?;
    if args.calm > 0.0 {
        say(&format!("calm for {} minutes", args.calm));
        let length = Duration::from_secs_f64(args.calm * 60.0);
        report.calm = Some(calm::run(&rig, length, files.path(), random.next_u64())?);
    }
    report.about.date = output_of("date", &["-u", "+%F %R"]);
    write(args, &report)
}

/// Slices of the service beside best-effort work, until the time is over.
fn co_locate(
    args: &Measure,
    rig: &CgroupRig,
    directory: &Path,
    end: Instant,
    random: &mut Random,
    report: &mut Report,
) -> Result<()> {
    let node = Node::new(rig)?;
    let server = Server { threads: args.threads, pages: None };
    let mut service = Service::start(&server, &node.guaranteed)?;
    let capacity = service.capacity(1000)?;
    let length = Duration::from_secs_f64(args.slice);
    let mut bench = Bench { node: &node, service: &mut service, capacity, directory, length };
    let cells = table::cells(&args.loads, &args.kinds);
    let slices = table::run(&mut bench, &cells, end, random, |slice| {
        let latency = table::percentiles(slice.seen.latencies_us.clone());
        let table::Slice { round, cell, .. } = slice;
        say(&format!(
            "{round} {} % {} {:?}: {latency:?}",
            cell.load,
            cell.kind.word(),
            cell.setting
        ));
    })?;
    report.about.capacity = capacity;
    report.about.slices = slices.len();
    report.about.stolen = spread(&slices.iter().map(|s| s.seen.stolen()).collect::<Vec<_>>());
    report.table = table::rows(&slices);
    report.judged = Some(judge(&slices));
    Ok(())
}

/// What only a machine of its own can show, in at most two fifths of the time.
fn guests(args: &Measure, report: &mut Report) {
    let earlyoom = installed("earlyoom").and_then(|path| path.canonicalize().ok());
    if earlyoom.is_none() {
        report.missing.push("earlyoom: not installed (tests/run fetches it)".to_owned());
    }
    let cpu_s = args.minutes * 60.0 * 0.04;
    for layout in [Layout::V2, Layout::Hybrid, Layout::V1] {
        say(&format!("guest {}", layout.word()));
        let memory = layout == Layout::V2;
        let earlyoom = earlyoom.clone().filter(|_| memory);
        let task = Task { cpu_s: Some(cpu_s), memory, earlyoom, seed: args.seed };
        match guest::boot(layout, &task) {
            Ok((run, died)) => {
                report.missing.extend(died);
                report.memory.extend(run.memory.clone());
                report.guests.push(run);
            }
            Err(error) => report.missing.push(format!("{error:#}")),
        }
    }
}

fn about(args: &Measure, rig: &CgroupRig, load_before: String) -> Result<About> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    Ok(About {
        command: format!("target/release/colocate {}", words.join(" ")),
        kernel: kernel(),
        cores: cores(),
        layout: rig.layout().word().to_owned(),
        threads: args.threads,
        slice_s: args.slice,
        seed: args.seed,
        load_before,
        optimised: !cfg!(debug_assertions),
        ..About::default()
    })
}

fn write(args: &Measure, report: &Report) -> Result<()> {
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_string_pretty(report)? + "\n")
            .with_context(|| path.display().to_string())?;
    }
    let document = markdown::document(report);
    match &args.write {
        Some(path) => fs::write(path, document).with_context(|| path.display().to_string()),
        None => Ok(stdout().write_all(document.as_bytes())?),
    }
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// Says how far it is: a run takes minutes.
fn say(text: &str) {
    // Nobody may listen.
    let _ = writeln!(std::io::stderr(), "{text}");
}
