// SPDX-License-Identifier: Apache-2.0
//! `/decisions`: all that is kept of what was decided, as a page that needs no script, and as JSON.
//!
//! What of it is shown stands in the address, so that it can be passed on; filters are links, since forms are not let.

use super::assets::PAGE_STYLE;
use super::html::{each, escape, fill};
use crate::civil::date_time;
use crate::listed::{Filter, ROWS_MOST, Row, actions, rows};
use crate::order::amount;
use crate::published::Published;
use gleaner_estimator::reason::Resource;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

const TEMPLATE: &str = include_str!("../../page/list.html");

/// What a client may ask for, as it stands in the address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    action: Option<String>,
    task: Option<String>,
    resource: Option<String>,
}

impl Query {
    /// The filter that is asked for.
    ///
    /// # Errors
    /// A line that names the word nobody knows, and those that there are.
    pub(super) fn filter(self) -> Result<Filter, String> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (action, resource) = (given(self.action), given(self.resource));
        let resources = || Resource::ALL.into_iter().map(Resource::word);
        Ok(Filter {
            action: action.map(|word| known("action", &word, actions())).transpose()?,
            task: given(self.task),
            resource: match resource {
                None => None,
                Some(word) => {
                    let word = known("resource", &word, resources())?;
                    Resource::ALL.into_iter().find(|resource| resource.word() == word)
                }
            },
        })
    }
}

fn known(
    key: &str,
    word: &str,
    all: impl Iterator<Item = &'static str>,
) -> Result<&'static str, String> {
    let all: Vec<&'static str> = all.collect();
    let found = all.iter().find(|known| **known == word).copied();
    found.ok_or_else(|| format!("{key} is none of these: {word:?}; choose {}\n", all.join(", ")))
}

/// The answer of `/decisions.json`.
#[derive(Serialize)]
pub(super) struct Listed {
    node: String,
    /// The latest first.
    rows: Vec<Row>,
    /// Rows that fit too and are not in it.
    left_out: usize,
    #[serde(skip)]
    filter: Filter,
    /// How many rows of each action and each resource there are, whatever is asked for.
    #[serde(skip)]
    counts: Vec<(&'static str, &'static str, usize)>,
}

/// What fits.
pub(super) fn list(published: &Published, filter: Filter) -> Listed {
    let mut all = rows(published);
    let count = |key, word: &'static str, fits: &dyn Fn(&Row) -> bool| {
        (key, word, all.iter().filter(|row| fits(row)).count())
    };
    let mut counts: Vec<_> =
        actions().map(|word| count("action", word, &|row| row.action == word)).collect();
    let resources = Resource::ALL.into_iter();
    counts.extend(
        resources.map(|one| count("resource", one.word(), &|row: &Row| row.resource == one)),
    );
    all.retain(|row| filter.fits(row));
    let left_out = all.len().saturating_sub(ROWS_MOST);
    all.truncate(ROWS_MOST);
    Listed { node: published.about().node.clone(), rows: all, left_out, filter, counts }
}

/// The list as a page.
pub(super) fn page(listed: &Listed) -> String {
    let Listed { node, rows, left_out, filter, .. } = listed;
    let found = match (rows.len(), left_out) {
        (0, _) => "Nothing fits.".to_owned(),
        (shown, 0) => format!("{shown} in all, the latest first."),
        (shown, more) => format!("The latest {shown}; {more} more fit."),
    };
    let parts = [
        ("style", PAGE_STYLE.path.to_owned()),
        ("node", escape(node).into_owned()),
        ("json", escape(&address("/decisions.json", filter)).into_owned()),
        ("found", found),
        ("actions", choices(listed, "action", "any action")),
        ("resources", choices(listed, "resource", "any resource")),
        ("task", filter.task.as_ref().map_or_else(String::new, |task| only_task(task, filter))),
        ("rows", each(rows, |row| row_html(row, filter))),
    ];
    fill(TEMPLATE, &parts)
}

/// Links to each word of which there are rows; the one that is chosen is said to be so.
fn choices(listed: &Listed, key: &str, any: &str) -> String {
    let filter = &listed.filter;
    let chosen = match key {
        "action" => filter.action,
        _ => filter.resource.map(Resource::word),
    };
    let of = |word: Option<&'static str>| match key {
        "action" => Filter { action: word, ..filter.clone() },
        _ => {
            let resource = Resource::ALL.into_iter().find(|one| Some(one.word()) == word);
            Filter { resource, ..filter.clone() }
        }
    };
    let mut text = choice(any, &of(None), chosen.is_none());
    for (_, word, count) in listed.counts.iter().filter(|(of, _, n)| *of == key && *n > 0) {
        let label = format!("{word} ({count})");
        text.push_str(&choice(&label, &of(Some(*word)), chosen == Some(*word)));
    }
    text
}

fn choice(label: &str, filter: &Filter, chosen: bool) -> String {
    let current = if chosen { " aria-current=\"true\"" } else { "" };
    let to = address("/decisions", filter);
    format!("<li><a href=\"{}\"{current}>{}</a></li>", escape(&to), escape(label))
}

fn only_task(task: &str, filter: &Filter) -> String {
    let all = address("/decisions", &Filter { task: None, ..filter.clone() });
    format!(
        "<p>Only tasks with <code>{}</code> in their names. <a href=\"{}\">All tasks</a></p>",
        escape(task),
        escape(&all)
    )
}

fn row_html(row: &Row, filter: &Filter) -> String {
    let dash = || "–".to_owned();
    let number = |text: Option<String>| text.unwrap_or_else(dash);
    let link = |tick: u64| format!("<a href=\"/decisions/{tick}\">{tick}</a>");
    let task = row.task.as_ref().map_or_else(dash, |task| {
        let only = Filter { task: Some(task.clone()), ..filter.clone() };
        format!("<a href=\"{}\">{}</a>", escape(&address("/decisions", &only)), escape(task))
    });
    let because = match row.reason {
        Some(reason) => format!("<code>{}</code>: {}", reason.word(), escape(&row.because)),
        None => escape(&row.because).into_owned(),
    };
    format!(
        "<tr{}><td>{}</td><td>{}</td><td>{}</td><td class=\"task\">{task}</td><td>{}</td><td>{because}</td>\
         <td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
         <td>{}</td></tr>",
        if row.takes { "" } else { " class=\"minor\"" },
        when(row.at_ms),
        number(row.tick.map(link)),
        row.action,
        row.resource.word(),
        number(row.asked.map(amount)),
        number(row.freed.map(amount)),
        number(row.took.map(|span| span.to_string())),
        number(row.reacted.map(|span| span.to_string())),
        escape(&row.outcome),
    )
}

/// What is kept may be days old, so the date is there too.
fn when(at_ms: u64) -> String {
    let text = date_time(at_ms);
    format!("<time>{}</time>", text.split('.').next().unwrap_or_default())
}

/// A path with the filter behind it.
fn address(path: &str, filter: &Filter) -> String {
    let mut address = path.to_owned();
    let mut sign = '?';
    let resource = filter.resource.map(|resource| resource.word().to_owned());
    let action = filter.action.map(str::to_owned);
    let all = [("action", action), ("resource", resource), ("task", filter.task.clone())];
    for (key, value) in all {
        let Some(value) = value else { continue };
        // Writing to a String cannot fail.
        let _ = write!(address, "{sign}{key}={}", encoded(&value));
        sign = '&';
    }
    address
}

/// A value as it may stand in an address (RFC 3986: all but the unreserved is written in hexadecimal).
fn encoded(value: &str) -> String {
    let mut safe = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                safe.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(safe, "%{byte:02X}")),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::about::About;
    use crate::publisher::{Publisher, Told};
    use crate::snapshot::HostState;
    use gleaner_engine::Engine;
    use gleaner_engine::config::Config;
    use gleaner_engine::reading::{Body, Reading};
    use gleaner_estimator::sample::{
        Allocation, Class, NodeSample, Sample, Task, TaskCounters, TaskId, TaskSample,
    };
    use gleaner_estimator::units::{Bytes, MilliCpus, Span, Timestamp};
    use gleaner_qos::capability::{Ability, Actuator, Capabilities};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    /// Hundreds of tasks that are put into their class by one decision.
    fn crowd() -> Publisher {
        let task = |index: usize| TaskSample {
            task: Arc::new(Task {
                id: TaskId { name: format!("be/{index:04}").into(), inode: 7 },
                class: Class::BestEffort,
                why: String::new(),
                allocation: Allocation::default(),
                priority: 0,
                tenant: None,
                labels: Vec::new(),
                started: None,
            }),
            counters: TaskCounters::default(),
        };
        let node = NodeSample {
            capacity_cpu: MilliCpus(4000),
            capacity_memory: Bytes(1 << 30),
            ..NodeSample::default()
        };
        let at = Timestamp(1);
        let sample =
            Sample { at, node, tasks: (0..ROWS_MOST + 50).map(task).collect(), vanished: 0 };
        let mut engine = Engine::new(Config::default().engine);
        let able = Actuator::ALL.into_iter();
        let able = able.fold(Capabilities::none(), |able, one| able.with(one, Ability::Works));
        engine.set_capabilities(able);
        let decision = engine.tick(Reading { at, wall_ms: 1, body: Body::Fresh(&sample) });
        let about = About {
            node: "n".to_owned(),
            version: String::new(),
            revision: String::new(),
            started_ms: 0,
            interval: Span::from_secs(1),
            stale_after: Span::from_secs(3),
            horizons: Vec::new(),
            policy: String::new(),
            shadows: Vec::new(),
            places: BTreeMap::new(),
            layout: serde_json::Value::Null,
        };
        let mut publisher = Publisher::new(about).expect("the list of metrics is well formed");
        publisher.tell(Told {
            decision: &decision,
            seen: Some((&sample, engine.usage())),
            weights: None,
            sample_took: None,
            tick_took: Duration::ZERO,
            host: &HostState::default(),
        });
        publisher
    }

    #[test]
    fn a_list_is_bounded_and_says_what_it_leaves_out() {
        let published = crowd().published();
        let all = list(&published, Filter::default());
        assert_eq!(all.rows.len(), ROWS_MOST);
        assert!(all.left_out >= 50 && page(&all).contains(" more fit."), "{}", all.left_out);
        let one = Filter { task: Some("BE/0299".to_owned()), ..Filter::default() };
        let one = list(&published, one);
        assert!(one.left_out == 0 && !one.rows.is_empty(), "what was left out can be asked for");
        assert!(one.rows.iter().all(|row| row.outcome == "only shown" && !row.takes));
    }

    #[test]
    fn an_address_says_what_was_asked_for_and_nothing_escapes_from_it() {
        let query = Query {
            action: Some("evict".to_owned()),
            task: Some("a/<b>&\"ü".to_owned()),
            resource: Some(String::new()),
        };
        let filter = query.filter().expect("known words");
        assert_eq!(
            address("/decisions", &filter),
            "/decisions?action=evict&task=a%2F%3Cb%3E%26%22%C3%BC"
        );
        assert_eq!(address("/decisions", &Filter::default()), "/decisions");
        let wrong = Query { resource: Some("disk".to_owned()), ..Query::default() }.filter();
        let wrong = wrong.expect_err("no resource");
        assert_eq!(wrong, "resource is none of these: \"disk\"; choose cpu, memory, io\n");
    }
}
