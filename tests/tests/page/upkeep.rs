// SPDX-License-Identifier: Apache-2.0
//! What an open page costs: script an update, and memory over many of them.

use crate::bring;
use crate::watch_server::Server;
use gleaner_tests::browser::{Browser, Tab};
use gleaner_watch::http::HttpConfig;
use serde_json::json;

/// Updates after which memory is first looked at.
const FEW: u32 = 400;
/// And last.
const MANY: u32 = 4_000;
/// Bytes of heap that an update may leave behind. A row of the charts that was never dropped would leave 200.
const LEFT_MOST: f64 = 100.0;
/// An update costs at most so many times what drawing the four lines' charts costs by itself.
const DRAWINGS_MOST: f64 = 4.0;

/// Takes in so many frames, each a second after the one before. All that is asked for anew from time to time is
/// asked for too. Answers how long one took and how long bare drawing took, milliseconds.
fn update(tab: &Tab<'_>, times: u32) -> (f64, f64) {
    let took = tab.eval(&format!(
        "(async () => {{
            stopListening();
            const frame = await ask('/v1/frame');
            frame.at_ms = Math.max(frame.at_ms, 1000 * data.at.at(-1));
            let [taking, drawing] = [0, 0];
            for (let i = 0; i < {times}; i += 1) {{
                frame.at_ms += 1000;
                frame.tick += 1;
                const begun = performance.now();
                take(frame);
                // The charts draw at the end of the task.
                await null;
                const taken = performance.now();
                taking += taken - begun;
                if (i % 10 === 0) {{
                    for (const {{ spec, u }} of charts) u.setData(numbers(spec));
                    await null;
                    drawing += performance.now() - taken;
                }}
                if (i % 30 === 0) {{
                    await Promise.all([showTasks(), showPolicies(), showReactions(), showWell(), showEvents()]);
                    await new Promise(requestAnimationFrame);
                }}
            }}
            return [taking / {times}, drawing / Math.ceil({times} / 10)];
        }})()"
    ));
    serde_json::from_value(took).expect("two numbers")
}

/// Bytes of the heap, and nodes of the document, after all that nobody refers to is gone; seconds of processor that
/// scripts took.
fn held(tab: &Tab<'_>) -> [f64; 3] {
    tab.devtools("HeapProfiler.collectGarbage", json!({}));
    let answer = tab.devtools("Performance.getMetrics", json!({}));
    let all = answer["metrics"].as_array().expect("a list").clone();
    ["JSHeapUsedSize", "Nodes", "ScriptDuration"].map(|name| {
        let found = all.iter().find(|one| one["name"] == name);
        found.and_then(|one| one["value"].as_f64()).expect("a metric of this name")
    })
}

#[test]
fn updates_are_cheap_and_leave_nothing_behind() {
    let Some(browser) = Browser::start_or_skip() else { return };
    let state = bring::state("calm");
    let mut node = bring::node(state);
    bring::tick(&mut node, 600);
    let mut server = Server::start(&node.publisher, HttpConfig::default());
    let tab = bring::open(&browser, &mut server, state, json!({}));
    tab.devtools("HeapProfiler.enable", json!({}));
    tab.devtools("Performance.enable", json!({ "timeDomain": "threadTicks" }));
    update(&tab, FEW);
    let [heap, nodes, scripts] = held(&tab);
    let (taking, drawing) = update(&tab, MANY - FEW);
    let [heap_after, nodes_after, scripts_after] = held(&tab);
    let times = f64::from(MANY - FEW);
    let left = (heap_after - heap) / times;
    let costs = taking / drawing;
    println!(
        "an update: {taking:.2} ms, {costs:.2} bare drawings; with all that was asked for {:.2} ms of processor; \
         {left:.1} of {heap} bytes left by each; {nodes} nodes, then {nodes_after}",
        (scripts_after - scripts) * 1e3 / times,
    );
    assert!(left <= LEFT_MOST, "each update leaves {left:.1} bytes of heap");
    // Tables are filled anew 120 times: the rows of the last time may not be collected yet, but no others.
    assert!(nodes_after <= nodes * 2.0, "{nodes} nodes became {nodes_after}");
    assert!(costs <= DRAWINGS_MOST, "an update costs {costs:.1} times bare drawing");
    assert_eq!(tab.eval("data.at.length <= 601"), json!(true), "charts keep ten minutes");
}
