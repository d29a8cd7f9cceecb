// SPDX-License-Identifier: Apache-2.0
//! Reading the page and walking through it: its words, its keys, pausing, harm and an eviction as they come.

use crate::bring::{self, live};
use crate::watch_server::Server;
use crate::watch_support::{EVIL, Node};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Span;
use gleaner_qos::verdict::{Action, Reason};
use gleaner_tests::browser::{Browser, Tab};
use gleaner_tests::story;
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::http::{HttpConfig, Limits};
use gleaner_watch::story::End;
use serde_json::{Value, json};
use std::time::Duration;

/// A calm node that observes, its page, and the address of that.
fn opened(browser: &Browser) -> (Node, Server, Tab<'_>, String) {
    let state = bring::state("observing");
    let node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(browser, &mut server, state, json!({}));
    let url = format!("http://{}/", server.address);
    (node, server, tab, url)
}

fn all_true(tab: &Tab<'_>, claims: &[&str]) {
    for claim in claims {
        assert_eq!(tab.eval(claim), json!(true), "{claim}");
    }
}

#[test]
fn what_is_said_is_decided_drawn_and_above_the_fold() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let (_node, server, tab, _) = opened(&browser);
    let said = server.json("/v1/decision")["why"]["cpu"]["sentence"].clone();
    assert_eq!(said, format!("{} {}", tab.text("#cpu .headline"), tab.text("#cpu .limit")));
    assert!(tab.text("#tasks").contains(EVIL), "names are text");
    all_true(
        &tab,
        &[
            "document.querySelectorAll('img').length === 0",
            "[...document.querySelectorAll('#charts canvas')].every((canvas) => canvas.getContext('2d')
                .getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte))",
            "['#cpu .state', '#cpu .headline', '#memory .headline', '#last']
                .every((one) => document.querySelector(one).getBoundingClientRect().bottom <= innerHeight)",
            "KEYS.length >= 13 && KEYS.every(([key], i) =>
                document.querySelectorAll('#keys dt')[i].textContent === (key === ' ' ? 'space' : key))",
        ],
    );
    let tasks = server.json("/v1/tasks.json")["tasks"].clone();
    let first =
        tasks.as_array().and_then(|all| all.iter().find(|t| t["goes"]["cpu"]["number"] == 1));
    let first = first.expect("somebody goes first");
    let row = tab.eval(
        "[...document.querySelector('#tasks tbody tr').cells].map((cell) => cell.textContent)",
    );
    let wanted = [&json!("1"), &first["name"], &json!("best-effort"), &first["goes"]["cpu"]["why"]];
    assert_eq!([&row[0], &row[1], &row[2], &row[8]], wanted, "with the reason");
}

#[test]
fn keys_do_what_the_help_says() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let (_node, _server, tab, url) = opened(&browser);
    let at = |query: &str| assert_eq!(tab.eval("location.href"), format!("{url}{query}"));
    tab.press(&["?", "t", "m", "2"]);
    tab.until("document.querySelectorAll('#data tbody tr').length > 0 && !byId('keys').hidden");
    at("?range=1h&resource=memory&table=1");
    tab.press(&["/", "s", "p", "a", "r", "k", "Escape"]);
    assert!(!tab.text("#tasks tbody").contains("web/"), "not filtered");
    tab.call("fill", json!(["#filter", ""]));
    tab.press(&["Escape", "?", "t", "c", "1"]);
    all_true(&tab, &["byId('keys').hidden"]);
    at("");
    tab.press(&["g", "t"]);
    assert_eq!(tab.eval("document.activeElement.id"), "tasks-section");
    at("");
    tab.press(&["i"]);
    at("?resource=io");
    tab.press(&["Control+m"]);
    at("?resource=io");
    tab.press(&["c"]);
    tab.click("#help");
    tab.call("uncheck", json!(["#keys-on"]));
    tab.click("#tasks-title");
    tab.press(&["m"]);
    at("");
    tab.call("reload", json!([]));
    live(&tab);
    tab.press(&["m"]);
    at("");
    let mut reached = Vec::new();
    for _ in 0..40 {
        tab.press(&["Tab"]);
        reached.push(tab.eval("document.activeElement.id || document.activeElement.textContent"));
    }
    for control in ["10 min", "Memory", "pause", "table", "help", "filter", "metrics"] {
        assert!(reached.contains(&json!(control)), "{control} is not among {reached:?}");
    }
}

#[test]
fn a_pause_holds_and_harm_and_an_eviction_show() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let (mut node, server, tab, url) = opened(&browser);
    tab.click("#pause");
    let before = tab.text("#tick");
    bring::tick(&mut node, 3);
    tab.until("byId('link').textContent === 'paused'");
    assert_eq!(tab.text("#tick"), before);
    tab.click("#pause");
    tab.until(&format!("byId('tick').textContent !== '{before}'"));

    node.waits = Duration::from_secs(20);
    bring::tick(&mut node, 4);
    tab.until("/STRAINED|CRITICAL/.test(document.title) && byId('events').textContent.includes('cpu became')");
    assert!(tab.text("#cpu .headline").contains("owners' wait"), "{}", tab.text("#cpu"));

    evict(&mut node, &server);
    tab.until("byId('last').textContent.includes('evict be/')");
    assert!(tab.text("#last").contains("memory runs out"), "{}", tab.text("#last"));
    let link = "#events tbody tr:first-child a";
    let number = tab.text(link).trim_start_matches('#').to_owned();
    let told = server.json(&format!("/v1/decisions/{number}"));
    let said = story::texts(&told["story"]);
    assert!(said.len() > 3, "{told:#}");
    tab.click(link);
    tab.until("document.querySelector('#events .story')");
    explained(&said, &tab.text("#events .story"));
    tab.click(link);
    all_true(&tab, &["document.querySelector('#events .story') === null"]);
    let page = format!("{url}decisions/{number}");
    let plain = browser.open(&page, json!({ "javaScriptEnabled": false }));
    explained(&said, &plain.text("main"));
    let phone = json!({ "colorScheme": "dark", "viewport": { "width": 390, "height": 844 } });
    let phone = browser.open(&page, phone);
    assert_eq!([phone.violations(), phone.said(), tab.said()].concat(), Vec::<String>::new());
    let missing = server.get("/decisions/999999");
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains("gleaner explain 999999"));
}

/// All of a story is in this text.
fn explained(said: &[String], shown: &str) {
    let missing = said.iter().find(|one| !shown.contains(one.as_str()));
    assert_eq!(missing, None, "of {shown}");
}

/// Says that the last decision that did something evicted one that took the memory, and goes on.
fn evict(node: &mut Node, server: &Server) {
    let newest = node.publisher.published().load().expect("a tick was told");
    let events = server.json("/v1/events");
    let tick = events.as_array().and_then(|all| all.iter().find_map(|one| one["tick"].as_u64()));
    assert!(tick.is_some(), "nothing was done: {events}");
    node.publisher.tell_ended(&Ended {
        task: TaskId { name: "be/spark-exec-5".into(), inode: 7 },
        action: Action::Evict,
        resource: Resource::Memory,
        reason: Reason::RunsOut,
        ending: Ending::Done,
        wall_ms: newest.decision.wall_ms,
        tick,
        end: End { outcome: "done".to_owned(), took: Span::from_millis(340), ..End::default() },
    });
    bring::tick(node, 1);
}

#[test]
fn a_viewer_too_many_polls_until_a_place_is_free() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let node = bring::node(state);
    let limits = Limits { viewers: 1, ..Limits::default() };
    let mut server = Server::start(&node.publisher, HttpConfig { limits, ..HttpConfig::default() });
    let first = bring::open(&browser, &mut server, state, json!({}));
    let second = bring::open(&browser, &mut server, state, json!({}));
    assert!(second.asked().iter().any(|one| one.ends_with("/v1/frame")), "{:?}", second.asked());
    all_true(&second, &["polling"]);
    drop(first);
    second.until("!polling");
    assert_eq!(second.said(), Vec::<String>::new());
    let viewers = |said: Value| said["viewers"].clone();
    assert_eq!(viewers(server.json("/v1/self")), 1);
}
