// SPDX-License-Identifier: Apache-2.0
//! `gleaner run` on groups of a test: those whose name begins with `svc` are guaranteed, with `be` best-effort.

use crate::cgroup_rig::Group;
use crate::programs::built;
use crate::{poll_until, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Long enough for anything that happens at all, also in a guest without hardware help.
const LONG: Duration = Duration::from_secs(90);

/// A daemon and its files. Dropping it ends it as a supervisor would, so that it puts everything back.
#[derive(Debug)]
pub struct Gleaner {
    child: Child,
    files: TempDir,
}

impl Gleaner {
    /// Starts one that looks at the groups below `parent`, and waits for its first decision.
    ///
    /// `keys` is added to its [`configuration`].
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(parent: &Group, mode: &str, keys: &str) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), parent, mode, keys)
    }

    /// The same with the files of one before it.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_in(files: TempDir, parent: &Group, mode: &str, keys: &str) -> Self {
        let config = files.path().join("gleaner.toml");
        fs::write(&config, configuration(files.path(), parent.path(), mode, keys))
            .expect("writable");
        let log = File::create(files.path().join("log")).expect("writable");
        let before = decisions(files.path());
        let child = Command::new(built("gleaner").expect("built"))
            .args([Path::new("run"), Path::new("--config"), &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("gleaner starts");
        let mut gleaner = Self { child, files };
        let decided = poll_until(LONG, || {
            let ended = gleaner.child.try_wait().expect("ours").is_some();
            (ended || decisions(gleaner.files.path()) > before).then_some(!ended)
        });
        assert_eq!(decided, Some(true), "no decision:\n{}", gleaner.log());
        gleaner
    }

    /// Everything in its audit file that can be read.
    #[must_use]
    pub fn audit(&self) -> Vec<Value> {
        lines(self.files.path())
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }

    /// Waits for an act of this kind that ended so, on a task whose name ends so.
    ///
    /// # Panics
    /// If there is none in time; says what there was instead.
    pub fn wait_for(&self, action: &str, task: &str, outcome: &str) -> Value {
        let found = poll_until(LONG, || {
            let mut ended = self.audit().into_iter().filter(|line| line["kind"] == "outcome");
            ended.find(|line| {
                word(&line["action"]) == action
                    && line["outcome"] == outcome
                    && line["task"]["name"].as_str().is_some_and(|name| name.ends_with(task))
            })
        });
        found.unwrap_or_else(|| panic!("no {action} of {task} ended {outcome}:\n{}", self.story()))
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until so many decisions more were made.
    ///
    /// # Panics
    /// If they are not made in time.
    pub fn let_decide(&self, count: usize) {
        let before = decisions(self.files.path());
        wait_until("decisions", LONG, || {
            (decisions(self.files.path()) >= before + count).then_some(())
        });
    }

    /// The kinds of acts so far, each once, in order.
    #[must_use]
    pub fn acts(&self) -> Vec<String> {
        let mut acts: Vec<String> = self
            .audit()
            .iter()
            .filter(|line| line["kind"] == "outcome")
            .map(|line| word(&line["action"]))
            .collect();
        acts.sort();
        acts.dedup();
        acts
    }

    /// Acts and levels in a form for a failing test's output.
    #[must_use]
    pub fn story(&self) -> String {
        let mut text = self.log();
        for line in self.audit() {
            if line["kind"].is_string() {
                text.push_str(&format!("{line}\n"));
            } else if line["assessment"]["resources"].is_array() {
                let resources = line["assessment"]["resources"].as_array().into_iter().flatten();
                let levels: Vec<String> = resources
                    .map(|r| format!("{} {} {}", r["resource"], r["level"], r["leading"]))
                    .collect();
                let (held, memory) = (&line["verdict"]["held"], &line["assessment"]["memory"]);
                let levels = levels.join(", ");
                text.push_str(&format!("{} {levels} {held} {memory}\n", line["tick"]));
            }
        }
        text
    }

    /// Where it serves.
    ///
    /// # Panics
    /// If it does not say so.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        wait_until("an address", LONG, || {
            let log = self.log();
            let (_, rest) = log.split_once("serving address=")?;
            rest.split_once(char::is_whitespace).and_then(|(address, _)| address.parse().ok())
        })
    }

    /// Its audit file.
    #[must_use]
    pub fn audit_path(&self) -> PathBuf {
        audit_file(self.files.path())
    }

    /// Lets it read a configuration with other keys.
    ///
    /// # Panics
    /// If it runs no more.
    pub fn reconfigure(&self, parent: &Group, mode: &str, keys: &str) {
        let text = configuration(self.files.path(), parent.path(), mode, keys);
        fs::write(self.files.path().join("gleaner.toml"), text).expect("writable");
        self.signal(Signal::HUP).expect("it runs");
    }

    /// What `gleaner explain` says of a decision.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn explain(&self, which: &str) -> String {
        let output = Command::new(built("gleaner").expect("built"))
            .args(["explain", which, "--file"])
            .arg(self.audit_path())
            .output()
            .expect("gleaner starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Starts another one with the same files, and waits until it ends: with what status, and what it said.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn rival(&self) -> (ExitStatus, String) {
        let output = Command::new(built("gleaner").expect("built"))
            .args(["run", "--ticks", "1", "--config"])
            .arg(self.files.path().join("gleaner.toml"))
            .stdin(Stdio::null())
            .output()
            .expect("gleaner starts");
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Ends it with SIGTERM and waits.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn stop(self) -> (ExitStatus, TempDir) {
        self.signal(Signal::TERM).expect("it runs");
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it is nobody's child any more.
    #[must_use]
    pub fn wait(mut self) -> (ExitStatus, TempDir) {
        let status = self.child.wait().expect("ours");
        (status, self.files_of_the_dead())
    }

    /// Ends it with SIGKILL: nothing is put back.
    ///
    /// # Panics
    /// If it does not run any more.
    #[must_use]
    pub fn kill(mut self) -> TempDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("ours");
        self.files_of_the_dead()
    }

    /// Its files, which outlive it.
    fn files_of_the_dead(&mut self) -> TempDir {
        let empty = tempfile::tempdir().expect("a directory");
        std::mem::replace(&mut self.files, empty)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// If it runs no more.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Gleaner {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // An error means that it has ended by itself meanwhile.
            let _ = self.signal(Signal::TERM);
            if poll_until(LONG, || self.child.try_wait().ok().flatten()).is_none() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
    }
}

/// A configuration that looks at the groups below `parent`, lends nothing of them and serves at a free port; `keys` is
/// added.
#[must_use]
pub fn configuration(files: &Path, parent: &Path, mode: &str, keys: &str) -> String {
    let (files, parent) = (files.display(), parent.display());
    format!(
        r#"mode = "{mode}"
{keys}
[http]
listen = "127.0.0.1:0"
[audit]
file = "{files}/audit.jsonl"
[act]
journal = "{files}/journal"
[layout]
preset = "globs"
[[layout.task]]
pattern = "{parent}/svc*"
class = "guaranteed"
cpu = "1 cores"
[[layout.task]]
pattern = "{parent}/be*"
class = "best_effort"
"#
    )
}

/// The name of an action, whether or not it has details.
fn word(action: &Value) -> String {
    let name = action.as_object().and_then(|object| object.keys().next().cloned());
    name.or_else(|| action.as_str().map(str::to_owned)).unwrap_or_default()
}

fn audit_file(files: &Path) -> PathBuf {
    files.join("audit.jsonl")
}

fn lines(files: &Path) -> Vec<Value> {
    let text = fs::read_to_string(audit_file(files)).unwrap_or_default();
    // The last line may be half written.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn decisions(files: &Path) -> usize {
    lines(files).iter().filter(|line| line["kind"].is_null()).count()
}
