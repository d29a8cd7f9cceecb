// SPDX-License-Identifier: Apache-2.0
//! `gleaner backtest` as a user has it: the real program on a trace made here.

use crate::common::{gleaner, scratch, stderr, stdout, watched, write};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two machines, three days of five-minute steps, three tasks each: a daily triangle, and a burst now and then.
/// Whole thousandths, so that the numbers are the same on every machine.
fn trace() -> String {
    let mut csv = "machine_id,t_seconds,task_id,cpu_limit_cores,cpu_used_cores\n".to_owned();
    let mut noise = 42_u64;
    for machine in 0..2 {
        for task in 0..3 {
            for step in 0..3 * 288 {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let hour = step % 288 * 5 / 60;
                let triangle = if hour < 12 { hour } else { 24 - hour };
                let burst = if (noise >> 33).is_multiple_of(100) { 900 } else { 0 };
                let milli = 200 + 40 * triangle + (noise >> 40) % 100 + burst;
                let (id, t) = (10 * machine + task, step * 300);
                writeln!(csv, "{machine},{t},{id},2,{}.{:03}", milli / 1000, milli % 1000)
                    .expect("writing to a string");
            }
        }
    }
    csv
}

struct Place {
    dir: TempDir,
    trace: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = scratch();
        let path = dir.path().join("small.csv");
        write(&path, &trace());
        Self { dir, trace: path }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Standard output of a backtest that goes well and says nothing on standard error.
    fn prints(&self, more: &[&str]) -> String {
        let output = gleaner(["backtest", text(&self.trace)].iter().chain(more));
        assert!(output.status.success(), "{more:?}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "no progress bar where nobody watches");
        stdout(&output)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("plain names")
}

/// Exit status and standard error of a run that does not go well.
fn fails(args: &[&str]) -> (i32, String) {
    let output = gleaner(args);
    (output.status.code().expect("it ends by itself"), stderr(&output))
}

#[test]
fn the_table_is_for_people() {
    let place = Place::new();
    let args = ["--predictor", "borg,n-sigma", "--horizon", "5min,1800"];
    insta::assert_snapshot!(place.prints(&args));
}

const KEYS: [&str; 11] = [
    "horizon_s",
    "intervals",
    "machines",
    "predictor",
    "resource",
    "risk",
    "savings",
    "severity",
    "trace",
    "violation_rate",
    "worst_machine_violation_rate",
];

fn has_the_agreed_keys(line: &serde_json::Map<String, serde_json::Value>) {
    let mut keys: Vec<&str> = line.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, KEYS);
    let words = (line["trace"].as_str(), line["resource"].as_str());
    assert_eq!(words, (Some("small"), Some("cpu")));
    let counts = (line["machines"].as_u64(), line["intervals"].as_u64());
    assert_eq!(counts, (Some(2), Some(2 * 2 * 288)));
}

#[test]
fn json_has_these_keys_and_a_line_for_each_combination() {
    let place = Place::new();
    let asked = "--json --risk 1% --risk 0.05 --predictor calibrated --predictor borg \
                 --horizon 300 --horizon 30min --resource cpu";
    let out = place.prints(&asked.split_whitespace().collect::<Vec<_>>());
    let lines: Vec<serde_json::Map<String, serde_json::Value>> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2 * 2 * 2);
    lines.iter().for_each(has_the_agreed_keys);
    let combination = |line: &serde_json::Map<String, serde_json::Value>| {
        let text = line["predictor"].as_str().expect("text").to_owned();
        (line["horizon_s"].as_u64().expect("whole"), text, line["risk"].to_string())
    };
    let mut all: Vec<_> = lines.iter().map(combination).collect();
    assert_eq!(all[0], (300, "calibrated".to_owned(), "0.01".to_owned()));
    assert_eq!(all[7], (1800, "borg".to_owned(), "0.05".to_owned()));
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 8, "each once");
    let borg = lines.iter().find(|line| line["predictor"] == "borg").expect("asked for");
    assert!((borg["savings"].as_f64().expect("a number") - 0.1).abs() < 1e-9, "1 − 0.9");
    assert_eq!(borg["violation_rate"].as_f64().map(f64::to_bits), Some(0));
}

#[test]
fn one_machine_and_no_warm_up_can_be_asked_for() {
    let place = Place::new();
    let args = ["--json", "--machine", "1", "--warmup", "0s", "--horizon", "5min"];
    let line: serde_json::Value =
        serde_json::from_str(&place.prints(&args)).expect("one line of JSON");
    assert_eq!((line["machines"].as_u64(), line["intervals"].as_u64()), (Some(1), Some(3 * 288)));
}

/// One JSON object a line.
fn lines(out: &str) -> Vec<serde_json::Value> {
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_configuration_supplies_predictor_parameters_risk_and_horizons() {
    let place = Place::new();
    let config = place.path("gleaner.toml");
    let text_of = "[predict]\npredictor = \"borg\"\nborg_share = \"80%\"\nhorizon = \"20min\"\n\
                   other_horizons = []\n[cpu]\nrisk = \"2%\"\n";
    write(&config, text_of);
    let found = lines(&place.prints(&["--json", "--config", text(&config)]));
    let [line] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (line["predictor"].as_str(), line["horizon_s"].as_u64()),
        (Some("borg"), Some(1200))
    );
    assert_eq!(line["risk"].to_string(), "0.02");
    assert!((line["savings"].as_f64().expect("a number") - 0.2).abs() < 1e-9, "1 − 0.8");
    let asked = ["--json", "--config", text(&config), "--predictor", "fixed", "--risk", "5%"];
    let line = lines(&place.prints(&asked)).remove(0);
    assert_eq!(
        (line["predictor"].as_str(), line["risk"].to_string()),
        (Some("fixed"), "0.05".into())
    );
}

/// A decision holds four horizons; a backtest takes any number.
#[test]
fn six_horizons_say_what_each_says_by_itself() {
    let place = Place::new();
    let all = ["5min", "10min", "15min", "30min", "1h", "2h"];
    let together = lines(&place.prints(&["--json", "--horizon", &all.join(",")]));
    assert_eq!(together.len(), all.len());
    for (horizon, line) in all.iter().zip(&together) {
        let alone = lines(&place.prints(&["--json", "--horizon", horizon]));
        assert_eq!(alone.as_slice(), std::slice::from_ref(line), "{horizon}");
    }
}

#[test]
fn a_sweep_names_the_cheapest_that_keeps_the_target() {
    let place = Place::new();
    let args = ["--sweep", "--predictor", "borg", "--horizon", "5min", "--target", "2%"];
    insta::assert_snapshot!(place.prints(&args));
}

#[test]
fn the_page_is_whole_and_needs_nobody() {
    let place = Place::new();
    let page = place.path("page.html");
    let args = ["--html", text(&page), "--horizon", "5min", "--risk", "2%"];
    place.prints(&args);
    let html = fs::read_to_string(&page).expect("written");
    for part in [
        "What a violation buys",
        "Is the risk kept?",
        "Set <code>cpu.risk = &quot;",
        "Machine ",
        "the oracle",
    ] {
        assert!(html.contains(part), "{part} is missing");
    }
    assert_eq!(html.matches("<svg").count(), 4, "two curves, the whole course and the worst day");
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}: the page must stand alone");
    }
}

#[test]
fn who_watches_sees_how_far_it_is() {
    let place = Place::new();
    let args = ["backtest", text(&place.trace), "--json", "--horizon", "5min"];
    let (shown, out) = watched(&args);
    assert!(shown.contains("small") && shown.contains("rows"), "{shown:?}");
    assert_eq!(out.lines().count(), 1, "and it is not in the output: {out}");
}

#[test]
fn mistakes_end_with_their_code_and_say_what_to_do() {
    let place = Place::new();
    let trace = text(&place.trace);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--predictor", "oracle"], 64, "unknown predictor `oracle`: choose one of fixed"),
        (&["--risk", "2"], 64, "`risk` is 2, it must be between 0.0001 and 0.5"),
        (&["--risk", "often"], 64, "not a share"),
        (&["--horizon", "soon"], 64, "not a time"),
        (
            &["--horizon", "60s"],
            65,
            "the horizon of 60.0 s is shorter than the trace's step of 300 s",
        ),
        (&["--machine", "7"], 64, "there is no machine 7; it has 0, 1"),
        (&["--resource", "memory"], 65, "the trace has no memory"),
        (&["--warmup", "9d"], 65, "shorter than what --warmup leaves out"),
        (&["--config", "/nowhere.toml"], 66, "/nowhere.toml"),
    ];
    for (more, code, says) in cases {
        let args: Vec<&str> = ["backtest", trace].iter().chain(more).copied().collect();
        let (status, err) = fails(&args);
        assert_eq!((status, err.contains(says)), (code, true), "{more:?}: {err}");
    }
    let broken = place.path("broken.csv");
    fs::write(&broken, "machine_id,t_seconds\n1,0\n").expect("a temporary file");
    let (status, err) = fails(&["backtest", text(&broken)]);
    assert_eq!(status, 65);
    assert!(
        err.contains("column `task_id` is missing; the file has: machine_id, t_seconds"),
        "{err}"
    );
    assert_eq!(fails(&["backtest", "/nowhere.parquet"]).0, 65);
}
