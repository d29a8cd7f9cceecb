// SPDX-License-Identifier: Apache-2.0
//! The same from a running daemon, where nobody keeps an audit file: it remembers the latest that did something.

use super::{Which, ends_in};
use crate::client::Client;
use crate::told::{Explained, set};
use serde::Deserialize;

/// What `/decisions.json` answers, as far as it is needed.
#[derive(Deserialize)]
struct Listed {
    /// The latest first.
    rows: Vec<Row>,
}

/// One correction, or a change of a level, which has no task.
#[derive(Deserialize)]
struct Row {
    /// `None` where the decision is not remembered any more.
    tick: Option<u64>,
    takes: bool,
    task: Option<String>,
}

/// The story of a decision, or the whole answer as JSON.
///
/// # Errors
/// A sentence: no daemon there, or nothing of what is asked for.
pub(super) fn explain(client: &Client, which: &Which, json: bool) -> Result<String, String> {
    let tick = match which {
        Which::Tick(tick) => *tick,
        Which::Last => find(client, |_| true)?
            .ok_or_else(|| format!("{}: nothing was done yet", client.url()))?,
        Which::Cgroup(name) => find(client, |task| ends_in(task, name))?.ok_or_else(|| {
            format!("{}: no correction of a cgroup that ends in {name:?}", client.url())
        })?,
    };
    let path = format!("/v1/decisions/{tick}");
    if json {
        return client.text(&path).map(|text| text + "\n");
    }
    let Explained { story } = client.get(&path)?;
    Ok(format!(
        "{}\nTold by the daemon at {}, which remembers the latest decisions alone; a file named by audit.file keeps \
         more.\n",
        set(&story),
        client.url()
    ))
}

/// The latest decision that took something back from such a task; else the latest that did anything to it.
fn find(client: &Client, wanted: impl Fn(&str) -> bool) -> Result<Option<u64>, String> {
    let Listed { rows } = client.get("/decisions.json")?;
    let fits = |row: &&Row| row.task.as_deref().is_some_and(&wanted);
    let took = rows.iter().filter(fits).filter(|row| row.takes).find_map(|row| row.tick);
    Ok(took.or_else(|| rows.iter().filter(fits).find_map(|row| row.tick)))
}
