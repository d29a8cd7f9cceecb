// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` as a user meets it: started, listened to, ended; and what of it is still there.

use crate::cgroup_rig::CgroupRig;
use crate::programs::built;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A demonstration. Dropping it ends it as Ctrl-C would.
#[derive(Debug)]
pub struct Demo {
    child: Child,
    out: BufReader<ChildStdout>,
    said: String,
    /// What its daemon writes, kept open: the file itself is removed at the end.
    audit: Option<File>,
}

impl Demo {
    /// Starts one of about so many seconds.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(seconds: u32) -> Self {
        let mut child = Command::new(built("gleaner").expect("built"))
            .args(["demo", "--listen", "127.0.0.1:0", "--duration", &seconds.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("gleaner starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, out, said: String::new(), audit: None }
    }

    /// Listens up to a line that contains `wanted`, and gives that line.
    ///
    /// # Panics
    /// If it ends without.
    pub fn hear(&mut self, wanted: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.out.read_line(&mut line).expect("text");
            assert!(read > 0, "it ended without {wanted:?}:\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// Listens up to the line that says where its page is, and gives that address.
    ///
    /// # Panics
    /// If it ends without, or its daemon writes nothing.
    pub fn page(&mut self) -> SocketAddr {
        let line = self.hear("http://");
        let (_, rest) = line.split_once("http://").expect("it was waited for");
        let name = format!("gleaner-demo-{}/audit.jsonl", self.child.id());
        self.audit = Some(File::open(std::env::temp_dir().join(name)).expect("its daemon's audit"));
        rest.split(',').next().and_then(|address| address.parse().ok()).expect("an address")
    }

    /// All that its daemon has written, from [`Demo::page`] on.
    ///
    /// # Panics
    /// If a line of it is no JSON.
    pub fn written(&mut self) -> Vec<Value> {
        let mut text = String::new();
        if let Some(audit) = &mut self.audit {
            audit.read_to_string(&mut text).expect("text");
        }
        text.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
    }

    /// The sum of its daemon's series of this metric that have all these labels; `None` where none has.
    #[must_use]
    pub fn metric(page: SocketAddr, metric: &str, labels: &[&str]) -> Option<f64> {
        let mut stream = TcpStream::connect(page).ok()?;
        write!(stream, "GET /metrics HTTP/1.0\r\nHost: {page}\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let of = |line: &str| {
            let rest = line.strip_prefix(metric).filter(|rest| rest.starts_with(['{', ' ']))?;
            let has = labels.iter().all(|label| rest.contains(label));
            rest.rsplit_once(' ').filter(|_| has)?.1.parse::<f64>().ok()
        };
        let found: Vec<f64> = text.lines().filter_map(of).collect();
        (!found.is_empty()).then(|| found.iter().sum())
    }

    /// The process that it has started as this: `service`, `daemon`, `burn` or `grow`.
    #[must_use]
    pub fn worker(&self, kind: &str) -> Option<Pid> {
        let parent = format!("PPid:\t{}", self.child.id());
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let is = |path: &PathBuf| {
            let read = |name: &str| fs::read_to_string(path.join(name)).unwrap_or_default();
            read("status").lines().any(|line| line == parent)
                && read("cmdline").split('\0').any(|word| word == kind)
        };
        let path = all.map(|entry| entry.path()).find(is)?;
        path.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)
    }

    /// Listens to its end: how it ended, and all that it said.
    ///
    /// # Panics
    /// If what it says is no text.
    pub fn end(&mut self) -> (ExitStatus, String) {
        while self.out.read_line(&mut self.said).expect("text") > 0 {}
        (self.child.wait().expect("ours"), self.said.clone())
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it does not run.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("it runs");
    }

    /// What is there of it: cgroups and files.
    #[must_use]
    pub fn traces(&self, rig: &CgroupRig) -> Vec<PathBuf> {
        let name = format!("gleaner-demo-{}", self.child.id());
        let temporary = std::env::temp_dir();
        let places = rig.mounts().directories().into_iter().chain([temporary.as_path()]);
        places.map(|place| place.join(&name)).filter(|path| path.exists()).collect()
    }

    /// The processes in its cgroups.
    #[must_use]
    pub fn processes(&self, rig: &CgroupRig) -> Vec<u32> {
        let below = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
        let groups = self.traces(rig).into_iter().flat_map(below);
        let texts =
            groups.filter_map(|group| fs::read_to_string(group.path().join("cgroup.procs")).ok());
        let pids: Vec<String> =
            texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        pids.iter().filter_map(|pid| pid.parse().ok()).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}
