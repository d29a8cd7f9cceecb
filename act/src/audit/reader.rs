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

/// One line that was understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Everything a tick concluded, in the engine's own words.
    Decision(serde_json::Value),
    /// Something between two decisions.
    Entry(Entry),
}

impl Line {
    /// An entry says its kind, a decision its tick.
    fn parse(text: &[u8]) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_slice(text).ok()?;
        if value.get("kind").is_some() {
            return serde_json::from_value(value).ok().map(Self::Entry);
        }
        value.get("tick").is_some().then_some(Self::Decision(value))
    }
}

/// Shows every line of the file and of the rotated ones beside it to `visit`, the oldest first.
///
/// # Errors
/// If the file is not there or cannot be read.
pub fn read(path: &Path, mut visit: impl FnMut(Line)) -> io::Result<Unread> {
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
            match Line::parse(&line) {
                Some(line) => visit(line),
                None if line.trim_ascii().is_empty() => {}
                None => unread.lines += 1,
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

    fn decision(tick: u64) -> String {
        format!(r#"{{"tick":{tick},"padding":"{}"}}"#, "x".repeat(60))
    }

    fn ticks(path: &Path) -> (Vec<u64>, Unread) {
        let mut ticks = Vec::new();
        let unread = read(path, |line| match line {
            Line::Decision(value) => ticks.extend(value["tick"].as_u64()),
            Line::Entry(entry) => panic!("never written: {entry:?}"),
        });
        (ticks, unread.expect("readable"))
    }

    #[test]
    fn the_newest_lines_are_kept_within_the_bound() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("audit.jsonl");
        let config = AuditConfig { path: path.clone(), max_bytes: 1000, keep: 2 };
        let mut audit = AuditFile::open(config);
        assert!((1..=100).all(|id| audit.append(&decision(id))));
        let (ticks, unread) = ticks(&path);
        assert_eq!(unread.lines, 0);
        let first = ticks[0];
        assert_eq!(ticks, (first..=100).collect::<Vec<_>>(), "the newest, in order");
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
        file.write_all(br#"{"tick":2,"wa"#).expect("room");
        let (before, unread) = ticks(&path);
        assert_eq!((before, unread.lines), (vec![1], 1));
        assert!(AuditFile::open(config).append(&decision(3)));
        assert_eq!(ticks(&path).0, [1, 3]);
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
