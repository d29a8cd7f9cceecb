// SPDX-License-Identifier: Apache-2.0
//! The server over real sockets, asked with raw requests: what it answers, and what it refuses.

mod watch_list;
mod watch_server;
mod watch_support;

use gleaner_watch::http::{HttpConfig, Limits, Surface};
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use watch_server::{Server, body, request};
use watch_support::{EVIL, Node, about};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn head(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or(answer, |(head, _)| head)
}

/// Reads exactly one answer of a connection that stays open.
fn read_one(stream: &mut TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.push(byte[0]);
    }
    let mut text = String::from_utf8_lossy(&answer).into_owned();
    let length = text.to_lowercase();
    let length = length.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut rest = vec![0; length.and_then(|digits| digits.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut rest)?;
    text.push_str(&String::from_utf8_lossy(&rest));
    Ok(text)
}

#[test]
fn every_path_answers_get_and_head() {
    let node = Node::warm(3);
    let server = Server::of(&node);
    let paths = [
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/live", "text/plain; charset=utf-8"),
        ("/ready", "text/plain; charset=utf-8"),
        ("/v1/offer", "application/json"),
        ("/v1/decision", "application/json"),
        ("/v1/tasks", "application/json"),
        ("/v1/policies", "application/json"),
        ("/v1/reactions", "application/json"),
        ("/v1/self", "application/json"),
        ("/v1/decision.json", "application/json"),
        ("/v1/history.json?range=1h", "application/json"),
        ("/v1/layout", "application/json"),
    ];
    for (path, kind) in paths {
        let answer = server.get(path);
        assert_eq!(status(&answer), "200", "{path}: {answer}");
        let found = head(&answer).to_lowercase();
        assert!(found.contains(&format!("content-type: {kind}")), "{path}: {found}");
        assert!(!body(&answer).is_empty(), "{path}");
        let asked = server.ask(&request("HEAD", path, "localhost"));
        assert_eq!((status(&asked), body(&asked)), ("200", ""), "{path}");
        assert!(head(&asked).to_lowercase().contains("content-length: "), "{path}: {asked}");
    }
    assert_eq!(status(&server.get("/v2")), "404");
    assert_eq!(status(&server.get("/../etc/passwd")), "404");
}

#[test]
fn decisions_are_explained_and_unknown_ones_are_said() {
    let mut node = Node::warm(3);
    let server = Server::of(&node);
    let tick = server.json("/v1/events")[0]["tick"].as_u64().expect("a level was entered");
    for path in ["/v1/decisions/", "/decisions/"].map(|path| format!("{path}{tick}.json")) {
        let told = server.json(&path);
        assert_eq!(
            (&told["tick"], &told["decision"]["tick"]),
            (&tick.into(), &tick.into()),
            "{path}"
        );
        assert!(
            told["story"]["title"].as_str().is_some_and(|title| title.starts_with("Decision "))
        );
    }
    assert!(server.get(&format!("/decisions/{tick}")).contains("How things stood"));
    node.tick(3);
    let newest = server.json("/v1/decision")["tick"].as_u64().expect("a number");
    assert_eq!(
        server.json(&format!("/v1/decisions/{newest}"))["tick"],
        newest,
        "though it did nothing"
    );
    for (id, wanted) in
        [("999999", "`gleaner explain 999999`"), ("x", "no number"), ("-1", "no number")]
    {
        let answer = server.get(&format!("/decisions/{id}"));
        assert!(status(&answer) == "404" && body(&answer).contains(wanted), "{answer}");
    }
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let server = Server::of(&Node::warm(0));
    let page = server.get("/");
    let (_, rest) = page.split_once("<script src=\"").expect("a script");
    let path = rest.split('"').next().expect("its end");
    let asked = |tag: &str| {
        server.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nIf-None-Match: {tag}\r\n\r\n"
        ))
    };
    let first = asked("\"other\"");
    assert_eq!(status(&first), "200");
    let found = head(&first).to_lowercase();
    let tag = found.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
    assert_eq!((status(&asked(tag)), body(&asked(tag))), ("304", ""));
}

#[test]
fn every_answer_has_the_security_headers() {
    let node = Node::warm(0);
    let server = Server::of(&node);
    let answers = [
        server.get("/v1/offer"),
        server.get("/metrics"),
        server.get("/nothing"),
        server.ask(&request("DELETE", "/v1/tasks", "localhost")),
        server.ask(&request("GET", "/", "evil.example")),
    ];
    for answer in answers {
        let found = head(&answer).to_lowercase();
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-store",
        ] {
            assert!(found.contains(header), "{header} is not in {found}");
        }
        assert!(!found.contains("access-control-"), "{found}");
    }
}

#[test]
fn nothing_can_be_changed() {
    let node = Node::warm(0);
    let server = Server::of(&node);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let answer = server.ask(&request(method, "/v1/offer", "localhost"));
        assert_eq!(status(&answer), "405", "{method}");
        assert!(head(&answer).to_lowercase().contains("allow: get, head"), "{answer}");
    }
}

#[test]
fn only_our_own_names_are_answered() {
    let node = Node::warm(0);
    let allowed_hosts = vec!["node-0417.example".to_owned()];
    let server =
        Server::start(&node.publisher, HttpConfig { allowed_hosts, ..HttpConfig::default() });
    let asked = |host: &str| status(&server.ask(&request("GET", "/metrics", host))).to_owned();
    for ours in ["localhost", "127.0.0.1", "localhost:8080", "Node-0417.example:9719"] {
        assert_eq!(asked(ours), "200", "{ours}");
    }
    assert_eq!(asked(&server.address.to_string()), "200");
    for not_ours in ["evil.example", "127.0.0.2", "127.0.0.1.evil.example", "[::1]", "0.0.0.0"] {
        assert_eq!(asked(not_ours), "421", "{not_ours}");
    }
    let absolute = request("GET", "http://evil.example/metrics", "localhost");
    assert_eq!(status(&server.ask(&absolute)), "421");
    let twice =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&server.ask(twice)), "400");
    let none = "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&server.ask(none)), "400");
}

#[test]
fn readiness_follows_the_readings() {
    let mut node = Node::new();
    let server = Server::of(&node);
    let ready = || server.get("/ready");
    assert_eq!(status(&ready()), "503");
    assert_eq!(body(&ready()), "not ready: no decision yet\n");
    assert_eq!(status(&server.get("/live")), "200");
    assert_eq!(status(&server.get("/v1/offer")), "503");
    node.tick(3);
    assert_eq!((status(&ready()), &body(&ready())[..17]), ("200", "ready, warming up"));
    for _ in 0..5 {
        node.tick(3);
    }
    assert_eq!(body(&ready()), "ready\n");
    node.fail("/proc/stat: Input/output error");
    assert_eq!(status(&ready()), "503");
    assert_eq!(body(&ready()), "not ready: /proc/stat: Input/output error\n");
    assert_eq!(server.json("/v1/offer")["valid"], false);
    assert_eq!(server.json("/v1/tasks")["tasks"].as_array().map(Vec::len), Some(3));
    node.host.poisoned = true;
    node.tick(3);
    assert_eq!(body(&ready()), "not ready: stopped itself after a bug\n");
    assert_eq!(server.json("/v1/decision")["state"], "poisoned");
}

#[test]
fn a_tick_that_hangs_offers_nothing() {
    let mut node = Node::new();
    let server = Server::of(&node);
    for _ in 0..6 {
        node.tick(3);
    }
    assert!(server.json("/v1/offer")["cpu"]["offer_millicpus"].as_u64() > Some(0));
    // From here on every decision is too old before anybody can look at it.
    let soon = gleaner_estimator::units::Span(1);
    node.publisher.set_about(gleaner_watch::about::About { stale_after: soon, ..about() });
    node.tick(3);
    let offer = server.json("/v1/offer");
    assert_eq!(offer["cpu"]["offer_millicpus"], 0);
    assert_eq!((&offer["cpu"]["bound"], &offer["valid"]), (&"stale".into(), &false.into()));
    assert_eq!(offer["memory"]["bound"], "off");
    assert!(server.get("/ready").contains("the tick is stuck"));
    assert!(server.get("/metrics").contains("\ngleaner_offer_cpu_cores 0\n"));
}

/// Names and kinds without the numbers; of a list its first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(all) => all.first().map(shape).into_iter().collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
    }
}

#[test]
fn the_shapes_of_the_answers() {
    let mut node = Node::warm(3);
    node.host.troubles = std::sync::Arc::from([gleaner_watch::snapshot::Trouble {
        what: "no run-queue wait on this kernel".to_owned(),
        command: "gleaner layout".to_owned(),
    }]);
    node.tick(3);
    let server = Server::of(&node);
    let shapes = ["/v1/offer", "/v1/decision", "/v1/tasks", "/v1/policies", "/v1/layout"]
        .map(|path| format!("{path}\n{:#}\n", shape(&server.json(path))));
    insta::assert_snapshot!(shapes.join("\n"));
    let offer = server.json("/v1/offer");
    assert_eq!(offer["cpu"]["offer_millicpus"], 13_600);
    assert_eq!(
        offer["cpu"]["why"],
        "Would offer 13.600 more cores; 0.500 are lent. Limit: headroom. 16.000 capacity − 0.800 \
         reserve − 1.050 predicted peak (next 30 min, risk 1%) = 14.150 cores; 0.500 are lent \
         already; 13.650 are left, offered in steps of 0.1."
    );
    assert!(server.get("/v1/tasks").contains(EVIL), "names are data, as they are");
}

#[test]
fn a_connection_serves_many_requests() {
    let node = Node::warm(0);
    let server = Server::of(&node);
    let mut stream = server.connect();
    for path in ["/live", "/metrics", "/v1/offer", "/live"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the connection is open");
        let answer = read_one(&mut stream).expect("an answer on the same connection");
        assert_eq!(status(&answer), "200", "{path}");
    }
}

fn limited(node: &Node, change: impl FnOnce(&mut Limits)) -> Server {
    let mut limits = Limits::default();
    change(&mut limits);
    Server::start(&node.publisher, HttpConfig { limits, ..HttpConfig::default() })
}

#[test]
fn headers_must_come_soon_and_be_short() {
    let node = Node::warm(0);
    let server = limited(&node, |limits| limits.header_timeout = Duration::from_millis(100));
    let mut slow = server.connect();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: loc").expect("the server reads");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("closed without more being sent");
    assert!(!answer.contains("200 OK"), "{answer}");
    let mut idle = server.connect();
    assert_eq!(idle.read(&mut [0]).expect("closed without anything being sent"), 0);
    let server = Server::of(&node);
    let long = "x".repeat(16 << 10);
    let mut stream = server.connect();
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nLong: {long}\r\n\r\n");
    // The server may close before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&start), "HTTP/1.1 431");
}

#[test]
fn more_connections_wait_their_turn() {
    let node = Node::warm(0);
    let server = limited(&node, |limits| {
        limits.connections = 1;
        limits.header_timeout = Duration::from_secs(3600);
    });
    let mut first = server.connect();
    first.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    read_one(&mut first).expect("the first is served and stays open");
    let mut second = server.connect();
    second.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    second.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout above zero");
    let early = read_one(&mut second).expect_err("there is no place for it yet");
    assert_eq!(early.kind(), io::ErrorKind::WouldBlock);
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout above zero");
    assert_eq!(status(&read_one(&mut second).expect("now it has one")), "200");
}

#[test]
fn a_reader_that_takes_nothing_loses_its_place() {
    let node = Node::warm(8_000);
    let server = limited(&node, |limits| {
        limits.connections = 1;
        limits.stall = Duration::from_millis(100);
    });
    let mut stalled = server.connect();
    // Many megabytes of answers: more than both sockets' buffers hold.
    let requests = "GET /v1/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(16);
    stalled.write_all(requests.as_bytes()).expect("sent");
    assert_eq!(status(&server.get("/live")), "200", "the place was freed");
    let mut taken = Vec::new();
    // Reset or closed in the middle, as the kernel likes.
    let _ = stalled.read_to_end(&mut taken);
    let answers = String::from_utf8_lossy(&taken).matches("HTTP/1.1 200").count();
    assert!(answers < 16, "it got all it asked for");
}

#[test]
fn a_scraper_s_listener_shows_metrics_alone() {
    let node = Node::warm(3);
    let config = HttpConfig { surface: Surface::Metrics, ..HttpConfig::default() };
    let server = Server::start(&node.publisher, config);
    for path in ["/metrics", "/live", "/ready"] {
        assert_eq!(status(&server.get(path)), "200", "{path}");
    }
    for path in ["/v1/tasks", "/v1/decision", "/v1/offer", "/v1/layout"] {
        assert_eq!(status(&server.get(path)), "404", "{path}");
    }
}

#[test]
fn the_shutdown_ends_idle_connections_and_the_listener() {
    let node = Node::warm(0);
    let mut server = limited(&node, |limits| limits.header_timeout = Duration::from_secs(3600));
    let mut idle = server.connect();
    idle.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    read_one(&mut idle).expect("served and kept open");
    server.end().expect("serving ends well");
    assert_eq!(idle.read(&mut [0]).expect("closed, not reset"), 0);
    assert!(TcpStream::connect(server.address).is_err());
}
