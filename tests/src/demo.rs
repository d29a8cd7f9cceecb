// SPDX-License-Identifier: Apache-2.0
//! `gleaner demo` as a user meets it: started, listened to, ended; and what of it is still there.

use crate::cgroup_rig::CgroupRig;
use crate::programs::built;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A demonstration. Dropping it ends it as Ctrl-C would.
#[derive(Debug)]
pub struct Demo {
    child: Child,
    out: BufReader<ChildStdout>,
    said: String,
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
        Self { child, out, said: String::new() }
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
