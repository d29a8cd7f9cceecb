// SPDX-License-Identifier: Apache-2.0
//! The command line.

use crate::exit::Exit;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Lends what services reserved but do not use, and takes it back before they notice.
///
/// Without a configuration it finds out how this node arranges its tasks, says how much it would lend,
/// and touches nothing.
#[derive(Debug, Parser)]
#[command(name = "gleaner", version, after_long_help = Exit::table(), subcommand_required = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch this node, decide each interval, serve metrics and the page
    ///
    /// On a terminal it prints a line for each decision. Elsewhere it logs changes to standard error.
    /// SIGINT and SIGTERM end it, SIGHUP reads the configuration again.
    Run(Run),
    /// Say how a running daemon stands, with an exit code for scripts
    Status(crate::status::Args),
    /// Show what is lent, to whom, and why not more, live in the terminal
    Top(crate::top::Args),
    /// Show on this node how lending works, on cgroups of its own
    Demo(crate::demo::Args),
    #[command(hide = true)]
    DemoWorker(crate::demo::WorkerArgs),
    /// Take one measurement and show each task with its use, its class and why it has that class
    Sample(Sample),
    /// Show what was detected: cgroups, layout, tasks, and what cannot be seen
    Layout(Layout),
    /// Keep what is sampled in a file that survives a crash
    Record(crate::record::Args),
    /// Write a recording as Parquet
    Export(crate::record::ExportArgs),
    /// Say what settings would have lent and violated on traces and recordings
    Backtest(crate::backtest::Args),
    /// Say why something was taken back, from the audit file
    Explain(crate::explain::Args),
    /// Rank who would be evicted first, and evict nobody
    Victims(crate::victims::Args),
    /// Try every way of taking something back on cgroups of its own
    Selftest(crate::selftest::Args),
    #[command(hide = true)]
    SelftestWorker(crate::selftest::WorkerArgs),
    /// Print the configuration in force, or every mistake with its line
    ///
    /// Without FILE: every key at its default.
    CheckConfig {
        /// The TOML file
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// Read the configuration from this TOML file; without it everything is at its default
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
}

/// Which daemon to ask.
#[derive(Debug, Args)]
pub(crate) struct Daemon {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Ask the daemon at this address instead of at `http.listen`
    #[arg(short, long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// End after this many decisions
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) ticks: Option<u64>,
    /// Print each decision as one line of JSON
    #[arg(short, long)]
    pub(crate) json: bool,
    /// Serve on this address instead of `http.listen`; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Record everything that is decided from, for `gleaner backtest`; it is written by the thread that decides, so
    /// keep it off a disk that is contended
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Sample {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Print the reading as JSON
    #[arg(short, long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Layout {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
