// SPDX-License-Identifier: Apache-2.0
//! The page: its weight, and what a real browser sees of it.

mod watch_server;
mod watch_support;

use gleaner_estimator::reason::Resource;
use gleaner_estimator::sample::TaskId;
use gleaner_estimator::units::Span;
use gleaner_qos::verdict::{Action, Reason};
use gleaner_tests::programs::{installed, installed_or_skip};
use gleaner_tests::skip;
use gleaner_watch::correction::{Ended, Ending};
use gleaner_watch::http::{HttpConfig, Limits};
use gleaner_watch::snapshot::UnderWay;
use gleaner_watch::story::End;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use watch_server::{Server, body, request};
use watch_support::Node;

/// Bytes of page, script and style as they are sent, and as they are unpacked.
const SENT_MAX: usize = 45 << 10;
const UNPACKED_MAX: usize = 150 << 10;

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("{start} is not in the page")).1;
    rest.split_once(end).map_or(rest, |(found, _)| found)
}

#[test]
fn the_page_is_light_and_complete() {
    let node = Node::warm(150);
    let server = Server::of(&node);
    let page = server.ask(&request("GET", "/", "localhost"));
    let said = server.json("/v1/offer")["cpu"]["why"].as_str().expect("a sentence").to_owned();
    let (headline, limit) = said.split_once(" Limit: ").expect("a sum");
    let script = between(&page, "<script src=\"", "\"").to_owned();
    let style = between(&page, "rel=\"stylesheet\" href=\"", "\"").to_owned();
    let fetch = |path: &str, encoding: &str| {
        server.ask_bytes(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: {encoding}\r\n\r\n"
        ))
    };
    let compressed = fetch("/", "gzip");
    let (mut sent, mut unpacked) = (compressed.len(), page.len());
    for path in [&script, &style] {
        let compressed = fetch(path, "br, gzip;q=0.9");
        let plain = fetch(path, "identity");
        let head = String::from_utf8_lossy(&compressed[..600]).to_lowercase();
        assert!(head.contains("content-encoding: gzip"), "{head}");
        assert!(head.contains("cache-control: public, max-age=31536000, immutable"), "{head}");
        sent += compressed.len();
        unpacked += plain.len();
    }
    assert!(sent <= SENT_MAX, "{sent} bytes are sent");
    assert!(unpacked <= UNPACKED_MAX, "{unpacked} bytes unpacked");
    let page = body(&page);
    assert!(page.contains(headline) && page.contains(limit), "the sentence is in the page itself");
    assert!(page.contains("be/&lt;img src=x onerror=alert(1)&gt;"), "names are text");
    assert!(!page.contains("<img") && !page.contains("{{") && !page.contains(" style="), "{page}");
}

#[test]
fn the_keys_are_those_of_the_documents() {
    let script = include_str!("../../watch/page/keys.js");
    let (_, documented) = include_str!("../../docs/operating.md")
        .split_once("Keys of the page")
        .expect("the section is there");
    let listed = documented.lines().skip(2).take_while(|line| line.starts_with('|')).skip(2);
    let table = between(script, "const KEYS = [", "];");
    let entries = table.lines().filter_map(|line| line.trim().strip_prefix('['));
    let row = |line: &str| {
        let texts: Vec<&str> = line.split('"').skip(1).step_by(2).take(2).collect();
        let key = if texts[0] == " " { "space" } else { texts[0] };
        format!("| `{key}` | {} |", texts[1])
    };
    let entries: Vec<String> = entries.map(row).collect();
    assert!(entries.len() >= 13, "{entries:?}");
    assert_eq!(listed.collect::<Vec<_>>(), entries);
}

/// The packages of `tests/browser/page.mjs`, where `tests/run` puts them.
fn modules() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/browser");
    let there =
        ["playwright-core", "axe-core"].iter().all(|m| place.join("node_modules").join(m).is_dir());
    there.then_some(place)
}

/// Says that the last decision that did something evicted one that took the memory, and goes on.
fn evict(node: &mut Node, server: &Server) {
    let newest = node.publisher.published().load().expect("a tick was told");
    let events = server.json("/v1/events");
    let tick =
        events.as_array().and_then(|all| all.iter().find_map(|event| event["tick"].as_u64()));
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
    node.tick(3);
}

/// A node that does what the browser's script asks for.
fn obey(what: &str, node: &mut Node, server: &mut Server) {
    match what {
        "tick" => {
            node.tick(3);
        }
        "harm" => {
            node.waits = Duration::from_secs(20);
            (0..4).for_each(|_| {
                node.tick(3);
            });
        }
        "evict" => evict(node, server),
        "act" => {
            node.host.under_way = [UnderWay {
                task: TaskId { name: "be/spark-exec-5".into(), inode: 7 },
                action: "freeze",
                resource: Resource::Cpu,
                tick: None,
                since_ms: 1_700_000_110_000,
                until_ms: Some(1_700_000_120_000),
            }]
            .into();
            node.tick(3);
        }
        "rest" => {
            node.host.under_way = [].into();
            node.tick(3);
        }
        "fail" => node.fail("/proc/stat: Input/output error"),
        "stop" => server.end().expect("serving ends well"),
        other => panic!("the script asks for {other}"),
    }
}

#[test]
fn a_browser_finds_nothing_wrong() {
    let Some(chromium) = installed("chromium").or_else(|| installed("chromium-browser")) else {
        return skip("chromium is not installed (tests/run installs it)");
    };
    let Some(node_program) = installed_or_skip("node") else { return };
    let Some(modules) = modules() else {
        return skip("playwright-core and axe-core are not installed (tests/run installs them)");
    };
    let mut node = Node::warm(3);
    let limits = Limits { viewers: 1, ..Limits::default() };
    let mut server = Server::start(&node.publisher, HttpConfig { limits, ..HttpConfig::default() });
    let pictures = tempfile::tempdir().expect("a place for pictures");
    let mut script = Command::new(node_program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/page.mjs"))
        .arg(modules)
        .arg(chromium)
        .arg(format!("http://{}/", server.address))
        .arg(std::env::var_os("GLEANER_PICTURES").unwrap_or_else(|| pictures.path().into()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut answers = script.stdin.take().expect("piped");
    let said = BufReader::new(script.stdout.take().expect("piped"));
    let (mut found, mut wrong) = (0, Vec::new());
    for line in said.lines() {
        let line = line.expect("text");
        if let Some(what) = line.strip_prefix("do ") {
            obey(what, &mut node, &mut server);
            writeln!(answers, "done").expect("the script waits for it");
        } else if line.starts_with("ok ") {
            found += 1;
        } else if line != "end" {
            wrong.push(line);
        }
    }
    assert!(script.wait().expect("it ends").success() && wrong.is_empty(), "{wrong:#?}");
    assert!(found >= 30, "{found} checks were made");
}
