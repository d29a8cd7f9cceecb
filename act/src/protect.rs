// SPDX-License-Identifier: Apache-2.0
//! What is never acted on, whatever was decided: ourselves, PID 1, the daemons that run the node, and the operator's list.
//!
//! This guards against a wrong classification, so it is asked again before every act, and looks at the processes that
//! are there now.

use crate::fault::Lost;
use crate::held::Members;
use crate::target::Target;
use std::fs;

/// Daemons that start and stop everybody else's work.
const DAEMONS: [&str; 9] = [
    "systemd",
    "containerd",
    "dockerd",
    "crio",
    "kubelet",
    "mesos-agent",
    "mesos-slave",
    "lt-mesos-agent",
    "lt-mesos-slave",
];

/// Why nothing may be done to a cgroup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It is, holds, or lies in a cgroup that is protected by name.
    #[error("protected by the configured cgroup {0:?}")]
    Cgroup(String),
    /// It holds a protected process.
    #[error("holds the protected process {pid} ({name})")]
    Process {
        /// Process id.
        pid: i32,
        /// What it is known by.
        name: String,
    },
    /// It holds processes of another pid namespace, which cannot be looked at.
    #[error("holds processes outside our pid namespace; run with the host's pid namespace")]
    Unseen,
    /// It could not be looked at.
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// The list.
#[derive(Clone, Debug)]
pub struct Protected {
    cgroups: Vec<String>,
    processes: Vec<String>,
    own_pid: i32,
    own_namespace: Option<std::path::PathBuf>,
}

impl Protected {
    /// The daemons above, ourselves and PID 1, and beside them `cgroups` (paths below a hierarchy's root) and
    /// `processes` (names as in `/proc/<pid>/comm`, or of the program file).
    ///
    /// A configured name is believed wherever it is found, and a process can give itself any name: a best-effort task
    /// can so escape. The daemons' names are believed of root's processes in our own pid namespace only.
    #[must_use]
    pub fn new(cgroups: &[String], processes: &[String]) -> Self {
        let trimmed = cgroups.iter().map(|name| name.trim_matches('/').to_owned());
        Self {
            cgroups: trimmed.filter(|name| !name.is_empty()).collect(),
            processes: processes.to_vec(),
            // A pid never exceeds 2²².
            own_pid: i32::try_from(std::process::id()).unwrap_or(i32::MAX),
            own_namespace: fs::read_link("/proc/self/ns/pid").ok(),
        }
    }

    /// Whether anything may be done to a cgroup now.
    ///
    /// # Errors
    /// The objection.
    pub fn check(&self, target: &Target) -> Result<(), Objection> {
        if let Some(name) = self.cgroups.iter().find(|name| related(name, target.name())) {
            return Err(Objection::Cgroup(name.clone()));
        }
        self.check_members(&target.touched()?)
    }

    fn check_members(&self, members: &Members) -> Result<(), Objection> {
        if members.unseen {
            return Err(Objection::Unseen);
        }
        match members.pids.iter().find_map(|pid| Some((*pid, self.name_if_protected(*pid)?))) {
            Some((pid, name)) => Err(Objection::Process { pid, name }),
            None => Ok(()),
        }
    }

    fn name_if_protected(&self, pid: i32) -> Option<String> {
        if pid == self.own_pid || pid == 1 {
            return Some(if pid == 1 { "init" } else { "gleaner" }.to_owned());
        }
        let listed = |name: &String| self.processes.contains(name);
        let daemon = |name: &String| DAEMONS.contains(&name.as_str());
        let names = names_of(pid);
        let found = names.iter().find(|n| listed(n));
        let found = found.or_else(|| names.iter().find(|n| daemon(n) && self.is_of_the_node(pid)));
        found.cloned()
    }

    /// Run by root in our own pid namespace: a name alone can be forged by anybody.
    fn is_of_the_node(&self, pid: i32) -> bool {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        // Real, effective, saved, file system.
        let effective = uids.and_then(|uids| uids.split_whitespace().nth(1));
        let namespace = fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        effective == Some("0") && namespace == self.own_namespace
    }
}

/// Whether one path is the other, or lies below it.
fn related(one: &str, other: &str) -> bool {
    let other = other.trim_matches('/');
    let below = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    one == other || below(one, other) || below(other, one)
}

/// What a process calls itself, and the name of its program file; empty once it is gone.
fn names_of(pid: i32) -> Vec<String> {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let program = program.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    // A program that was replaced while it runs, as by a package upgrade.
    let program = program.map(|name| name.trim_end_matches(" (deleted)").to_owned());
    comm.map(|name| name.trim_end().to_owned()).into_iter().chain(program).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(pids: &[i32]) -> Members {
        Members { pids: pids.iter().copied().collect(), unseen: false }
    }

    #[test]
    fn ourselves_and_init_are_always_in_it() {
        let protected = Protected::new(&[], &[]);
        let own = protected.own_pid;
        assert!(protected.check_members(&members(&[own])).is_err());
        let init = protected.check_members(&members(&[1]));
        assert_eq!(init, Err(Objection::Process { pid: 1, name: "init".into() }));
        let unseen = Members { unseen: true, ..Members::default() };
        assert_eq!(protected.check_members(&unseen), Err(Objection::Unseen));
    }

    #[test]
    fn a_process_is_known_by_its_program_or_by_its_own_word() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        let pid = i32::try_from(child.id()).expect("small");
        let name = |list: &[String]| Protected::new(&[], list).check_members(&members(&[pid]));
        let (other, listed) = (name(&["nginx".into()]), name(&["sleep".into()]));
        child.kill().expect("ours");
        child.wait().expect("ours");
        assert_eq!(other, Ok(()));
        // Between fork and exec the child still bears our own program's name.
        assert!(listed == Err(Objection::Process { pid, name: "sleep".into() }), "{listed:?}");
        assert_eq!(name(&["sleep".into()]), Ok(()), "a process that is gone protects nothing");
    }

    #[test]
    fn a_configured_cgroup_covers_what_holds_it_and_what_it_holds() {
        for (name, expected) in [("a/b", true), ("a", true), ("a/b/c", true), ("a/bc", false)] {
            assert_eq!(related("a/b", name), expected, "{name}");
        }
        assert!(related("a", "/a/"));
    }
}
