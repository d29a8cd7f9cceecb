// SPDX-License-Identifier: Apache-2.0
//! The page of a running daemon in a real browser: real readings, a real eviction, and its explanation.

use gleaner_tests::acting::LONG;
use gleaner_tests::cgroup_rig::{CgroupRig, Group};
use gleaner_tests::demo::Demo;
use gleaner_tests::gleaner::configuration;
use gleaner_tests::load::{Load, Work};
use gleaner_tests::programs::{built, installed, installed_or_skip};
use gleaner_tests::{skip, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What the browser needs.
struct Browser {
    chromium: PathBuf,
    node: PathBuf,
    modules: PathBuf,
}

impl Browser {
    fn found_or_skip() -> Option<Self> {
        let Some(chromium) = installed("chromium").or_else(|| installed("chromium-browser")) else {
            skip("chromium is not installed (tests/run installs it)");
            return None;
        };
        let node = installed_or_skip("node")?;
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/browser");
        if !modules.join("node_modules/playwright-core").is_dir() {
            skip("playwright-core is not installed (tests/run installs it)");
            return None;
        }
        Some(Self { chromium, node, modules })
    }

    /// Looks at the page at this address; says how many checks were made, and whether somebody was evicted.
    fn look(&self, address: &str, mut answer: impl FnMut(&str) -> String) -> (usize, bool) {
        let pictures = tempfile::tempdir().expect("a place for pictures");
        let mut script = Command::new(&self.node)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/live.mjs"))
            .args([&self.modules, &self.chromium])
            .arg(format!("http://{address}/"))
            .arg(std::env::var_os("GLEANER_PICTURES").unwrap_or_else(|| pictures.path().into()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut answers = script.stdin.take().expect("piped");
        let (mut found, mut wrong, mut evicted) = (0, Vec::new(), true);
        for line in BufReader::new(script.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            if let Some(asked) = line.strip_prefix("do ") {
                let answer = answer(asked).replace('\n', " ");
                writeln!(answers, "{answer}").expect("the script waits for it");
            } else if line.starts_with("ok ") {
                found += 1;
            } else if line == "none" {
                evicted = false;
            } else if line != "end" {
                wrong.push(line);
            }
        }
        assert!(script.wait().expect("it ends").success() && wrong.is_empty(), "{wrong:#?}");
        (found, evicted)
    }
}

/// What of a story the terminal does not say of the same decision; `done` where it says it all.
fn compared(audit: &Path, asked: &str) -> String {
    let (tick, story) = asked.split_once(' ').expect("a number and a story");
    let output = Command::new(built("gleaner").expect("built"))
        .args(["explain", tick, "--file"])
        .arg(audit)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted: Vec<String> = serde_json::from_str(story).expect("texts");
    let missing = wanted.into_iter().find(|one| !text.contains(one.as_str()));
    let said =
        |one| format!("{one:?} is not in {text} {}", String::from_utf8_lossy(&output.stderr));
    missing.map_or_else(|| "done".to_owned(), said)
}

/// A daemon that may evict, and its files. Dropping it ends it as a supervisor would.
struct Daemon {
    child: Child,
    files: TempDir,
}

impl Daemon {
    fn start(parent: &Group) -> Self {
        let files = tempfile::tempdir().expect("a directory");
        let log = File::create(files.path().join("log")).expect("writable");
        let config = files.path().join("gleaner.toml");
        Self::configure(files.path(), parent, "");
        let child = Command::new(built("gleaner").expect("built"))
            .args([Path::new("run"), Path::new("--config"), &config])
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("gleaner starts");
        Self { child, files }
    }

    fn configure(files: &Path, parent: &Group, keys: &str) {
        let text = configuration(files, parent.path(), "evict", keys);
        let text = text.replace("listen = \"none\"", "listen = \"127.0.0.1:0\"");
        fs::write(files.join("gleaner.toml"), text).expect("writable");
    }

    fn address(&self) -> String {
        wait_until("its address", LONG, || {
            let text = fs::read_to_string(self.files.path().join("log")).ok()?;
            let (_, rest) = text.split_once("serving address=")?;
            rest.split_once(char::is_whitespace).map(|(address, _)| address.to_owned())
        })
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

#[test]
fn the_page_shows_and_explains_an_eviction() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(browser) = Browser::found_or_skip() else { return };
    let top = rig.group("page").expect("a group");
    let [service, batch] = ["svc", "be-one"].map(|name| top.child(name).expect("a group"));
    let _service = Load::start(&Work::Idle, &service).expect("a load starts");
    let _batch = Load::start(&Work::Spin { threads: 1 }, &batch).expect("a load starts");
    let daemon = Daemon::start(&top);
    let (found, evicted) = browser.look(&daemon.address(), |asked| match asked {
        "evict" => {
            // Any load is too much from here on.
            Daemon::configure(daemon.files.path(), &top, "qos.compat.evict_load_1min = 0.0");
            daemon.signal(Signal::HUP);
            "done".to_owned()
        }
        asked => {
            let asked = asked.strip_prefix("explain ").expect("nothing else is asked");
            compared(&daemon.files.path().join("audit.jsonl"), asked)
        }
    });
    assert!(evicted && found >= 4, "{found} checks were made");
}

#[test]
fn the_page_shows_a_demonstration() {
    let Some(rig) = CgroupRig::new_or_skip() else { return };
    let Some(browser) = Browser::found_or_skip() else { return };
    // Long enough for the page to stay until a busy browser has followed its links.
    let mut demo = Demo::start(60);
    let line = demo.hear("http://");
    let (_, rest) = line.split_once("http://").expect("a URL");
    let address = rest.split(',').next().expect("an address").trim();
    let (found, evicted) = browser.look(address, |asked| match asked.strip_prefix("explain ") {
        None => "done".to_owned(),
        Some(asked) => {
            let files = demo.traces(&rig).into_iter().map(|path| path.join("audit.jsonl"));
            let audit = files.into_iter().find(|path| path.is_file());
            compared(&audit.expect("the demonstration keeps one"), asked)
        }
    });
    let (status, said) = demo.end();
    assert!(status.success(), "{said}");
    // Where its shortage would not stay inside, or the kernel was faster, it says so.
    let told = ["Left out", "did not evict"].iter().any(|why| said.contains(why));
    assert!(evicted != told && found >= if evicted { 4 } else { 2 }, "{found} checks\n{said}");
}
