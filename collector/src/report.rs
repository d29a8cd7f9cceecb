// SPDX-License-Identifier: Apache-2.0
//! What was detected on this node and why, for people.

use crate::detect::Considered;
use crate::health::Unseen;
use crate::mounts::Hierarchies;
use crate::settings::Preset;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What the collector found, and what it cannot see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayoutReport {
    /// The mounted hierarchies.
    pub hierarchies: Hierarchies,
    /// The preset in use.
    pub preset: Preset,
    /// Why.
    pub why: String,
    /// Every preset that was considered, in order.
    pub considered: Vec<Considered>,
    /// Where tasks are listed; their names are paths below it, their inodes those of its directories.
    pub listing: Option<PathBuf>,
    /// The cgroup whose cpuset and memory limit bound all tasks, below `listing`.
    pub containers_root: String,
    /// Guaranteed, best-effort and other tasks found.
    pub tasks: [usize; 3],
    /// What cannot be seen.
    pub unseen: Vec<Unseen>,
}

impl fmt::Display for LayoutReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cgroups:   {}", version_text(&self.hierarchies))?;
        for (controller, path) in &self.hierarchies.controllers {
            writeln!(f, "             {:<13} {}", controller.word(), path.display())?;
        }
        if let Some(path) = &self.hierarchies.unified {
            writeln!(f, "             {:<13} {}", "unified", path.display())?;
        }
        writeln!(f, "layout:    {}: {}", self.preset.word(), self.why)?;
        for considered in self.considered.iter().filter(|considered| !considered.fits) {
            writeln!(f, "             not {}: {}", considered.preset.word(), considered.why)?;
        }
        if let Some(path) = &self.listing {
            writeln!(f, "listed in: {}", path.join(&self.containers_root).display())?;
        }
        let [guaranteed, best_effort, other] = self.tasks;
        writeln!(
            f,
            "tasks:     {guaranteed} guaranteed, {best_effort} best-effort, {other} other"
        )?;
        for unseen in &self.unseen {
            writeln!(f, "unseen:    {} ({})", unseen.what, unseen.why)?;
        }
        Ok(())
    }
}

fn version_text(hierarchies: &Hierarchies) -> &'static str {
    use crate::mounts::Version;
    match hierarchies.version {
        Version::None => "none mounted",
        Version::V1 => "v1",
        Version::V2 => "v2",
        Version::Hybrid => "hybrid: v1 manages CPU or memory, v2 stands beside it",
    }
}
