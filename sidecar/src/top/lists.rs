// SPDX-License-Identifier: Apache-2.0
//! The pages of the lower half: tasks, decisions, signals, and Gleaner itself.

use super::model::{Model, Row, Sort, Tab};
use super::paint::Paint;
use super::replay::Reel;
use crate::shown::{Event, Reading, Shown, Task, UnderWay};
use crate::table::printable;
use gleaner_estimator::units::{Amount, Bytes, Span};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span as Part};
use ratatui::widgets::Widget as _;

/// The page that is open.
pub(super) fn draw(model: &Model, paint: Paint, area: Rect, buffer: &mut Buffer) {
    let Some(frame) = &model.frame else { return };
    let wide = usize::from(area.width);
    let (head, lines): (Vec<String>, Vec<String>) = match model.tab {
        Tab::Tasks => {
            let rows = model.rows();
            let name = name_width(wide);
            let lines = rows.iter().map(|row| task_line(row, wide, name)).collect();
            (vec![task_head(model, wide, name)], lines)
        }
        Tab::Decisions => {
            // Half of the page at most: below it stands what is over.
            let most = usize::from(area.height / 2);
            let now = acts(&frame.shown).into_iter().take(most).map(|act| format!(" {act}"));
            (now.collect(), model.events().into_iter().map(event).collect())
        }
        Tab::Signals => {
            let harm = frame.shown.decision.assessment.as_ref();
            let lines =
                harm.map_or_else(Vec::new, |h| h.readings.iter().map(signal_line).collect());
            (vec![SIGNALS.to_owned()], lines)
        }
        Tab::Own => (
            Vec::new(),
            match &frame.reel {
                Some(reel) => replayed(&frame.shown, reel),
                None => own(&frame.shown),
            },
        ),
    };
    let mut area = area;
    for head in head {
        Line::from(paint.strong(head)).render(Rect { height: 1, ..area }, buffer);
        area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    if lines.is_empty() {
        let why = if model.filter.is_empty() { "nothing here" } else { "nothing fits the filter" };
        Line::from(paint.faint(why)).render(area, buffer);
        return;
    }
    scroll(model, &lines, paint, area, buffer);
}

/// As many lines as fit, with the selected one among them.
fn scroll(model: &Model, lines: &[String], paint: Paint, area: Rect, buffer: &mut Buffer) {
    let fit = usize::from(area.height);
    let from = (model.selected + 1).saturating_sub(fit);
    for (y, (number, line)) in (area.y..).zip(lines.iter().enumerate().skip(from).take(fit)) {
        let place = Rect { y, height: 1, ..area };
        let chosen = number == model.selected && matches!(model.tab, Tab::Tasks | Tab::Decisions);
        let mark = if chosen { ">" } else { " " };
        Line::from(vec![Part::raw(mark), paint.plain(line.as_str())]).render(place, buffer);
        let style = if chosen { paint.selected() } else { Style::new() };
        buffer.set_style(place, style);
    }
}

/// Columns beside the name, by what they are sorted by, from this width of the terminal on.
const COLUMNS: [(&str, Sort, usize, usize); 8] = [
    ("CLASS", Sort::Class, 11, 0),
    ("CPU", Sort::Cpu, 7, 0),
    ("ALLOC", Sort::Allocation, 7, 70),
    ("WSET", Sort::Memory, 8, 0),
    ("PSI%", Sort::Stall, 6, 64),
    ("AGE", Sort::Age, 9, 76),
    ("HELD BY", Sort::Held, 16, 96),
    ("MEM% IO% WAIT PRIO TENANT", Sort::Order, 34, 120),
];

fn name_width(wide: usize) -> usize {
    let others: usize = COLUMNS.iter().filter(|c| wide >= c.3).map(|c| c.2).sum();
    wide.saturating_sub(others + 7).max(8)
}

fn task_head(model: &Model, wide: usize, name: usize) -> String {
    let mark = |title: &str, sort: Sort| {
        let sign = if model.reverse { '^' } else { 'v' };
        let by = model.sort == sort && !model.tree;
        if by { format!("{title}{sign}") } else { title.to_owned() }
    };
    let mut head = format!(" {:>4} {:<name$}", mark("GOES", Sort::Order), mark("TASK", Sort::Task));
    for (title, sort, width, from) in COLUMNS {
        if wide < from {
            continue;
        }
        match sort {
            Sort::Class => head.push_str(&format!(" {:<w$}", mark(title, sort), w = width - 1)),
            Sort::Order => head.push_str("   MEM%    IO%  WAIT  PRIO TENANT"),
            Sort::Held => head.push_str(&format!(" {:<w$}", mark(title, sort), w = width - 1)),
            Sort::Task | Sort::Cpu | Sort::Allocation | Sort::Memory | Sort::Stall | Sort::Age => {
                head.push_str(&format!(" {:>w$}", mark(title, sort), w = width - 1));
            }
        }
    }
    head
}

fn task_line(row: &Row<'_>, wide: usize, width: usize) -> String {
    let name = format!("{}{}", "  ".repeat(row.depth), printable(row.name));
    let order = row.order.map_or_else(|| "–".to_owned(), |place| place.to_string());
    let Some(task) = row.task else { return format!("     {}", cut(&name, width)) };
    let mut line = format!("{order:>4} {:<width$}", cut(&name, width));
    for (_, sort, w, from) in COLUMNS {
        if wide < from {
            continue;
        }
        let w = w - 1;
        line.push_str(&match sort {
            Sort::Class => format!(" {:<w$}", class(task)),
            Sort::Cpu => format!(" {:>w$}", two(task.used_cores)),
            Sort::Allocation => format!(
                " {:>w$}",
                task.allocation_millicpus
                    .map_or_else(unknown, |cpu| format!("{:.1}", cpu.to_base()))
            ),
            Sort::Memory => format!(" {:>w$}", task.working_set_bytes.map_or_else(unknown, short)),
            Sort::Stall => format!(" {:>w$}", percent(task.stalls.cpu.some)),
            Sort::Age => format!(" {:>w$}", Span::from_secs_f64(task.age_seconds).to_string()),
            Sort::Held => format!(" {:<w$}", held(task, w)),
            Sort::Order | Sort::Task => more(task),
        });
    }
    line
}

/// What holds it, as far as there is room.
fn held(task: &Task, width: usize) -> String {
    let short = |word: &str| match word {
        "standing_class" => "class".to_owned(),
        "io_weight" => "weight".to_owned(),
        "cpu_quota" => "quota".to_owned(),
        "freeze" => "FROZEN".to_owned(),
        other => printable(other),
    };
    let all: Vec<String> = task.held.iter().map(|word| short(word)).collect();
    let all = if all.is_empty() { unknown() } else { all.join(",") };
    all.chars().take(width).collect()
}

fn more(task: &Task) -> String {
    format!(
        " {:>6} {:>6} {:>5} {:>5} {}",
        percent(task.stalls.memory.some),
        percent(task.stalls.io.some),
        two(task.wait_per_cpu_ratio),
        task.priority,
        printable(task.tenant.as_deref().unwrap_or("–")),
    )
}

fn class(task: &Task) -> String {
    match task.class.as_str() {
        "best_effort" => "best-eff".to_owned(),
        other => printable(other),
    }
}

const SIGNALS: &str = " SIGNAL              VALUE  STRAINED  CRITICAL  ASKS FOR    WORST FOR";

fn signal_line(reading: &Reading) -> String {
    let edge = |edges: Option<crate::shown::Edges>| number(edges.map(|edges| edges.enter));
    let asks = match (&reading.over, &reading.ignored) {
        (_, Some(why)) => format!("({why})"),
        (Some(level), None) => level.clone(),
        (None, None) => unknown(),
    };
    format!(
        "{:<15} {:>9} {:>9} {:>9}  {asks:<11} {}",
        printable(&reading.signal),
        number(reading.value),
        edge(reading.strained),
        edge(reading.critical),
        printable(reading.task.as_ref().map_or("–", |task| &task.name)),
    )
}

/// Of one signal: its value against its limit.
pub(super) fn against(reading: &Reading) -> String {
    format!("{} {} ({})", printable(&reading.signal), number(reading.value), number(edge(reading)))
}

/// Where a signal would be harm.
pub(super) fn edge(reading: &Reading) -> Option<f64> {
    Some(reading.strained.or(reading.critical)?.enter)
}

fn own(shown: &Shown) -> Vec<String> {
    let up = Span::from_millis(shown.wall_ms.saturating_sub(shown.about.started_ms));
    let own = &shown.own;
    let busy = own.cpu_seconds.map(|secs| secs / up.secs().max(1.0) * 100.0);
    let memory = own.resident_bytes.map(Bytes::from_base).map_or_else(unknown, short);
    let count = |n: Option<f64>| n.map_or_else(unknown, |n| format!("{n:.0}"));
    let held = shown.host.held;
    let mut lines = vec![
        format!("gleaner {} up {up}, decision {}", printable(&shown.about.version), shown.tick),
        format!("every {}, predictor {}", shown.about.interval, printable(&shown.about.policy)),
        format!(
            "costs {}% of a core since its start, {memory} of memory, {} threads, {} descriptors",
            busy.map_or_else(unknown, |busy| format!("{busy:.1}")),
            count(own.threads),
            count(own.open_fds)
        ),
        format!("holds back {} throttled and {} frozen tasks", held.throttled, held.frozen),
        format!("{} audit lines dropped", shown.host.audit_lines_dropped),
    ];
    let troubles = shown.host.troubles.iter();
    lines.extend(troubles.map(|t| printable(&format!("! {}: {}", t.what, t.command))));
    lines
}

/// What a replay shows in the place of a daemon's own state.
fn replayed(shown: &Shown, reel: &Reel) -> Vec<String> {
    let date = crate::civil::date_time;
    let mut lines = vec![
        format!("replays {}, decided anew: what is shown was never done", printable(&reel.file)),
        format!("from {} UTC on; this is sample {}", date(reel.begins_ms), reel.number),
        format!("every {}, predictor {}", shown.about.interval, printable(&shown.about.policy)),
        format!("lends by the rule {}", reel.lends),
    ];
    lines.extend(reel.damage.iter().map(|gap| format!("! {}", printable(gap))));
    lines
}

/// What goes on, a line each.
pub(super) fn acts(shown: &Shown) -> Vec<String> {
    let host = &shown.host;
    let mut lines: Vec<String> = host.under_way.iter().map(act).collect();
    if host.under_way_more > 0 {
        lines.push(format!("now: {} more", host.under_way_more));
    }
    lines
}

fn act(act: &UnderWay) -> String {
    let until = act.until_ms.map_or_else(
        || "until all is calm".to_owned(),
        |until| format!("over by {}", clock(until)),
    );
    format!(
        "now: {} {} for {}, since {}, {until}",
        printable(&act.action),
        printable(&act.task.name),
        printable(&act.resource),
        clock(act.since_ms),
    )
}

/// One event on a line.
pub(super) fn event(event: &Event) -> String {
    let because = event.correction.as_ref().filter(|correction| correction.takes);
    let because = because.map(|correction| format!("; {}", printable(&correction.because)));
    format!(
        "{} {:<6} {}{}",
        clock(event.at_ms),
        printable(&event.resource),
        printable(&event.text),
        because.unwrap_or_default()
    )
}

/// `14:03:07 UTC`.
pub(super) fn clock(wall_ms: u64) -> String {
    let time = crate::civil::time(wall_ms);
    format!("{} UTC", time.split('.').next().unwrap_or_default())
}

/// Bytes in five columns.
pub(super) fn short(bytes: Bytes) -> String {
    const GIB: f64 = 1_073_741_824.0;
    const MIB: f64 = 1_048_576.0;
    match bytes.to_base() {
        0.0 => "0".to_owned(),
        b if b >= 100.0 * GIB => format!("{:.0}G", b / GIB),
        b if b >= GIB => format!("{:.1}G", b / GIB),
        b if b >= MIB => format!("{:.0}M", b / MIB),
        b => format!("{:.0}K", b / 1024.0),
    }
}

/// What is not known.
pub(super) fn unknown() -> String {
    "–".to_owned()
}

pub(super) fn two(value: Option<f64>) -> String {
    value.map_or_else(unknown, |value| format!("{value:.2}"))
}

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(unknown, |share| format!("{:.1}", share * 100.0))
}

/// Three digits that count.
fn number(value: Option<f64>) -> String {
    match value {
        None => unknown(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 1.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.3}"),
    }
}

/// The end of a name tells more than its beginning.
fn cut(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let kept: String = name.chars().skip(length - width.saturating_sub(1)).collect();
    format!("…{kept}")
}
