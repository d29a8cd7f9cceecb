// SPDX-License-Identifier: Apache-2.0
//! What `top` knows and what the viewer asked for. Pure: looks and keys come in, rows come out.

use super::overlay::last_key;
use super::replay::{Moment, Order, Reel};
use super::source::{Frame, Past};
use super::story::Telling;
use crate::shown::{Event, Task};
use ratatui::layout::Rect;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

/// Looks that the small pictures of the last minutes hold: ten minutes, as the daemon keeps them by the second.
const KEPT: usize = 600;

/// Looks that one bar of a small picture may stand for, the fewest first.
pub(super) const ZOOMS: [usize; 5] = [1, 2, 5, 10, 30];

/// A page of the lower half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Tasks,
    Decisions,
    Signals,
    Own,
}

impl Tab {
    pub(super) const ALL: [Self; 4] = [Self::Tasks, Self::Decisions, Self::Signals, Self::Own];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tasks => "Tasks",
            Self::Decisions => "Decisions",
            Self::Signals => "Signals",
            Self::Own => "Self",
        }
    }
}

/// What tasks are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    Order,
    Task,
    Class,
    #[default]
    Cpu,
    Allocation,
    Memory,
    Stall,
    Age,
    Held,
}

impl Sort {
    pub(super) const ALL: [Self; 9] = [
        Self::Order,
        Self::Task,
        Self::Class,
        Self::Cpu,
        Self::Allocation,
        Self::Memory,
        Self::Stall,
        Self::Age,
        Self::Held,
    ];
}

/// A line of the list of tasks.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// Its place among those who would be taken from, from 1.
    pub(super) order: Option<usize>,
    /// How deep it is indented.
    pub(super) depth: usize,
    /// The name as it is shown: whole, or the last part in a tree.
    pub(super) name: &'a str,
    /// `None` for a cgroup above tasks.
    pub(super) task: Option<&'a Task>,
}

/// How things may be drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    pub(super) ascii: bool,
    pub(super) color: bool,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Model {
    /// Where it looks: `http://…`, or this node by itself.
    pub(super) origin: String,
    pub(super) looks: Looks,
    pub(super) frame: Option<Frame>,
    /// Why the last look saw nothing.
    pub(super) trouble: Option<String>,
    /// Time since the last good look.
    pub(super) silent: Duration,
    pub(super) cpu: VecDeque<Option<u64>>,
    pub(super) memory: VecDeque<Option<u64>>,
    /// Which of [`ZOOMS`] the small pictures have.
    pub(super) zoom: usize,
    pub(super) tab: Tab,
    pub(super) sort: Sort,
    pub(super) reverse: bool,
    pub(super) tree: bool,
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) typing: bool,
    pub(super) selected: usize,
    pub(super) paused: bool,
    pub(super) help: bool,
    /// The first key that the help shows.
    pub(super) help_from: usize,
    pub(super) detail: bool,
    /// The story that lies over everything else.
    pub(super) story: Option<Telling>,
    /// The decision whose story is to be asked for.
    pub(super) wanted: Option<u64>,
    /// What a replay is asked for.
    pub(super) order: Option<Order>,
    /// Where a replay that is on its way has come to, in hundredths.
    pub(super) working: Option<u8>,
    /// The time to jump to, as it is typed, and what is wrong with it.
    pub(super) jump: Option<(String, Option<String>)>,
    /// How large the terminal was when it was last drawn.
    pub(super) area: Rect,
    pub(super) ended: bool,
}

impl Model {
    pub(super) fn new(origin: String, looks: Looks, past: &Past) -> Self {
        let tail = |all: &[Option<u32>]| {
            let from = all.len().saturating_sub(KEPT);
            all[from..].iter().map(|one| one.map(u64::from)).collect()
        };
        Self {
            origin,
            looks,
            frame: None,
            trouble: None,
            silent: Duration::ZERO,
            cpu: tail(&past.cpu),
            memory: tail(&past.memory),
            zoom: 0,
            tab: Tab::default(),
            sort: Sort::default(),
            reverse: false,
            tree: false,
            filter: String::new(),
            typing: false,
            selected: 0,
            paused: false,
            help: false,
            help_from: 0,
            detail: false,
            story: None,
            wanted: None,
            order: None,
            working: None,
            jump: None,
            area: Rect::new(0, 0, 80, 24),
            ended: false,
        }
    }

    /// Takes a look, or the reason why there was none; while paused what is shown stands still.
    pub(super) fn take(&mut self, look: Result<Frame, String>) {
        if self.paused {
            return;
        }
        self.working = None;
        match look {
            Ok(frame) => {
                let decision = &frame.shown.decision;
                if let Some(reel) = &frame.reel {
                    (self.cpu, self.memory) = reel.past.iter().copied().unzip();
                } else {
                    push(&mut self.cpu, decision.cpu.usage.guaranteed.map(|cpu| cpu.0));
                    push(&mut self.memory, decision.memory.usage.guaranteed.map(|b| b.0 / 1024));
                }
                self.frame = Some(frame);
                self.trouble = None;
                self.silent = Duration::ZERO;
                self.keep_selection();
            }
            Err(why) => {
                if self.reel().is_none() {
                    push(&mut self.cpu, None);
                    push(&mut self.memory, None);
                }
                self.trouble = Some(why);
            }
        }
    }

    /// Time has passed without a good look.
    pub(super) fn wait(&mut self, passed: Duration) {
        if !self.paused && self.reel().is_none() {
            self.silent += passed;
        }
    }

    /// Where the replay stands, where it is one.
    pub(super) fn reel(&self) -> Option<&Reel> {
        self.frame.as_ref()?.reel.as_ref()
    }

    /// Asks for something that only a replay can do.
    pub(super) fn ask_for(&mut self, order: Order) {
        if self.reel().is_some() {
            self.order = Some(order);
        }
    }

    /// The moment that was typed is gone to, or what is wrong with it is said.
    pub(super) fn leap(&mut self, read: impl FnOnce(&str) -> Result<Moment, String>) {
        let Some((text, _)) = self.jump.take() else { return };
        match read(&text) {
            Ok(moment) => self.order = Some(Order::To(moment)),
            Err(why) => self.jump = Some((text, Some(why))),
        }
    }

    /// The lines of the list of tasks.
    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let Some(frame) = &self.frame else { return Vec::new() };
        let wanted = self.filter.to_lowercase();
        let fits = |task: &&Task| {
            [&task.name, &task.class]
                .into_iter()
                .chain(&task.tenant)
                .any(|text| wanted.is_empty() || text.to_lowercase().contains(&wanted))
        };
        let mut rows: Vec<Row<'_>> = frame
            .tasks
            .iter()
            .filter(fits)
            .map(|task| Row {
                order: frame.order(task),
                depth: 0,
                name: &task.name,
                task: Some(task),
            })
            .collect();
        if self.tree {
            return as_tree(rows);
        }
        rows.sort_by(|a, b| self.compare(a, b).then_with(|| a.name.cmp(b.name)));
        rows
    }

    /// The events that the filter leaves.
    pub(super) fn events(&self) -> Vec<&Event> {
        let Some(frame) = &self.frame else { return Vec::new() };
        let wanted = self.filter.to_lowercase();
        frame.events.iter().filter(|event| event.text.to_lowercase().contains(&wanted)).collect()
    }

    /// The lines of the page that is open.
    pub(super) fn lines(&self) -> usize {
        match self.tab {
            Tab::Tasks => self.rows().len(),
            Tab::Decisions => self.events().len(),
            Tab::Signals => {
                let harm = self.frame.as_ref().and_then(|f| f.shown.decision.assessment.as_ref());
                harm.map_or(0, |harm| harm.readings.len())
            }
            Tab::Own => self.frame.as_ref().map_or(0, |frame| frame.shown.host.troubles.len()),
        }
    }

    /// The decision behind the selected event, where it can be explained.
    pub(super) fn chosen(&self) -> Option<u64> {
        let events = if self.tab == Tab::Decisions { self.events() } else { Vec::new() };
        events.get(self.selected)?.tick
    }

    /// What was asked for a story; an answer that nobody waits for any more is passed over.
    pub(super) fn hear(&mut self, tick: u64, text: Result<String, String>) {
        if let Some(story) = self.story.as_mut().filter(|story| story.tick == tick) {
            story.heard(text);
        }
    }

    /// Moves through what is open, or else the selection.
    pub(super) fn step(&mut self, to: impl FnOnce(usize) -> usize) {
        if self.help {
            self.help_from = to(self.help_from).min(last_key(self.area));
            return;
        }
        let place = story_area(self.area);
        match &mut self.story {
            Some(story) => story.scroll(place, to),
            None => self.select(to(self.selected)),
        }
    }

    /// Moves the selection, and keeps it on the page.
    pub(super) fn select(&mut self, to: usize) {
        self.selected = to.min(self.lines().saturating_sub(1));
    }

    fn keep_selection(&mut self) {
        self.select(self.selected);
    }

    /// Numbers fall, names rise; what is not known comes last.
    fn compare(&self, a: &Row<'_>, b: &Row<'_>) -> Ordering {
        let (Some(one), Some(two)) = (a.task, b.task) else { return Ordering::Equal };
        let falling = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        let bytes = |task: &Task| task.working_set_bytes;
        let order = match self.sort {
            Sort::Order => a.order.unwrap_or(usize::MAX).cmp(&b.order.unwrap_or(usize::MAX)),
            Sort::Task => a.name.cmp(b.name),
            Sort::Class => two.class.cmp(&one.class),
            Sort::Cpu => falling(one.used_cores, two.used_cores),
            Sort::Allocation => two.allocation_millicpus.cmp(&one.allocation_millicpus),
            Sort::Memory => bytes(two).cmp(&bytes(one)),
            Sort::Stall => falling(one.stalls.cpu.some, two.stalls.cpu.some),
            Sort::Held => two.held.len().cmp(&one.held.len()),
            Sort::Age => one.age_seconds.total_cmp(&two.age_seconds),
        };
        if self.reverse { order.reverse() } else { order }
    }
}

/// Where a story is drawn: below the title.
pub(super) fn story_area(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

impl Frame {
    /// A task's place among those who would be taken from: as the last decision weighed it, or as it would for CPU.
    pub(super) fn order(&self, task: &Task) -> Option<usize> {
        let candidates = &self.shown.decision.verdict.candidates;
        if candidates.is_empty() {
            return task.goes.cpu.as_ref()?.number;
        }
        let mut free = candidates.iter().filter(|candidate| candidate.excluded.is_none());
        free.position(|candidate| candidate.task.name == task.name).map(|place| place + 1)
    }
}

/// Cgroups above tasks as lines of their own, in the order of paths.
fn as_tree(mut rows: Vec<Row<'_>>) -> Vec<Row<'_>> {
    rows.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
    let mut tree = Vec::new();
    let mut above: Vec<&str> = Vec::new();
    for row in rows {
        let parts: Vec<&str> = row.name.split('/').collect();
        let Some((last, parents)) = parts.split_last() else { continue };
        let shared = above.iter().zip(parents).take_while(|(a, b)| a == b).count();
        above.truncate(shared);
        for parent in &parents[shared..] {
            tree.push(Row { order: None, depth: above.len(), name: parent, task: None });
            above.push(parent);
        }
        tree.push(Row { depth: above.len(), name: last, ..row });
        // A task may have tasks below it.
        above.push(last);
    }
    tree
}

fn push(kept: &mut VecDeque<Option<u64>>, value: Option<u64>) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(value);
}
