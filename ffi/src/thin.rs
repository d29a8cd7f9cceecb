// SPDX-License-Identifier: Apache-2.0
//! Thin mode: a daemon on the same node decides, and this thread carries tables to it and answers back.
//!
//! A daemon that is gone, hangs, or lets its offer run out lends nothing and ends nobody; it is looked
//! for again every second, so that it can be replaced while the agent goes on.

use crate::abi::code::GLEANER_LEVEL_UNKNOWN;
use crate::guard::words;
use crate::handle::shared::{Offered, Shared, Waiting};
use crate::handle::table::Table;
use crate::measure::PATIENCE;
use crate::setup::{Role, Setup};
use crate::spawn;
use gleaner_act::clock::{Clock as _, SystemClock};
use gleaner_estimator::reason::Resource;
use gleaner_estimator::units::Span;
use gleaner_wire::client::{Answer, Client};
use gleaner_wire::message::{self, Task};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two exchanges: so long a correction may wait.
const TURN: Duration = Duration::from_millis(200);
/// Between two looks for a daemon that is not there.
const RETRY: Duration = Duration::from_secs(1);

/// The thread; closed with the handle.
pub(crate) struct Thin {
    tables: Sender<Arc<Table>>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Thin {
    pub(crate) fn start(
        socket: PathBuf,
        setup: &Setup,
        shared: Arc<Shared>,
    ) -> Result<Self, String> {
        let (tables, inbox) = channel();
        let (done, ended) = channel();
        let role = match setup.role {
            Role::Estimator => message::Role::Estimator,
            Role::Controller => message::Role::Controller,
            Role::Both => message::Role::Both,
        };
        let max_age = setup.paces.table_max_age;
        let mut link = Link {
            socket,
            role,
            estimates: setup.role.estimates(),
            max_age,
            shared,
            client: None,
            table: None,
            sent: 0,
            said: String::new(),
        };
        let body = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| link.run(&inbox))) {
                link.shared.poison(&words(&*panic));
            }
            // Nobody may be waiting any more.
            let _ = done.send(());
        };
        let thread = spawn::thread("gleaner-thin", body)
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Self { tables, ended, thread })
    }

    pub(crate) fn push(&self, table: Arc<Table>) {
        // The thread ends before this only after a panic, which has poisoned the handle.
        let _ = self.tables.send(table);
    }

    pub(crate) fn close(self) {
        drop(self.tables);
        if self.ended.recv_timeout(PATIENCE).is_ok() {
            // It is about to return.
            drop(self.thread.join());
        }
    }
}

/// What the thread knows.
struct Link {
    socket: PathBuf,
    role: message::Role,
    estimates: bool,
    max_age: Span,
    shared: Arc<Shared>,
    client: Option<Client>,
    table: Option<Arc<Table>>,
    /// The table that the daemon has.
    sent: u64,
    /// The last trouble, so that it is said once.
    said: String,
}

impl Link {
    fn run(&mut self, inbox: &Receiver<Arc<Table>>) {
        loop {
            let pause = match self.turn() {
                Ok(()) => TURN,
                Err(why) => {
                    (self.client, self.sent) = (None, 0);
                    self.shared.withdraw(None);
                    if self.said != why {
                        let text = format!("{}: {why}: nothing is lent", self.socket.display());
                        self.shared.log.warn(&text);
                        self.said = why;
                    }
                    RETRY
                }
            };
            match inbox.recv_timeout(pause) {
                Ok(table) => self.table = Some(inbox.try_iter().last().unwrap_or(table)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        let client = match self.client.take() {
            Some(client) => client,
            None => {
                let client = Client::connect(&self.socket, self.role).map_err(|e| e.to_string())?;
                self.shared.log.info(&format!("{}: connected", self.socket.display()));
                self.said.clear();
                client
            }
        };
        let Some(table) = self.table.clone() else {
            self.client = Some(client);
            return Ok(());
        };
        let age = SystemClock.now().since(table.at).unwrap_or_default();
        let news = (self.sent != table.generation).then(|| as_message(&table));
        let answer = client.turn(news, age.0 / 1_000_000, self.shared.taken());
        let answer = answer.map_err(|error| error.to_string())?;
        (self.sent, self.client) = (table.generation, Some(client));
        match age > self.max_age {
            true => self.shared.withdraw(None),
            false => self.take(answer, &table),
        }
        Ok(())
    }

    fn take(&self, answer: Answer, table: &Table) {
        let decided = SystemClock.now();
        let reason = |correction: message::Correction| Waiting {
            resource: match correction.resource {
                1 => Resource::Memory,
                2 => Resource::Io,
                _ => Resource::Cpu,
            },
            name: correction.name,
            reason: correction.reason,
            decided,
        };
        let waiting: Vec<_> = answer.corrections.into_iter().map(reason).collect();
        let fresh =
            |old: &Waiting| decided.since(old.decided).is_none_or(|age| age <= Span::from_secs(10));
        self.shared.wait_for(waiting, |old| fresh(old) && table.find(&old.name).is_some());
        match answer.offer.filter(|_| self.estimates) {
            Some(offer) => {
                let offered = Offered {
                    cpu_millis: offer.cpu_millis,
                    memory_bytes: offer.memory_bytes,
                    configured: false,
                    level: offer.level.min(GLEANER_LEVEL_UNKNOWN),
                    generation: offer.generation,
                    decided,
                    stale_after: Span::from_millis(offer.holds_ms),
                };
                self.shared.publish(offered, None);
            }
            None => self.shared.retract(),
        }
    }
}

fn as_message(table: &Table) -> message::Table {
    let task = |entry: &crate::handle::table::Entry| Task {
        name: entry.name.clone(),
        best_effort: entry.is_best_effort(),
        priority: entry.saying.priority,
        tenant: entry.saying.tenant.clone(),
        cpu_millis: entry.saying.allocation.cpu.map(|cpu| cpu.0),
        memory_bytes: entry.saying.allocation.memory.map(|memory| memory.0),
    };
    message::Table { generation: table.generation, tasks: table.entries.iter().map(task).collect() }
}
