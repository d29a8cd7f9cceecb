// SPDX-License-Identifier: Apache-2.0
//! The one thread that writes files: audit lines and what was learned. A slow or full disk costs lines, never a decision.

use gleaner_act::audit::{AuditConfig, AuditFile};
use gleaner_engine::config::AuditConfig as Wanted;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Pieces of work that wait for a slow disk; at one line a second a minute's worth.
const WAITING: usize = 64;

/// One piece of work.
enum Work {
    Line(String),
    State { path: PathBuf, bytes: Vec<u8> },
}

/// Hands work to the writer. Dropping it finishes what waits and ends the thread.
pub(crate) struct Scribe {
    work: Option<SyncSender<Work>>,
    audit: bool,
    dropped: Arc<AtomicU64>,
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
        let (count, has_audit) = (Arc::clone(&dropped), audit.is_some());
        let writer = std::thread::Builder::new()
            .name("gleaner-scribe".to_owned())
            .spawn(move || write_all(audit, &inbox, &count))?;
        Ok(Self { work: Some(work), audit: has_audit, dropped, writer: Some(writer) })
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

    /// Audit lines that were not written.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn send(&self, work: Work) -> bool {
        self.work.as_ref().is_some_and(|queue| queue.try_send(work).is_ok())
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.work = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of files panicked");
        }
    }
}

fn write_all(mut audit: Option<AuditFile>, inbox: &Receiver<Work>, dropped: &AtomicU64) {
    for work in inbox {
        match work {
            Work::Line(line) => {
                let written = audit.as_mut().is_some_and(|file| file.append(&line));
                dropped.fetch_add(u64::from(!written), Ordering::Relaxed);
            }
            Work::State { path, bytes } => {
                if let Err(error) = replace(&path, &bytes) {
                    let path = path.display();
                    tracing::warn!(%path, %error, "what was learned cannot be written");
                }
            }
        }
    }
}

/// Replaces a file as a whole: a crash leaves the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::units::Bytes;

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

    #[test]
    fn a_full_disk_drops_lines_and_counts_them() {
        let scribe = Scribe::start(&wanted(Path::new("/dev/full"))).unwrap();
        (0..3).for_each(|tick| scribe.line(|| format!("line {tick}")));
        let dropped = Arc::clone(&scribe.dropped);
        drop(scribe);
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    }
}
