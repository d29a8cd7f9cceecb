// SPDX-License-Identifier: Apache-2.0
//! The first picture: what has to come before somebody can read, and before the charts stand.

use crate::bring;
use crate::watch_server::Server;
use gleaner_tests::browser::Browser;
use gleaner_watch::http::HttpConfig;
use serde_json::json;

/// Style, script, history, and once each what the first frame asks for beside it: events, acts, tasks, policies, reactions,
/// and how Gleaner itself is.
const ASKED_MOST: usize = 9;

#[test]
fn words_come_with_the_first_answer_and_charts_with_the_history() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, json!({}));
    tab.until("performance.getEntriesByName('first-contentful-paint').length > 0");
    let seen = tab.eval(
        "(() => {
            const at = (name) => performance.getEntriesByName(name)[0].startTime;
            const [page] = performance.getEntriesByType('navigation');
            const drawn = at('drawn'), all = performance.getEntriesByType('resource');
            const style = all.find((one) => one.name.endsWith('.css'));
            const ends = Math.max(page.responseEnd, style.responseEnd);
            // Five seconds after the script began the tables are asked for again.
            const first = all.filter((one) => one.startTime < Math.min(drawn, ends + 4000));
            const before = first.map((one) => new URL(one.name).pathname);
            return { paint: at('first-contentful-paint'), ends, drawn, before };
        })()",
    );
    let number = |key: &str| seen[key].as_f64().expect("a number");
    let (paint, ends, drawn) = (number("paint"), number("ends"), number("drawn"));
    eprintln!(
        "page and style there after {ends:.0} ms, first words after {paint:.0}, charts after {drawn:.0}"
    );
    let before: Vec<&str> =
        seen["before"].as_array().expect("a list").iter().filter_map(|one| one.as_str()).collect();
    assert!(before.len() <= ASKED_MOST, "{before:?}");
    assert!(paint >= ends && drawn >= ends, "{seen}");
    let plain =
        browser.open(&format!("http://{}/", server.address), json!({ "javaScriptEnabled": false }));
    assert!(
        plain.text("#cpu").contains(state.sentence),
        "words need one answer: {}",
        plain.text("#cpu")
    );
}
