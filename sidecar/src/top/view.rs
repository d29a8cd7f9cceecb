// SPDX-License-Identifier: Apache-2.0
//! The whole picture, drawn into a buffer: head, page, last event. Draws what the model holds and asks nobody.

use super::lists;
use super::model::{Model, Tab, ZOOMS, story_area};
use super::overlay;
use super::paint::{Paint, sparkline, to_ascii};
use super::replay::Reel;
use super::source::Frame;
use crate::shown::{Lending, Reading, Shown, Words};
use crate::table::printable;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::{Amount, Span};
use gleaner_qos::signal::Signal;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span as Part};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};
use std::collections::VecDeque;
use std::time::Duration;

/// Below this nothing can be read.
const LEAST: (u16, u16) = (60, 15);

/// From this width on there is room for small pictures beside the longest signal.
const SPARKLINES: usize = 108;

/// News that are older than this are late.
const LATE: Duration = Duration::from_secs(3);

/// Draws everything.
pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    everything(model, area, buffer);
    if model.looks.ascii {
        to_ascii(buffer);
    }
}

fn everything(model: &Model, area: Rect, buffer: &mut Buffer) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!(
            "gleaner top needs {} x {}; this is {} x {}",
            LEAST.0, LEAST.1, area.width, area.height
        );
        Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
        return;
    }
    let paint = Paint(model.looks);
    let (trouble, acts) = (trouble(model, paint), acts(model, paint));
    let [has_trouble, has_acts] = [&trouble, &acts].map(|line| u16::from(line.is_some()));
    let heights = [1, 1, 1, 1, 2, has_trouble, has_acts, 1];
    let rows = heights.map(Constraint::Length).into_iter();
    let [title, cpu, memory, io, why, bad, now, tabs, page, last] = Layout::vertical(
        rows.chain([Constraint::Min(1), Constraint::Length(1)]).collect::<Vec<_>>(),
    )
    .areas(area);
    self::title(model, paint).render(title, buffer);
    if let Some(frame) = &model.frame {
        let shown = &frame.shown;
        let Shown { decision, why: words, .. } = shown;
        let wide = usize::from(area.width);
        let cores = |cpu: gleaner_estimator::units::MilliCpus| format!("{:.1}", cpu.to_base());
        let each = ZOOMS.get(model.zoom).copied().unwrap_or(1);
        let line = Strip { name: "CPU", resource: Resource::Cpu, wide, each, paint, shown };
        line.lent(&words.cpu, &decision.cpu, &model.cpu, cores).render(cpu, buffer);
        let line = Strip { name: "MEM", resource: Resource::Memory, ..line };
        line.lent(&words.memory, &decision.memory, &model.memory, lists::short)
            .render(memory, buffer);
        if let Some(words) = &words.io {
            let line = Strip { name: "IO", resource: Resource::Io, ..line };
            line.guarded(words).render(io, buffer);
        }
        reason(&words.cpu, paint).render(why, buffer);
    }
    for (line, place) in [(trouble, bad), (acts, now)] {
        if let Some(line) = line {
            line.render(place, buffer);
        }
    }
    self::tabs(model, paint).render(tabs, buffer);
    lists::draw(model, paint, page, buffer);
    foot(model, paint).render(last, buffer);
    if model.detail {
        overlay::detail(model, paint, page, buffer);
    }
    above(model, paint, area, buffer);
}

/// What lies above all else.
fn above(model: &Model, paint: Paint, area: Rect, buffer: &mut Buffer) {
    if let Some(story) = &model.story {
        story.draw(paint, story_area(area), buffer);
    }
    if model.help {
        overlay::help(model, paint, area, buffer);
    }
}

/// A recording, which moment of it is shown, and whether it runs.
fn title_of_replay(model: &Model, shown: &Shown, reel: &Reel, paint: Paint) -> Line<'static> {
    let when = crate::civil::date_time(shown.wall_ms);
    let when = when.split('.').next().unwrap_or_default();
    let doing = match (model.working, reel.running, reel.ended) {
        (Some(percent), _, _) => paint.alarm(format!("on its way, {percent}%")),
        (None, true, _) => Part::raw(format!("runs, {}%", reel.percent)),
        (None, false, true) => Part::raw("the end"),
        (None, false, false) => Part::raw(format!("stands, {}%", reel.percent)),
    };
    Line::from(vec![
        paint.strong("replay"),
        Part::raw(format!("  {when} UTC  ")),
        doing,
        Part::raw("  "),
        paint.state(shown.state()),
        Part::raw(format!("  {}", printable(&reel.file))),
        paint.faint("  ? help"),
    ])
}

/// Who is looked at, when, and whether that is still so.
fn title(model: &Model, paint: Paint) -> Line<'static> {
    if let Some(Frame { shown, reel: Some(reel), .. }) = &model.frame {
        return title_of_replay(model, shown, reel, paint);
    }
    let mut parts = vec![paint.strong("gleaner top"), Part::raw("  ")];
    match &model.frame {
        None => parts.push(Part::raw(printable(&model.origin))),
        Some(frame) => {
            let shown = &frame.shown;
            let age = Duration::from_millis(shown.age_ms) + model.silent;
            let late = age > LATE.max(Duration::from_nanos(shown.about.stale_after.0));
            let clock = format!("{}  {:.0} s old", lists::clock(shown.wall_ms), age.as_secs_f64());
            parts.extend([
                Part::raw(printable(&shown.node)),
                Part::raw("  "),
                if late { paint.alarm(clock) } else { Part::raw(clock) },
                Part::raw("  "),
                paint.state(shown.state()),
                Part::raw(format!(", {}", shown.doing())),
            ]);
        }
    }
    if model.zoom > 0 {
        let each = ZOOMS.get(model.zoom).copied().unwrap_or(1);
        parts.push(Part::raw(format!("  {each} looks a bar")));
    }
    if model.paused {
        parts.push(paint.alarm("  PAUSED"));
    }
    parts.push(paint.faint("  ? help"));
    Line::from(parts)
}

/// One resource on one line.
#[derive(Clone, Copy)]
struct Strip<'a> {
    name: &'static str,
    resource: Resource,
    wide: usize,
    /// Looks to a bar of the small picture.
    each: usize,
    paint: Paint,
    shown: &'a Shown,
}

impl Strip<'_> {
    fn begin(&self, words: &Words) -> Vec<Part<'static>> {
        let gap = " ".repeat(9_usize.saturating_sub(words.state().word().len()));
        vec![
            self.paint.strong(format!("{:<4}", self.name)),
            self.paint.state(words.state()),
            Part::raw(gap),
        ]
    }

    fn lent<Q: Amount>(
        &self,
        words: &Words,
        r: &Lending<Q>,
        past: &VecDeque<Option<u64>>,
        show: impl Fn(Q) -> String,
    ) -> Line<'static> {
        let mut parts = self.begin(words);
        let peak = r.peak.as_ref().map_or_else(lists::unknown, |peak| show(peak.node));
        parts.push(Part::raw(format!(
            "{:>5} cap {peak:>5} peak {:>5} lent",
            show(r.capacity),
            show(r.lent)
        )));
        let offer = match words.bound.as_deref() {
            Some("off") => "    off".to_owned(),
            _ => format!(" {:>6} more", format!("+{}", show(r.offer.amount))),
        };
        parts.push(self.paint.strong(offer));
        if self.wide >= SPARKLINES {
            let used = r.usage.guaranteed.map_or_else(lists::unknown, &show);
            parts.push(Part::raw(format!("  owners {used:>5} ")));
            let width = (self.wide - SPARKLINES + 8).min(60);
            parts.push(self.paint.owners(sparkline(past, width, self.each, self.paint.0.ascii)));
        }
        self.pressure(&mut parts);
        Line::from(parts)
    }

    fn guarded(&self, words: &Words) -> Line<'static> {
        let mut parts = self.begin(words);
        parts.push(Part::raw(printable(&words.headline)));
        self.pressure(&mut parts);
        Line::from(parts)
    }

    /// The signal that is nearest to its limit, and that limit.
    fn pressure(&self, parts: &mut Vec<Part<'static>>) {
        let Some(harm) = &self.shown.decision.assessment else { return };
        let near = harm.readings.iter().filter_map(|r| Some((share(r, self.resource)?, r)));
        let nearest = near.max_by(|(a, _), (b, _)| a.total_cmp(b));
        let Some((share, reading)) = nearest else { return };
        let text = format!("  {}", lists::against(reading));
        parts.push(if share >= 1.0 { self.paint.alarm(text) } else { Part::raw(text) });
    }
}

/// How near a signal of a resource is to its limit: 1 is there. `None` where it does not count now.
fn share(reading: &Reading, resource: Resource) -> Option<f64> {
    let signal = Signal::ALL.into_iter().find(|signal| signal.word() == reading.signal)?;
    let counts = signal.resource() == resource && reading.ignored.is_none();
    let (value, edge) = (reading.value?, lists::edge(reading)?);
    let share = if signal.harms_below() { edge / value } else { value / edge };
    (counts && share.is_finite()).then_some(share)
}

fn reason(words: &Words, paint: Paint) -> Paragraph<'static> {
    let line = Line::from(vec![paint.strong("Why not more: "), Part::raw(printable(&words.line))]);
    Paragraph::new(line).wrap(Wrap { trim: true })
}

/// The first thing that is wrong: with looking, or with what is looked at.
fn trouble(model: &Model, paint: Paint) -> Option<Line<'static>> {
    let silent = Span::from_secs_f64(model.silent.as_secs_f64());
    let text = if let Some(why) = &model.trouble {
        match &model.frame {
            Some(frame) if frame.reel.is_some() => format!("! {why}"),
            Some(_) => format!("! no news for {silent}, retrying: {why}"),
            None => format!("! nothing to show yet, retrying: {why}"),
        }
    } else if let Some(damage) = model.reel().and_then(|reel| reel.damage.first()) {
        format!("! {damage} (4)")
    } else {
        let troubles = &model.frame.as_ref()?.shown.host.troubles;
        let first = troubles.first()?;
        let more = match troubles.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more: 4)"),
        };
        format!("! {}: {}{more}", first.what, first.command)
    };
    Some(Line::from(paint.alarm(printable(&text))))
}

/// The most pressing of what goes on; the page of decisions lists it all.
fn acts(model: &Model, paint: Paint) -> Option<Line<'static>> {
    let shown = &model.frame.as_ref().filter(|_| model.tab != Tab::Decisions)?.shown;
    let first = lists::acts(shown).into_iter().next()?;
    let more = match shown.host.under_way.len().saturating_sub(1) + shown.host.under_way_more {
        0 => String::new(),
        more => format!(" (and {more} more: 2)"),
    };
    Some(Line::from(paint.strong(format!("{first}{more}"))))
}

fn tabs(model: &Model, paint: Paint) -> Line<'static> {
    let mut parts = Vec::new();
    for (number, tab) in Tab::ALL.into_iter().enumerate() {
        let name = format!(" {} {} ", number + 1, tab.name());
        parts.push(if tab == model.tab { paint.chosen(name) } else { paint.faint(name) });
        parts.push(Part::raw(" "));
    }
    if let Some((text, wrong)) = &model.jump {
        parts.push(paint.strong(format!(" jump to: {}_", printable(text))));
        let hint = || "10 min ago, 14:03, 2026-01-31T14:03:07Z".to_owned();
        let said = wrong.clone().unwrap_or_else(hint);
        parts.push(paint.faint(format!("  {}", printable(&said))));
        return Line::from(parts);
    }
    let shown = printable(&model.filter);
    parts.push(match (model.typing, model.filter.is_empty()) {
        (true, _) => paint.strong(format!(" filter: {shown}_")),
        (false, true) => Part::raw(""),
        (false, false) => paint.strong(format!(" filter: {shown} (Ctrl-l clears)")),
    });
    Line::from(parts)
}

fn foot(model: &Model, paint: Paint) -> Line<'static> {
    let event = model.frame.as_ref().and_then(|frame| frame.events.first());
    Line::from(match event {
        Some(event) => paint.faint(lists::event(event)),
        None => paint.faint(format!("looking at {}", printable(&model.origin))),
    })
}
