// SPDX-License-Identifier: Apache-2.0
//! The tasks that exist: found by a scan, kept up to date by events, described anew now and then.

use crate::age;
use crate::changes::{Change, Changes};
use crate::detect::Detected;
use crate::error::Error;
use crate::facts::{Facts, File};
use crate::layout::{Globs, Visit};
use crate::parse;
use crate::plan::Plan;
use crate::reader::Reader;
use crate::said::{self, Said};
use crate::settings::Settings;
use crate::task::Entry;
use crate::threads::Threads;
use crate::trees::{TreeId, Trees, join};
use gleaner_estimator::sample::{Class, Task, TaskId};
use gleaner_estimator::units::{MilliCpus, Span, Timestamp};
use rustix::fd::BorrowedFd;
use std::sync::Arc;

/// A new task is described again at each of so many samples: its maker writes weights and limits, and
/// moves the first process in, only after the directory is there to be seen.
const YOUNG: u8 = 10;

/// Who started longer ago than this was complete when it was first seen.
const SETTLED: Span = Span::from_secs(10);

/// What finding and describing tasks needs.
pub(crate) struct Scene<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) globs: &'a Globs,
    pub(crate) trees: &'a Trees,
    pub(crate) plan: &'a Plan,
    pub(crate) detected: &'a Detected,
    pub(crate) listing: TreeId,
    pub(crate) proc: BorrowedFd<'a>,
    pub(crate) cpus: MilliCpus,
    pub(crate) reader: &'a mut Reader,
    pub(crate) said: Option<&'a Said>,
    pub(crate) at: Timestamp,
}

/// All tasks, sorted by id.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    pub(crate) entries: Vec<Entry>,
    /// Where the guaranteed tasks are among the entries.
    pub(crate) guaranteed: Vec<usize>,
    /// Where the best-effort tasks are among the entries.
    pub(crate) best_effort: Vec<usize>,
    /// CPU time that best-effort tasks have used while they were watched, microseconds.
    pub(crate) best_effort_usec: u64,
    /// Whether everything was listed once: a task that comes later starts from nothing.
    listed: bool,
    /// Where the tasks are whose settings are to be read again in the next round.
    pub(crate) due: Vec<usize>,
    /// Entries came or went since, so that `due` no longer says where they are.
    moved: bool,
    /// Something else is said of the tasks than when they were described.
    pub(crate) retold: bool,
    changes: Changes,
    pending: Vec<Change>,
    arrivals: u64,
}

impl Roster {
    /// Forgets every watch, as the next scan sets its own.
    pub(crate) fn rewatch(&mut self, settings: &Settings, reader: &mut Reader) {
        self.changes = Changes::new(settings.notify, &mut reader.trouble);
        self.pending.clear();
    }

    /// Notes that something may have taken the place of a task that vanished.
    fn look_again(&mut self, path: &str) {
        self.pending.push(Change::Created(path.to_owned()));
    }

    /// Forgets the tasks that the latest reading found gone.
    pub(crate) fn drop_gone(&mut self, reader: &mut Reader) {
        let gone: Vec<_> = self.entries.extract_if(.., |entry| entry.gone).collect();
        for mut entry in gone {
            entry.close(reader);
            self.look_again(&entry.task.id.name);
        }
        self.moved = true;
        self.count();
    }

    /// Forgets all tasks: another layout is to find its own.
    pub(crate) fn clear(&mut self, reader: &mut Reader) {
        self.entries.drain(..).for_each(|mut entry| entry.close(reader));
        self.listed = false;
        self.moved = true;
        self.count();
    }

    /// Takes what inotify reported since last time; `true` when only a full scan can help.
    pub(crate) fn follow(&mut self, scene: &mut Scene<'_>) -> Result<bool, Error> {
        self.changes.drain(&mut self.pending);
        if self.pending.is_empty() {
            return Ok(false);
        }
        let mut pending = std::mem::take(&mut self.pending);
        for change in pending.drain(..) {
            match change {
                Change::Lost => return Ok(true),
                Change::Created(path) => {
                    let mut found = Vec::new();
                    self.walk(path, scene, &mut found)?;
                    found.into_iter().for_each(|id| self.admit(id, scene));
                }
                Change::Removed(path) => self.remove_below(&path, scene.reader),
            }
        }
        self.pending = pending;
        self.moved = true;
        self.recount(scene);
        Ok(false)
    }

    /// Lists everything; keeps what is still the same cgroup.
    pub(crate) fn scan(&mut self, scene: &mut Scene<'_>) -> Result<(), Error> {
        let mut found = Vec::new();
        self.walk(String::new(), scene, &mut found)?;
        found.sort_unstable();
        self.entries.retain_mut(|entry| {
            let stays = found.binary_search(&entry.task.id).is_ok();
            if !stays {
                entry.close(scene.reader);
            }
            stays
        });
        let known = self.entries.len();
        for id in found {
            if self.entries[..known].binary_search_by(|entry| entry.task.id.cmp(&id)).is_err() {
                let entry = self.entry(id, scene);
                self.entries.push(entry);
            }
        }
        self.listed = true;
        self.entries.sort_unstable_by(|a, b| a.task.id.cmp(&b.task.id));
        self.moved = true;
        self.recount(scene);
        Ok(())
    }

    /// Finds the tasks at and below `path` and watches the directories on the way.
    fn walk(
        &mut self,
        path: String,
        scene: &mut Scene<'_>,
        found: &mut Vec<TaskId>,
    ) -> Result<(), Error> {
        let tree = scene.trees.get(scene.listing);
        let mut open = vec![path];
        while let Some(path) = open.pop() {
            match scene.detected.layout.visit(&path, scene.globs) {
                Visit::Skip => {}
                Visit::Task => {
                    let Some(inode) = tree.inode(&path) else { continue };
                    found.push(TaskId { name: path.into(), inode });
                    if found.len() > scene.settings.max_tasks {
                        return Err(self.too_many(found.len(), scene));
                    }
                }
                Visit::Descend => {
                    // Watched before it is listed, so that nothing can appear between the two unseen.
                    self.changes.watch(tree, &path, &mut scene.reader.trouble);
                    match tree.children(&path, &mut scene.reader.trouble) {
                        Ok(names) => open.extend(names.iter().map(|name| join(&path, name))),
                        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NODEV) => {}
                        Err(errno) if path.is_empty() => {
                            return Err(Error::unreadable(&tree.path, errno));
                        }
                        Err(errno) => {
                            let what = format!("cgroups below {path}");
                            scene.reader.trouble.refused(&what, errno);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn too_many(&self, found: usize, scene: &Scene<'_>) -> Error {
        Error::TooManyTasks {
            path: scene.trees.get(scene.listing).path.clone(),
            found,
            limit: scene.settings.max_tasks,
        }
    }

    /// Fails while there are more tasks than the limit.
    pub(crate) fn check_limit(&self, scene: &Scene<'_>) -> Result<(), Error> {
        match self.entries.len() {
            found if found > scene.settings.max_tasks => Err(self.too_many(found, scene)),
            _ => Ok(()),
        }
    }

    /// Adds a task unless it is known. One of the same name with another inode is gone.
    fn admit(&mut self, id: TaskId, scene: &mut Scene<'_>) {
        if self.entries.binary_search_by(|entry| entry.task.id.cmp(&id)).is_ok() {
            return;
        }
        self.remove_below(&id.name, scene.reader);
        let entry = self.entry(id, scene);
        if let Err(place) = self.entries.binary_search_by(|e| e.task.id.cmp(&entry.task.id)) {
            self.entries.insert(place, entry);
        }
    }

    fn remove_below(&mut self, path: &str, reader: &mut Reader) {
        self.entries.retain_mut(|entry| {
            let below = entry.task.id.name.strip_prefix(path);
            let goes = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if goes {
                entry.close(reader);
            }
            !goes
        });
    }

    fn count(&mut self) {
        self.guaranteed.clear();
        self.best_effort.clear();
        for (index, entry) in self.entries.iter().enumerate() {
            match entry.class {
                Class::Guaranteed => self.guaranteed.push(index),
                Class::BestEffort => self.best_effort.push(index),
                Class::System => {}
            }
        }
    }

    /// Counts the tasks and shares the descriptors out among them.
    fn recount(&mut self, scene: &mut Scene<'_>) {
        self.count();
        let guaranteed = self.guaranteed.len();
        let threads = guaranteed * self.thread_limit(scene.settings);
        let demand = scene.plan.demand(self.entries.len(), guaranteed, threads);
        scene.reader.budget.share_out(demand);
        if scene.reader.budget.is_overdrawn() {
            self.entries.iter_mut().for_each(|entry| entry.shrink(scene.reader));
        }
    }

    fn entry(&mut self, id: TaskId, scene: &mut Scene<'_>) -> Entry {
        self.arrivals += 1;
        let facts = Facts::read(scene.reader, scene.trees, &id.name);
        let tree = scene.trees.get(scene.listing);
        let started = age::started(scene.reader, scene.proc, tree, &id.name, scene.at);
        let task = Arc::new(describe(id, &facts, started, scene));
        let mut entry = Entry::new(task, facts, scene.cpus, self.arrivals);
        entry.metered = self.listed.then_some(0);
        let settled = started.is_some_and(|start| start.plus(SETTLED) <= scene.at);
        entry.young = if settled { 0 } else { YOUNG };
        self.settle(&mut entry, scene);
        entry
    }

    /// Refreshes the tasks whose turn it is, and the young ones.
    pub(crate) fn refresh_due(&mut self, round: u64, scene: &mut Scene<'_>) {
        let every = u64::from(scene.settings.rescan_every.max(1));
        let retold = std::mem::take(&mut self.retold);
        if std::mem::take(&mut self.moved) || retold {
            self.due.clear();
            let is_due = |e: &Entry| retold || e.is_due(round, every);
            let due = self.entries.iter().enumerate().filter(|(_, e)| is_due(e));
            self.due.extend(due.map(|(index, _)| index));
        }
        if self.due.is_empty() {
            return;
        }
        let mut entries = std::mem::take(&mut self.entries);
        let mut due = std::mem::take(&mut self.due);
        for index in due.drain(..) {
            self.refresh(&mut entries[index], retold, scene);
        }
        (self.entries, self.due) = (entries, due);
        self.recount(scene);
    }

    /// Reads again what changes rarely, and replaces the task's description where it changed.
    fn refresh(&self, entry: &mut Entry, retold: bool, scene: &mut Scene<'_>) {
        entry.young = entry.young.saturating_sub(1);
        let facts = Facts::read(scene.reader, scene.trees, &entry.task.id.name);
        let (mut started, tree) = (entry.task.started, scene.trees.get(scene.listing));
        let may_have_processes = entry.young > 0 || entry.counters.pids != Some(0);
        if started.is_none() && may_have_processes {
            started = age::started(scene.reader, scene.proc, tree, &entry.task.id.name, scene.at);
        }
        // Mostly nothing has changed, and then nothing is allocated.
        if entry.renew(facts, scene.cpus) || retold || started != entry.task.started {
            let task = describe(entry.task.id.clone(), &facts, started, scene);
            if task != *entry.task {
                if task.class != entry.class {
                    entry.class = task.class;
                    // What it used in another class is no part of this one's total.
                    entry.metered = entry.counters.cpu_usage_usec;
                }
                entry.task = Arc::new(task);
            }
        }
        entry.retry_missing();
        self.settle(entry, scene);
    }

    /// Decides which threads are read and whether the stall times of the same path are the task's.
    fn settle(&self, entry: &mut Entry, scene: &mut Scene<'_>) {
        let path = &entry.task.id.name;
        if let Some(tree) = scene.trees.unified().filter(|_| scene.plan.foreign_pressure) {
            let file = &mut File { reader: scene.reader, trees: scene.trees, tree, path };
            // Without the file it is no kernel's tree; an empty cgroup of that name is not the task's.
            entry.pressure_is_its = file.get("cgroup.events", parse::populated) != Some(false);
        }
        match entry.class {
            Class::Guaranteed => {
                let limit = self.thread_limit(scene.settings);
                let threads = entry.threads.get_or_insert_with(|| Box::new(Threads::new(limit)));
                threads.refresh(scene.trees.get(scene.listing), path, limit, scene.reader);
            }
            Class::BestEffort | Class::System => {
                if let Some(mut threads) = entry.threads.take() {
                    threads.each_slot(|slot| scene.reader.budget.close(slot));
                }
            }
        }
    }

    fn thread_limit(&self, settings: &Settings) -> usize {
        let share = settings.threads_total / self.guaranteed.len().max(1);
        share.clamp(1, settings.threads_per_task.max(1))
    }
}

fn describe(id: TaskId, facts: &Facts, started: Option<Timestamp>, scene: &Scene<'_>) -> Task {
    let mut said = scene.detected.layout.describe(&id.name, facts, scene.cpus, scene.globs);
    if let Some(agent) = scene.said {
        said::amend(agent, &id.name, &mut said);
    }
    Task {
        id,
        class: said.class,
        why: said.why,
        allocation: said.allocation,
        priority: said.priority,
        tenant: said.tenant,
        labels: said.labels,
        started,
    }
}
