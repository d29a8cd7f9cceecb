// SPDX-License-Identifier: Apache-2.0
//! `gleaner explain`: one decision, with what was done because of it and what came of that: from the audit file, or from a
//! running daemon where there is none.

mod asked;
mod text;

use crate::cli::Daemon;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::{config, output};
use gleaner_act::audit::{Entry, Line, Unread, read};
use gleaner_watch::story::{corrections, takes_back};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Acts are looked for up to this long after their decision: a grace and a kill take seconds.
const AFTER_MS: u64 = 15 * 60 * 1000;

/// Says why something was taken back: what was measured, who could have been chosen, who was, and what came of it
///
/// Reads the audit file of a running or ended daemon (`audit.file` in the configuration). Where none is configured, or a
/// URL is given, the daemon is asked, which remembers the latest decisions that did something.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// The number of a decision; `last` for the last one that took something back; or a cgroup, whole or the end of it
    #[arg(value_name = "ID|last|CGROUP", default_value = "last")]
    which: String,
    /// Read this audit file
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    file: Option<PathBuf>,
    /// Print it as one JSON object: the lines of the audit file, or what the daemon answers
    #[arg(short, long)]
    json: bool,
}

/// What was asked for.
enum Which {
    Last,
    Tick(u64),
    Cgroup(String),
}

/// A decision and everything done because of it.
struct Story {
    decision: Value,
    entries: Vec<Entry>,
    unread: Unread,
}

pub(crate) fn explain(args: &Args) -> Result<(), Failure> {
    let which = match args.which.as_str() {
        "last" => Which::Last,
        word => word.parse().map_or_else(|_| Which::Cgroup(word.to_owned()), Which::Tick),
    };
    let text = match file(args)? {
        Some(path) => from_file(&path, &which, args.json)?,
        None => from_daemon(&args.daemon, &which, args.json)?,
    };
    output::print(&text).map(|_| ())
}

/// The audit file to read; `None` where the daemon is to be asked.
fn file(args: &Args) -> Result<Option<PathBuf>, Failure> {
    if args.file.is_some() || args.daemon.url.is_some() {
        return Ok(args.file.clone());
    }
    let (config, _) = config::load(args.daemon.config.path.as_deref())?;
    Ok(config.host.audit.file)
}

fn from_daemon(daemon: &Daemon, which: &Which, json: bool) -> Result<String, Failure> {
    asked::explain(&Client::of(daemon)?, which, json).map_err(|why| {
        let hint = "older ones are in the file that audit.file or --file names, where one is kept";
        Failure::new(Exit::NoInput, format_args!("{why}; {hint}"))
    })
}

fn from_file(path: &Path, which: &Which, as_json: bool) -> Result<String, Failure> {
    let failed = |error| Failure::new(Exit::NoInput, format_args!("{}: {error}", path.display()));
    let story = gather(path, which).map_err(failed)?;
    let story = story.ok_or_else(|| {
        let what = match which {
            Which::Last => "no decision at all".to_owned(),
            Which::Tick(tick) => {
                format!("no decision {tick}; older ones may have been rotated away")
            }
            Which::Cgroup(name) => format!("no correction of a cgroup that ends in {name:?}"),
        };
        Failure::new(Exit::NoInput, format_args!("{}: {what}", path.display()))
    })?;
    if as_json { json(&story) } else { Ok(text::render(&story)) }
}

fn json(story: &Story) -> Result<String, Failure> {
    let value = serde_json::json!({
        "decision": story.decision,
        "entries": story.entries,
        "unreadable_lines": story.unread.lines,
    });
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Software, error))
}

/// Reads the file twice: once to find the decision, once for what belongs to it.
fn gather(path: &Path, which: &Which) -> std::io::Result<Option<Story>> {
    // The latest of each rank; the highest rank is what was asked for.
    let mut best: [Option<Value>; 3] = [None, None, None];
    read(path, |line| {
        if let Line::Decision(decision) = line
            && let Some(rank) = rank(&decision, which)
        {
            best[rank] = Some(decision);
        }
    })?;
    let Some(decision) = best.into_iter().rev().flatten().next() else { return Ok(None) };
    let tick = decision["tick"].as_u64();
    let from = decision["wall_ms"].as_u64().unwrap_or(0);
    // Numbers begin anew with each start of the daemon, so the time counts as well.
    let near = |wall_ms: u64| (from..from.saturating_add(AFTER_MS)).contains(&wall_ms);
    let mut entries = Vec::new();
    let unread = read(path, |line| {
        let Line::Entry(entry) = line else { return };
        let belongs = match &entry {
            Entry::Intent(intent) => Some(intent.tick) == tick && near(intent.wall_ms),
            Entry::Outcome(ended) => Some(ended.tick) == tick && near(ended.wall_ms),
            Entry::Undone { .. } => false,
        };
        if belongs {
            entries.push(entry);
        }
    })?;
    Ok(Some(Story { decision, entries, unread }))
}

/// How well a decision fits what was asked for; `None` if not at all.
fn rank(decision: &Value, which: &Which) -> Option<usize> {
    match which {
        Which::Tick(tick) => (decision["tick"].as_u64() == Some(*tick)).then_some(0),
        Which::Cgroup(name) => {
            let named = |correction: &&Value| {
                correction["task"]["name"].as_str().is_some_and(|task| ends_in(task, name))
            };
            let found: Vec<&Value> = corrections(decision).filter(named).collect();
            let takes = found.iter().any(|correction| takes_back(correction));
            (!found.is_empty()).then_some(if takes { 2 } else { 1 })
        }
        Which::Last if corrections(decision).any(takes_back) => Some(2),
        Which::Last => Some(usize::from(corrections(decision).next().is_some())),
    }
}

/// Whole names at the end of a path: `batch` is the end of `slice/batch` and not of `minibatch`.
fn ends_in(task: &str, name: &str) -> bool {
    let (task, name) = (task.trim_matches('/'), name.trim_matches('/'));
    task == name || task.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_named_by_its_end() {
        assert!(ends_in("slice/batch", "batch"));
        assert!(ends_in("slice/batch", "/slice/batch/"));
        assert!(!ends_in("minibatch", "batch"));
        assert!(!ends_in("batch/x", "batch"));
    }
}
