// SPDX-License-Identifier: Apache-2.0
//! The page as HTML: sentences and tables are in it, so it says everything without a script too.

use super::acts::{self, acts};
use super::assets::{PAGE_SCRIPT, PAGE_STYLE};
use super::banner::banner;
use super::html::{each, escape, fill, moment};
use crate::about::About;
use crate::events::Event;
use crate::metrics::Reactions;
use crate::order::{Said, column, said};
use crate::published::Published;
use crate::snapshot::{Snapshot, TaskView, Trouble};
use crate::state::State;
use crate::why::{Why, why, why_io};
use gleaner_engine::decision::Mode;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::Class;
use gleaner_estimator::units::{Bytes, MilliCpus};
use gleaner_qos::capability::Actuator;
use std::fmt::Write;
use std::time::Instant;

const TEMPLATE: &str = include_str!("../../page/index.html");

/// Most tasks that the page lists; `/v1/tasks` has all.
const TASKS_MOST: usize = 50;

/// The whole page now.
pub(super) fn render(
    published: &Published,
    reacted: &Reactions,
    well: &str,
    now: Instant,
) -> String {
    let about = published.about();
    let shot = published.load();
    let events = published.latest_events();
    let mut parts = vec![
        ("script", PAGE_SCRIPT.path.to_owned()),
        ("style", PAGE_STYLE.path.to_owned()),
        ("node", escape(&about.node).into_owned()),
        ("version", escape(&about.version).into_owned()),
        ("events", each(&events, event)),
        ("last", last(&events)),
        ("reacted", escape(&reacted.said).into_owned()),
        ("own", escape(well).into_owned()),
    ];
    parts.extend(match &shot {
        Some(shot) => now_shown(shot, &about, now),
        None => Vec::new(),
    });
    let acts = shot.map_or_else(String::new, |shot| acts::html(&acts(&shot, published)));
    parts.push(("idle", if acts.is_empty() { "hidden" } else { "" }.to_owned()));
    parts.push(("acts", acts));
    fill(TEMPLATE, &parts)
}

/// What a snapshot fills in.
fn now_shown(shot: &Snapshot, about: &About, now: Instant) -> Vec<(&'static str, String)> {
    let decision = shot.decision_at(now);
    let [cpu, memory] = why(&decision, about);
    let state = State::of_node(shot, now);
    let observing = decision.mode == Mode::Observe;
    let troubles = banner(shot, state);
    vec![
        ("state", state.word().to_owned()),
        ("mode", decision.mode.word().to_owned()),
        ("observing", if observing { "" } else { "hidden" }.to_owned()),
        ("tick", decision.tick.to_string()),
        ("cpu", words("CPU", "cpu", &cpu)),
        ("memory", words("Memory", "memory", &memory)),
        ("io", why_io(&decision).map_or_else(String::new, |io| words("IO", "io", &io))),
        ("clock", moment(decision.wall_ms)),
        ("fine", if troubles.is_empty() { "hidden" } else { "" }.to_owned()),
        ("trouble", each(&troubles, trouble)),
        ("tasks", tasks(shot)),
    ]
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
    let mut text = format!("<p>{}", escape(&trouble.what));
    if !trouble.command.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, " <code>{}</code>", escape(&trouble.command));
    }
    text + "</p>"
}

/// What was taken back last, an eviction before all else.
fn last(events: &[Event]) -> String {
    let of = |evicts: bool| {
        events.iter().find(|event| {
            let done = event.correction.as_ref();
            done.is_some_and(|c| if evicts { c.action == "evict" } else { c.takes })
        })
    };
    let Some(event) = of(true).or_else(|| of(false)) else {
        return "Nothing was taken back yet.".to_owned();
    };
    let (when, text) = (moment(event.at_ms), escape(&event.text));
    let more = event.correction.as_ref();
    let because = more.map_or_else(String::new, |c| format!(", because {}", escape(&c.because)));
    let came = more.map_or_else(String::new, |c| format!(" ({})", escape(&c.came)));
    format!("Last taken back: {when} {text}{because}{came}. {}", link(event, "Why this one?"))
}

fn link(event: &Event, text: &str) -> String {
    let to = |tick: u64| format!("<a href=\"/decisions/{tick}\" data-tick=\"{tick}\">{text}</a>");
    event.tick.map_or_else(String::new, to)
}

fn event(event: &Event) -> String {
    let more = event.correction.as_ref();
    let text = |of: Option<&String>| of.map_or_else(String::new, |text| escape(text).into_owned());
    let number = event.tick.map(|tick| tick.to_string()).unwrap_or_default();
    format!(
        "<tr{}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        if more.is_some_and(|c| !c.takes) { " class=\"minor\"" } else { "" },
        moment(event.at_ms),
        event.resource.word(),
        escape(&event.text),
        text(more.map(|c| &c.because)),
        text(more.map(|c| &c.came)),
        link(event, &number),
    )
}

/// Best-effort ones first, in the order in which they would go if CPU ran short.
fn tasks(shot: &Snapshot) -> String {
    let cpu = column(Resource::Cpu);
    let mut all: Vec<(&TaskView, Option<Said>)> = shot
        .tasks
        .iter()
        .zip(said(shot.rank.order(), shot.tasks.len()))
        .map(|(task, mut said)| (task, said[cpu].take()))
        .collect();
    all.sort_by_key(|(view, said)| {
        let place = said.as_ref().and_then(|said| said.number).unwrap_or(usize::MAX);
        (view.task.class != Class::BestEffort, place)
    });
    each(all.into_iter().take(TASKS_MOST), |(view, said)| task(shot, view, said.as_ref()))
}

fn task(shot: &Snapshot, view: &TaskView, said: Option<&Said>) -> String {
    let unknown = || "–".to_owned();
    let cores = |milli: MilliCpus| milli.to_string();
    let bytes = |bytes: Bytes| bytes.to_string();
    let used = view.usage.cpu.map_or_else(unknown, |cpu| format!("{cpu:.2}"));
    let held: Vec<&str> = shot.holds(&view.task.id).map(Actuator::word).collect();
    let place = said.and_then(|said| said.number).map_or_else(unknown, |number| number.to_string());
    format!(
        "<tr><td>{place}</td><th scope=\"row\">{}</th><td>{}</td><td>{used}</td><td>{}</td><td>{}</td>\
         <td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(&view.task.id.name),
        view.task.class.word(),
        view.task.allocation.cpu.map_or_else(unknown, cores),
        view.usage.working_set.map_or_else(unknown, bytes),
        if held.is_empty() { unknown() } else { held.join(", ") },
        view.age,
        said.map(|said| escape(&said.why)).unwrap_or_default(),
    )
}
