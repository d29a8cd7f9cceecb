// SPDX-License-Identifier: Apache-2.0
//! Which layout this node has, and in which hierarchy its tasks are listed.

use crate::facts::Facts;
use crate::layout::{
    Globs, KUBERNETES_ROOTS, Kubernetes, Layout, MESOS_ROOT, Mesos, SLICES, Systemd,
};
use crate::mounts::{Controller, Version};
use crate::reader::Reader;
use crate::settings::{Preset, Settings};
use crate::trees::{TreeId, Trees};
use gleaner_estimator::units::MilliCpus;
use serde::Serialize;

/// One preset that was considered, and the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Considered {
    /// The preset.
    pub preset: Preset,
    /// Whether its cgroups are there.
    pub fits: bool,
    /// What was found or missed.
    pub why: String,
}

/// The layout that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Detected {
    pub(crate) layout: Layout,
    /// Where tasks are listed; `None` without any hierarchy.
    pub(crate) listing: Option<TreeId>,
    pub(crate) why: String,
    pub(crate) considered: Vec<Considered>,
}

impl Detected {
    /// Whether it would find the same tasks.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let of = |d: &Self| (d.layout.preset(), d.layout.root().to_owned(), d.listing);
        of(self) == of(other)
    }
}

/// What detection looks at.
pub(crate) struct Node<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) globs: &'a Globs,
    pub(crate) version: Version,
    pub(crate) trees: &'a Trees,
    pub(crate) cpus: MilliCpus,
}

impl Node<'_> {
    /// Chooses the layout that was asked for, or the first that fits.
    pub(crate) fn detect(&self, reader: &mut Reader) -> Detected {
        let asked = self.settings.preset;
        let presets: &[Preset] = match asked {
            Preset::Auto => &[Preset::Mesos, Preset::Kubernetes, Preset::Systemd, Preset::Globs],
            Preset::Mesos => &[Preset::Mesos],
            Preset::Kubernetes => &[Preset::Kubernetes],
            Preset::Systemd => &[Preset::Systemd],
            Preset::Globs => &[Preset::Globs],
        };
        let mut considered = Vec::new();
        for preset in presets {
            let (found, says) = self.look(*preset);
            considered.push(Considered {
                preset: *preset,
                fits: found.is_some(),
                why: says.clone(),
            });
            if let Some((listing, root)) = found {
                let layout = self.layout(*preset, root, reader);
                return Detected { layout, listing: Some(listing), why: says, considered };
            }
        }
        let (layout, why) = match asked {
            Preset::Auto | Preset::Globs => (
                Layout::Globs(self.asked_root().unwrap_or_default()),
                "no layout fits: no tasks, everything on the node counts as system".to_owned(),
            ),
            Preset::Mesos | Preset::Kubernetes | Preset::Systemd => {
                let root = self.roots(asked).swap_remove(0);
                let why = format!("asked for, but there is no cgroup `{root}` yet");
                (self.layout(asked, root, reader), why)
            }
        };
        Detected { layout, listing: self.order(asked).first().copied(), why, considered }
    }

    /// Where a preset's cgroups are, and a sentence about that.
    fn look(&self, preset: Preset) -> (Option<(TreeId, String)>, String) {
        if preset == Preset::Globs && self.globs.is_empty() {
            return (None, "no patterns are configured".to_owned());
        }
        let roots = self.roots(preset);
        let order = self.order(preset);
        let found = order.iter().find_map(|tree| {
            let root = roots.iter().find(|root| self.trees.get(*tree).inode(root).is_some())?;
            Some((*tree, root.clone()))
        });
        let says = match &found {
            Some((tree, root)) => {
                format!("cgroup `{}` exists", self.trees.get(*tree).path.join(root).display())
            }
            None if order.is_empty() => "no cgroup hierarchy is mounted".to_owned(),
            None => format!(
                "no cgroup {}",
                roots.iter().map(|r| format!("`{r}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        (found, says)
    }

    /// Cgroups of which one shows that the preset fits.
    fn roots(&self, preset: Preset) -> Vec<String> {
        let own = match preset {
            Preset::Mesos => vec![MESOS_ROOT.to_owned()],
            Preset::Kubernetes => KUBERNETES_ROOTS.map(str::to_owned).into(),
            Preset::Systemd => {
                let best_effort = Systemd::new(&self.settings.best_effort_slice);
                let slices = SLICES.map(str::to_owned);
                return [best_effort.best_effort().to_owned()].into_iter().chain(slices).collect();
            }
            Preset::Auto | Preset::Globs => return vec![String::new()],
        };
        self.asked_root().map_or(own, |root| vec![root])
    }

    fn asked_root(&self) -> Option<String> {
        self.settings.containers_root.as_ref().map(|root| root.trim_matches('/').to_owned())
    }

    fn layout(&self, preset: Preset, root: String, reader: &mut Reader) -> Layout {
        match preset {
            Preset::Mesos => Layout::Mesos(Mesos { root }),
            Preset::Kubernetes => {
                let facts = Facts::read(reader, self.trees, &root);
                Layout::Kubernetes(Kubernetes::new(root, &facts, self.cpus))
            }
            Preset::Systemd => Layout::Systemd(Systemd::new(&self.settings.best_effort_slice)),
            // Patterns are found wherever they lie; the root that was asked for says how much there is for all of them.
            Preset::Auto | Preset::Globs => Layout::Globs(self.asked_root().unwrap_or(root)),
        }
    }

    /// Hierarchies in the order in which they are asked for a preset's cgroups.
    ///
    /// On v1 an agent makes cgroups in the hierarchies of its isolators, of which cpuacct is both the
    /// most common and the one whose file is read most often. systemd makes a cgroup for each unit only
    /// in the unified hierarchy or its own named one; in others only where accounting is on.
    fn order(&self, preset: Preset) -> Vec<TreeId> {
        const BY_USE: [Controller; 7] = [
            Controller::Cpuacct,
            Controller::Cpu,
            Controller::Memory,
            Controller::Pids,
            Controller::Freezer,
            Controller::Blkio,
            Controller::Systemd,
        ];
        let v1 = BY_USE.iter().filter_map(|controller| self.trees.v1(*controller));
        let own = self.trees.v1(Controller::Systemd);
        let unified = self.trees.unified();
        match (preset, self.version) {
            (Preset::Systemd, _) => unified.into_iter().chain(own).chain(v1).collect(),
            (_, Version::V2) => unified.into_iter().chain(v1).collect(),
            _ => v1.chain(unified).collect(),
        }
    }
}
