// SPDX-License-Identifier: Apache-2.0
//! The log: to standard error, at the level and in the form that the configuration asks for.

use gleaner_engine::config::{LogConfig, LogFormat, LogLevel};
use std::io::{IsTerminal as _, stderr};
use tracing::level_filters::LevelFilter;

/// Sends the log to standard error from here on. Does nothing the second time.
pub(crate) fn start(config: LogConfig) {
    let builder = tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_max_level(filter(config.level))
        .with_target(false)
        .with_ansi(stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    // The journal stamps each line itself (systemd.exec(5)).
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let started = match (config.format, journal) {
        (LogFormat::Text, false) => builder.try_init(),
        (LogFormat::Text, true) => builder.without_time().try_init(),
        (LogFormat::Json, _) => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}
