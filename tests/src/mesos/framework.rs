// SPDX-License-Identifier: Apache-2.0
//! A framework with one task: `mesos-execute`, which takes revocable offers and says what becomes of the task.

use super::Master;
use super::master::{LONG, Running};
use crate::poll_until;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// What a task asks for.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Cores.
    pub cpus: f64,
    /// MiB.
    pub mem: u32,
    /// Names of what of it may be taken back.
    pub revocable: &'a [&'a str],
}

/// A framework that ends with its task. Dropping it ends it, and the master then ends the task.
#[derive(Debug)]
pub struct Framework {
    process: Running,
}

impl Framework {
    /// Starts one, whose task runs `script`.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(master: &Master, name: &str, held: Held<'_>, script: &str) -> Self {
        let file = master.directory().join(format!("{name}.json"));
        fs::write(&file, task(name, held, script).to_string()).expect("a file");
        let programs = master.programs();
        let process = Running::start(
            Command::new(programs.path("bin/mesos-execute"))
                .envs(programs.environment())
                .arg(format!("--master={}", master.address()))
                .arg(format!("--task=file://{}", file.display())),
            master.directory().join(format!("{name}.log")),
        );
        Self { process }
    }

    /// What it printed.
    #[must_use]
    pub fn said(&self) -> String {
        self.process.log()
    }

    /// Waits until it has heard of this state of its task.
    ///
    /// # Panics
    /// It does not; says what it has heard.
    pub fn wait_for(&self, state: &str) {
        let line = format!("status update {state} ");
        let heard = poll_until(LONG, || self.said().contains(&line).then_some(()));
        assert!(heard.is_some(), "no {state}:\n{}", self.said());
    }

    /// Fails where it has ended, and so its task.
    pub fn expect_running(&mut self) {
        self.process.expect_running();
    }
}

fn task(name: &str, held: Held<'_>, script: &str) -> Value {
    let resource = |name: &str, value: Value| {
        let mut resource = json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } });
        if held.revocable.contains(&name) {
            resource["revocable"] = json!({});
        }
        resource
    };
    json!({
        "name": name,
        "task_id": { "value": name },
        "agent_id": { "value": "" },
        "command": { "value": script },
        "resources": [resource("cpus", held.cpus.into()), resource("mem", held.mem.into())],
    })
}
