// SPDX-License-Identifier: Apache-2.0
//! `gleaner status`: one screen of a running daemon, and an exit code that says how it stands.

mod text;

use crate::cli::Daemon;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::shown::{Event, Shown};
use gleaner_watch::state::State;
use serde_json::json;

/// Says how a running daemon stands, on one screen
///
/// Exits with 0 where all is well, 1 where it works with a limitation (strained, degraded), 2 where it protects or
/// lends nothing as it should (critical, blind, stale, poisoned), 3 where nobody answers: what monitoring plugins mean
/// by OK, WARNING, CRITICAL and UNKNOWN.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// Print what the daemon says as JSON
    #[arg(short, long)]
    json: bool,
}

pub(crate) fn status(args: &Args) -> Result<(), Failure> {
    let client = Client::of(&args.daemon)?;
    let asked = client.text("/v1/decision").and_then(|body| {
        let shown = serde_json::from_str::<Shown>(&body);
        shown.map(|shown| (body, shown)).map_err(|error| format!("{}: {error}", client.url()))
    });
    let (body, shown) = match asked {
        Ok(answer) => answer,
        Err(why) => return unanswered(args, &client, &why),
    };
    let text = if args.json {
        body
    } else {
        let events: Vec<Event> = client.get("/v1/events").unwrap_or_default();
        let metrics = client.text("/metrics").unwrap_or_default();
        text::screen(&shown, &events, &text::corrections(&metrics))
    };
    output::print(&text)?;
    match exit_of(shown.state()) {
        None => Ok(()),
        Some(exit) => Err(Failure::told(exit)),
    }
}

fn unanswered(args: &Args, client: &Client, why: &str) -> Result<(), Failure> {
    let text = match args.json {
        true => format!("{}\n", json!({ "state": "unanswered", "why": why })),
        false => text::unanswered(client.url(), why),
    };
    output::print(&text)?;
    Err(Failure::told(Exit::Unanswered))
}

/// `None` where all is well.
const fn exit_of(state: State) -> Option<Exit> {
    match state {
        State::Calm | State::Cold => None,
        State::Degraded | State::Strained => Some(Exit::Limited),
        State::Blind | State::Critical | State::Stale | State::Poisoned => Some(Exit::Failing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_code_and_a_worse_one_is_never_smaller() {
        let codes = State::ALL.map(|state| exit_of(state).map_or(0, Exit::code));
        assert_eq!(codes, [0, 0, 1, 1, 2, 2, 2, 2]);
    }
}
