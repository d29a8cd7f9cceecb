// SPDX-License-Identifier: Apache-2.0
//! The real program under test: started, listened to, asked over HTTP, and ended whatever happens.

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// A directory that is removed at the end.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir().expect("a place for temporary files")
}

/// Writes a file, and the directories above it.
pub(crate) fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().expect("below a directory")).expect("writable");
    fs::write(path, content).expect("writable");
}

/// The program with an environment of its own.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gleaner"));
    command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM").env("NO_COLOR", "1");
    command
}

/// Runs it to its end.
pub(crate) fn gleaner<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    program().args(arguments).output().expect("the program starts")
}

/// What it wrote to standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// What it wrote to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A terminal of this width: our end, and the program's.
fn terminal(columns: u16) -> (OwnedFd, fs::File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("a terminal");
    let name = Path::new(OsStr::from_bytes(name.to_bytes())).to_owned();
    let slave = fs::OpenOptions::new().read(true).write(true).open(name).expect("a terminal");
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&slave, size).expect("a terminal");
    (master, slave)
}

/// What was written waits in the terminal; with its last writer gone the read ends in EIO.
fn shown(master: OwnedFd) -> String {
    let mut shown = Vec::new();
    let _ = fs::File::from(master).read_to_end(&mut shown);
    String::from_utf8(shown).expect("UTF-8").replace("\r\n", "\n")
}

/// Runs it to its end on a terminal of this width, and gives what the terminal shows.
pub(crate) fn on_a_terminal(columns: u16, arguments: &[&str]) -> String {
    let (master, slave) = terminal(columns);
    let status = program()
        .args(arguments)
        .stdout(slave)
        .stderr(Stdio::inherit())
        .status()
        .expect("the program starts");
    assert!(status.success(), "{status}");
    shown(master)
}

/// Runs it to its end with only standard error on a terminal: what that shows, and the output.
pub(crate) fn watched(arguments: &[&str]) -> (String, String) {
    let (master, slave) = terminal(100);
    let output = program().args(arguments).stderr(slave).output().expect("the program starts");
    assert!(output.status.success(), "{}", output.status);
    (shown(master), stdout(&output))
}

/// A daemon that runs until the test ends.
pub(crate) struct Running {
    child: Child,
    pub(crate) out: BufReader<ChildStdout>,
    pub(crate) log: BufReader<ChildStderr>,
}

impl Running {
    /// Starts it with `run` and these arguments.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &OsStr)]) -> Self {
        Self::command("run", arguments, environment)
    }

    /// Starts any command.
    pub(crate) fn command(
        command: &str,
        arguments: &[&str],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let mut child = program()
            .arg(command)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let log = BufReader::new(child.stderr.take().expect("piped"));
        Self { child, out, log }
    }

    /// Reads the log up to the line that contains `wanted`.
    pub(crate) fn logged(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).expect("a log");
            assert!(read > 0, "the log ended without {wanted:?}:\n{seen}");
            if line.contains(wanted) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    /// The address that it says it serves on.
    pub(crate) fn address(&mut self) -> String {
        let line = self.logged("serving");
        let address = line.split("address=").nth(1).expect("an address");
        address.trim().to_owned()
    }

    /// The next decision.
    pub(crate) fn decision(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.child.wait().expect("a status")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to a GET: status line and body.
pub(crate) fn get(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}
