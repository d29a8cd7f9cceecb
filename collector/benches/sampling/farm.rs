// SPDX-License-Identifier: Apache-2.0
//! Many empty cgroups in every v1 hierarchy that is read, removed when dropped.

use gleaner_collector::{Controller, Hierarchies, Roots};
use std::fs;
use std::path::{Path, PathBuf};

/// The hierarchies in which each task has a cgroup.
const CONTROLLERS: [Controller; 4] =
    [Controller::Cpu, Controller::Cpuacct, Controller::Memory, Controller::Pids];

pub(crate) struct Farm {
    pub(crate) hierarchies: Hierarchies,
    /// The parent of all, below each hierarchy's root.
    pub(crate) root: String,
    pub(crate) tasks: usize,
    made: Vec<PathBuf>,
}

impl Farm {
    pub(crate) fn new(tasks: usize) -> Option<Self> {
        let hierarchies = Hierarchies::read(&Roots::default()).ok()?;
        let root = format!("gleaner-bench-{}", std::process::id());
        let mut farm = Self { hierarchies, root, tasks, made: Vec::new() };
        for controller in CONTROLLERS {
            let parent = farm.hierarchies.controllers.get(&controller)?.join(&farm.root);
            farm.make(&parent)?;
            for index in 0..tasks {
                farm.make(&parent.join(name(index)))?;
            }
        }
        for index in 0..tasks {
            // The weight of a revocable container: its threads are not read.
            fs::write(farm.file(Controller::Cpu, index, "cpu.shares"), "10").ok()?;
        }
        Some(farm)
    }

    fn make(&mut self, path: &Path) -> Option<()> {
        if !path.is_dir() {
            fs::create_dir(path).ok()?;
            self.made.push(path.to_owned());
        }
        Some(())
    }

    pub(crate) fn file(&self, controller: Controller, index: usize, file: &str) -> PathBuf {
        self.hierarchies.controllers[&controller].join(&self.root).join(name(index)).join(file)
    }
}

pub(crate) fn name(index: usize) -> String {
    format!("c{index:05}")
}

impl Drop for Farm {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // Nothing was ever put into it, so nothing keeps it.
            let _ = fs::remove_dir(path);
        }
    }
}
