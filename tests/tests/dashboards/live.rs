// SPDX-License-Identifier: Apache-2.0
//! Every expression of every panel and rule, asked of a real Prometheus that scrapes a real `gleaner run`.

use crate::dashboards;
use crate::page::{Chosen, Question, questions};
use crate::server::{DEADLINE, Prometheus, Running, get};
use gleaner_dashboards::{Places, boards};
use gleaner_tests::programs::{built, installed_or_skip};
use gleaner_tests::wait_until;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A node that predicts a second ahead, so that predictions come due within the test.
const CONFIG: &str = "[lend]\nwarm_up = \"0s\"\n[predict]\npredictor = \"ema\"\nhorizon = \"5s\"\nother_horizons = []\n";

/// A running `gleaner run`, and where it serves.
struct Gleaner {
    address: SocketAddr,
    _running: Running,
}

impl Gleaner {
    fn start(directory: &Path) -> Self {
        let config = directory.join("gleaner.toml");
        fs::write(&config, CONFIG).expect("a writable directory");
        let mut child = Command::new(built("gleaner").expect("the program"))
            .args(["run", "--listen", "127.0.0.1:0", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gleaner starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        let running = Running(child);
        let mut lines = log.lines();
        let said = |line: std::io::Result<String>| {
            let line = line.expect("text");
            let (_, address) = line.split_once("serving address=")?;
            address.trim().parse().ok()
        };
        let address = lines.by_ref().find_map(said).expect("it says where it serves");
        // Somebody has to read on, or it would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, _running: running }
    }
}

/// The committed configuration and rules, with this target, evaluated each second and without waiting.
pub(crate) fn configure(directory: &Path, targets: &str) {
    let read = |path: &str| fs::read_to_string(dashboards(path)).expect("a committed file");
    let write = |name: &str, text: String| {
        fs::write(directory.join(name), text).expect("a writable directory");
    };
    let config = read("prometheus/prometheus.yml");
    assert!(config.contains("127.0.0.1:9719"), "the target that is replaced");
    let config = config.replace("127.0.0.1:9719", targets);
    write("prometheus.yml", faster(&config));
    for name in ["gleaner.rules.yml", "gleaner.alerts.yml"] {
        write(name, faster(&read(&format!("prometheus/{name}"))));
    }
}

fn faster(text: &str) -> String {
    let line = |line: &str| {
        let (key, _) = line.split_once(": ").unwrap_or((line, ""));
        match key.trim_start() {
            "interval" | "scrape_interval" | "evaluation_interval" => format!("{key}: 1s\n"),
            "for" | "keep_firing_for" => String::new(),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

/// Asks until there is an answer; a quiet question may stay without one, but not be refused.
fn ask(prometheus: &Prometheus, chosen: &Chosen, question: &Question) -> Vec<Value> {
    let expr = chosen.in_place(&question.expr);
    let once = || match prometheus.query(&expr, None) {
        Ok(series) => series,
        Err(why) => panic!("{}: {why}: {expr}", question.place),
    };
    if question.quiet {
        return once();
    }
    let what = format!("{}: {expr}", question.place);
    wait_until(&what, DEADLINE, || Some(once()).filter(|series| !series.is_empty()))
}

#[test]
fn every_panel_shows_a_running_gleaner() {
    let Some(program) = installed_or_skip("prometheus") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let gleaner = Gleaner::start(directory.path());
    configure(directory.path(), &gleaner.address.to_string());
    let prometheus = Prometheus::start(&program, directory.path());
    let chosen = Chosen {
        instance: gleaner.address.to_string(),
        cluster: "default".into(),
        pool: "default".into(),
        horizon: "5s",
        rate: "10s",
        range: 60,
    };
    let mut shown = 0;
    for board in boards(&Places::default()) {
        for question in questions(&board) {
            shown += usize::from(!ask(&prometheus, &chosen, &question).is_empty());
        }
    }
    assert!(shown > 80, "{shown} questions were answered");
    rules_are_healthy(&prometheus);
}

/// Prometheus evaluated every rule without an error, and the one alert that always fires does.
fn rules_are_healthy(prometheus: &Prometheus) {
    let loaded = wait_until("every rule was evaluated", DEADLINE, || {
        let data = prometheus.api("/api/v1/rules").ok()?;
        let groups = data["groups"].as_array()?.clone();
        let rules: Vec<Value> = groups
            .iter()
            .filter_map(|group| group["rules"].as_array())
            .flatten()
            .cloned()
            .collect();
        rules.iter().all(|rule| rule["health"] != "unknown").then_some(rules)
    });
    for rule in &loaded {
        assert_eq!(rule["health"], "ok", "{}: {}", rule["name"], rule["lastError"]);
    }
    let firing: Vec<&str> = loaded
        .iter()
        .filter(|rule| rule["state"] == "firing")
        .filter_map(|rule| rule["name"].as_str())
        .collect();
    assert!(firing.contains(&"GleanerWatchdog"), "{firing:?}");
}

#[test]
fn promtool_has_nothing_to_say_of_a_live_scrape() {
    let Some(promtool) = installed_or_skip("promtool") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let gleaner = Gleaner::start(directory.path());
    let scrape = wait_until("it has decided", DEADLINE, || {
        let scrape = get(gleaner.address, "/metrics")?;
        scrape.contains("\ngleaner_offer_cpu_cores ").then_some(scrape)
    });
    let mut checker = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut input = checker.stdin.take().expect("piped");
    input.write_all(scrape.as_bytes()).expect("promtool reads");
    drop(input);
    let output = checker.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
