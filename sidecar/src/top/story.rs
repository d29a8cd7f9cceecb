// SPDX-License-Identifier: Apache-2.0
//! The whole story of one decision, as `gleaner explain` prints it: asked for, then scrolled through.

use super::paint::Paint;
use crate::client::Client;
use crate::table::printable;
use crate::told::{Explained, set};
use gleaner_watch::http::answer;
use gleaner_watch::published::Published;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Widget as _};
use std::sync::Arc;

/// Columns of the frame around it, and one of air at each side.
const FRAME: u16 = 4;

/// Who can tell a story, also from another thread than the one that looks.
pub(super) enum Teller {
    /// A daemon over HTTP.
    Daemon(Client),
    /// What is decided in this process.
    Own(Arc<Published>),
}

impl Teller {
    /// The text of a decision's story.
    ///
    /// # Errors
    /// One sentence: nobody answers, or the decision is not kept any more.
    pub(super) fn tell(&self, tick: u64) -> Result<String, String> {
        let path = format!("/v1/decisions/{tick}");
        let Explained { story } = match self {
            Self::Daemon(client) => client.get(&path)?,
            Self::Own(published) => {
                let body = answer(published, &path)
                    .ok_or_else(|| format!("decision {tick} is not kept any more"))?;
                serde_json::from_slice(&body).map_err(|error| format!("{path}: {error}"))?
            }
        };
        Ok(set(&story))
    }
}

/// A story that is looked at.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    /// The number of the decision.
    pub(super) tick: u64,
    /// `None` while it is asked for.
    text: Option<Result<String, String>>,
    /// The first line in sight.
    from: usize,
}

impl Telling {
    /// One that was just asked for.
    pub(super) const fn of(tick: u64) -> Self {
        Self { tick, text: None, from: 0 }
    }

    /// The answer.
    pub(super) fn heard(&mut self, text: Result<String, String>) {
        self.text = Some(text);
    }

    /// Puts another line in front, as far as there are more than fit into this area.
    pub(super) fn scroll(&mut self, area: Rect, to: impl FnOnce(usize) -> usize) {
        self.from = to(self.first(area)).min(self.last(area));
    }

    /// The first line in sight, also where the area has grown since it was scrolled to.
    fn first(&self, area: Rect) -> usize {
        self.from.min(self.last(area))
    }

    fn last(&self, area: Rect) -> usize {
        self.lines(area).len().saturating_sub(usize::from(area.height.saturating_sub(2)))
    }

    fn lines(&self, area: Rect) -> Vec<String> {
        let text = match &self.text {
            None => "asking …",
            Some(Ok(text) | Err(text)) => text,
        };
        let width = usize::from(area.width.saturating_sub(FRAME));
        text.lines().flat_map(|line| fold(&printable(line), width)).collect()
    }

    /// Draws it over the whole area.
    pub(super) fn draw(&self, paint: Paint, area: Rect, buffer: &mut Buffer) {
        let (all, from) = (self.lines(area), self.first(area));
        let fit = usize::from(area.height.saturating_sub(2));
        let place = match all.len() > fit {
            true => format!(" {} to {} of {} ", from + 1, (from + fit).min(all.len()), all.len()),
            false => String::new(),
        };
        Clear.render(area, buffer);
        let title = format!(" Decision {}, Esc back ", self.tick);
        let block = Block::bordered()
            .title(Line::from(paint.strong(title)))
            .title_bottom(Line::from(paint.faint(place)));
        let seen = all.into_iter().skip(from).take(fit);
        let lines: Vec<Line<'_>> =
            seen.map(|line| Line::from(paint.plain(format!(" {line}")))).collect();
        Paragraph::new(lines).block(block).render(area, buffer);
    }
}

/// A line in pieces that fit: broken between words where that can be, and set in like its beginning.
fn fold(line: &str, width: usize) -> Vec<String> {
    let blank = line.chars().take_while(|c| *c == ' ').count();
    let indent = " ".repeat((blank + 2).min(width / 2));
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > width && width > indent.len() {
        let begun = rest.iter().take_while(|c| **c == ' ').count();
        let space = rest[..=width].iter().rposition(|c| *c == ' ').filter(|at| *at > begun);
        let (piece, after) = rest.split_at(space.unwrap_or(width));
        pieces.push(piece.iter().collect::<String>().trim_end().to_owned());
        let after = after.iter().skip_while(|c| **c == ' ');
        rest = indent.chars().chain(after.copied()).collect();
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_words_and_nothing_is_lost() {
        assert_eq!(fold("  one two three", 9), ["  one two", "    three"]);
        assert_eq!(fold("abcdefghij", 4), ["abcd", "  ef", "  gh", "  ij"]);
        assert_eq!(fold("", 4), [""]);
        assert_eq!(fold("wide", 0), ["wide"], "no room at all is no endless loop");
    }
}
