// SPDX-License-Identifier: Apache-2.0
//! Pictures of the nine states, compared with those in `tests/goldens/page/`; `BLESS=1` writes them anew.

use crate::bring::{self, STATES};
use crate::watch_server::Server;
use gleaner_tests::browser::{Browser, Tab};
use gleaner_tests::picture::{difference, kept, save};
use gleaner_watch::http::HttpConfig;
use image::RgbImage;
use serde_json::json;
use std::path::{Path, PathBuf};

/// All pictures together, bytes.
const WEIGHT_MOST: u64 = 600 << 10;
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("goldens/page/{name}.png"))
}

/// What the page shows now, without what no two runs share.
fn picture(tab: &Tab<'_>) -> RgbImage {
    // No timer runs on, what it costs to run is hidden, and how long nothing was heard or read is constant.
    let _ = tab.eval(
        "(() => {
            for (let i = setTimeout(() => {}); i; i -= 1) clearTimeout(i);
            stopListening();
            byId('own').hidden = true;
            const constant = (one) => one.textContent.replace(/for \\d+ s,/, 'for 4 s,').replace(/[\\d.]+ m?s ago/, '1.0 s ago');
            for (const one of document.querySelectorAll('.headline, #gone')) one.textContent = constant(one);
        })()",
    );
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("page.png");
    tab.picture(&path, true);
    kept(&path).expect("the browser wrote a picture")
}

fn look() -> serde_json::Value {
    json!({ "viewport": { "width": 1000, "height": 700 } })
}

#[test]
fn every_state_looks_as_it_did() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let mut wrong = Vec::new();
    let (mut weight, mut all) = (0, Vec::new());
    for state in &STATES {
        let node = bring::node(state);
        let mut server = Server::start(&node.publisher, HttpConfig::default());
        let tab = bring::open(&browser, &mut server, state, look());
        let seen = picture(&tab);
        let golden = place(state.name);
        if std::env::var_os("BLESS").is_some() {
            save(&seen, &golden).expect("tests/goldens can be written");
        }
        let golden = image::open(&golden).map(|known| known.to_rgb8());
        let golden =
            golden.unwrap_or_else(|why| panic!("{}: {why}; BLESS=1 writes it", state.name));
        if let Some(why) = difference(&golden, &seen) {
            let kept = std::env::temp_dir().join(format!("gleaner-{}.png", state.name));
            save(&seen, &kept).expect("room");
            wrong.push(format!("{}: {why}; see {}", state.name, kept.display()));
        }
        weight += std::fs::metadata(place(state.name)).expect("it was read").len();
        all.push(golden);
    }
    assert!(wrong.is_empty(), "{wrong:#?}; BLESS=1 accepts");
    assert!(weight <= WEIGHT_MOST, "{weight} bytes of pictures");
    // No state passes for another.
    for (i, one) in all.iter().enumerate() {
        let alike = all[..i].iter().position(|other| difference(other, one).is_none());
        assert_eq!(alike.map(|other| STATES[other].name), None, "{}", STATES[i].name);
    }
}

#[test]
fn a_page_that_lost_something_is_refused() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("degraded");
    let node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, look());
    let whole = picture(&tab);
    let losses = [
        ("the banner", "byId('trouble').hidden = true", "byId('trouble').hidden = false"),
        (
            "the colour of calm",
            "document.documentElement.style.setProperty('--calm', '#b33f00')",
            "document.documentElement.style.removeProperty('--calm')",
        ),
        (
            "the colour of a line",
            "document.documentElement.style.setProperty('--owners', '#b33f00'); repaint()",
            "document.documentElement.style.removeProperty('--owners'); repaint()",
        ),
        (
            "a chart",
            "document.querySelector('#charts canvas').style.visibility = 'hidden'",
            "document.querySelector('#charts canvas').style.visibility = ''",
        ),
        (
            "a word",
            "document.querySelector('#cpu .state').style.visibility = 'hidden'",
            "document.querySelector('#cpu .state').style.visibility = ''",
        ),
    ];
    for (what, lose, find) in losses {
        let _ = tab.eval(&format!("(() => {{ {lose} }})()"));
        assert!(difference(&whole, &picture(&tab)).is_some(), "{what} is not missed");
        let _ = tab.eval(&format!("(() => {{ {find} }})()"));
        assert_eq!(difference(&whole, &picture(&tab)), None, "{what} is back");
    }
}

#[test]
fn how_letters_are_drawn_is_no_difference() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, look());
    let plain = picture(&tab);
    // Between two pixels every edge of every letter is drawn anew.
    let _ = tab.eval("document.body.style.transform = 'translate(0.3px, 0.3px)'");
    let moved = picture(&tab);
    let changed = plain.iter().zip(moved.iter()).filter(|(old, new)| old != new).count();
    assert!(changed * 50 > plain.len(), "only {changed} of {} colours changed", plain.len());
    assert_eq!(difference(&plain, &moved), None);
}
