// SPDX-License-Identifier: Apache-2.0
//! The server as a process of its own in a guaranteed cgroup, and the node around it.

use super::machine::Waits;
use super::serve::{Order, Served, Server};
use crate::cgroup_rig::{CgroupRig, Group};
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Cgroups of a measurement, named as [`Gleaner`](crate::gleaner::Gleaner) is told: `svc` is guaranteed, `be` best-effort.
#[derive(Debug)]
pub struct Node {
    /// What both are in.
    pub top: Group,
    /// The service's.
    pub guaranteed: Group,
    /// Of best-effort work.
    pub best_effort: Group,
}

impl Node {
    /// Makes the groups.
    ///
    /// # Errors
    /// They cannot be made.
    pub fn new(rig: &CgroupRig) -> Result<Self> {
        let top = rig.group("colocate")?;
        let (guaranteed, best_effort) = (top.child("svc")?, top.child("be")?);
        Ok(Self { top, guaranteed, best_effort })
    }
}

/// A running server. It ends when this is dropped, and also when its maker dies: its orders end.
#[derive(Debug)]
pub struct Service {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Service {
    /// Starts the server in `group`: this program itself, told to `serve`. Comes back when it is warm.
    ///
    /// # Errors
    /// It cannot be started or moved, or ends.
    pub fn start(server: &Server, group: &Group) -> Result<Self> {
        let mut child = Command::new(crate::programs::built("colocate")?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("colocate serve")?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (orders, answers) = pipes.context("both are piped above")?;
        let mut service = Self { child, orders, answers: BufReader::new(answers) };
        group.add(service.child.id())?;
        writeln!(service.orders, "{}", serde_json::to_string(server)?)?;
        let ready = service.line()?;
        ensure!(ready == "ready", "the server said {ready:?}");
        Ok(service)
    }

    /// Gives it an order; what comes of it is for [`Service::served`].
    ///
    /// # Errors
    /// It has ended.
    pub fn order(&mut self, order: Order) -> Result<()> {
        writeln!(self.orders, "{}", serde_json::to_string(&order)?).context("the server has ended")
    }

    /// Waits until the last order is carried out to its last request.
    ///
    /// # Errors
    /// It has ended.
    pub fn served(&mut self) -> Result<Served> {
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("the server said {line:?}"))
    }

    /// Requests a second that it can serve as long as nobody disturbs it.
    ///
    /// # Errors
    /// It has ended.
    pub fn capacity(&mut self, count: usize) -> Result<f64> {
        self.order(Order::AtOnce { count })?;
        let served = self.served()?;
        let longest = served.latencies_us.iter().max().copied().unwrap_or_default();
        ensure!(longest > 0, "the server served nothing");
        Ok(count as f64 / (longest as f64 / 1e6))
    }

    /// What its threads have run and waited.
    ///
    /// # Errors
    /// It has ended.
    pub fn waits(&self) -> Result<Waits> {
        Ok(Waits::of(self.child.id())?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.answers.read_line(&mut line)? > 0, "the server has ended");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
