// SPDX-License-Identifier: Apache-2.0
//! `gleaner status` against a real daemon, and against answers of every state.

use crate::common::{Running, get, gleaner, stderr, stdout};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

const FREE: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// A server that gives one answer to whatever it is asked, until the test's process ends.
fn answering(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
            let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
        }
    });
    address
}

/// What a daemon on this node says.
fn decision() -> Value {
    let mut running = Running::start(&["--json", FREE[0], FREE[1]], &[]);
    let address = running.address();
    running.decision();
    running.decision();
    let (head, body) = get(&address, "/v1/decision");
    assert!(head.contains("200"), "{head}");
    serde_json::from_str(&body).expect("JSON")
}

#[test]
fn a_running_daemon_fits_on_one_screen() {
    let mut running = Running::start(&["--json", FREE[0], FREE[1]], &[]);
    let address = running.address();
    running.decision();
    running.decision();
    let output = gleaner(["status", "--url", &address]);
    let screen = stdout(&output);
    assert!(screen.lines().count() <= 20, "{screen}");
    for wanted in ["observing, ", "CPU", "Memory", "warming up", "Risk", "nothing taken back"] {
        assert!(screen.contains(wanted), "no {wanted:?} in\n{screen}");
    }
    assert_eq!(stderr(&output), "", "the screen has said it all");
    let json: Value =
        serde_json::from_slice(&gleaner(["status", "--json", "--url", &address]).stdout)
            .expect("JSON");
    assert!(json["decision"]["cpu"]["capacity"].is_u64());
}

#[test]
fn the_exit_code_says_the_state() {
    let decision = decision();
    for (state, code) in [("calm", 0), ("cold", 0), ("strained", 1), ("degraded", 1)]
        .into_iter()
        .chain([("blind", 2), ("critical", 2), ("stale", 2), ("poisoned", 2), ("newfangled", 2)])
    {
        let mut said = decision.clone();
        said["state"] = state.into();
        let output = gleaner(["status", "--url", &answering(said.to_string())]);
        assert_eq!(output.status.code(), Some(code), "{state}: {}", stdout(&output));
    }
}

#[test]
fn nobody_and_somebody_else_are_3() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (address, why) in [(free, "refused"), (answering("{}".to_owned()), "missing field")] {
        let output = gleaner(["status", "--url", &address]);
        assert_eq!(output.status.code(), Some(3));
        let screen = stdout(&output);
        assert!(screen.contains(&address) && screen.contains(why), "{screen}");
        assert!(screen.contains("gleaner run"), "{screen}");
        let json = gleaner(["status", "--json", "--url", &address]);
        let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
        assert_eq!(json["state"], "unanswered");
    }
}
