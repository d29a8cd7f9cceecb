// SPDX-License-Identifier: Apache-2.0
//! The documents that are made from the code say what the code does.

use gleaner_estimator::reason::Bound;
use gleaner_tests::programs::built;
use gleaner_tests::skip::skip;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

#[test]
fn the_page_of_metrics_is_made_from_the_list() {
    let path = document("metrics.md");
    let page = gleaner_watch::metrics::docs::page();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).expect("docs/ can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, page, "docs/metrics.md is out of date: rerun with BLESS=1");
}

#[test]
fn every_bound_has_its_place_in_why_md() {
    let text = std::fs::read_to_string(document("why.md")).expect("docs/why.md");
    let headings: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## ")).map(str::trim).collect();
    let words: Vec<&str> = Bound::ALL.map(Bound::word).to_vec();
    assert_eq!(headings, words, "one heading per bound, in the order of precedence");
}

/// Ended when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went wrong.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a daemon has written for schedulers after some decisions.
fn an_offer(dir: &Path) -> Value {
    let (config, offer) = (dir.join("gleaner.toml"), dir.join("offer.json"));
    let rules =
        "[sample]\ninterval = \"100ms\"\n[lend]\nwarm_up = \"0s\"\n[http]\nlisten = \"none\"\n";
    fs::write(&config, format!("{rules}[offer]\nfile = {offer:?}\n")).expect("writable");
    let mut command = Command::new(built("gleaner").expect("built"));
    command.args(["run", "--json", "--config"]).arg(&config).stderr(Stdio::null());
    let mut running = Running(command.stdout(Stdio::piped()).spawn().expect("it starts"));
    let out = running.0.stdout.take().expect("piped");
    let texts = BufReader::new(out).lines().map(|_| fs::read_to_string(&offer));
    let text = texts.take(50).find_map(Result::ok).expect("it is written");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_offer_is_read_as_operating_md_says() {
    if Command::new("jq").arg("--version").output().is_err() {
        return skip("jq is not installed");
    }
    let text = fs::read_to_string(document("operating.md")).expect("docs/operating.md");
    let line = text.lines().find_map(|line| line.strip_prefix("jq '")).expect("a filter");
    let (filter, path) = line.split_once("' ").expect("and a file");
    assert_eq!(path, "/run/gleaner/offer.json");
    let dir = tempfile::tempdir().expect("a directory");
    let mut offer = an_offer(dir.path());
    let file = dir.path().join("copy.json");
    let reads = |offer: &Value| {
        fs::write(&file, offer.to_string()).expect("writable");
        let told = Command::new("jq").arg(filter).arg(&file).output().expect("it starts");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8_lossy(&told.stdout).trim().parse::<u64>().expect("a number")
    };
    offer["cpu"]["total_millicpus"] = 1234.into();
    offer["valid"] = true.into();
    let far = 4_000_000_000_000_u64;
    let passed = std::mem::replace(&mut offer["valid_until_ms"], far.into());
    assert_eq!((&offer["mode"], reads(&offer)), (&"observe".into(), 0), "nobody takes it back");
    offer["mode"] = "squeeze".into();
    assert_eq!(reads(&offer), 1234);
    offer["valid"] = false.into();
    assert_eq!(reads(&offer), 0, "a reading failed");
    offer["valid"] = true.into();
    offer["valid_until_ms"] = passed.as_u64().map(|ms| ms - 60_000).into();
    assert_eq!(reads(&offer), 0, "its writer is gone");
}
