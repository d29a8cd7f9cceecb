// SPDX-License-Identifier: Apache-2.0
//! `gleaner record` and `gleaner export`: keep what is sampled, and hand it to others.

use crate::cli::ConfigFile;
use crate::clock::{Clock as _, Schedule, SystemClock, Wake, wall_ms};
use crate::exit::{Exit, Failure};
use crate::{config, logging, output, settings};
use gleaner_backtest::recording::{
    Event, ExportError, Exported, Pseudonyms, Recorder, RecorderOptions, RecordingError, export,
};
use gleaner_collector::Collector;
use gleaner_engine::config::{LogConfig, LogLevel, parse_memory, parse_time};
use gleaner_engine::reading::{Body, Reading};
use gleaner_estimator::sample::Sample;
use gleaner_estimator::units::{Amount as _, Bytes, Span};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Reads this node once an interval and keeps what is read, until it is told to end. A recording that is there
/// is continued; what a crash tore off its end is cut away.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigFile,
    /// The recording; files that are full become FILE.1, FILE.2 and so on
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// End after this many samples
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    samples: Option<u64>,
    /// A file that has grown to this is closed
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_memory)]
    max_size: Bytes,
    /// Closed files that are kept; the oldest goes
    #[arg(long, value_name = "N", default_value_t = 7)]
    keep: u32,
    /// What a crash may lose: samples are written when they span this time
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    block: Span,
    /// Replace names of tasks, tenants and labels by keyed hashes; the key is random and thrown away
    #[arg(long)]
    hash_names: bool,
    /// Take the key for --hash-names from the first 16 bytes of this file, so that hashes stay comparable
    #[arg(long, value_name = "FILE", requires = "hash_names")]
    hash_key: Option<PathBuf>,
}

/// Writes a recording as Parquet with the columns of the public traces: the guaranteed tasks, as machine 0.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The recording; files rotated from it are read too
    #[arg(value_name = "RECORDING")]
    recording: PathBuf,
    /// The Parquet file
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Distance of two rows of a task, in whole seconds [default: the distance of samples]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    step: Option<Span>,
}

/// Records until it is told to end.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let (config, _) = config::load(args.config.path.as_deref())?;
    logging::start(LogConfig { level: LogLevel::Error, ..config.host.log });
    let mut collector = settings::collector(&config)?;
    let options = RecorderOptions {
        max_bytes: args.max_size.raw(),
        keep: args.keep,
        block: args.block,
        names: pseudonyms(args)?,
    };
    let mut recorder = Recorder::open(&args.file, wall_ms(), options).map_err(failure)?;
    let (wake, mailbox) = channel();
    listen(wake)?;
    let mut clock = SystemClock::new(mailbox);
    let mut schedule = Schedule::new(clock.now(), config.engine.interval);
    let (file, interval) = (args.file.display(), config.engine.interval);
    eprintln!("gleaner: recording to {file}, a sample every {interval}; SIGINT or SIGTERM ends it");
    let mut sample = Sample::default();
    let (mut taken, mut troubled) = (0, false);
    while args.samples.is_none_or(|wanted| taken < wanted) {
        match clock.wait(schedule.next()) {
            Wake::Due => {}
            Wake::Pressed | Wake::Reload => continue,
            Wake::Stop | Wake::Alone => break,
        }
        let kept = take(&mut collector, &clock, &mut sample, &mut recorder);
        say(&kept, &mut troubled);
        taken += 1;
        schedule.advance(clock.now());
    }
    let lost = recorder.lost();
    recorder.close().map_err(failure)?;
    let lost = if lost > 0 { format!(", {lost} lost") } else { String::new() };
    let tasks = sample.tasks.len();
    let text = format!("{file}: {taken} samples{lost}, {tasks} tasks in the last one\n");
    output::print(&text).map(|_| ())
}

/// One reading, good or failed, into the recording.
fn take(
    collector: &mut Collector,
    clock: &SystemClock,
    sample: &mut Sample,
    recorder: &mut Recorder,
) -> Result<(), RecordingError> {
    let at = clock.now();
    let read = collector.sample(at, sample).map_err(|e| e.to_string());
    let body = match &read {
        Ok(()) => Body::Fresh(sample),
        Err(why) => Body::Failed(why),
    };
    let wall_ms = wall_ms();
    recorder.tell(&Event::Reading(Reading { at, wall_ms, body }), wall_ms)
}

/// Tells of trouble once, and of its end: a full disk need not fill the log as well.
fn say(kept: &Result<(), RecordingError>, troubled: &mut bool) {
    match kept {
        Err(error) if !*troubled => {
            eprintln!("gleaner: {error}; samples are lost until it can be written again");
            *troubled = true;
        }
        Ok(()) | Err(_) => {}
    }
}

fn pseudonyms(args: &Args) -> Result<Option<Pseudonyms>, Failure> {
    if !args.hash_names {
        return Ok(None);
    }
    let file = args.hash_key.as_deref().unwrap_or_else(|| Path::new("/dev/urandom"));
    let mut key = [0; 16];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut key));
    let wrong = |e: io::Error| {
        let shown = file.display();
        Failure::new(Exit::NoInput, format_args!("{shown}: a key needs 16 bytes: {e}"))
    };
    read.map(|()| Some(Pseudonyms::new(key))).map_err(wrong)
}

/// Passes SIGINT and SIGTERM on, so that what has been gathered is written before the end.
fn listen(wake: Sender<Wake>) -> Result<(), Failure> {
    let fail =
        |e: io::Error| Failure::new(Exit::Os, format_args!("cannot listen for signals: {e}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(fail)?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt()).map_err(fail)?,
            signal(SignalKind::terminate()).map_err(fail)?,
        )
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        // Where nobody listens any more it has ended already.
        let _ = wake.send(Wake::Stop);
    };
    let thread = std::thread::Builder::new().name("gleaner-signals".to_owned()).spawn(wait);
    thread.map(|_detached| ()).map_err(fail)
}

pub(crate) fn failure(error: RecordingError) -> Failure {
    let exit = match error {
        RecordingError::Io { .. } => Exit::Io,
        RecordingError::NotARecording { .. } | RecordingError::TooNew { .. } => Exit::Data,
    };
    Failure::new(exit, error)
}

/// Exports and says what was written and what could not be read.
pub(crate) fn run_export(args: &ExportArgs) -> Result<(), Failure> {
    let step = args.step.map(|span| u32::try_from(span.0 / Span::from_secs(1).0));
    let step = step.transpose().ok().flatten().filter(|step| *step > 0);
    let Exported { rows, tasks, step_s, damage } = export(&args.recording, &args.out, step)
        .map_err(|error| match error {
            ExportError::Recording(error) => failure(error),
            ExportError::Io { .. } | ExportError::Parquet { .. } => Failure::new(Exit::Io, error),
        })?;
    for gap in damage {
        let why = if gap.torn { "torn off by a crash" } else { "damaged" };
        let file = gap.file.display();
        eprintln!("gleaner: {file}: {} bytes at {} are {why}; left out", gap.bytes, gap.offset);
    }
    let out = args.out.display();
    let text = format!("{out}: {rows} rows of {tasks} tasks, one every {step_s} s\n");
    output::print(&text).map(|_| ())
}
