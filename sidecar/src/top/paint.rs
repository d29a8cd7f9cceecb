// SPDX-License-Identifier: Apache-2.0
//! Colours and signs. A colour only underlines what a word says already, so that all can be had without.

use super::model::Looks;
use gleaner_watch::state::State;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use std::collections::VecDeque;

/// How to paint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(pub(super) Looks);

impl Paint {
    fn colored(self, color: Color) -> Style {
        if self.0.color { Style::new().fg(color) } else { Style::new() }
    }

    fn styled(self, text: impl Into<String>, style: Style) -> Span<'static> {
        let text: String = text.into();
        // Without colours no attribute either: the output may go into a file.
        if self.0.color { Span::styled(text, style) } else { Span::raw(text) }
    }

    /// Text that is only text.
    pub(super) fn plain(self, text: impl Into<String>) -> Span<'static> {
        self.styled(text, Style::new())
    }

    /// What matters.
    pub(super) fn strong(self, text: impl Into<String>) -> Span<'static> {
        self.styled(text, Style::new().add_modifier(Modifier::BOLD))
    }

    /// What matters less.
    pub(super) fn faint(self, text: impl Into<String>) -> Span<'static> {
        self.styled(text, Style::new().add_modifier(Modifier::DIM))
    }

    /// What is wrong.
    pub(super) fn alarm(self, text: impl Into<String>) -> Span<'static> {
        self.styled(text, self.colored(Color::Red))
    }

    /// What the owners use.
    pub(super) fn owners(self, text: impl Into<String>) -> Span<'static> {
        self.styled(text, self.colored(Color::Blue))
    }

    /// The page that is open.
    pub(super) fn chosen(self, text: String) -> Span<'static> {
        let text = text.trim();
        self.styled(format!("[{text}]"), Style::new().add_modifier(Modifier::BOLD))
    }

    /// The line that is selected.
    pub(super) fn selected(self) -> Style {
        if self.0.color { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() }
    }

    /// A state's word, in capitals.
    pub(super) fn state(self, state: State) -> Span<'static> {
        let color = match state {
            State::Calm => Color::Green,
            State::Cold => Color::Cyan,
            State::Degraded | State::Strained => Color::Yellow,
            State::Blind | State::Critical | State::Stale | State::Poisoned => Color::Red,
        };
        let style = self.colored(color).add_modifier(Modifier::BOLD);
        self.styled(state.word().to_uppercase(), style)
    }
}

/// The picture in signs that every terminal has.
pub(super) fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let plain = cell.symbol().chars().next().map_or(' ', ascii);
        cell.set_char(plain);
    }
}

/// The sign that looks most like it.
const fn ascii(c: char) -> char {
    match c {
        '–' | '−' | '─' => '-',
        '│' => '|',
        '┌' | '┐' | '└' | '┘' => '+',
        '…' => '~',
        c if c.is_ascii() => c,
        _ => '?',
    }
}

/// The last values as a row of bars, each as high as its share of the highest; a gap where nothing is known. A bar
/// stands for the highest of `each` values, counted from the newest, so that no short peak is lost.
pub(super) fn sparkline(
    past: &VecDeque<Option<u64>>,
    width: usize,
    each: usize,
    ascii: bool,
) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];
    let bars = if ascii { PLAIN } else { BARS };
    let kept: Vec<Option<u64>> = past.iter().copied().collect();
    let groups =
        kept.rchunks(each.max(1)).take(width).map(|group| group.iter().copied().flatten().max());
    let mut tail: Vec<Option<u64>> = groups.collect();
    tail.reverse();
    let most = tail.iter().flatten().copied().max().unwrap_or(0).max(1);
    let bar = |value: &Option<u64>| {
        let height = value.map(|value| value.saturating_mul(7).div_ceil(most));
        height.and_then(|h| bars.get(usize::try_from(h).ok()?)).copied().unwrap_or(' ')
    };
    tail.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_shares_of_the_highest_and_gaps_are_gaps() {
        let past = VecDeque::from([Some(0), Some(50), None, Some(100)]);
        assert_eq!(sparkline(&past, 9, 1, false), "▁▅ █");
        assert_eq!(sparkline(&past, 2, 1, true), " #");
        assert_eq!(sparkline(&VecDeque::from([Some(0)]), 5, 1, true), "_");
        assert_eq!(sparkline(&past, 9, 2, false), "▅█", "a bar is the highest of two");
        assert_eq!(sparkline(&past, 1, 3, false), "█", "counted from the newest");
        assert_eq!("64 − 3 … ü".chars().map(ascii).collect::<String>(), "64 - 3 ~ ?");
    }
}
