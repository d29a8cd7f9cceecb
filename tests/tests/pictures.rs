// SPDX-License-Identifier: Apache-2.0
//! The pictures of page and terminal that documents show, taken of one node: real engine, scripted owners and borrowers.
//!
//! `GLEANER_PICTURES` names the folder that they go to; with `BLESS` those that documents show go to `docs/`.

#[path = "dashboards/replay/node.rs"]
#[expect(dead_code, reason = "the whole fleet asks more of a node")]
mod node;
#[expect(dead_code, reason = "the other node is the one that is asked for whole")]
mod watch_server;
#[expect(dead_code, reason = "the other node is the one that is shown")]
mod watch_support;

use gleaner_engine::decision::Mode;
use gleaner_qos::capability::Ability;
use gleaner_tests::browser::Browser;
use gleaner_tests::poll_until;
use gleaner_tests::programs::{built, installed_or_skip};
use gleaner_watch::http::HttpConfig;
use node::{Node, Plan};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use watch_server::Server;

/// 2026-01-15 12:40 UTC.
const FIRST_MS: u64 = 1_768_480_800_000;
/// How long the node has run when the pictures are taken, seconds.
const SECONDS: u64 = 1500;
/// The pictures that documents show.
const SHOWN: [&str; 2] = ["page.png", "top.png"];

fn busy_node() -> Node {
    let plan = Plan {
        name: "node-0417",
        pool: "batch",
        version: env!("CARGO_PKG_VERSION"),
        mode: Mode::Evict,
        owners: (8.0, 16.0, 900.0),
        harmed: &[1180],
        freezer: Ability::Works,
        gone_from: None,
    };
    let mut node = Node::new(plan, FIRST_MS);
    (0..SECONDS).for_each(|_| node.tick());
    node
}

/// What `gleaner top` shows of it in a real terminal, with its colours.
fn terminal(tmux: &Path, directory: &Path, server: &Server) -> String {
    let tell = |arguments: &[&str]| {
        let output = Command::new(tmux)
            .arg("-S")
            .arg(directory.join("socket"))
            .args(["-f", "/dev/null", "-u"])
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .output()
            .expect("tmux starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let gleaner = built("gleaner").expect("built");
    let top = format!("exec {} top --url {}", gleaner.display(), server.address);
    tell(&["new", "-d", "-x", "124", "-y", "24", &top]);
    let seen = poll_until(Duration::from_secs(60), || {
        let screen = tell(&["capture-pane", "-p"]);
        (screen.contains("Why not more:") && screen.contains("spark-exec")).then_some(())
    });
    tell(&["send-keys", "-", "-"]);
    let zoomed = poll_until(Duration::from_secs(60), || {
        tell(&["capture-pane", "-p"]).contains("5 looks a bar").then_some(())
    });
    let screen = tell(&["capture-pane", "-e", "-p"]);
    tell(&["kill-server"]);
    assert!(seen.is_some() && zoomed.is_some(), "{screen}");
    screen
}

#[test]
fn documents_show_what_there_is() {
    let Some(tmux) = installed_or_skip("tmux") else { return };
    let Some(browser) = Browser::start_or_skip() else { return };
    let node = busy_node();
    let server = Server::start(&node.publisher, HttpConfig::default());
    let events = server.json("/v1/events");
    let evicted = |event: &&Value| event["correction"]["action"] == "evict";
    let evicted =
        events.as_array().and_then(|all| all.iter().find(evicted)).expect("somebody was evicted");
    assert!(evicted["tick"].is_u64(), "it can be explained: {evicted}");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let pictures = std::env::var_os("GLEANER_PICTURES");
    let pictures = pictures.map_or_else(|| directory.path().to_owned(), PathBuf::from);
    let url = format!("http://{}/", server.address);
    let tab = browser.open(&url, json!({ "viewport": { "width": 1280, "height": 1560 } }));
    tab.until("document.getElementById('link').textContent === 'live'");
    tab.until("document.querySelectorAll('#charts canvas').length === 5");
    tab.until("document.querySelectorAll('#tasks tbody tr').length > 3");
    tab.picture(&pictures.join("page.png"), false);
    tab.click("#last a");
    tab.call("waitForURL", json!(["**/decisions/*"]));
    tab.picture(&pictures.join("decision.png"), true);
    let screen =
        browser.open("about:blank", json!({ "viewport": { "width": 1180, "height": 700 } }));
    let captured = json!(terminal(&tmux, directory.path(), &server));
    let draw = include_str!("../browser/terminal.js");
    let _ = screen.eval(&format!("({draw})({captured})"));
    let size = screen.eval(
        "(({ width, height }) => [Math.ceil(width), Math.ceil(height)])(document.querySelector('pre').getBoundingClientRect())",
    );
    screen.call("setViewportSize", json!([{ "width": size[0], "height": size[1] }]));
    screen.picture(&pictures.join("top.png"), false);
    for name in SHOWN.iter().filter(|_| std::env::var_os("BLESS").is_some()) {
        let copied = std::fs::copy(
            pictures.join(name),
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name),
        );
        copied.expect("docs/ can be written");
    }
}
