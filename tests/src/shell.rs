// SPDX-License-Identifier: Apache-2.0
//! A shell that begins when it is told to, says when it is done, and is gone after its test, also when that fails.

use crate::cgroup_rig::Group;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A shell that is killed and waited for when dropped.
#[derive(Debug)]
pub struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Shell code that burns CPU for so many turns of a loop.
#[must_use]
pub fn burn(turns: u32) -> String {
    format!("i=0; while [ $i -lt {turns} ]; do i=$((i+1)); done")
}

impl Shell {
    /// A shell that waits to be told to go, runs `script`, says so, and stays.
    ///
    /// # Panics
    /// There is no `sh`.
    #[must_use]
    pub fn new(script: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("read go; {script}; echo done; read stay")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh");
        let input = child.stdin.take().expect("a piped input");
        let output = BufReader::new(child.stdout.take().expect("a piped output"));
        Self { child, input, output }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Moves it into a group, in every hierarchy.
    ///
    /// # Panics
    /// The kernel refuses it.
    pub fn enter(&self, group: &Group) {
        group.add(self.pid()).expect("a living shell and a group of our own");
    }

    /// Binds it to one CPU, so that several wait for each other whatever else the machine does.
    ///
    /// # Panics
    /// There is no such CPU.
    pub fn pin(&self, cpu: usize) {
        let mut one = CpuSet::new();
        one.set(cpu);
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        sched_setaffinity(pid, &one).expect("a CPU of this machine");
    }

    /// Lets its script begin.
    ///
    /// # Panics
    /// It is gone.
    pub fn go(&mut self) {
        self.input.write_all(b"go\n").expect("a living shell");
    }

    /// Waits until the script says a line: what it prints itself, or `done` at its end.
    ///
    /// # Panics
    /// It is gone.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a living shell");
        line.trim_end().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
