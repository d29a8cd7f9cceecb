// SPDX-License-Identifier: Apache-2.0
//! `/v1/acts`: what goes on, since when and until when at most; and the same for the page.

use super::html::{each, escape, moment};
use crate::published::Published;
use crate::snapshot::{Snapshot, UnderWay};
use serde::Serialize;

/// The answer of `/v1/acts`.
#[derive(Serialize)]
pub(super) struct ActsAnswer {
    /// The most pressing first; each names its decision only where that can still be explained.
    under_way: Vec<UnderWay>,
    /// How many more there are.
    more: usize,
}

pub(super) fn acts(shot: &Snapshot, published: &Published) -> ActsAnswer {
    let kept = published.stories().ticks();
    let known = |act: &UnderWay| UnderWay {
        tick: act.tick.filter(|tick| kept.contains(tick)),
        ..act.clone()
    };
    let under_way = shot.host.under_way.iter().map(known).collect();
    ActsAnswer { under_way, more: shot.host.under_way_more }
}

/// The lines of a list.
pub(super) fn html(answer: &ActsAnswer) -> String {
    let mut lines = each(&answer.under_way, line);
    if answer.more > 0 {
        lines.push_str(&format!("<li>and {} more</li>", answer.more));
    }
    lines
}

fn line(act: &UnderWay) -> String {
    let until = act.until_ms.map_or_else(
        || ", until all is calm again".to_owned(),
        |until| format!(", until {} at the latest", moment(until)),
    );
    let link = act.tick.map_or_else(String::new, |tick| {
        format!(" <a href=\"/decisions/{tick}\" data-tick=\"{tick}\">Why?</a>")
    });
    format!(
        "<li>{} {} for {}, since {}{until}.{link}</li>",
        act.action,
        escape(&act.task.name),
        act.resource.word(),
        moment(act.since_ms),
    )
}
