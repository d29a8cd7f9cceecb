// SPDX-License-Identifier: Apache-2.0
//! A module and a daemon on a real socket: tables one way, offers and corrections the other.

use gleaner_wire::client::Client;
use gleaner_wire::message::{Correction, Offer, Role, Table, Task};
use gleaner_wire::server::Server;
use gleaner_wire::{Desk, WireError};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::time::Duration;

fn table(generation: u64) -> Table {
    let task = Task { name: "c1".to_owned(), best_effort: true, ..Task::default() };
    Table { generation, tasks: vec![task] }
}

#[test]
fn tables_go_up_and_offers_come_down() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("own/agent.sock");
    let desk = Arc::new(Desk::default());
    let server = Server::start(&path, Arc::clone(&desk)).expect("a server");
    let mode =
        |path: &std::path::Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a directory")), 0o700);
    let estimator = Client::connect(&path, Role::Estimator).expect("welcome");
    let controller = Client::connect(&path, Role::Controller).expect("welcome");
    assert!(desk.table().is_none());
    let answer = estimator.turn(Some(table(7)), 1500, Vec::new()).expect("an answer");
    assert_eq!((answer.offer, answer.corrections.len()), (None, 0));
    let (age, told) = desk.table().expect("a table");
    assert!(age >= Duration::from_millis(1500), "{age:?}");
    assert_eq!((told.generation, told.tasks.as_slice()), (7, table(7).tasks.as_slice()));
    controller.turn(Some(table(8)), 0, Vec::new()).expect("an answer");
    assert_eq!(desk.table().expect("a table").1.generation, 7, "an estimator's own is kept");
    assert!(desk.has_controller());
    desk.offer(Some(Offer { cpu_millis: 1500, ..Offer::default() }), Duration::from_secs(60));
    desk.correct(Correction { name: "c1".to_owned(), resource: 1, reason: "why".to_owned() });
    let answer = estimator.turn(None, 0, Vec::new()).expect("an answer");
    let offer = answer.offer.expect("an offer");
    assert!(offer.cpu_millis == 1500 && (1..=60_000).contains(&offer.holds_ms), "{offer:?}");
    assert!(answer.corrections.is_empty(), "an estimator ends nobody");
    let answer = controller.turn(None, 0, Vec::new()).expect("an answer");
    assert_eq!(answer.corrections.len(), 1);
    assert!(
        controller.turn(None, 0, vec!["c1".to_owned()]).expect("an answer").corrections.is_empty()
    );
    assert_eq!(desk.taken(), ["c1"]);
    desk.offer(Some(Offer::default()), Duration::ZERO);
    assert_eq!(estimator.turn(None, 0, Vec::new()).expect("an answer").offer, None, "run out");
    drop((estimator, controller));
    drop(server);
    assert!(!path.exists(), "nothing stays behind");
}

#[test]
fn another_version_a_stranger_to_the_protocol_and_a_second_server_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("agent.sock");
    // What a dead server left behind.
    drop(UnixListener::bind(&path).expect("a socket"));
    let server = Server::start(&path, Arc::default()).expect("it is replaced");
    assert!(Server::start(&path, Arc::default()).is_err(), "a living one is not");
    let mut stranger = UnixStream::connect(&path).expect("a connection");
    let hello = br#"{"hello":{"version":131072,"role":"both"}}"#;
    stranger.write_all(&u32::try_from(hello.len()).expect("short").to_le_bytes()).expect("written");
    stranger.write_all(hello).expect("written");
    let mut told = Vec::new();
    std::io::Read::read_to_end(&mut stranger, &mut told).expect("an answer, then the end");
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("speaks version 2.0"), "{told}");
    drop(server);
    assert!(Client::connect(&path, Role::Both).is_err(), "nobody is there");
}

#[test]
fn a_daemon_that_hangs_is_not_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("agent.sock");
    let _hangs = UnixListener::bind(&path).expect("a socket");
    let failed = Client::connect(&path, Role::Both).expect_err("no welcome");
    assert!(matches!(failed, WireError::Late(_)), "{failed}");
}
