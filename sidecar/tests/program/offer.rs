// SPDX-License-Identifier: Apache-2.0
//! The offer as a file: what a scheduler finds there, and when it is gone.

use crate::common::{Running, get, scratch, write};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Ten decisions a second, each good for three.
const RULES: &str =
    "[sample]\ninterval = \"100ms\"\nstale_after = \"3s\"\n[lend]\nwarm_up = \"0s\"\n";

/// Decisions in which something has to happen: ten seconds.
const SOON: u32 = 100;

struct Place {
    config: PathBuf,
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = scratch();
        Self { config: dir.path().join("gleaner.toml"), dir }
    }

    /// Asks for the offer in this file.
    fn ask(&self, file: &str) -> PathBuf {
        let path = self.dir.path().join(file);
        write(&self.config, &format!("{RULES}[offer]\nfile = {path:?}\n"));
        path
    }

    fn start(&self) -> Running {
        let config = self.config.to_str().expect("text");
        Running::start(&["--json", "--config", config, "--listen", "127.0.0.1:0"], &[])
    }
}

fn read(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}")))
}

/// Lets it decide until that holds.
fn until(running: &mut Running, mut holds: impl FnMut() -> bool) -> bool {
    (0..SOON).any(|_| {
        running.decision();
        holds()
    })
}

#[test]
fn a_scheduler_finds_each_decision_and_until_when_it_holds() {
    let place = Place::new();
    let path = place.ask("offer.json");
    let mut running = place.start();
    let address = running.address();
    assert!(until(&mut running, || read(&path).is_some()), "it is there");
    let mut last = 0;
    let offered = until(&mut running, || {
        let offer = read(&path).expect("at no moment is there none, or a part of one");
        let tick = offer["tick"].as_u64().expect("a number");
        assert!(tick >= last, "it does not go back");
        last = tick;
        let wall = offer["wall_ms"].as_u64().expect("a time");
        assert_eq!(offer["valid_until_ms"].as_u64(), Some(wall + 3000));
        assert_eq!((&offer["mode"], &offer["valid"]), (&"observe".into(), &true.into()));
        let cpu = |key: &str| offer["cpu"][key].as_u64().expect("a number");
        assert_eq!(cpu("total_millicpus"), cpu("lent_millicpus") + cpu("offer_millicpus"));
        let (_, told) = get(&address, "/v1/offer");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        told["tick"] == offer["tick"] && told["cpu"] == offer["cpu"] && last > 5
    });
    assert!(offered, "it says what /v1/offer says");
    running.signal(Signal::TERM);
    assert!(running.end().success());
    assert!(!path.exists(), "nobody keeps that offer up");
}

#[test]
fn a_reload_moves_it_and_a_kill_leaves_one_that_grows_too_old() {
    let place = Place::new();
    let old = place.ask("offer.json");
    let mut running = place.start();
    assert!(until(&mut running, || old.exists()));
    let new = place.ask("other.json");
    running.signal(Signal::HUP);
    assert!(until(&mut running, || new.exists() && !old.exists()));
    running.signal(Signal::KILL);
    running.end();
    let left = read(&new).expect("a kill leaves it");
    let (at, until) = (left["wall_ms"].as_u64(), left["valid_until_ms"].as_u64());
    assert!(until > at && until < at.map(|at| at + 10_000), "for seconds: {left}");
}

#[test]
fn where_it_cannot_be_written_it_is_said_once_and_shown_and_heals() {
    let place = Place::new();
    let path = place.ask("later/offer.json");
    let mut running = place.start();
    // Two threads log these two, in any order.
    let (mut serving, mut line) = (String::new(), String::new());
    while serving.is_empty() || line.is_empty() {
        let next = running.logged("");
        if next.contains("serving address=") {
            serving = next;
        } else if next.contains("the offer cannot be handed on") {
            line = next;
        }
    }
    let (_, address) = serving.trim().rsplit_once('=').expect("an address");
    assert!(line.contains("later/offer.json") && line.contains("No such file"), "{line}");
    let troubled = || get(address, "/v1/decision").1.contains("the offer cannot be written to");
    assert!(until(&mut running, troubled), "the page says so");
    fs::create_dir(place.dir.path().join("later")).expect("a directory");
    assert!(until(&mut running, || read(&path).is_some()));
    assert!(until(&mut running, || !troubled()), "it is over");
    running.signal(Signal::TERM);
    let again = std::io::read_to_string(&mut running.log).expect("a log");
    assert!(!again.contains("cannot be handed on"), "{again}");
    assert!(running.end().success());
}
