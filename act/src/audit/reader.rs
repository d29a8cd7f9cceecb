// SPDX-License-Identifier: Apache-2.0
//! Reading audit files back, the oldest first, whatever state a crash has left them in.

use super::Entry;
use super::writer::numbered;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::Path;

/// Rotated files are looked for up to this number; more are never kept.
const MOST_FILES: u32 = 1000;

/// What could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Lines that make no sense. One is usual after a crash: the last of a file.
    pub lines: u64,
}

/// Shows every entry of the file and of the rotated ones beside it to `visit`, the oldest first.
///
/// # Errors
/// If the file is not there or cannot be read.
pub fn read(path: &Path, mut visit: impl FnMut(Entry)) -> io::Result<Unread> {
    let mut unread = Unread::default();
    let last = (1..MOST_FILES).find(|place| !numbered(path, *place).exists()).unwrap_or(1);
    for place in (0..last).rev() {
        let file = match File::open(numbered(path, place)) {
            Ok(file) => file,
            // It was rotated on while we read.
            Err(error) if place > 0 && error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            match serde_json::from_slice(&line) {
                Ok(entry) => visit(entry),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => unread.lines += 1,
            }
            line.clear();
        }
    }
    Ok(unread)
}

#[cfg(test)]
mod tests {
    use super::super::{AuditConfig, AuditFile};
    use super::*;
    use std::io::Write;

    fn decision(id: u64) -> Entry {
        let body = serde_json::json!({ "padding": "x".repeat(40) });
        Entry::Decision { id: id.to_string(), wall_ms: id, body }
    }

    fn ids(path: &Path) -> (Vec<String>, Unread) {
        let mut ids = Vec::new();
        let unread = read(path, |entry| match entry {
            Entry::Decision { id, .. } => ids.push(id),
            other @ (Entry::Intent(_) | Entry::Outcome(_) | Entry::Undone { .. }) => {
                panic!("never written: {other:?}")
            }
        });
        (ids, unread.expect("readable"))
    }

    #[test]
    fn the_newest_lines_are_kept_within_the_bound() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("audit.jsonl");
        let config = AuditConfig { path: path.clone(), max_bytes: 1000, keep: 2 };
        let mut audit = AuditFile::open(config);
        assert!((1..=100).all(|id| audit.append(&decision(id))));
        let (ids, unread) = ids(&path);
        assert_eq!(unread.lines, 0);
        assert_eq!(ids.last().map(String::as_str), Some("100"));
        let expected: Vec<_> = (101 - ids.len()..=100).map(|id| id.to_string()).collect();
        assert_eq!(ids, expected, "the newest, in order");
        let sizes = std::fs::read_dir(top.path()).expect("listed");
        let sizes: Vec<u64> =
            sizes.map(|f| f.and_then(|f| f.metadata()).expect("there").len()).collect();
        assert_eq!(sizes.len(), 3);
        assert!(sizes.iter().all(|size| *size <= 1000), "{sizes:?}");
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_does_not_spoil_the_next() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("audit.jsonl");
        let config = AuditConfig { path: path.clone(), max_bytes: 10_000, keep: 1 };
        assert!(AuditFile::open(config.clone()).append(&decision(1)));
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(br#"{"kind":"decision","id":"2","wa"#).expect("room");
        let (before, unread) = ids(&path);
        assert_eq!((before, unread.lines), (vec!["1".to_owned()], 1));
        assert!(AuditFile::open(config).append(&decision(3)));
        assert_eq!(ids(&path).0, ["1", "3"]);
    }

    #[test]
    fn a_line_larger_than_the_file_may_be_is_dropped_and_counted() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("audit.jsonl");
        let mut audit = AuditFile::open(AuditConfig { path, max_bytes: 50, keep: 1 });
        assert!(!audit.append(&decision(1)));
        assert_eq!((audit.written(), audit.dropped()), (0, 1));
        assert!(audit.last_error().is_some_and(|text| text.contains("audit.jsonl")));
    }
}
