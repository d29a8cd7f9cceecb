// SPDX-License-Identifier: Apache-2.0
//! The collector: opened once, then asked for a sample at the pace of its host.

use crate::detect::{self, Detected};
use crate::error::Error;
use crate::health::{Health, Signals};
use crate::layout::Globs;
use crate::mounts::Hierarchies;
use crate::node::Node;
use crate::plan::Plan;
use crate::reader::Reader;
use crate::report::LayoutReport;
use crate::roster::{Roster, Scene};
use crate::said::Said;
use crate::settings::Settings;
use crate::task::{Entry, Tools};
use crate::trees::Trees;
use gleaner_estimator::sample::{Class, Sample, TaskSample};
use gleaner_estimator::units::Timestamp;
use std::sync::Arc;

/// The only reader of the kernel. It reads, and decides nothing.
///
/// It asks no clock: the host stamps each reading. One collector belongs to one thread at a time.
#[derive(Debug)]
pub struct Collector {
    pub(crate) settings: Settings,
    pub(crate) globs: Globs,
    pub(crate) hierarchies: Hierarchies,
    pub(crate) trees: Trees,
    pub(crate) reader: Reader,
    pub(crate) node: Node,
    pub(crate) detected: Detected,
    pub(crate) plan: Plan,
    pub(crate) roster: Roster,
    /// Readings so far.
    round: u64,
    /// Glances so far, for whose turn it is.
    pub(crate) glances: u64,
    /// What the agent says of its containers, where it is asked.
    said: Option<Said>,
    /// A full scan is due at the next reading.
    scan_due: bool,
    health: Health,
}

impl Collector {
    /// Finds the mounted hierarchies and the node's layout. Tasks are first listed by
    /// [`Collector::sample`].
    ///
    /// A node without cgroups, or where no layout fits, is no error: its samples have no tasks.
    ///
    /// # Errors
    /// A pattern that cannot be used, or `/proc` missing or unreadable.
    pub fn open(settings: Settings) -> Result<Self, Error> {
        let globs = Globs::new(&settings.globs)?;
        let mut reader = Reader::new(settings.descriptor_cap);
        let hierarchies = Hierarchies::read(&settings.roots)?;
        let trees = Trees::open(&hierarchies, &mut reader.trouble);
        let mut node = Node::open(&settings.roots.proc)?;
        node.measure(&mut reader, &trees, "")?;
        let detected = detect::Node {
            settings: &settings,
            globs: &globs,
            version: hierarchies.version,
            trees: &trees,
            cpus: node.cpus,
        }
        .detect(&mut reader);
        let plan = Plan::new(&trees, detected.listing);
        let mut collector = Self {
            settings,
            globs,
            hierarchies,
            trees,
            reader,
            node,
            detected,
            plan,
            roster: Roster::default(),
            round: 0,
            glances: 0,
            said: None,
            scan_due: true,
            health: Health::default(),
        };
        collector.roster.rewatch(&collector.settings, &mut collector.reader);
        Ok(collector)
    }

    /// Reads the node and its tasks into `into`, whose buffers are used again.
    ///
    /// `at` becomes the sample's time; it should be the moment of the call. A task that is gone is left
    /// out and counted in `vanished`; a value that cannot be read is `None`.
    ///
    /// # Errors
    /// The node's own files cannot be read or understood, the hierarchy cannot be listed, or it holds
    /// more tasks than the limit. `into` then has no tasks.
    pub fn sample(&mut self, at: Timestamp, into: &mut Sample) -> Result<(), Error> {
        into.at = at;
        into.vanished = 0;
        self.health.readings += 1;
        let result = self.read(at, into);
        if result.is_err() {
            into.tasks.clear();
            self.health.readings_failed += 1;
            // Events may have been lost half way.
            self.scan_due = true;
        }
        self.round += 1;
        result
    }

    /// Takes what the agent says of its containers; from the next reading on it counts instead of what
    /// weights and limits seem to say, and a container that it does not name is of class system.
    pub fn listen(&mut self, said: Said) {
        if self.said.as_ref() != Some(&said) {
            self.said = Some(said);
            self.roster.retold = true;
        }
    }

    fn read(&mut self, at: Timestamp, into: &mut Sample) -> Result<(), Error> {
        let every = u64::from(self.settings.rescan_every.max(1));
        if self.scan_due || self.round.is_multiple_of(every) {
            self.detect_again()?;
            self.with_scene(at, Roster::scan)?;
            self.scan_due = false;
            self.health.scans += 1;
        } else if self.with_scene(at, Roster::follow)? == Some(true) {
            self.with_scene(at, Roster::scan)?;
            self.health.scans += 1;
        }
        let round = self.round;
        self.with_scene(at, |roster, scene| {
            roster.check_limit(scene)?;
            roster.refresh_due(round, scene);
            Ok(())
        })?;
        into.node = self.node.read(&mut self.reader)?;
        self.read_tasks(at, into);
        Ok(())
    }

    /// Runs one step of the roster's upkeep; `None` without any hierarchy.
    fn with_scene<T>(
        &mut self,
        at: Timestamp,
        step: impl FnOnce(&mut Roster, &mut Scene<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(listing) = self.detected.listing else { return Ok(None) };
        let mut scene = Scene {
            settings: &self.settings,
            globs: &self.globs,
            trees: &self.trees,
            plan: &self.plan,
            detected: &self.detected,
            listing,
            proc: self.node.proc(),
            cpus: self.node.cpus,
            reader: &mut self.reader,
            said: self.said.as_ref(),
            at,
        };
        step(&mut self.roster, &mut scene).map(Some)
    }

    /// Measures the node again and looks whether another layout fits better now.
    fn detect_again(&mut self) -> Result<(), Error> {
        let detected = detect::Node {
            settings: &self.settings,
            globs: &self.globs,
            version: self.hierarchies.version,
            trees: &self.trees,
            cpus: self.node.cpus,
        }
        .detect(&mut self.reader);
        if !detected.same(&self.detected) {
            tracing::info!(layout = detected.layout.preset().word(), why = detected.why, "layout");
            self.plan = Plan::new(&self.trees, detected.listing);
            self.roster.clear(&mut self.reader);
            self.roster.rewatch(&self.settings, &mut self.reader);
        }
        self.detected = detected;
        self.node.measure(&mut self.reader, &self.trees, self.detected.layout.root())
    }

    fn read_tasks(&mut self, at: Timestamp, into: &mut Sample) {
        let Some(listing) = self.detected.listing else {
            into.tasks.clear();
            return;
        };
        let every = u64::from(self.settings.memory_stat_every.max(1));
        let mut tools = Tools {
            reader: &mut self.reader,
            trees: &self.trees,
            plan: &self.plan,
            listing,
            proc: self.node.proc(),
            at,
        };
        let rescan = u64::from(self.settings.rescan_every.max(1));
        let (mut signals, mut filled) = (Signals::default(), 0);
        for (index, entry) in self.roster.entries.iter_mut().enumerate() {
            if entry.is_due(self.round + 1, rescan) {
                self.roster.due.push(index);
            }
            let slow = (self.round + entry.phase).is_multiple_of(every);
            if !entry.read(&mut tools, slow) {
                into.vanished += 1;
                continue;
            }
            match entry.class {
                Class::Guaranteed => signals.count(&entry.counters),
                Class::BestEffort => entry.meter(&mut self.roster.best_effort_usec),
                Class::System => {}
            }
            put(into, filled, entry);
            filled += 1;
        }
        into.tasks.truncate(filled);
        if into.vanished > 0 {
            self.roster.drop_gone(&mut self.reader);
        }
        self.health.vanished += u64::from(into.vanished);
        self.health.tasks = filled;
        self.health.signals = signals;
    }

    /// Counters of its own work and troubles.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            malformed: self.reader.trouble.malformed,
            last_malformed: self.reader.trouble.last_malformed.clone(),
            descriptors: self.reader.budget.used(),
            descriptor_limit: self.reader.budget.limit,
            ..self.health.clone()
        }
    }

    /// What was detected, why, and what cannot be seen.
    #[must_use]
    pub fn layout(&self) -> LayoutReport {
        let detected = &self.detected;
        LayoutReport {
            hierarchies: self.hierarchies.clone(),
            preset: detected.layout.preset(),
            why: detected.why.clone(),
            considered: detected.considered.clone(),
            listing: detected.listing.map(|tree| self.trees.get(tree).path.clone()),
            containers_root: detected.layout.root().to_owned(),
            tasks: Class::ALL.map(|class| {
                self.roster.entries.iter().filter(|entry| entry.task.class == class).count()
            }),
            unseen: self.reader.trouble.list(),
        }
    }
}

/// Puts a task into the sample at `index`. Mostly it stood there before; then only numbers are written,
/// and the task itself, memory of its own, is not touched.
fn put(into: &mut Sample, index: usize, entry: &Entry) {
    match into.tasks.get_mut(index) {
        Some(place) => {
            if !Arc::ptr_eq(&place.task, &entry.task) {
                place.task = Arc::clone(&entry.task);
            }
            place.counters = entry.counters;
        }
        None => {
            let task = Arc::clone(&entry.task);
            into.tasks.push(TaskSample { task, counters: entry.counters });
        }
    }
}
