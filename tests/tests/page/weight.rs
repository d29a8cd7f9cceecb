// SPDX-License-Identifier: Apache-2.0
//! The page as it is sent: its weight, and what it says before any script runs.

use crate::watch_server::{Server, body, request};
use crate::watch_support::Node;

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
    let script = include_str!("../../../watch/page/keys.js");
    let (_, documented) = include_str!("../../../docs/operating.md")
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
