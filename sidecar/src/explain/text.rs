// SPDX-License-Identifier: Apache-2.0
//! A decision of the audit file and its entries, as a story.

use super::Story as Found;
use crate::told::set;
use gleaner_act::audit::Entry;
use gleaner_watch::story::{Act, End, tell};
use std::fmt::Write as _;

/// The whole text.
pub(super) fn render(found: &Found) -> String {
    let acts: Vec<Act> = found.entries.iter().filter_map(act).collect();
    let mut text = set(&tell(&found.decision, &acts));
    if found.unread.lines > 0 {
        let _ = writeln!(text, "\n{} lines of the audit file cannot be read.", found.unread.lines);
    }
    text
}

/// What an entry of the audit file says of an act.
fn act(entry: &Entry) -> Option<Act> {
    match entry {
        Entry::Intent(intent) => Some(Act {
            task: intent.task.clone(),
            action: intent.action,
            wall_ms: intent.wall_ms,
            end: None,
        }),
        Entry::Outcome(ended) => Some(Act {
            task: ended.task.clone(),
            action: ended.action,
            wall_ms: ended.wall_ms,
            end: Some(End {
                outcome: ended.outcome.to_string(),
                means: ended.means.map(gleaner_act::means::Means::word),
                took: ended.took,
                relief: ended.relief,
                reacted: None,
            }),
        }),
        Entry::Undone { .. } => None,
    }
}
