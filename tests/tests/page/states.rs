// SPDX-License-Identifier: Apache-2.0
//! The nine states: what each says, and that everybody can read it, by whatever means and however narrow.

use crate::bring;
use crate::watch_server::Server;
use crate::watch_support::Node;
use gleaner_tests::browser::{Browser, Tab};
use gleaner_watch::http::HttpConfig;
use serde_json::json;

/// Desktop, phone.
const WINDOWS: [(u32, u32); 2] = [(1280, 720), (390, 844)];
/// The narrowest that may not scroll sideways, and a desktop's at 200 % zoom, in pixels of CSS.
const NARROW: [(u32, u32); 2] = [(320, 700), (640, 360)];

/// The lines of all banners that show.
const BANNER: &str = "[...document.querySelectorAll('.banner')].filter((one) => !one.hidden)
    .flatMap((one) => (one.children.length ? [...one.children] : [one]).map((line) => line.textContent))";

fn window(tab: &Tab<'_>, (width, height): (u32, u32)) {
    tab.call("setViewportSize", json!([{ "width": width, "height": height }]));
}

fn words(tab: &Tab<'_>, state: &bring::Shown, node: &str) {
    assert_eq!(tab.text("#cpu .state"), state.cpu);
    let said = tab.text("#cpu .headline");
    assert!(said.contains(state.sentence), "{said}");
    assert_eq!(tab.call("title", json!([])), format!("{} {node}", state.title));
    let banner = tab.eval(BANNER).to_string();
    // How long nothing was heard goes on.
    let banner = match banner.split_once("no news for ") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}no news for N{after}")
        }
        None => banner,
    };
    assert_eq!(banner, json!(state.banner).to_string());
}

fn everybody_can_read(tab: &Tab<'_>) {
    let media = [
        json!({ "colorScheme": "light", "forcedColors": "none" }),
        json!({ "colorScheme": "dark", "forcedColors": "none" }),
        json!({ "colorScheme": "light", "forcedColors": "active" }),
    ];
    for size in WINDOWS {
        window(tab, size);
        for media in &media {
            tab.call("emulateMedia", json!([media]));
            let found = tab.violations();
            assert!(found.is_empty(), "{size:?} {media}: {found:#?}");
        }
    }
    tab.call("emulateMedia", json!([media[0]]));
    for size in NARROW {
        window(tab, size);
        // Charts follow the window a moment later.
        let fits = tab.holds_within("document.documentElement.scrollWidth <= innerWidth", 10_000);
        assert!(fits, "{size:?}: the page is too wide");
    }
}

/// The page in one state: its words, its looks, and no complaint.
fn hold(name: &str) {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state(name);
    let node: Node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let own = format!("http://{}/", server.address);
    let tab = bring::open(&browser, &mut server, state, json!({}));
    words(&tab, state, "node-0417");
    everybody_can_read(&tab);
    words(&tab, state, "node-0417");
    let mut said = tab.said();
    if name == "disconnected" {
        // The browser itself says that nobody answers.
        said.retain(|line| !line.contains("net::ERR_"));
    }
    assert!(said.is_empty(), "{said:#?}");
    let asked = tab.asked();
    let foreign = |url: &&String| !url.starts_with(&own) && !url.starts_with("data:");
    assert_eq!(asked.iter().find(foreign), None);
    if name != "disconnected" {
        without_a_script(&browser, &own, state);
    }
}

/// The page as it is sent says the same.
fn without_a_script(browser: &Browser, url: &str, state: &bring::Shown) {
    let tab = browser.open(url, json!({ "javaScriptEnabled": false }));
    assert_eq!(tab.text("#cpu .state"), state.cpu);
    assert!(tab.text("#cpu .headline").contains(state.sentence));
    let shown: String = ["#observing", "#trouble"]
        .into_iter()
        .filter(|one| tab.call("isVisible", json!([one])) == json!(true))
        .map(|one| tab.text(one))
        .collect();
    assert_eq!(shown, state.banner.concat());
}

#[test]
fn observing() {
    hold("observing");
}

#[test]
fn calm() {
    hold("calm");
}

#[test]
fn strained() {
    hold("strained");
}

#[test]
fn critical() {
    hold("critical");
}

#[test]
fn cold() {
    hold("cold");
}

#[test]
fn stale() {
    hold("stale");
}

#[test]
fn degraded() {
    hold("degraded");
}

#[test]
fn poisoned() {
    hold("poisoned");
}

#[test]
fn disconnected() {
    hold("disconnected");
}
