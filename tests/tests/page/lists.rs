// SPDX-License-Identifier: Apache-2.0
//! What goes on while it does, and the list of what was decided.

use crate::bring;
use crate::watch_server::Server;
use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_tests::browser::Browser;
use gleaner_watch::http::HttpConfig;
use gleaner_watch::snapshot::UnderWay;
use serde_json::json;

#[test]
fn what_goes_on_is_said_while_it_does() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let mut node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, json!({}));
    assert_eq!(tab.eval("byId('under-way').hidden"), json!(true), "nothing goes on");
    node.host.under_way = [UnderWay {
        task: TaskId { name: "be/spark-exec-5".into(), inode: 7 },
        action: "freeze",
        resource: Resource::Cpu,
        tick: None,
        since_ms: 1_700_000_110_000,
        until_ms: Some(1_700_000_120_000),
    }]
    .into();
    bring::tick(&mut node, 1);
    tab.until(
        "byId('acts').textContent.includes('freeze be/spark-exec-5') && !byId('under-way').hidden",
    );
    let said = tab.text("#acts");
    assert!(said.contains("22:15:10 UTC") && said.contains("22:15:20 UTC"), "{said}");
    assert_eq!([tab.violations(), tab.said()].concat(), Vec::<String>::new());
    node.host.under_way = [].into();
    bring::tick(&mut node, 1);
    tab.until("byId('under-way').hidden");
}

#[test]
fn the_list_of_decisions_is_two_keys_away_and_needs_no_script() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("critical");
    let node = bring::node(state);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let phone = json!({ "viewport": { "width": 320, "height": 700 } });
    let tab = bring::open(&browser, &mut server, state, phone);
    tab.press(&["g", "d"]);
    tab.call("waitForURL", json!(["**/decisions"]));
    let sideways = tab.eval("document.documentElement.scrollWidth > innerWidth");
    assert_eq!(sideways, json!(false), "wider than the screen");
    assert_eq!([tab.violations(), tab.said()].concat(), Vec::<String>::new());
    let list = format!("http://{}/decisions", server.address);
    let plain = browser.open(&list, json!({ "javaScriptEnabled": false }));
    plain.click("text=/^level \\(/");
    assert!(plain.text("tbody").contains("became critical"), "{}", plain.text("tbody"));
    let link = "a[aria-current=true]:has-text('level (')";
    assert!(plain.text(link).starts_with("level ("), "it says what is chosen");
}
