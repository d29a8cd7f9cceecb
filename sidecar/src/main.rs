// SPDX-License-Identifier: Apache-2.0
//! The daemon and the command line.

mod backtest;
mod cli;
mod client;
mod clock;
mod config;
mod demo;
mod exit;
mod explain;
mod learned;
mod logging;
mod look;
mod output;
mod record;
mod run;
mod scribe;
mod selftest;
mod settings;
mod shown;
mod status;
mod table;
mod told;
mod top;
mod victims;
mod whole;

use clap::Parser as _;
use cli::{Cli, Command};
use exit::{Exit, Failure};
use gleaner_watch::civil;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return usage(&message),
    };
    // The panic itself was told by the hook; a supervisor is told by the code that it was one.
    let result = catch_unwind(AssertUnwindSafe(|| execute(cli.command)))
        .unwrap_or_else(|_| Err(Failure::new(Exit::Software, "stopped after a panic")));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Prints what clap has to say: help and version are a success, all else is a mistake.
fn usage(message: &clap::Error) -> ExitCode {
    // When not even this can be written there is nobody to tell.
    let _ = message.print();
    match message.use_stderr() {
        true => ExitCode::from(Exit::Usage.code()),
        false => ExitCode::SUCCESS,
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::status(&args),
        Command::Top(args) => top::top(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::DemoWorker(args) => demo::work(&args.worker),
        Command::Sample(args) => look::sample(&args.config, args.json),
        Command::Layout(args) => look::layout(&args.config),
        Command::Record(args) => record::run(&args),
        Command::Export(args) => record::run_export(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Victims(args) => victims::victims(&args),
        Command::Selftest(args) => selftest::selftest(&args),
        Command::SelftestWorker(args) => selftest::worker(&args),
        Command::CheckConfig { file } => check_config(file.as_deref()),
    }
}

fn check_config(file: Option<&Path>) -> Result<(), Failure> {
    let (config, _) = config::load(file)?;
    output::print(&gleaner_engine::config::effective(&config)).map(|_| ())
}
