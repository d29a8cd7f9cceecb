// SPDX-License-Identifier: Apache-2.0
//! What is laid over the picture: the help, made from the table of keys, and everything about one task.

use super::keys::KEYS;
use super::lists::{percent, two, unknown};
use super::model::{Model, Tab};
use super::paint::Paint;
use crate::shown::Task;
use crate::table::printable;
use gleaner_estimator::units::Span;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Widget as _, Wrap};

/// The keys; where not all of them fit, from one of them on.
pub(super) fn help(model: &Model, paint: Paint, area: Rect, buffer: &mut Buffer) {
    let from = model.help_from.min(last_key(area));
    let more = if last_key(area) > 0 { "; j and k show more" } else { "" };
    let keys = KEYS.iter().skip(from).map(|(_, _, keys, what)| format!("{keys:<9} {what}"));
    let title = format!("Keys; none of them changes anything{more}");
    show(&title, keys.collect(), paint, area, buffer);
}

/// The first key in sight when the last one is.
pub(super) fn last_key(area: Rect) -> usize {
    KEYS.len().saturating_sub(usize::from(area.height.saturating_sub(2)))
}

/// Everything about the selected line.
pub(super) fn detail(model: &Model, paint: Paint, area: Rect, buffer: &mut Buffer) {
    let rows = model.rows();
    let events = model.events();
    match model.tab {
        Tab::Tasks => {
            let Some(task) = rows.get(model.selected).and_then(|row| row.task) else { return };
            show(&printable(&task.name), task_lines(task), paint, area, buffer);
        }
        Tab::Decisions => {
            let Some(event) = events.get(model.selected) else { return };
            let when = crate::civil::date_time(event.at_ms);
            let mut lines = vec![
                format!("{when} UTC, over {}", printable(&event.resource)),
                printable(&event.text),
            ];
            if let Some(more) = &event.correction {
                lines.push(format!("because  {}", printable(&more.because)));
                lines.push(format!("and then {}", printable(&more.came)));
            }
            // One whose decision is kept has a story, which is shown instead.
            lines.push("`gleaner explain` tells more of it from the audit file".to_owned());
            show(&format!("Event {}", event.number), lines, paint, area, buffer);
        }
        Tab::Signals | Tab::Own => {}
    }
}

fn task_lines(task: &Task) -> Vec<String> {
    let bytes =
        |b: Option<gleaner_estimator::units::Bytes>| b.map_or_else(unknown, |b| b.to_string());
    let cpu = task.allocation_millicpus.map_or_else(unknown, |cpu| format!("{cpu} cores"));
    let stalls = &task.stalls;
    let mut lines = vec![
        format!("{} because {}", printable(&task.class), printable(&task.why)),
        format!(
            "priority {}, tenant {}",
            task.priority,
            printable(task.tenant.as_deref().unwrap_or("–"))
        ),
        format!("promised  {cpu}, {}", bytes(task.allocation_bytes)),
        format!(
            "uses      {} cores, {} that cannot be dropped",
            two(task.used_cores),
            bytes(task.working_set_bytes)
        ),
        format!(
            "          {} of page cache, {} processes and threads",
            bytes(task.file_cache_bytes),
            task.pids.map_or_else(unknown, |pids| pids.to_string())
        ),
        format!(
            "stalls    {}% for CPU, {}% for memory, {}% for IO",
            percent(stalls.cpu.some),
            percent(stalls.memory.some),
            percent(stalls.io.some)
        ),
        format!(
            "waits     {} s for each second it runs; {}% throttled by its own quota",
            two(task.wait_per_cpu_ratio),
            percent(task.throttled_ratio)
        ),
        format!("age       {}", Span::from_secs_f64(task.age_seconds)),
    ];
    let held = if task.held.is_empty() { unknown() } else { printable(&task.held.join(", ")) };
    lines.push(format!("held by   {held}"));
    let goes = &task.goes;
    for (resource, place) in [("CPU", &goes.cpu), ("memory", &goes.memory), ("IO", &goes.io)] {
        let Some(place) = place else { continue };
        let number = place.number.map_or_else(unknown, |number| number.to_string());
        lines.push(format!("for {resource:<6}goes {number}: {}", printable(&place.why)));
    }
    lines
}

/// A box in the middle, as large as it must be.
fn show(title: &str, lines: Vec<String>, paint: Paint, area: Rect, buffer: &mut Buffer) {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let size = |wanted: usize, most: u16| u16::try_from(wanted).unwrap_or(most).min(most);
    let width = size(longest.max(title.chars().count()) + 4, area.width);
    let height = size(lines.len() + 2, area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    Clear.render(place, buffer);
    let block = Block::bordered().title(Line::from(paint.strong(format!(" {title} "))));
    let lines: Vec<Line<'_>> =
        lines.into_iter().map(|line| Line::from(paint.plain(line))).collect();
    Paragraph::new(lines).wrap(Wrap { trim: false }).block(block).render(place, buffer);
}
