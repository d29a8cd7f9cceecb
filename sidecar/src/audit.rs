// SPDX-License-Identifier: Apache-2.0
//! The audit file: one JSON line a decision, bounded on disk, written by a thread of its own so that a slow disk cannot hold up a decision.

use gleaner_engine::config::AuditConfig;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Lines that wait for a slow disk; at one a second a minute's worth.
const WAITING: usize = 64;

/// Hands lines to the writer. Dropping it writes what waits and ends the thread.
pub(crate) struct Audit {
    lines: Option<SyncSender<String>>,
    dropped: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

impl Audit {
    /// Opens the file, and starts its writer.
    pub(crate) fn open(config: &AuditConfig) -> Option<io::Result<Self>> {
        config.file.as_ref().map(|path| {
            let book = Book::open(path, config.max_size.0, config.keep)?;
            let (lines, inbox) = sync_channel(WAITING);
            let dropped = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&dropped);
            let writer = std::thread::Builder::new()
                .name("gleaner-audit".to_owned())
                .spawn(move || write_all(book, &inbox, &count))?;
            Ok(Self { lines: Some(lines), dropped, writer: Some(writer) })
        })
    }

    /// Writes a line later; drops and counts it when the disk is too slow.
    pub(crate) fn write(&self, line: String) {
        let sent = self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok());
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were not written, since the file was opened.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the audit file panicked");
        }
    }
}

fn write_all(mut book: Book, inbox: &Receiver<String>, dropped: &AtomicU64) {
    let mut failing = false;
    for line in inbox {
        let result = book.append(&line);
        // Said once each time it changes, not for each line.
        match (&result, failing) {
            (Err(error), false) => {
                tracing::error!(path = %book.path.display(), %error, "cannot write the audit file; lines are dropped");
            }
            (Ok(()), true) => {
                tracing::info!(path = %book.path.display(), "the audit file is written again")
            }
            (Ok(()), false) | (Err(_), true) => {}
        }
        failing = result.is_err();
        if failing {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A file of lines that is put aside when it is full.
struct Book {
    path: PathBuf,
    file: File,
    size: u64,
    max_size: u64,
    keep: u32,
}

impl Book {
    fn open(path: &Path, max_size: u64, keep: u32) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).read(true).create(true).open(path)?;
        let mut size = file.metadata()?.len();
        if size > 0 && !ends_a_line(&mut file)? {
            // What a crash cut off must not run into the first new line.
            file.write_all(b"\n")?;
            size += 1;
        }
        Ok(Self { path: path.to_owned(), file, size, max_size, keep })
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        let bytes = line.len() as u64 + 1;
        if self.size > 0 && self.size + bytes > self.max_size {
            self.turn()?;
        }
        // One write for the whole line: a crash cuts at most the last one.
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.size += bytes;
        Ok(())
    }

    /// Puts the full file aside and begins a new one; the oldest beyond `keep` goes.
    fn turn(&mut self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            rename_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        match self.keep {
            0 => fs::remove_file(&self.path)?,
            _ => fs::rename(&self.path, self.aside(1))?,
        }
        *self = Self::open(&self.path, self.max_size, self.keep)?;
        Ok(())
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gleaner_estimator::units::Bytes;

    fn config(dir: &Path, max_size: u64, keep: u32) -> AuditConfig {
        AuditConfig { file: Some(dir.join("audit.jsonl")), max_size: Bytes(max_size), keep }
    }

    fn lines(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_disk_holds_no_more_than_was_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let audit = Audit::open(&config(dir.path(), 40, 2)).unwrap().unwrap();
        for number in 10..40 {
            audit.write(format!("line {number}"));
        }
        drop(audit);
        let path = dir.path().join("audit.jsonl");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        assert_eq!(lines(&path).last().map(String::as_str), Some("line 39"));
        for name in ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"] {
            assert!(fs::metadata(dir.path().join(name)).unwrap().len() <= 40, "{name}");
        }
        assert_eq!(lines(&dir.path().join("audit.jsonl.1")).len(), 5);
    }

    #[test]
    fn a_line_that_a_crash_cut_off_stays_alone() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), 1000, 1);
        let path = dir.path().join("audit.jsonl");
        fs::write(&path, "whole\ncut o").unwrap();
        let audit = Audit::open(&config).unwrap().unwrap();
        audit.write("next".to_owned());
        drop(audit);
        assert_eq!(lines(&path), ["whole", "cut o", "next"]);
    }

    #[test]
    fn a_full_disk_drops_lines_and_counts_them() {
        let full = AuditConfig {
            file: Some(PathBuf::from("/dev/full")),
            max_size: Bytes(1 << 20),
            keep: 0,
        };
        let audit = Audit::open(&full).unwrap().unwrap();
        audit.write("one".to_owned());
        audit.write("two".to_owned());
        let dropped = Arc::clone(&audit.dropped);
        drop(audit);
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }
}
