// SPDX-License-Identifier: Apache-2.0
//! The page of a running daemon in a real browser: real readings, a real eviction, and its explanation.

use gleaner_tests::acting::LONG;
use gleaner_tests::browser::{Browser, Tab};
use gleaner_tests::cgroup_rig::CgroupRig;
use gleaner_tests::demo::Demo;
use gleaner_tests::gleaner::Gleaner;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::built;
use gleaner_tests::{http, story, wait_until};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// What is shown right after an update, beside the decision that the server tells then; the daemon decides more
/// often than it tells.
const SHOWN: &str = "(async () => {
    await new Promise((resolve) => {
        const seer = new MutationObserver(() => { seer.disconnect(); resolve(); });
        seer.observe(byId('tick'), { childList: true });
    });
    const answer = await ask('/v1/decision');
    const text = (one) => document.querySelector(one).textContent;
    const shown = (id) => `${text(`#${id} .headline`)} ${text(`#${id} .limit`)}`.trim();
    return [
        [text('#tick'), String(answer.tick)], [text('#mode'), answer.mode], [text('#cpu .state'), answer.why.cpu.state],
        [shown('cpu'), answer.why.cpu.sentence], [shown('memory'), answer.why.memory.sentence],
    ];
})()";

/// What the page shows is the decision of the number that it shows.
fn shows_the_decision(tab: &Tab<'_>) {
    tab.until("document.getElementById('link').textContent === 'live'");
    let same = |pair: &Value| pair[0] == pair[1];
    let shown = (0..30).map(|_| tab.eval(SHOWN)).find(|shown| same(&shown[0]));
    let shown = shown.expect("one decision is shown and told");
    assert!(shown.as_array().is_some_and(|pairs| pairs.iter().all(same)), "{shown:#}");
}

/// The eviction, as soon as the daemon tells of it; `None` where that ends without.
fn eviction(address: SocketAddr) -> Option<Value> {
    let done = |event: &Value| {
        event["correction"]["action"] == "evict" && event["correction"]["ending"] == "done"
    };
    wait_until("an eviction, or the daemon's end", LONG, || {
        let Some(events) = http::get(address, "/v1/events") else { return Some(None) };
        let events: Vec<Value> = serde_json::from_str(&events).expect("a list of events");
        events.into_iter().find(done).map(Some)
    })
}

/// The eviction is on the page at once, and explained there as `gleaner explain` does from this audit file.
fn shows_the_eviction(tab: &Tab<'_>, found: &Value, address: SocketAddr, audit: &Path) {
    let text = &found["text"];
    let seen = tab.holds_within(&format!("byId('events').textContent.includes({text})"), 2000);
    assert!(seen, "{text} is not on the page within two seconds: {}", tab.text("#events"));
    let last = tab.text("#last");
    for said in [text, &found["correction"]["because"]] {
        assert!(last.contains(said.as_str().expect("a text")), "{said} is not in {last}");
    }
    tab.click("#last a");
    tab.call("waitForURL", json!(["**/decisions/*"]));
    let shown = tab.text("main");
    let told = http::get(address, &format!("/decisions/{}.json", found["tick"]));
    let told: Value = serde_json::from_str(&told.expect("it is kept")).expect("JSON");
    let output = Command::new(built("gleaner").expect("built"))
        .args(["explain", &found["tick"].to_string(), "--file"])
        .arg(audit)
        .output()
        .expect("it runs");
    let terminal = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(story::texts(&told["story"]).len() > 3, "{told:#}");
    for one in story::texts(&told["story"]) {
        assert!(shown.contains(&one), "{one:?} is not on the page: {shown}");
        assert!(terminal.contains(&one), "{one:?} is not in the terminal: {terminal}");
    }
    tab.call("goBack", json!([]));
    tab.until("document.querySelectorAll('#charts canvas').length === 5");
}

/// No complaint, and nothing asked of anybody else.
fn asks_nobody_else(tab: &Tab<'_>, url: &str) {
    assert_eq!(tab.said(), Vec::<String>::new());
    let asked = tab.asked();
    let foreign = |one: &&String| !one.starts_with(url) && !one.starts_with("data:");
    assert_eq!(asked.iter().find(foreign), None);
}

#[test]
fn the_page_shows_and_explains_an_eviction() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(browser) = Browser::start_or_skip() else { return };
    let top = rig.group("page").expect("a group");
    let [service, batch] = ["svc", "be-one"].map(|name| top.child(name).expect("a group"));
    let _service = Load::start(&Work::Idle, &service).expect("a load starts");
    let _batch = Load::start(&Work::Spin { threads: 1 }, &batch).expect("a load starts");
    let daemon = Gleaner::start(&top, "evict", "");
    let address = daemon.address();
    let url = format!("http://{address}/");
    let tab = browser.open(&url, json!({}));
    shows_the_decision(&tab);
    // Any load is too much from here on.
    daemon.reconfigure(&top, "evict", "qos.compat.evict_load_1min = 0.0");
    let found = eviction(address).expect("the daemon runs on");
    shows_the_eviction(&tab, &found, address, &daemon.audit_path());
    asks_nobody_else(&tab, &url);
}

#[test]
fn the_page_shows_a_demonstration() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(browser) = Browser::start_or_skip() else { return };
    // Long enough for the page to stay until a busy browser has followed its links.
    let mut demo = Demo::start(60);
    let line = demo.hear("http://");
    let (_, rest) = line.split_once("http://").expect("a URL");
    let address = rest.split(',').next().expect("an address").trim().trim_end_matches('/');
    let address: SocketAddr = address.parse().expect("an address and a port");
    let url = format!("http://{address}/");
    let tab = browser.open(&url, json!({}));
    shows_the_decision(&tab);
    let found = eviction(address);
    if let Some(found) = &found {
        let files = demo.traces(&rig).into_iter().map(|path| path.join("audit.jsonl"));
        let audit = files.into_iter().find(|path| path.is_file());
        shows_the_eviction(&tab, found, address, &audit.expect("the demonstration keeps one"));
        asks_nobody_else(&tab, &url);
    }
    let (status, said) = demo.end();
    assert!(status.success(), "{said}");
    // Where its shortage would not stay inside, or the kernel was faster, it says so.
    let told = ["Left out", "did not evict"].iter().any(|why| said.contains(why));
    assert!(found.is_some() != told, "{found:?}\n{said}");
}
