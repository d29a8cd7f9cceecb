// SPDX-License-Identifier: Apache-2.0
//! `gleaner top` in a real terminal, against a real daemon: drawn, steered by keys, resized, and given back at the end.

mod tape;

use gleaner_tests::programs::{built, installed_or_skip};

use gleaner_tests::wait_until;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tape::{record, small_files};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

/// A daemon on a free port of the loopback interface.
struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start(directory: &Path) -> Self {
        let log = directory.join("log");
        let child = Command::new(built("gleaner").expect("built"))
            .args(["run", "--listen", "127.0.0.1:0"])
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("writable"))
            .spawn()
            .expect("gleaner starts");
        let address = wait_until("its address", LONG, || {
            let text = fs::read_to_string(&log).ok()?;
            let (_, rest) = text.split_once("serving address=")?;
            rest.split_once(char::is_whitespace).map(|(address, _)| address.to_owned())
        });
        Self { child, address }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal of 100 by 30, in a server of its own that ends with this value.
struct Terminal {
    tmux: PathBuf,
    directory: TempDir,
}

impl Terminal {
    /// Runs a script of the shell in it. Its standard error goes to the terminal too.
    fn start(tmux: PathBuf, script: &str) -> Self {
        let terminal = Self { tmux, directory: tempfile::tempdir().expect("a directory") };
        let file = terminal.directory.path().join("script");
        fs::write(&file, script).expect("writable");
        let file = file.display().to_string();
        terminal.tell(&["new", "-d", "-x", "100", "-y", "30", "sh", &file]);
        terminal
    }

    fn tell(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.tmux)
            .arg("-S")
            .arg(self.directory.path().join("socket"))
            .args(["-f", "/dev/null", "-u"])
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .output()
            .expect("tmux starts");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn screen(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    fn keys(&self, keys: &str) {
        self.tell(&["send-keys", keys]);
    }

    /// Waits until the screen shows this.
    fn shows(&self, wanted: &str) -> String {
        let mut screen = String::new();
        let found = gleaner_tests::poll_until(LONG, || {
            screen = self.screen();
            screen.contains(wanted).then_some(())
        });
        assert!(found.is_some(), "no {wanted:?} on\n{screen}");
        screen
    }

    /// Waits until the screen shows this no more.
    fn gone(&self, unwanted: &str) {
        wait_until("another screen", LONG, || (!self.screen().contains(unwanted)).then_some(()));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let socket = self.directory.path().join("socket");
        let _ = Command::new(&self.tmux).arg("-S").arg(socket).arg("kill-server").output();
    }
}

/// Runs `top`, then says how it ended and how it left the terminal.
fn script(daemon: &Daemon, directory: &Path) -> String {
    let (gleaner, pid) = (built("gleaner").expect("built"), directory.join("pid"));
    let (gleaner, pid) = (gleaner.display(), pid.display());
    let top = format!("{gleaner} top --url {}", daemon.address);
    format!("(exec sh -c 'echo $$ > {pid}; exec {top}')\necho ENDED $?\nstty -a\ncat\n")
}

/// The process of `top`.
fn pid(directory: &Path) -> Pid {
    let text = fs::read_to_string(directory.join("pid")).expect("it wrote it");
    text.trim().parse().ok().and_then(Pid::from_raw).expect("a pid")
}

/// A terminal that echoes and reads lines, as it was before.
fn assert_restored(terminal: &Terminal) {
    let screen = terminal.shows("ENDED 0");
    let screen = if screen.contains("icanon") { screen } else { terminal.shows("icanon") };
    let words: Vec<&str> = screen.split_whitespace().collect();
    assert!(words.contains(&"icanon") && words.contains(&"echo"), "{screen}");
    assert!(!screen.contains("Why not more"), "the picture is gone: {screen}");
    let modes = terminal.tell(&["display", "-p", "#{alternate_on} #{cursor_flag}"]);
    assert_eq!(modes.trim(), "0 1", "its own screen, with a cursor");
}

#[test]
fn it_is_drawn_steered_resized_and_given_back() {
    let Some(tmux) = installed_or_skip("tmux") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let daemon = Daemon::start(directory.path());
    let terminal = Terminal::start(tmux, &script(&daemon, directory.path()));
    // Before the second reading nothing is known, and that is not calm.
    let screen = terminal.shows("CPU COLD");
    for wanted in ["gleaner top", "Why not more:", "MEM ", "[1 Tasks]", "warming up", ".0 cap"] {
        assert!(screen.contains(wanted), "no {wanted:?} on\n{screen}");
    }
    terminal.keys("?");
    terminal.shows("none of them changes anything");
    terminal.keys("Escape");
    // Together with what follows at once it would be another key.
    terminal.gone("none of them changes anything");
    terminal.keys("4");
    terminal.shows("costs ");
    terminal.keys("3");
    terminal.shows("run_wait");
    terminal.tell(&["resize-window", "-x", "50", "-y", "12"]);
    terminal.shows("needs 60 x 15");
    terminal.tell(&["resize-window", "-x", "90", "-y", "25"]);
    terminal.shows("Why not more:");
    drop(daemon);
    terminal.shows("no news for");
    terminal.keys("q");
    assert_restored(&terminal);
}

#[test]
fn a_replay_is_stepped_through_run_and_told() {
    let Some(tmux) = installed_or_skip("tmux") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let tape = directory.path().join("node.rec");
    record(&tape, 400, 200..240, small_files());
    let gleaner = built("gleaner").expect("built");
    let (gleaner, shown) = (gleaner.display(), tape.display());
    let script =
        format!("{gleaner} top --replay {shown} -t 12:03:40\necho ENDED $?\nstty -a\ncat\n");
    let terminal = Terminal::start(tmux, &script);
    terminal.shows("12:03:40 UTC  stands");
    terminal.shows("CPU CRITICAL");
    for (key, wanted) in [
        ("t", "12:03:41 UTC  stands"),
        ("T", "12:03:40 UTC  stands"),
        ("T", "12:03:39 UTC  stands"),
        ("}", "12:06:40 UTC  the end"),
        ("T", "12:06:39 UTC  stands"),
        ("{", "12:00:01 UTC  stands"),
        ("T", "12:00:01 UTC  stands"),
        ("Space", "12:00:03 UTC  runs"),
    ] {
        terminal.keys(key);
        terminal.shows(wanted);
    }
    terminal.keys("Space");
    terminal.shows("UTC  stands");
    terminal.keys("J");
    terminal.shows("jump to: _");
    terminal.keys("nowhen");
    terminal.keys("Enter");
    terminal.shows("\"nowhen\" is no moment");
    terminal.keys("Escape");
    terminal.gone("jump to");
    terminal.keys("J");
    terminal.keys("3 min ago");
    terminal.keys("Enter");
    terminal.shows("12:03:40 UTC  stands");
    terminal.keys("2");
    terminal.shows("cpu became critical");
    terminal.keys("Enter");
    let told = terminal.shows("How things stood");
    assert!(told.contains("mode observe") && told.contains("Esc back"), "{told}");
    terminal.keys("Escape");
    terminal.gone("Esc back");
    terminal.keys("4");
    terminal.shows("lends by the rule headroom (guessed from the names of tasks)");
    terminal.keys("q");
    assert_restored(&terminal);
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_as_before() {
    let Some(tmux) = installed_or_skip("tmux") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let daemon = Daemon::start(directory.path());
    let terminal = Terminal::start(tmux, &script(&daemon, directory.path()));
    terminal.shows("Why not more:");
    kill_process(pid(directory.path()), Signal::TERM).expect("it runs");
    assert_restored(&terminal);
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let Some(tmux) = installed_or_skip("tmux") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let daemon = Daemon::start(directory.path());
    let terminal = Terminal::start(tmux, &script(&daemon, directory.path()));
    terminal.shows("Why not more:");
    let pid = pid(directory.path());
    drop(terminal);
    wait_until("its end", LONG, || test_kill_process(pid).is_err().then_some(()));
}
