// SPDX-License-Identifier: Apache-2.0
//! One open handle: its setup, the threads that work for it, and what it has handed out.

pub(crate) mod log;
pub(crate) mod registry;
pub(crate) mod shared;
pub(crate) mod table;

use crate::abi::code::{
    GLEANER_ACTION_EVICT, GLEANER_LEVEL_UNKNOWN, GLEANER_RESOURCE_CPU, GLEANER_RESOURCE_IO,
    GLEANER_RESOURCE_MEMORY,
};
use crate::abi::told::{
    Correction, GLEANER_CORRECTION_NAMES_CONTAINER, GLEANER_OFFER_CONFIGURED, GLEANER_OFFER_FRESH,
    LogLine, Offer, Pace,
};
use crate::border::{self, Asked, Failure, Row};
use crate::judge::Judge;
use crate::measure::{Core, Key};
use crate::setup::{self, Setup};
use crate::tell::{self, Show};
use crate::thin::Thin;
use gleaner_act::clock::{Clock as _, SystemClock};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use rustix::fd::AsRawFd as _;
use shared::{Shared, Waiting};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use table::Table;

/// What works for a handle once it has started.
enum Work {
    Local { core: Arc<Core>, judge: Arc<Mutex<Judge>>, show: Option<Show> },
    Remote(Thin),
}

/// What was handed out last, and lives until the same is asked for again.
#[derive(Default)]
struct HandedOut {
    /// Corrections, each `element_size` bytes; words, so that they are aligned.
    corrections: Vec<u64>,
    /// The texts that they point to.
    texts: Vec<Vec<u8>>,
    status: String,
    line: String,
}

/// What the calls of one handle change; one thread at a time is promised, and waited for.
#[derive(Default)]
struct Calls {
    work: Option<Work>,
    /// The last table pushed with this handle.
    table: Option<Arc<Table>>,
    out: HandedOut,
}

/// See the module's head.
pub(crate) struct Handle {
    setup: Arc<Setup>,
    shared: Arc<Shared>,
    calls: Mutex<Calls>,
}

impl Handle {
    pub(crate) fn open(asked: Asked) -> Result<Self, Failure> {
        let setup = setup::read(&asked)?;
        let shared = Shared::new()
            .map_err(|error| Failure::Os(format!("cannot make an event descriptor: {error}")))?;
        setup.warnings.iter().for_each(|warning| shared.log.warn(warning));
        Ok(Self { setup: Arc::new(setup), shared: Arc::new(shared), calls: Mutex::default() })
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.shared.is_poisoned()
    }

    pub(crate) fn poison(&self, why: &str) {
        self.shared.poison(why);
    }

    pub(crate) fn start(&self) -> Result<(), Failure> {
        let mut calls = self.calls();
        if calls.work.is_some() {
            return Err(Failure::BadState("this handle was started before"));
        }
        if let Some(socket) = &self.setup.socket {
            let shared = Arc::clone(&self.shared);
            let thin = Thin::start(socket.clone(), &self.setup, shared).map_err(Failure::Os)?;
            if let Some(table) = &calls.table {
                thin.push(Arc::clone(table));
            }
            calls.work = Some(Work::Remote(thin));
            return Ok(());
        }
        let told = tell::start(&self.setup).map_err(Failure::Os)?;
        let (teller, show) = told.unzip();
        let judge = Judge::new(Arc::clone(&self.setup), Arc::clone(&self.shared), teller);
        match Core::join(Key::of(&self.setup.config), judge) {
            Ok((core, judge)) => {
                if let Some(table) = &calls.table {
                    self.pass_on(&core, Arc::clone(table));
                }
                calls.work = Some(Work::Local { core, judge, show });
                Ok(())
            }
            Err(failure) => {
                if let Some(show) = show {
                    show.close();
                }
                Err(failure)
            }
        }
    }

    pub(crate) fn push(&self, rows: Result<Vec<Row>, Failure>) -> Result<u64, Failure> {
        let most = self.setup.config.engine.max_tasks;
        let table = rows
            .and_then(|rows| Table::new(rows, most, SystemClock.now()).map_err(Failure::BadValue));
        let table = table.inspect_err(|failure| {
            let text = format!("a table of tasks was refused: {}", failure.text());
            self.shared.log.error(&text);
        })?;
        #[cfg(feature = "inject-panic")]
        assert!(
            table.entries.first().is_none_or(|entry| entry.name != "panic in the call"),
            "asked for by a test"
        );
        let mut calls = self.calls();
        let table = Arc::new(table);
        calls.table = Some(Arc::clone(&table));
        let generation = table.generation;
        match &calls.work {
            Some(Work::Local { core, .. }) => self.pass_on(core, table),
            Some(Work::Remote(thin)) => thin.push(table),
            None => {}
        }
        Ok(generation)
    }

    fn pass_on(&self, core: &Core, table: Arc<Table>) {
        let Setup { role, paces, .. } = &*self.setup;
        core.push(table, role.estimates(), Span(paces.push_every.0.saturating_mul(3)));
    }

    pub(crate) fn offer(&self) -> Offer {
        let now = SystemClock.now();
        let nothing = Offer { level: GLEANER_LEVEL_UNKNOWN, ..Offer::default() };
        let Some(offered) = self.shared.offered(now) else { return nothing };
        let configured = if offered.configured { GLEANER_OFFER_CONFIGURED } else { 0 };
        Offer {
            size: 0,
            cpu_millis: offered.cpu_millis,
            memory_bytes: offered.memory_bytes,
            flags: GLEANER_OFFER_FRESH | configured,
            level: offered.level,
            generation: offered.generation,
            age_ms: now.since(offered.decided).map_or(0, millis),
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        let paces = &self.setup.paces;
        Pace {
            size: 0,
            push_every_ms: millis(paces.push_every),
            push_timeout_ms: millis(paces.push_timeout),
            table_max_age_ms: millis(paces.table_max_age),
            poll_every_ms: millis(paces.poll_every),
        }
    }

    pub(crate) fn event_fd(&self) -> i32 {
        self.shared.event().as_raw_fd()
    }

    /// Lays out what waits as an array of elements of that size, and says where and how many.
    pub(crate) fn take(&self, element_size: usize) -> Result<(*const Correction, usize), Failure> {
        border::check_size::<Correction>(element_size)?;
        let waiting = self.shared.take();
        let mut calls = self.calls();
        let Calls { table, out, .. } = &mut *calls;
        let max_age = self.setup.paces.table_max_age;
        let now = SystemClock.now();
        let fresh = |table: &&Arc<Table>| now.since(table.at).is_none_or(|age| age <= max_age);
        out.texts.clear();
        let rows: Vec<Correction> = table
            .as_ref()
            .filter(fresh)
            .into_iter()
            .flat_map(|table| waiting.iter().filter_map(|one| self.row(one, table)))
            .map(|(row, texts)| {
                out.texts.extend(texts);
                row
            })
            .collect();
        out.corrections.clear();
        out.corrections.resize(rows.len() * (element_size / 8), 0);
        for (row, place) in rows.iter().zip(out.corrections.chunks_exact_mut(element_size / 8)) {
            // SAFETY: the chunk has `element_size` bytes, a multiple of 8 that was checked above.
            unsafe { border::store(row, place.as_mut_ptr().cast(), element_size) };
        }
        Ok((out.corrections.as_ptr().cast(), rows.len()))
    }

    /// One correction for the caller's table, and the texts that it points to; `None` for a task that
    /// is not best-effort there.
    fn row(&self, waiting: &Waiting, table: &Table) -> Option<(Correction, [Vec<u8>; 2])> {
        let place = table.find(&waiting.name)?;
        let entry = table.entries.get(place).filter(|entry| entry.is_best_effort())?;
        let strict = self.setup.stand.is_some_and(|stand| stand.rules.strict);
        let (id, reason) = (entry.id.clone(), waiting.reason.clone().into_bytes());
        let row = Correction {
            generation: table.generation,
            index: u32::try_from(place).ok()?,
            action: GLEANER_ACTION_EVICT,
            resource: match waiting.resource {
                Resource::Cpu => GLEANER_RESOURCE_CPU,
                Resource::Memory => GLEANER_RESOURCE_MEMORY,
                Resource::Io => GLEANER_RESOURCE_IO,
            },
            flags: if strict { 0 } else { GLEANER_CORRECTION_NAMES_CONTAINER },
            id: id.as_ptr(),
            id_len: id.len(),
            reason: reason.as_ptr(),
            reason_len: reason.len(),
        };
        // Their memory stays where it is when the texts themselves are moved.
        Some((row, [id, reason]))
    }

    pub(crate) fn status(&self) -> (*const u8, usize) {
        let mut calls = self.calls();
        let (decision, waiting) = self.shared.decision();
        let now = SystemClock.now();
        let table = calls.table.as_ref().map(|table| {
            serde_json::json!({
                "generation": table.generation,
                "tasks": table.entries.len(),
                "age_ms": now.since(table.at).map_or(0, millis),
            })
        });
        let status = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "role": self.setup.role.word(),
            "dialect": if self.setup.stand.is_some() { "threshold" } else { "gleaner" },
            "started": calls.work.is_some(),
            "table": table,
            "corrections_waiting": waiting,
            "offer_is_fresh": self.shared.offered(now).is_some(),
            "decision": decision,
        });
        calls.out.status = status.to_string();
        (calls.out.status.as_ptr(), calls.out.status.len())
    }

    pub(crate) fn log_line(&self) -> Option<LogLine> {
        let mut calls = self.calls();
        let measured = || match &calls.work {
            Some(Work::Local { core, .. }) => core.log.pop(),
            Some(Work::Remote(_)) | None => None,
        };
        let line = self.shared.log.pop().or_else(measured)?;
        calls.out.line = line.text;
        Some(LogLine {
            size: 0,
            level: line.level,
            reserved: 0,
            wall_ms: line.wall_ms,
            text: calls.out.line.as_ptr(),
            text_len: calls.out.line.len(),
            lost: line.lost,
        })
    }

    pub(crate) fn close(&self) {
        match self.calls().work.take() {
            Some(Work::Local { core, judge, show }) => {
                core.leave(&judge);
                if let Some(show) = show {
                    show.close();
                }
            }
            Some(Work::Remote(thin)) => thin.close(),
            None => {}
        }
    }
}

fn millis(span: Span) -> u64 {
    span.0 / 1_000_000
}
