// SPDX-License-Identifier: Apache-2.0
//! A page that stays open while its server goes and comes back, and while clocks jump.

use crate::bring::{self, live};
use crate::watch_server::Server;
use crate::watch_support::Node;
use gleaner_tests::browser::{Browser, Tab};
use gleaner_watch::http::HttpConfig;
use serde_json::json;

/// One hour, milliseconds.
const HOUR_MS: u64 = 3_600_000;

const LATE: &str = "document.getElementById('link').textContent === 'disconnected'";
/// A value that is greyed has the colour of what is of minor interest.
const GREY: &str = "(() => {
    const probe = document.querySelector('.facts');
    return getComputedStyle(byId('cpu')).color === getComputedStyle(probe).color;
})()";
/// Times of the charts go up, and uPlot has them all.
const IN_ORDER: &str = "data.at.length > 1 && data.at.every((at, i) => !i || at > data.at[i - 1])
    && charts.every(({ u }) => u.data[0].at(-1) === data.at.at(-1))";

/// Waits until the page shows the newest decision of the node.
fn shows(tab: &Tab<'_>, node: &Node) {
    let newest = node.publisher.published().load().expect("a tick was told").decision.tick;
    tab.until(&format!("byId('tick').textContent === '{newest}'"));
}

/// The page says that it is alone, keeps what it showed, and says of when that is.
fn alone(tab: &Tab<'_>) {
    let before = tab.text("#tick");
    tab.until(LATE);
    assert_eq!(tab.eval(GREY), json!(true), "last values are greyed");
    assert_eq!(tab.text("#tick"), before);
    let said = tab.text("#gone");
    let clock = tab.text("#clock");
    assert!(said.contains("retrying") && said.contains(&clock) && !clock.is_empty(), "{said}");
}

/// It is live again, in its own words and colours, and was not loaded anew.
fn back(tab: &Tab<'_>) {
    live(tab);
    tab.until("byId('gone').hidden && !document.body.classList.contains('late')");
    assert_eq!(tab.eval(GREY), json!(false));
    assert_eq!(tab.call("title", json!([])), "● CALM node-0417");
    assert_eq!(tab.eval("window.kept"), json!(1), "the page was loaded anew");
    let errors = tab.said();
    assert!(errors.iter().all(|line| line.contains("net::ERR_")), "{errors:#?}");
}

#[test]
fn a_page_survives_a_cut_and_a_restart() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let mut node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let address = server.address;
    let tab = bring::open(&browser, &mut server, state, json!({}));
    let _ = tab.eval("window.kept = 1");
    server.end().expect("serving ends well");
    alone(&tab);
    // The daemon went on meanwhile, and has what the page missed.
    bring::tick(&mut node, 20);
    let mut server = Server::at(address, &node.publisher, HttpConfig::default());
    shows(&tab, &node);
    back(&tab);
    tab.until("data.at.length > 105 && data.at.every((at, i) => !i || at - data.at[i - 1] === 1)");

    server.end().expect("serving ends well");
    alone(&tab);
    // Another daemon, that begins to count again and knows nothing of before.
    let mut restarted = bring::node(state);
    restarted.epoch_ms += HOUR_MS / 30;
    bring::tick(&mut restarted, 1);
    let _server = Server::at(address, &restarted.publisher, HttpConfig::default());
    shows(&tab, &restarted);
    back(&tab);
    assert_eq!(tab.eval(IN_ORDER), json!(true));
    let gap = tab.eval("charts[0].u.data[1].includes(null)");
    assert_eq!(gap, json!(true), "what was missed looks like a gap");
}

#[test]
fn the_clock_of_the_node_may_jump() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let mut node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, json!({}));
    let _ = tab.eval("window.kept = 1");
    let steps: [fn(u64) -> u64; 3] = [|at| at - 30_000, |at| at + 2 * HOUR_MS, |at| at - HOUR_MS];
    for step in steps {
        node.epoch_ms = step(node.epoch_ms);
        bring::tick(&mut node, 1);
        shows(&tab, &node);
        bring::tick(&mut node, 1);
        shows(&tab, &node);
        back(&tab);
        let newest = node.publisher.published().load().expect("told").decision.wall_ms;
        tab.until(&format!("data.at.at(-1) === {newest} / 1000"));
        assert_eq!(tab.eval(IN_ORDER), json!(true), "as it was drawn");
        let _ = tab.eval("loadHistory()");
        assert_eq!(tab.eval(IN_ORDER), json!(true), "as the server keeps it");
    }
}

#[test]
fn the_clock_of_the_reader_may_jump() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let mut node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, json!({}));
    tab.call("clock.install", json!([]));
    tab.call("reload", json!([]));
    live(&tab);
    let _ = tab.eval(
        "window.kept = 1; window.alone = 0;
         new MutationObserver(() => { window.alone += !byId('gone').hidden; }).observe(byId('gone'), { attributes: true })",
    );
    let now = tab.eval("Date.now()").as_i64().expect("a time");
    let hour = i64::try_from(HOUR_MS).expect("small");
    for jump in [hour, -hour] {
        tab.call("clock.setSystemTime", json!([now + jump]));
        let jumped = tab.eval("Date.now()").as_i64().expect("a time");
        assert!((jumped - now - jump).abs() < hour / 2, "the clock of the page is {jumped}");
        for _ in 0..2 {
            bring::tick(&mut node, 1);
            shows(&tab, &node);
        }
        assert_eq!(tab.eval("window.alone"), json!(0), "it never was alone");
        back(&tab);
    }
    server.end().expect("serving ends well");
    alone(&tab);
}
