// SPDX-License-Identifier: Apache-2.0
//! What stands above all else on the page where something is wrong: one line each, with the command that explains it.

use crate::snapshot::{Snapshot, Trouble};
use crate::state::State;

/// Most lines of what does not work here: the state below them is to be seen without scrolling.
const MOST: usize = 4;

/// The lines; none where all is well.
pub(super) fn banner(shot: &Snapshot, state: State) -> Vec<Trouble> {
    let line = |what: &str, command: &str| Trouble { what: what.into(), command: command.into() };
    let mut lines = Vec::new();
    if shot.host.poisoned {
        lines.push(line("Stopped itself after a bug; lends nothing.", ""));
    } else if state == State::Stale {
        lines.push(line("Stale: no good reading. Nothing is offered.", ""));
    }
    lines.extend(shot.host.troubles.iter().take(MOST).cloned());
    if let Some(more @ 1..) = shot.host.troubles.len().checked_sub(MOST) {
        lines.push(line(&format!("And {more} more:"), "gleaner top"));
    }
    lines
}
