// SPDX-License-Identifier: Apache-2.0
//! An agent that loads the module, with cgroups of its own.

use super::master::{LONG, Running, json};
use super::{Master, text};
use crate::cgroup_rig::{CgroupRig, Group, Layout};
use crate::http::{free_address, get};
use crate::{poll_until, skip, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// An agent of a release up to 1.12 refuses to start where the unified hierarchy is mounted anywhere but at the usual
/// place, as hybrid machines have it: it gets a view of its own without that.
const WITHOUT_UNIFIED: &str = r#"[ -z "$0" ] || umount "$0" || exit; exec "$@""#;

/// Which modules an agent loads, from which file, with which parameters.
#[derive(Clone, Debug)]
pub struct Modules<'a> {
    /// The library.
    pub file: &'a Path,
    /// Name and parameters of the resource estimator.
    pub estimator: (&'a str, &'a [(&'a str, &'a str)]),
    /// Name and parameters of the QoS controller.
    pub controller: (&'a str, &'a [(&'a str, &'a str)]),
    /// Further flags of the agent.
    pub flags: &'a [&'a str],
}

/// A running agent. Dropping it ends it and everything that it has started.
#[derive(Debug)]
pub struct Agent {
    process: Running,
    address: SocketAddr,
    // After the process: a container must not be taken from under its agent.
    _containers: Group,
}

impl Agent {
    /// Starts one, or skips where it cannot have its cgroups.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start_or_skip(master: &Master, modules: &Modules<'_>) -> Option<Self> {
        let rig = CgroupRig::new_or_skip()?;
        if rig.layout() == Layout::V2 {
            skip("Mesos programs are run on cgroup v1 only");
            return None;
        }
        let containers = rig.group("mesos").expect("a group");
        let unified = rig.mounts().unified().map(text).unwrap_or_default();
        let address = free_address();
        let list = master.directory().join("modules.json");
        let root = text(containers.path());
        fs::write(&list, modules.json(&root).to_string()).expect("a file");
        let programs = master.programs();
        let mut command = Command::new("unshare");
        command
            .envs(programs.environment())
            .args(["--mount", "--propagation", "private", "sh", "-c", WITHOUT_UNIFIED, &unified])
            .arg(programs.path("sbin/mesos-agent"))
            .arg(format!("--master={}", master.address()))
            .arg(format!("--port={}", address.port()))
            .args(["--ip=127.0.0.1", "--hostname=127.0.0.1", "--no-hostname_lookup"])
            .arg(format!("--work_dir={}", master.directory().join("agent").display()))
            .arg(format!("--runtime_dir={}", master.directory().join("runtime").display()))
            .arg(format!("--launcher_dir={}", programs.launchers().display()))
            .arg(format!("--cgroups_root={root}"))
            .args(["--containerizers=mesos", "--isolation=cgroups/cpu,cgroups/mem"])
            .args(["--no-systemd_enable_support", "--no-switch_user"])
            .args([
                "--resources=cpus:2;mem:2048;disk:1000;ports:[]",
                "--qos_correction_interval_min=0secs",
            ])
            .arg("--oversubscribed_resources_interval=1secs")
            .arg(format!("--modules=file://{}", list.display()))
            .arg(format!("--resource_estimator={}", modules.estimator.0))
            .arg(format!("--qos_controller={}", modules.controller.0))
            .args(modules.flags);
        let process = Running::start(&mut command, master.directory().join("agent.log"));
        Some(Self { process, address, _containers: containers })
    }

    /// Waits until the master knows it.
    ///
    /// # Panics
    /// It ends before that.
    pub fn wait_for_registration(&mut self, master: &Master) {
        wait_until("the agent is registered", LONG, || {
            self.process.expect_running();
            let agents = master.ask("/slaves");
            agents["slaves"][0]["active"].as_bool().filter(|active| *active)
        });
    }

    /// What it answers, as JSON.
    ///
    /// # Panics
    /// It answers something else.
    #[must_use]
    pub fn ask(&self, path: &str) -> Value {
        json(self.address, path)
    }

    /// One of its metrics.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        let all = get(self.address, "/metrics/snapshot")?;
        serde_json::from_str::<Value>(&all).ok()?[name].as_f64()
    }

    /// Waits until one of its metrics has this value, in thousandths.
    ///
    /// # Panics
    /// It does not come; says what the agent logged.
    pub fn wait_for_metric(&mut self, name: &str, value: f64) {
        let mut last = None;
        let found = poll_until(LONG, || {
            self.process.expect_running();
            last = self.metric(name);
            last.filter(|found| (found - value).abs() < 0.0005)
        });
        assert!(found.is_some(), "{name} is {last:?}, not {value}\n{}", self.log());
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Asks it to end as an operator who takes the node away does, and waits.
    ///
    /// # Panics
    /// It does not end.
    #[must_use]
    pub fn shut_down(mut self) -> (ExitStatus, String) {
        let pid = i32::try_from(self.process.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::USR1).expect("a process of ours");
        let status = self.wait_for_end();
        (status, self.log())
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// It does not.
    #[must_use]
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let ended = poll_until(LONG, || self.process.child.try_wait().expect("a child of ours"));
        ended.unwrap_or_else(|| panic!("the agent goes on\n{}", self.log()))
    }
}

impl Modules<'_> {
    /// As an agent reads it. `root` is the cgroup that the agent has its containers in.
    fn json(&self, root: &str) -> Value {
        let module = |(name, given): (&str, &[(&str, &str)])| {
            let own = ("layout.containers_root", root);
            let pair = |(key, value): &(&str, &str)| json!({ "key": key, "value": value });
            let parameters: Vec<Value> = given.iter().chain([&own]).map(pair).collect();
            json!({ "name": name, "parameters": parameters })
        };
        let modules = [self.estimator, self.controller].map(module);
        json!({ "libraries": [ { "file": text(self.file), "modules": modules } ] })
    }
}
