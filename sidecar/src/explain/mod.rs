// SPDX-License-Identifier: Apache-2.0
//! `gleaner explain`: one decision from the audit file, with what was done because of it and what came of that.

mod text;

use crate::cli::ConfigFile;
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
/// Reads the audit file of a running or ended daemon (`audit.file` in the configuration).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigFile,
    /// The number of a decision; `last` for the last one that took something back; or a cgroup, whole or the end of it
    #[arg(value_name = "ID|last|CGROUP", default_value = "last")]
    which: String,
    /// Read this audit file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the lines of the audit file as one JSON object
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
    let path = match &args.file {
        Some(path) => path.clone(),
        None => configured(&args.config)?,
    };
    let which = match args.which.as_str() {
        "last" => Which::Last,
        word => word.parse().map_or_else(|_| Which::Cgroup(word.to_owned()), Which::Tick),
    };
    let failed = |error| Failure::new(Exit::NoInput, format_args!("{}: {error}", path.display()));
    let story = gather(&path, &which).map_err(failed)?;
    let story = story.ok_or_else(|| {
        let what = match &which {
            Which::Last => "no decision at all".to_owned(),
            Which::Tick(tick) => {
                format!("no decision {tick}; older ones may have been rotated away")
            }
            Which::Cgroup(name) => format!("no correction of a cgroup that ends in {name:?}"),
        };
        Failure::new(Exit::NoInput, format_args!("{}: {what}", path.display()))
    })?;
    let text = if args.json { json(&story)? } else { text::render(&story) };
    output::print(&text).map(|_| ())
}

fn configured(file: &ConfigFile) -> Result<PathBuf, Failure> {
    let (config, _) = config::load(file.path.as_deref())?;
    config.host.audit.file.ok_or_else(|| {
        let why = "no audit file is configured: set audit.file, or name one with --file";
        Failure::new(Exit::NoInput, why)
    })
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
