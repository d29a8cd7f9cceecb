// SPDX-License-Identifier: Apache-2.0
//! Keys: one table drives what they do and what the help says of them, so that help cannot lie.

use super::model::{Model, Sort, Tab, ZOOMS};
use super::replay::{Moment, Order, moment};
use super::story::Telling;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for. None of them changes anything on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Quit,
    Help,
    Pause,
    Filter,
    ClearFilter,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextTab,
    Open(Tab),
    SortLeft,
    SortRight,
    Reverse,
    Tree,
    ZoomIn,
    ZoomOut,
    Detail,
    Back,
    Next,
    Previous,
    Jump,
    Beginning,
    End,
}

/// Lines that Page Up and Page Down move by.
const PAGE: usize = 10;
/// Characters of a filter.
const LONGEST: usize = 80;

/// Commands, their keys, and what the help says.
pub(super) const KEYS: [(Command, &[KeyCode], &str, &str); 29] = [
    (Command::Help, &[KeyCode::Char('?'), KeyCode::Char('h')], "? h", "this help"),
    (Command::Quit, &[KeyCode::Char('q')], "q Ctrl-c", "quit"),
    (
        Command::Pause,
        &[KeyCode::Char(' ')],
        "Space",
        "pause and go on; a replay runs as fast as it was recorded",
    ),
    (Command::Filter, &[KeyCode::Char('/')], "/", "filter by name, class, tenant or text"),
    (Command::ClearFilter, &[], "Ctrl-l", "clear the filter"),
    (Command::Up, &[KeyCode::Up, KeyCode::Char('k')], "Up k", "one line up"),
    (Command::Down, &[KeyCode::Down, KeyCode::Char('j')], "Down j", "one line down"),
    (Command::PageUp, &[KeyCode::PageUp], "PgUp", "ten lines up"),
    (Command::PageDown, &[KeyCode::PageDown], "PgDn", "ten lines down"),
    (Command::First, &[KeyCode::Char('g'), KeyCode::Home], "g Home", "first line"),
    (Command::Last, &[KeyCode::Char('G'), KeyCode::End], "G End", "last line"),
    (Command::NextTab, &[KeyCode::Tab], "Tab", "next page"),
    (Command::Open(Tab::Tasks), &[KeyCode::Char('1')], "1", "tasks"),
    (Command::Open(Tab::Decisions), &[KeyCode::Char('2')], "2", "what was decided lately"),
    (Command::Open(Tab::Signals), &[KeyCode::Char('3')], "3", "signals of harm and their limits"),
    (Command::Open(Tab::Own), &[KeyCode::Char('4')], "4", "Gleaner itself"),
    (Command::SortLeft, &[KeyCode::Char('<')], "<", "sort by the column to the left"),
    (Command::SortRight, &[KeyCode::Char('>')], ">", "sort by the column to the right"),
    (Command::Reverse, &[KeyCode::Char('r')], "r", "reverse the order"),
    (Command::Tree, &[KeyCode::Char('e')], "e", "tasks as a tree of cgroups, or as a list"),
    (Command::ZoomIn, &[KeyCode::Char('+')], "+", "small pictures of less time, in more detail"),
    (Command::ZoomOut, &[KeyCode::Char('-')], "-", "small pictures of more time"),
    (
        Command::Detail,
        &[KeyCode::Enter],
        "Enter",
        "everything about the selected task; the whole story of a decision",
    ),
    (Command::Back, &[KeyCode::Esc], "Esc", "back"),
    (Command::Next, &[KeyCode::Char('t')], "t", "replay: next sample"),
    (Command::Previous, &[KeyCode::Char('T')], "T", "replay: previous sample"),
    (Command::Jump, &[KeyCode::Char('J')], "J", "replay: jump to a time"),
    (Command::Beginning, &[KeyCode::Char('{')], "{", "replay: first sample"),
    (Command::End, &[KeyCode::Char('}')], "}", "replay: last sample"),
];

/// Together with the control key.
const CONTROLLED: [(KeyCode, Command); 2] =
    [(KeyCode::Char('c'), Command::Quit), (KeyCode::Char('l'), Command::ClearFilter)];

/// What a key asks for while no filter is typed.
fn command(key: KeyEvent) -> Option<Command> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        let known = CONTROLLED.iter().find(|(code, _)| *code == key.code);
        return known.map(|(_, command)| *command);
    }
    let known = KEYS.iter().find(|(_, codes, _, _)| codes.contains(&key.code));
    known.map(|(command, ..)| *command)
}

/// A key was pressed.
pub(super) fn press(model: &mut Model, key: KeyEvent) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if model.jump.is_some() && !control {
        type_jump(model, key.code);
    } else if model.typing && !control {
        type_filter(model, key.code);
    } else if let Some(command) = command(key) {
        obey(model, command);
    }
}

fn type_filter(model: &mut Model, code: KeyCode) {
    if code == KeyCode::Enter {
        model.typing = false;
    } else if code == KeyCode::Esc {
        (model.typing, model.filter) = (false, String::new());
    } else if code == KeyCode::Backspace {
        model.filter.pop();
    } else if let KeyCode::Char(c) = code
        && model.filter.chars().count() < LONGEST
    {
        model.filter.push(c);
    }
    model.select(0);
}

fn type_jump(model: &mut Model, code: KeyCode) {
    if code == KeyCode::Enter {
        return model.leap(moment);
    }
    if code == KeyCode::Esc {
        model.jump = None;
    }
    let Some((text, wrong)) = &mut model.jump else { return };
    if code == KeyCode::Backspace {
        (_, *wrong) = (text.pop(), None);
    } else if let KeyCode::Char(c) = code
        && text.chars().count() < LONGEST
    {
        text.push(c);
        *wrong = None;
    }
}

fn obey(model: &mut Model, command: Command) {
    match command {
        Command::Quit => model.ended = true,
        Command::Help => (model.help, model.help_from) = (!model.help, 0),
        Command::Pause if model.reel().is_some() => model.ask_for(Order::Toggle),
        Command::Pause => model.paused = !model.paused,
        Command::Filter => {
            (model.typing, model.help, model.detail, model.story) = (true, false, false, None);
        }
        Command::ClearFilter => (model.typing, model.filter) = (false, String::new()),
        Command::Up => model.step(|at| at.saturating_sub(1)),
        Command::Down => model.step(|at| at.saturating_add(1)),
        Command::PageUp => model.step(|at| at.saturating_sub(PAGE)),
        Command::PageDown => model.step(|at| at.saturating_add(PAGE)),
        Command::First => model.step(|_| 0),
        Command::Last => model.step(|_| usize::MAX),
        Command::NextTab => open(model, next(&Tab::ALL, model.tab, 1)),
        Command::Open(tab) => open(model, tab),
        Command::SortLeft => model.sort = next(&Sort::ALL, model.sort, Sort::ALL.len() - 1),
        Command::SortRight => model.sort = next(&Sort::ALL, model.sort, 1),
        Command::Reverse => model.reverse = !model.reverse,
        Command::Tree => model.tree = !model.tree,
        Command::ZoomIn => model.zoom = model.zoom.saturating_sub(1),
        Command::ZoomOut => model.zoom = (model.zoom + 1).min(ZOOMS.len() - 1),
        Command::Detail => detail(model),
        Command::Back if model.help => model.help = false,
        Command::Back => (model.story, model.detail) = (None, false),
        Command::Next => model.ask_for(Order::Next),
        Command::Previous => model.ask_for(Order::Previous),
        Command::Beginning => model.ask_for(Order::To(Moment::First)),
        Command::End => model.ask_for(Order::To(Moment::Last)),
        Command::Jump if model.reel().is_some() => {
            (model.jump, model.help, model.typing) = (Some((String::new(), None)), false, false);
        }
        Command::Jump => {}
    }
}

/// The story of a decision that can be explained, else what is known of the line; a second time neither.
fn detail(model: &mut Model) {
    if model.story.is_some() || model.detail {
        (model.story, model.detail) = (None, false);
    } else if let Some(tick) = model.chosen() {
        (model.story, model.wanted) = (Some(Telling::of(tick)), Some(tick));
    } else {
        model.detail = true;
    }
}

fn open(model: &mut Model, tab: Tab) {
    (model.tab, model.detail, model.story) = (tab, false, None);
    model.select(0);
}

/// The one so many places on, around the end.
fn next<T: Copy + PartialEq>(all: &[T], now: T, by: usize) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or_default();
    all[(at + by) % all.len()]
}
