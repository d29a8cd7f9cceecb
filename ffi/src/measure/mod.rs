// SPDX-License-Identifier: Apache-2.0
//! Measuring, shared by all handles of a process that ask for the same: one thread, one collector, many judges.
//!
//! The estimator and the controller of an agent are opened apart and may disagree on policy; what they
//! see is the same, and is read once.

mod bench;
mod carry;

use crate::border::Failure;
use crate::guard::words;
use crate::handle::log::{Log, Tap};
use crate::handle::table::Table;
use crate::judge::Judge;
use crate::spawn;
use bench::Bench;
use gleaner_act::clock::{Clock as _, SystemClock};
use gleaner_collector::Settings;
use gleaner_engine::config::Config;
use gleaner_estimator::units::{Span, Timestamp};
use gleaner_host::settings::settings;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// So long a closing handle waits for its thread.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

static CORES: Mutex<Vec<Arc<Core>>> = Mutex::new(Vec::new());

/// All that measuring depends on: handles that agree on it share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    settings: Settings,
    interval: Span,
}

impl Key {
    pub(crate) fn of(config: &Config) -> Self {
        Self { settings: settings(config), interval: config.engine.interval }
    }
}

/// Everybody who judges by what one core measures.
type Judges = Vec<Arc<Mutex<Judge>>>;

#[derive(Default)]
struct Inner {
    judges: Judges,
    table: Option<Arc<Table>>,
    /// That table came from a handle that estimates.
    from_estimator: bool,
    ending: bool,
    ended: bool,
    thread: Option<JoinHandle<()>>,
}

/// One thread that measures.
pub(crate) struct Core {
    key: Key,
    inner: Mutex<Inner>,
    /// Something of `inner` has changed.
    changed: Condvar,
    /// What the collector reports.
    pub(crate) log: Arc<Log>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Joins those who measure the same, or begins to measure.
    pub(crate) fn join(key: Key, judge: Judge) -> Result<(Arc<Self>, Arc<Mutex<Judge>>), Failure> {
        let mut cores = lock(&CORES);
        let judge = Arc::new(Mutex::new(judge));
        // One whose thread has panicked measures no more.
        cores.retain(|core| !lock(&core.inner).ended);
        if let Some(core) = cores.iter().find(|core| core.key == key) {
            lock(&core.inner).judges.push(Arc::clone(&judge));
            core.changed.notify_all();
            return Ok((Arc::clone(core), judge));
        }
        let log = Arc::<Log>::default();
        let opened = tracing::subscriber::with_default(Tap(Arc::clone(&log)), || Bench::open(&key));
        let bench = opened.map_err(Failure::Os)?;
        let inner = Inner { judges: vec![Arc::clone(&judge)], ..Inner::default() };
        let core = Arc::new(Self { key, inner: Mutex::new(inner), changed: Condvar::new(), log });
        let own = Arc::clone(&core);
        let thread = spawn::thread("gleaner-measure", move || own.run(bench));
        let thread =
            thread.map_err(|error| Failure::Os(format!("cannot start a thread: {error}")))?;
        lock(&core.inner).thread = Some(thread);
        cores.push(Arc::clone(&core));
        Ok((core, judge))
    }

    /// Leaves. The last one to leave ends the thread, and waits for it for a while.
    pub(crate) fn leave(&self, judge: &Arc<Mutex<Judge>>) {
        let mut cores = lock(&CORES);
        let mut inner = lock(&self.inner);
        inner.judges.retain(|other| !Arc::ptr_eq(other, judge));
        if !inner.judges.is_empty() {
            return;
        }
        inner.ending = true;
        self.changed.notify_all();
        cores.retain(|core| !std::ptr::eq(&**core, self));
        drop(cores);
        let waited = self.changed.wait_timeout_while(inner, PATIENCE, |inner| !inner.ended);
        let (mut inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let thread = inner.thread.take().filter(|_| inner.ended);
        drop(inner);
        // It has said that it is about to return; one that has not is left to itself.
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }

    /// Takes a newer table. That of a handle that estimates is kept for `patience` against those of
    /// others: its host adds to an offer what it has lent since the table that the offer was decided from,
    /// which therefore must be one of its own.
    pub(crate) fn push(&self, table: Arc<Table>, from_estimator: bool, patience: Span) {
        let mut inner = lock(&self.inner);
        let first = inner.table.is_none();
        let keeps = |kept: &Arc<Table>| table.at.since(kept.at).is_none_or(|age| age <= patience);
        if !from_estimator && inner.from_estimator && inner.table.as_ref().is_some_and(keeps) {
            return;
        }
        (inner.table, inner.from_estimator) = (Some(table), from_estimator);
        if first {
            self.changed.notify_all();
        }
    }

    /// Who judges, and by which table; `None` once it is to end.
    fn state(&self) -> Option<(Judges, Option<Arc<Table>>)> {
        let inner = lock(&self.inner);
        (!inner.ending).then(|| (inner.judges.clone(), inner.table.clone()))
    }

    /// Waits until then, or until it is to end.
    fn wait(&self, until: Timestamp) {
        let mut inner = lock(&self.inner);
        let judges = inner.judges.len();
        let had_table = inner.table.is_some();
        loop {
            let left = until.since(SystemClock.now()).unwrap_or_default();
            let news = inner.judges.len() != judges || inner.table.is_some() != had_table;
            if inner.ending || news || left == Span::default() {
                return;
            }
            let waited = self.changed.wait_timeout(inner, Duration::from_nanos(left.0));
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn run(&self, mut bench: Bench) {
        let tap = Tap(Arc::clone(&self.log));
        let turns = || {
            tracing::subscriber::with_default(tap, || {
                while let Some((judges, table)) = self.state() {
                    let next = bench.turn(&judges, table.as_ref(), &SystemClock);
                    self.wait(next);
                }
            });
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(turns)) {
            let why = words(&*panic);
            for judge in lock(&self.inner).judges.clone() {
                lock(&judge).poison(&why);
            }
        }
        // The collector's descriptors are closed before anybody hears that it has ended.
        drop(bench);
        lock(&self.inner).ended = true;
        self.changed.notify_all();
    }
}
