// SPDX-License-Identifier: Apache-2.0
//! The one thread that writes files: audit lines, what was learned, the offer for others. A slow or full disk costs lines,
//! never a decision.
//!
//! An intent has to be in the file before its act, so the thread that acts waits for it, but only for as long as a healthy
//! disk takes. Once a wait was in vain nobody waits until the writer has caught up.

use crate::whole::{self, Whom};
use gleaner_act::audit::{AuditConfig, AuditFile, AuditSink, Entry};
use gleaner_engine::config::AuditConfig as Wanted;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pieces of work that wait for a slow disk: a probe of 64 suspects is 128 lines.
const WAITING: usize = 512;

/// Longest wait for an intent: a write into page cache takes some 20 µs.
const PATIENCE: Duration = Duration::from_millis(20);

/// One piece of work.
enum Work {
    Line(String),
    /// A line whose writer waits to hear that it is in the file.
    Intent {
        line: String,
        written: SyncSender<()>,
    },
    State {
        path: PathBuf,
        bytes: Vec<u8>,
    },
    Offer {
        path: PathBuf,
        bytes: Vec<u8>,
    },
    /// No offer stands there any more.
    NoOffer(PathBuf),
    /// There will be no more, whoever still holds the queue.
    End,
}

/// Hands work to the writer. Dropping it finishes what waits and ends the thread.
pub(crate) struct Scribe {
    work: SyncSender<Work>,
    audit: bool,
    dropped: Arc<AtomicU64>,
    /// Whether the last offer could not be written.
    unheard: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Scribe {
    /// Starts the writer.
    pub(crate) fn start(wanted: &Wanted) -> io::Result<Self> {
        let audit = wanted.file.clone().map(|path| {
            AuditFile::open(AuditConfig { path, max_bytes: wanted.max_size.0, keep: wanted.keep })
        });
        let (work, inbox) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let unheard = Arc::new(AtomicBool::new(false));
        let has_audit = audit.is_some();
        let writer = Writer { audit, dropped: Arc::clone(&dropped), unheard: Arc::clone(&unheard) };
        let writer = std::thread::Builder::new()
            .name("gleaner-scribe".to_owned())
            .spawn(move || writer.write_all(&inbox))?;
        Ok(Self { work, audit: has_audit, dropped, unheard, writer: Some(writer) })
    }

    /// Appends a line to the audit file, later; without such a file it is not even made.
    pub(crate) fn line(&self, line: impl FnOnce() -> String) {
        if self.audit && !self.send(Work::Line(line())) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Replaces the file of what was learned, later. One that finds no room is followed by another soon.
    pub(crate) fn state(&self, path: &Path, bytes: Vec<u8>) {
        if !self.send(Work::State { path: path.to_owned(), bytes }) {
            tracing::warn!("what was learned was not written: the disk is too slow");
        }
    }

    /// Replaces the file of the offer, later. One that finds no room is followed by another within a tick.
    pub(crate) fn offer(&self, path: &Path, bytes: Vec<u8>) {
        self.send(Work::Offer { path: path.to_owned(), bytes });
    }

    /// Removes the file of the offer, later.
    pub(crate) fn no_offer(&self, path: &Path) {
        self.send(Work::NoOffer(path.to_owned()));
    }

    /// Whether the last offer could not be written.
    pub(crate) fn is_unheard(&self) -> bool {
        self.unheard.load(Ordering::Relaxed)
    }

    /// Audit lines that were not written.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Where the actor's entries go; nowhere without an audit file.
    pub(crate) fn entries(&self) -> Option<Box<dyn AuditSink + Send>> {
        let (work, dropped) = (self.work.clone(), Arc::clone(&self.dropped));
        self.audit.then(|| Box::new(Entries { work, dropped, owed: None }) as Box<_>)
    }

    fn send(&self, work: Work) -> bool {
        self.work.try_send(work).is_ok()
    }
}

/// The way of the actor's entries into the audit file.
struct Entries {
    work: SyncSender<Work>,
    dropped: Arc<AtomicU64>,
    /// An intent that was not written in time.
    owed: Option<Receiver<()>>,
}

impl Entries {
    /// Whether an intent of before is still not written.
    fn is_behind(&mut self) -> bool {
        let waits = |owed: &Receiver<()>| owed.try_recv() == Err(TryRecvError::Empty);
        self.owed = self.owed.take().filter(waits);
        self.owed.is_some()
    }
}

impl AuditSink for Entries {
    fn tell(&mut self, entry: &Entry) {
        let line = entry.line();
        let wait = matches!(entry, Entry::Intent(_)) && !self.is_behind();
        let (written, inbox) = sync_channel(1);
        let work = if wait { Work::Intent { line, written } } else { Work::Line(line) };
        if self.work.try_send(work).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else if wait && inbox.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            self.owed = Some(inbox);
        }
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        // An error means that the writer is gone already.
        let _ = self.work.send(Work::End);
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of files panicked");
        }
    }
}

/// What the thread owns.
struct Writer {
    audit: Option<AuditFile>,
    dropped: Arc<AtomicU64>,
    unheard: Arc<AtomicBool>,
}

impl Writer {
    fn write_all(mut self, inbox: &Receiver<Work>) {
        for work in inbox {
            match work {
                Work::Line(line) => self.append(&line),
                Work::Intent { line, written } => {
                    self.append(&line);
                    // Nobody waits any more where it took too long.
                    let _ = written.try_send(());
                }
                Work::State { path, bytes } => {
                    if let Err(error) = whole::replace(&path, &bytes, Whom::Us) {
                        let path = path.display();
                        tracing::warn!(%path, %error, "what was learned cannot be written");
                    }
                }
                Work::Offer { path, bytes } => {
                    self.heard(&path, whole::replace(&path, &bytes, Whom::Others));
                }
                Work::NoOffer(path) => self.heard(&path, whole::remove(&path)),
                Work::End => return,
            }
        }
    }

    fn append(&mut self, line: &str) {
        let written = self.audit.as_mut().is_some_and(|file| file.append(line));
        self.dropped.fetch_add(u64::from(!written), Ordering::Relaxed);
    }

    /// Notes whether others can read what is offered; the log tells it once, not each second.
    fn heard(&self, path: &Path, written: io::Result<()>) {
        let before = self.unheard.swap(written.is_err(), Ordering::Relaxed);
        if let Err(error) = written
            && !before
        {
            let path = path.display();
            tracing::error!(%path, %error, "the offer cannot be handed on: its readers see it grow too old");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_act::audit::Intent;
    use gleaner_estimator::reason::Resource;
    use gleaner_estimator::sample::TaskId;
    use gleaner_estimator::units::Bytes;
    use gleaner_qos::verdict::Action;
    use std::fs;

    fn wanted(file: &Path) -> Wanted {
        Wanted { file: Some(file.to_owned()), max_size: Bytes(1 << 20), keep: 1 }
    }

    #[test]
    fn what_waits_is_written_before_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let (audit, state) = (dir.path().join("audit.jsonl"), dir.path().join("learned"));
        let scribe = Scribe::start(&wanted(&audit)).unwrap();
        (0..10).for_each(|tick| scribe.line(|| format!("line {tick}")));
        scribe.state(&state, b"first".to_vec());
        scribe.state(&state, b"second".to_vec());
        drop(scribe);
        assert_eq!(fs::read_to_string(&audit).unwrap().lines().count(), 10);
        assert_eq!(fs::read(&state).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing half written stays");
    }

    fn intent(act: u64) -> Entry {
        let task = TaskId { name: "batch".into(), inode: 1 };
        let (resource, action) = (Resource::Cpu, Action::Evict);
        Entry::Intent(Intent { act, tick: 1, wall_ms: 2, task, resource, action })
    }

    #[test]
    fn an_intent_is_in_the_file_when_its_act_begins() {
        let dir = tempfile::tempdir().unwrap();
        let audit = dir.path().join("audit.jsonl");
        let scribe = Scribe::start(&wanted(&audit)).unwrap();
        let mut entries = scribe.entries().expect("a file is wanted");
        for act in 1..100 {
            entries.tell(&intent(act));
            let text = fs::read_to_string(&audit).unwrap();
            assert_eq!(text.lines().count() as u64, act);
        }
        drop(scribe);
        entries.tell(&intent(100));
        assert_eq!(fs::read_to_string(&audit).unwrap().lines().count(), 99, "the end is the end");
    }

    #[test]
    fn a_disk_that_hangs_is_waited_for_once() {
        let (work, inbox) = sync_channel(WAITING);
        let mut entries = Entries { work, dropped: Arc::default(), owed: None };
        (1..=50).for_each(|act| entries.tell(&intent(act)));
        let waited = inbox.try_iter().filter(|work| matches!(work, Work::Intent { .. })).count();
        assert_eq!(waited, 1, "all others were handed over without waiting");
        // What was owed is never written, because it was dropped: the next one waits again.
        entries.tell(&intent(51));
        assert!(matches!(inbox.try_recv(), Ok(Work::Intent { .. })));
    }

    #[test]
    fn a_full_disk_drops_lines_and_counts_them() {
        let scribe = Scribe::start(&wanted(Path::new("/dev/full"))).unwrap();
        (0..3).for_each(|tick| scribe.line(|| format!("line {tick}")));
        let dropped = Arc::clone(&scribe.dropped);
        drop(scribe);
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }
}
