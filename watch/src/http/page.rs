// SPDX-License-Identifier: Apache-2.0
//! The page as HTML: sentences and tables are in it, so it says everything without a script too.

use super::assets::{PAGE_SCRIPT, PAGE_STYLE};
use crate::about::About;
use crate::events::Event;
use crate::metrics::own::Own;
use crate::published::Published;
use crate::snapshot::{Snapshot, TaskView, Trouble};
use crate::state::State;
use crate::why::{Why, why, why_io};
use gleaner_engine::decision::Mode;
use gleaner_estimator::units::{Bytes, MilliCpus};
use std::fmt::Write;
use std::time::Instant;

const TEMPLATE: &str = include_str!("../../page/index.html");

/// Most tasks that the page lists; `/v1/tasks` has all.
const TASKS_MOST: usize = 50;

/// The whole page now.
pub(super) fn render(published: &Published, now: Instant) -> String {
    let about = published.about();
    let shot = published.load();
    let events = published.events().latest();
    let mut parts = vec![
        ("script", PAGE_SCRIPT.path.to_owned()),
        ("style", PAGE_STYLE.path.to_owned()),
        ("node", escape(&about.node)),
        ("version", escape(&about.version)),
        ("events", rows(&events, event)),
    ];
    parts.extend(match &shot {
        Some(shot) => moment(shot, &about, now),
        None => Vec::new(),
    });
    fill(TEMPLATE, &parts)
}

/// What a snapshot fills in.
fn moment(shot: &Snapshot, about: &About, now: Instant) -> Vec<(&'static str, String)> {
    let decision = shot.decision_at(now);
    let [cpu, memory] = why(&decision, about);
    let state = State::of_node(shot, now);
    let observing = decision.mode == Mode::Observe;
    vec![
        ("state", state.word().to_owned()),
        ("mode", decision.mode.word().to_owned()),
        ("observing", if observing { "" } else { "hidden" }.to_owned()),
        ("tick", decision.tick.to_string()),
        ("cpu", words("CPU", "cpu", &cpu)),
        ("memory", words("Memory", "memory", &memory)),
        ("io", why_io(&decision).map_or_else(String::new, |io| words("IO", "io", &io))),
        ("troubles", rows(&shot.host.troubles, trouble)),
        ("tasks", rows(&shot.tasks[..shot.tasks.len().min(TASKS_MOST)], task)),
        ("own", own()),
    ]
}

/// Replaces each `{{name}}`; a name without a value becomes nothing.
fn fill(template: &str, parts: &[(&str, String)]) -> String {
    let mut page = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if let Some((_, value)) = parts.iter().find(|(known, _)| *known == name) {
            page.push_str(value);
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

/// Text as HTML: names of tasks come from whoever made the cgroup.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

fn rows<T>(all: &[T], row: impl Fn(&T) -> String) -> String {
    all.iter().map(row).collect()
}

fn words(title: &str, id: &str, why: &Why) -> String {
    format!(
        "<section class=\"resource\" id=\"{id}\" data-state=\"{state}\"><h2>{title} \
         <span class=\"state\">{state}</span></h2><p class=\"headline\">{}</p>\
         <p class=\"limit\">{}</p></section>",
        escape(&why.headline),
        escape(&why.limit),
        state = why.state.word(),
    )
}

fn trouble(trouble: &Trouble) -> String {
    let mut text = format!("<li>{}", escape(&trouble.what));
    if !trouble.command.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, " <code>{}</code>", escape(&trouble.command));
    }
    text + "</li>"
}

fn event(event: &Event) -> String {
    // The script writes the time in the reader's zone.
    format!(
        "<tr><td><time data-ms=\"{}\"></time></td><td>{}</td><td>{}</td></tr>",
        event.at_ms,
        event.resource.word(),
        escape(&event.text)
    )
}

fn task(view: &TaskView) -> String {
    let unknown = || "–".to_owned();
    let cores = |milli: MilliCpus| milli.to_string();
    let bytes = |bytes: Bytes| bytes.to_string();
    let used = view.usage.cpu.map_or_else(unknown, |cpu| format!("{cpu:.2}"));
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{used}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(&view.task.id.name),
        view.task.class.word(),
        view.task.allocation.cpu.map_or_else(unknown, cores),
        view.usage.working_set.map_or_else(unknown, bytes),
        view.age,
    )
}

fn own() -> String {
    let own = Own::read();
    let resident = own.resident_bytes.map(|bytes| format!("{:.1} MiB", bytes / 1_048_576.0));
    let cpu = own.cpu_seconds.map(|seconds| format!("{seconds:.1} s of CPU since its start"));
    [resident, cpu].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_unknown_parts_are_nothing() {
        assert_eq!(
            escape("<img src='x' onerror=\"a&b\">"),
            "&lt;img src=&#39;x&#39; onerror=&quot;a&amp;b&quot;&gt;"
        );
        let page = fill("a {{x}} b {{y}} c", &[("x", "{{y}}".to_owned())]);
        assert_eq!(page, "a {{y}} b  c", "values are not templates");
    }
}
