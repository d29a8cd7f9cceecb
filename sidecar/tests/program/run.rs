// SPDX-License-Identifier: Apache-2.0
//! The real daemon on the real node: decisions, metrics, signals, reload, supervisor.

use crate::common::{Running, get, gleaner, on_a_terminal, scratch, stderr, stdout};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::BufRead as _;
use std::os::unix::net::UnixDatagram;

const FREE: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// Fast enough for a test, slow enough to be a rate.
const FAST: &str = "[sample]\ninterval = \"100ms\"\n[lend]\nwarm_up = \"0s\"\n";

#[test]
fn three_ticks_as_json_are_three_decisions_about_this_node() {
    let output = gleaner(["run", "--ticks", "3", "--json", "--listen", "127.0.0.1:0"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let decisions: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(decisions.len(), 3);
    let cores = std::thread::available_parallelism().unwrap().get() as u64 * 1000;
    for (i, decision) in decisions.iter().enumerate() {
        assert_eq!(decision["tick"], i as u64 + 1);
        assert_eq!(decision["mode"], "observe");
        let capacity = decision["cpu"]["capacity"].as_u64().unwrap();
        assert!((1..=cores).contains(&capacity), "{capacity} of {cores}");
        assert_eq!(decision["cpu"]["offer"]["bound"], "cold", "five minutes have not passed");
    }
    assert!(decisions[2]["cpu"]["usage"]["system"].is_u64(), "the third has rates");
    let apart = decisions[2]["at"].as_u64().unwrap() - decisions[1]["at"].as_u64().unwrap();
    assert!(apart > 0, "time advances");
}

#[test]
fn without_a_terminal_only_changes_are_logged() {
    let output = gleaner(["run", "--ticks", "2", "--listen", "127.0.0.1:0"]);
    assert!(output.status.success());
    assert_eq!(stdout(&output), "");
    let log = stderr(&output);
    assert_eq!(log.matches("warming up").count(), 1, "{log}");
    assert!(log.contains("running") && log.contains("cores="), "{log}");
    assert!(!log.contains(" level resource="), "a start is no sign of harm: {log}");
}

#[test]
fn on_a_terminal_each_decision_is_a_row_that_fits() {
    let shown = on_a_terminal(100, &["run", "-n", "2", "-l", "127.0.0.1:0"]);
    let (introduction, rows) = shown.split_once("\n\n").expect("a blank line between them");
    assert!(introduction.contains("observing; decides and shows, touches nothing"), "{shown}");
    assert!(introduction.contains("http://127.0.0.1:"), "it says where the metrics are: {shown}");
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows[0].starts_with("UTC") && rows[0].ends_with("why not more"), "{shown}");
    assert_eq!(rows.len(), 3, "{shown}");
    assert!(rows[1].contains(" cpu ") && rows[1].contains("warming up"), "{shown}");
    let narrow = on_a_terminal(80, &["run", "-n", "2", "-l", "127.0.0.1:0"]);
    let (_, rows) = narrow.split_once("\n\n").expect("a blank line between them");
    assert!(rows.lines().all(|row| row.chars().count() <= 80), "{narrow}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = scratch();
    let path = dir.path().join("gleaner.toml");
    fs::write(&path, FAST).unwrap();
    let file = path.to_str().unwrap();
    let mut running = Running::start(&["--json", "--config", file, FREE[0], FREE[1]], &[]);
    running.decision();
    let Running { out, .. } = &mut running;
    let closed = std::mem::replace(out, {
        let mut empty = std::process::Command::new("true")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        empty.wait().unwrap();
        std::io::BufReader::new(empty.stdout.take().unwrap())
    });
    drop(closed);
    assert!(running.end().success());
}

#[test]
fn it_serves_what_it_decides_and_ends_on_either_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = Running::start(&["--json", FREE[0], FREE[1]], &[]);
        let address = running.address();
        let decision = running.decision();
        let (status, metrics) = get(&address, "/metrics");
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert!(metrics.contains("gleaner_build_info"), "{metrics}");
        let (_, served) = get(&address, "/v1/decision");
        let served: Value = serde_json::from_str(&served).unwrap();
        assert_eq!(served["tick"], decision["tick"]);
        running.signal(signal);
        running.logged("told to end");
        assert!(running.end().success());
    }
}

#[test]
fn a_refused_reload_changes_nothing_and_a_good_one_everything() {
    let dir = scratch();
    let path = dir.path().join("gleaner.toml");
    fs::write(&path, FAST).unwrap();
    let file = path.to_str().unwrap();
    let mut running = Running::start(&["--json", "--config", file, FREE[0], FREE[1]], &[]);
    let address = running.address();
    assert_eq!(running.decision()["cpu"]["cap"], Value::Null);
    fs::write(&path, "[cpu]\ncap = 1\n").unwrap();
    running.signal(Signal::HUP);
    running.logged("gleaner.toml:2:7: cpu.cap: 1 has no unit");
    let flagged = (0..20).any(|_| {
        assert_eq!(running.decision()["cpu"]["cap"], Value::Null);
        reload_metric(&address) == "0"
    });
    assert!(flagged, "the metric says that the reload was refused");
    fs::write(&path, format!("{FAST}[cpu]\ncap = \"1 core\"\n")).unwrap();
    running.signal(Signal::HUP);
    running.logged("was read again");
    let capped = (0..20).any(|_| running.decision()["cpu"]["cap"] == 1000);
    assert!(capped, "the new cap is in force");
    assert_eq!(reload_metric(&address), "1");
    running.signal(Signal::TERM);
    assert!(running.end().success());
}

#[test]
fn policies_beside_the_live_one_are_told_under_their_names() {
    let dir = scratch();
    let path = dir.path().join("gleaner.toml");
    let shadow = "[[shadow]]\nname = \"careful\"\ncpu.risk = \"0.1%\"\n";
    fs::write(&path, format!("{FAST}{shadow}")).unwrap();
    let file = path.to_str().unwrap();
    let mut running = Running::start(&["--json", "--config", file, FREE[0], FREE[1]], &[]);
    let address = running.address();
    let decision = running.decision();
    assert_eq!(decision["cpu"]["risk"], 0.01, "the live policy is as it was");
    running.decision();
    let (_, told) = get(&address, "/v1/policies");
    let told: Value = serde_json::from_str(&told).unwrap();
    let of_cpu = |live: bool| {
        let mut all = told["policies"].as_array().unwrap().iter();
        all.find(|one| one["live"] == live && one["resource"] == "cpu").unwrap()
    };
    assert_eq!(of_cpu(false)["policy"], "careful");
    assert_eq!(
        (&of_cpu(true)["asked_ratio"], &of_cpu(false)["asked_ratio"]),
        (&0.01.into(), &0.001.into())
    );
    let (_, metrics) = get(&address, "/metrics");
    let series = metrics.lines().filter(|line| line.starts_with("gleaner_predictions_total{"));
    assert!(series.clone().any(|line| line.contains("policy=\"careful\"")), "{metrics}");
    fs::write(&path, FAST).unwrap();
    running.signal(Signal::HUP);
    running.logged("was read again");
    running.decision();
    running.decision();
    let (_, told) = get(&address, "/v1/policies");
    assert!(!told.contains("careful"), "{told}");
    running.signal(Signal::TERM);
    assert!(running.end().success());
}

fn reload_metric(address: &str) -> String {
    let (_, metrics) = get(address, "/metrics");
    let name = "gleaner_config_last_reload_successful ";
    metrics.lines().find_map(|line| line.strip_prefix(name)).expect("the metric").to_owned()
}

#[test]
fn the_supervisor_is_told_ready_alive_reloading_and_stopping() {
    let dir = scratch();
    let path = dir.path().join("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    let config = dir.path().join("gleaner.toml");
    fs::write(&config, FAST).unwrap();
    let file = config.to_str().unwrap();
    let mut running = Running::start(
        &["--config", file, FREE[0], FREE[1]],
        &[("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", "150000".as_ref())],
    );
    running.logged("WatchdogSec= is shorter than two intervals");
    let next = || {
        let mut bytes = [0; 512];
        let read = supervisor.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    };
    let until = |wanted: &str| {
        let heard = std::iter::repeat_with(next).take(50).find(|said| said.contains(wanted));
        heard.unwrap_or_else(|| panic!("{wanted} was not said"))
    };
    assert!(next().starts_with("READY=1"), "ready comes first");
    until("WATCHDOG=1");
    running.signal(Signal::HUP);
    assert!(until("RELOADING=1").contains("MONOTONIC_USEC="));
    until("READY=1");
    running.signal(Signal::TERM);
    until("STOPPING=1");
    running.logged("told to end");
    assert!(running.end().success());
}

#[test]
fn decisions_are_written_to_the_audit_file() {
    let dir = scratch();
    let config = dir.path().join("gleaner.toml");
    let audit = dir.path().join("audit.jsonl");
    let file = format!("{FAST}[audit]\nfile = {:?}\n", audit.display().to_string());
    fs::write(&config, file).unwrap();
    let arguments =
        ["run", "-n", "4", "--json", "-l", "127.0.0.1:0", "-c", config.to_str().unwrap()];
    let output = gleaner(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let written = fs::read_to_string(&audit).unwrap();
    assert_eq!(written, stdout(&output));
    assert_eq!(written.lines().count(), 4);
}

#[test]
fn what_was_learned_survives_a_restart_and_a_damaged_file_does_not_matter() {
    let dir = scratch();
    let config = dir.path().join("gleaner.toml");
    let state = dir.path().join("learned");
    fs::write(&config, format!("{FAST}[state]\nfile = {:?}\n", state.display().to_string()))
        .unwrap();
    let run = || {
        let output =
            gleaner(["run", "-n", "3", "-l", "127.0.0.1:0", "-c", config.to_str().unwrap()]);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    assert!(run().contains("there is none yet"));
    assert!(run().contains("continuing with what was learned before"));
    let mut bytes = fs::read(&state).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&state, bytes).unwrap();
    let log = run();
    assert!(log.contains("starting cold") && log.contains("checksum"), "{log}");
    assert!(run().contains("continuing"), "the damaged file was replaced");
}

#[test]
fn nothing_is_served_where_nothing_should_be() {
    let dir = scratch();
    let config = dir.path().join("gleaner.toml");
    fs::write(&config, format!("{FAST}[http]\nlisten = \"none\"\n")).unwrap();
    let mut running = Running::start(&["--config", config.to_str().unwrap()], &[]);
    running.logged("running");
    running.signal(Signal::TERM);
    let mut rest = String::new();
    while running.log.read_line(&mut rest).unwrap() > 0 {}
    assert!(!rest.contains("serving"), "{rest}");
    assert!(running.end().success());
}
