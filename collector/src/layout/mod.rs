// SPDX-License-Identifier: Apache-2.0
//! Layouts: which cgroups are tasks, and what their paths and settings say of them. Pure: no file is read here.

mod globs;
mod kubernetes;
mod mesos;
mod systemd;

pub(crate) use globs::Globs;
pub(crate) use kubernetes::{Kubernetes, ROOTS as KUBERNETES_ROOTS};
pub(crate) use mesos::{DEFAULT_ROOT as MESOS_ROOT, Mesos};
pub(crate) use systemd::{SLICES, Systemd};

use crate::facts::Facts;
use crate::settings::Preset;
use gleaner_estimator::sample::{Allocation, Class};
use gleaner_estimator::units::MilliCpus;

/// What to do with a cgroup that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// It is a task; what is below belongs to it.
    Task,
    /// There may be tasks below; it is watched.
    Descend,
    /// It is none of ours.
    Skip,
}

/// What a layout says of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) class: Class,
    pub(crate) why: String,
    pub(crate) allocation: Allocation,
    pub(crate) priority: i32,
    pub(crate) tenant: Option<String>,
    /// Sorted by key.
    pub(crate) labels: Vec<(String, String)>,
}

/// How tasks are recognised on this node.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    Mesos(Mesos),
    Kubernetes(Kubernetes),
    Systemd(Systemd),
    /// Only the patterns, which every layout has (see [`Globs`]), and the root that was named for them.
    Globs(String),
}

impl Layout {
    pub(crate) fn preset(&self) -> Preset {
        match self {
            Self::Mesos(_) => Preset::Mesos,
            Self::Kubernetes(_) => Preset::Kubernetes,
            Self::Systemd(_) => Preset::Systemd,
            Self::Globs(_) => Preset::Globs,
        }
    }

    /// The cgroup whose cpuset and memory limit bound all tasks.
    pub(crate) fn root(&self) -> &str {
        match self {
            Self::Mesos(mesos) => &mesos.root,
            Self::Kubernetes(kubernetes) => &kubernetes.root,
            Self::Globs(root) => root,
            Self::Systemd(_) => "",
        }
    }

    /// What to do with the cgroup at `path` (`""` is the hierarchy's root).
    pub(crate) fn visit(&self, path: &str, globs: &Globs) -> Visit {
        match self {
            Self::Mesos(mesos) => mesos.visit(path),
            Self::Kubernetes(kubernetes) => kubernetes.visit(path),
            Self::Systemd(systemd) => systemd.visit(path),
            Self::Globs(_) => globs.visit(path),
        }
    }

    /// What is known of the task at `path`. Patterns of the operator override the layout.
    pub(crate) fn describe(
        &self,
        path: &str,
        facts: &Facts,
        node: MilliCpus,
        globs: &Globs,
    ) -> Description {
        let mut description = match self {
            Self::Mesos(mesos) => mesos.describe(path, facts, node),
            Self::Kubernetes(kubernetes) => kubernetes.describe(path, facts),
            Self::Systemd(systemd) => systemd.describe(path, facts),
            Self::Globs(_) => Globs::plain(facts),
        };
        globs.amend(path, &mut description);
        description
    }
}

/// Whether `path` is an ancestor of `root`, so that `root` may yet appear below it.
fn leads_to(path: &str, root: &str) -> bool {
    path.is_empty() || root.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

/// The name of `path` where it lies directly below `root`.
fn child_of<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let below = if root.is_empty() { path } else { path.strip_prefix(root)?.strip_prefix('/')? };
    (!below.is_empty() && !below.contains('/')).then_some(below)
}

/// The last name of a path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
