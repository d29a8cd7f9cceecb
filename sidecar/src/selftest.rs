// SPDX-License-Identifier: Apache-2.0
//! `gleaner selftest`: every means of acting, tried on cgroups and processes of our own.

use crate::cli::ConfigFile;
use crate::exit::{Exit, Failure};
use crate::table::{Align, Table};
use crate::{config, logging, output, settings};
use gleaner_act::clock::SystemClock;
use gleaner_act::outcome::Outcome;
use gleaner_act::place::Places;
use gleaner_act::selftest::{Row, Selftest};
use gleaner_engine::config::{LogConfig, LogLevel};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Size of the file that fills page cache.
const CACHE_BYTES: usize = 16 << 20;

/// Tries every way of taking something back, on cgroups and processes of its own
///
/// Needs the right to make cgroups. Nothing else on the node is touched, and what was made is removed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigFile,
    /// Make the cgroups below this one; never below one that an agent owns. Without it: at the top
    #[arg(long, value_name = "CGROUP", default_value = "")]
    below: String,
    /// Print the table as JSON
    #[arg(short, long)]
    json: bool,
}

/// What the self-test starts in its own cgroups.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// Fill page cache through this file instead of keeping a processor busy
    #[arg(long)]
    cache: Option<PathBuf>,
}

pub(crate) fn selftest(args: &Args) -> Result<(), Failure> {
    let (config, _) = config::load(args.config.path.as_deref())?;
    logging::start(LogConfig { level: LogLevel::Error, ..config.host.log });
    let collector = settings::collector(&config)?;
    let places = Places::of(&collector.layout());
    let places = places.ok_or_else(|| Failure::new(Exit::Os, "no cgroup hierarchy is mounted"))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Os, format_args!("where is this program? {error}")))?;
    let worker = || {
        let mut command = Command::new(&program);
        command.arg("selftest-worker");
        command
    };
    let scratch = Scratch::find();
    let cache = || {
        let mut command = worker();
        if let Some(scratch) = &scratch {
            command.arg("--cache").arg(&scratch.0);
        }
        command
    };
    let test = Selftest {
        places: &places,
        below: args.below.clone(),
        spinner: &worker,
        cache: scratch.is_some().then_some(&cache),
        clock: &SystemClock,
    };
    let rows = test.run().map_err(|error| {
        Failure::new(
            Exit::Os,
            format_args!("{error}; making cgroups needs root or a delegated subtree (--below)"),
        )
    })?;
    let text = if args.json { as_json(&rows)? } else { as_text(&rows) };
    output::print(&text)?;
    match rows.iter().filter(|row| row.file.is_some() && row.outcome != Outcome::Done).count() {
        0 => Ok(()),
        count => Err(Failure::new(
            Exit::Unavailable,
            format_args!("{count} of what is there does not work"),
        )),
    }
}

fn as_json(rows: &[Row]) -> Result<String, Failure> {
    serde_json::to_string_pretty(rows)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Software, error))
}

fn as_text(rows: &[Row]) -> String {
    let mut table = Table::new(&[
        ("MEANS", Align::Left),
        ("USES", Align::Left),
        ("MS", Align::Right),
        ("RESULT", Align::Left),
    ]);
    for row in rows {
        let result = match (&row.file, &row.outcome) {
            (None, _) => "not on this node".to_owned(),
            (Some(_), Outcome::Done) => "works".to_owned(),
            (Some(_), outcome) => outcome.to_string(),
        };
        table.row([
            row.means.word().to_owned(),
            row.file.clone().unwrap_or_else(|| "–".to_owned()),
            format!("{:.1}", row.took.secs() * 1e3),
            result,
        ]);
    }
    table.text()
}

/// A file on a disk; removed with this value. A tmpfs will not do: what it holds cannot be reclaimed.
struct Scratch(PathBuf);

impl Scratch {
    fn find() -> Option<Self> {
        let name = format!("gleaner-selftest-{}", std::process::id());
        let candidates = ["/var/lib/gleaner", "/var/tmp", "/tmp"].map(Path::new);
        let directory = candidates.into_iter().find(|path| path.is_dir() && on_disk(path))?;
        let path = directory.join(name);
        File::create_new(&path).ok().map(|_| Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::error!("{}: {error}", self.0.display());
        }
    }
}

fn on_disk(path: &Path) -> bool {
    /// tmpfs and ramfs (`linux/magic.h`).
    const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
    let kind = rustix::fs::statfs(path).ok().and_then(|stat| u64::try_from(stat.f_type).ok());
    kind.is_some_and(|kind| !IN_MEMORY.contains(&kind))
}

/// Begins at the first line on standard input, so that what it uses is charged to the cgroup that it was moved to, and
/// ends when that closes, so that none outlives the test.
pub(crate) fn worker(args: &WorkerArgs) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Io, error);
    io::stdin().read_line(&mut String::new()).map_err(failed)?;
    match &args.cache {
        Some(path) => fill(path).map_err(failed)?,
        None => drop(std::thread::spawn(spin)),
    }
    io::copy(&mut io::stdin(), &mut io::sink()).map_err(failed).map(|_| ())
}

fn spin() {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

/// Clean pages can be taken back at once, so they are written out and read again.
fn fill(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&vec![7; CACHE_BYTES])?;
    file.sync_data()?;
    let mut content = Vec::new();
    File::open(path)?.read_to_end(&mut content)?;
    black_box(content);
    Ok(())
}
