// SPDX-License-Identifier: Apache-2.0
//! The list of decisions and what goes on, as a page and as JSON, with names and filters to beware of.

use crate::watch_server::{Server, body, request};
use crate::watch_support::{EVIL, Node};
use crate::{head, status};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::{MilliCpus, Span};
use gleaner_qos::rank::Relief;
use gleaner_qos::verdict::{Action, Reason};
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::snapshot::UnderWay;
use gleaner_watch::story::End;
use serde_json::Value;
use std::time::Duration;

/// A node whose guaranteed tasks wait, so that best-effort ones would be taken from.
fn harmed() -> Node {
    let mut node = Node::warm(3);
    node.waits = Duration::from_secs(20);
    (0..8).for_each(|_| node.tick(3));
    node
}

/// Ends what a decision asked for first, as a host does.
fn end(node: &Node, server: &Server, action: Action) -> u64 {
    let shot = node.publisher.published().load().expect("a tick was told");
    let events = server.json("/v1/events");
    let tick = events[0]["tick"].as_u64().expect("the last decision that did something");
    node.publisher.tell_ended(&Ended {
        task: TaskId { name: EVIL.into(), inode: 7 },
        action,
        resource: Resource::Cpu,
        reason: Reason::Recurs,
        ending: Ending::Done,
        wall_ms: shot.decision.wall_ms,
        // Its decision is not kept: such a one has no explanation, and is listed all the same.
        tick: None,
        end: End {
            outcome: "done".to_owned(),
            took: Span::from_millis(340),
            relief: Some(Relief::Cpu(MilliCpus(1900))),
            reacted: Some(Span::from_millis(96)),
            ..End::default()
        },
    });
    tick
}

#[test]
fn what_was_decided_is_listed_and_filtered_by_the_address() {
    let node = harmed();
    let server = Server::of(&node);
    let tick = end(&node, &server, Action::Evict);
    let all = server.json("/decisions.json");
    let rows = |answer: &Value| answer["rows"].as_array().expect("a list").clone();
    let (rows_all, evicted) = (rows(&all), rows(&server.json("/v1/decisions?action=evict")));
    assert_eq!((evicted.len(), &all["left_out"]), (1, &0.into()), "{evicted:#?}");
    let row = &evicted[0];
    assert_eq!((&row["task"], &row["tick"]), (&EVIL.into(), &Value::Null));
    assert_eq!((&row["resource"], &row["reason"]), (&"cpu".into(), &"recurs".into()));
    assert_eq!(row["freed"], serde_json::json!({ "cpu": 1900 }));
    assert_eq!(
        (&row["took_ns"], &row["reacted_ns"], &row["outcome"]),
        (&340_000_000.into(), &96_000_000.into(), &"done".into())
    );
    // Each that names a decision leads to one that can be explained.
    let linked: Vec<u64> = rows_all.iter().filter_map(|row| row["tick"].as_u64()).collect();
    assert!(linked.contains(&tick), "{linked:?}");
    for tick in &linked {
        assert_eq!(status(&server.get(&format!("/decisions/{tick}"))), "200", "{tick}");
    }
    let (mut cpu, level) = (rows(&server.json("/decisions.json?resource=cpu")), "level");
    assert!(!cpu.is_empty() && cpu.len() <= rows_all.len());
    cpu.retain(|row| row["resource"] != "cpu");
    assert!(cpu.is_empty(), "{cpu:#?}");
    let levels = rows(&server.json(&format!("/decisions.json?action={level}")));
    assert!(levels.iter().any(|row| row["because"] == "cpu became critical"), "{levels:#?}");
    assert_eq!(rows(&server.json("/decisions.json?task=ONERROR&action=evict")).len(), 1);
    assert!(rows(&server.json("/decisions.json?task=nobody")).is_empty());
    assert_eq!(rows(&server.json("/decisions.json?task=&action=&resource=")), rows_all);
    let times: Vec<u64> = rows_all.iter().filter_map(|row| row["at_ms"].as_u64()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the latest first: {times:?}");
}

#[test]
fn the_list_is_a_page_without_a_script_and_names_in_it_are_text() {
    let node = harmed();
    let server = Server::of(&node);
    end(&node, &server, Action::Evict);
    let page = server.get("/decisions?action=evict&resource=cpu&task=%3Cimg%20src%3Dx");
    assert_eq!(status(&page), "200", "{page}");
    let page = body(&page);
    let shown = "be/&lt;img src=x onerror=alert(1)&gt;";
    assert!(page.contains(shown) && !page.contains("<img") && !page.contains("<script"), "{page}");
    assert!(!page.contains("{{") && !page.contains(" style=") && !page.contains(" onerror=\""));
    for wanted in [
        "<code>recurs</code>",
        "1.9 cores",
        "340 ms",
        "96 ms",
        "1 in all, the latest first.",
        "<code>&lt;img src=x</code>",
        "href=\"/decisions?action=evict&amp;resource=cpu\">All tasks",
        "href=\"/decisions.json?action=evict&amp;resource=cpu&amp;task=%3Cimg%20src%3Dx\"",
        "href=\"/decisions?action=evict&amp;resource=cpu&amp;task=be%2F%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E\"",
        "aria-current=\"true\">evict (1)",
    ] {
        assert!(page.contains(wanted), "no {wanted} in {page}");
    }
    assert!(body(&server.get("/decisions?task=nobody")).contains("Nothing fits."));
    let empty = Server::of(&Node::new());
    assert!(body(&empty.get("/decisions")).contains("Nothing fits."), "before the first decision");
    let asked = server.ask(&request("HEAD", "/decisions", "localhost"));
    assert_eq!((status(&asked), body(&asked)), ("200", ""));
    let linked = body(&server.get("/")).contains("<a href=\"/decisions\">");
    assert!(linked, "the page leads to it");
}

#[test]
fn filters_that_nobody_knows_are_refused_with_those_that_there_are() {
    let server = Server::of(&Node::warm(3));
    for path in ["/decisions", "/decisions.json", "/v1/decisions", "/v1/decisions.json"] {
        for (query, wanted) in [
            ("action=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E", "choose standing_class, "),
            ("action=EVICT", "evict, thaw, undo, level"),
            ("resource=disk", "choose cpu, memory, io"),
        ] {
            let answer = server.get(&format!("{path}?{query}"));
            assert_eq!(status(&answer), "400", "{answer}");
            assert!(body(&answer).contains(wanted), "{answer}");
            assert!(head(&answer).to_lowercase().contains("content-type: text/plain"), "{answer}");
        }
        assert_eq!(status(&server.get(&format!("{path}?task=a&task=b"))), "400");
        assert_eq!(status(&server.get(&format!("{path}?unheard=of"))), "200", "passed over");
    }
}

#[test]
fn what_goes_on_is_said_with_its_beginning_and_its_end() {
    let mut node = Node::warm(3);
    let idle = Server::of(&node);
    assert!(body(&idle.get("/")).contains("aria-labelledby=\"under-way-title\" hidden"));
    assert_eq!(idle.json("/v1/acts")["under_way"], serde_json::json!([]));
    let act = |action, until_ms| UnderWay {
        task: TaskId { name: EVIL.into(), inode: 7 },
        action,
        resource: Resource::Memory,
        tick: Some(999_999),
        since_ms: 1_700_000_105_000,
        until_ms,
    };
    node.host.under_way = [act("evict", Some(1_700_000_114_000)), act("memory_high", None)].into();
    node.host.under_way_more = 5;
    node.tick(3);
    let server = Server::of(&node);
    let page = server.get("/");
    for wanted in [
        "aria-labelledby=\"under-way-title\" ><h2",
        "<li>evict be/&lt;img src=x onerror=alert(1)&gt; for memory, since ",
        "22:15:05 UTC</time>, until <time data-ms=\"1700000114000\">22:15:14 UTC</time> at the latest.</li>",
        "22:15:05 UTC</time>, until all is calm again.</li>",
        "<li>and 5 more</li>",
    ] {
        assert!(body(&page).contains(wanted), "no {wanted} in {page}");
    }
    let acts = server.json("/v1/acts");
    assert_eq!((&acts["more"], &acts["under_way"][0]["action"]), (&5.into(), &"evict".into()));
    assert_eq!(acts["under_way"][0]["tick"], Value::Null, "that decision is not kept");
    assert_eq!(server.json("/v1/frame")["acts"], 7);
    assert_eq!(server.json("/v1/decision")["host"]["under_way"][1]["until_ms"], Value::Null);
}
