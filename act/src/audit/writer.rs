// SPDX-License-Identifier: Apache-2.0
//! Appending to the audit file within its bounds.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the audit file is and how large it may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditConfig {
    /// The file; older ones have `.1`, `.2` … behind the name.
    pub path: PathBuf,
    /// Largest size of one file, bytes.
    pub max_bytes: u64,
    /// Older files kept.
    pub keep: u32,
}

/// The audit file, open for appending.
#[derive(Debug)]
pub struct AuditFile {
    config: AuditConfig,
    file: Option<File>,
    bytes: u64,
    /// The last line was cut off, so the next begins with a line break.
    torn: bool,
    written: u64,
    dropped: u64,
    last_error: Option<String>,
}

impl AuditFile {
    /// Opens or makes the file. That it cannot be opened is no error: lines are dropped and counted until it can.
    #[must_use]
    pub fn open(config: AuditConfig) -> Self {
        let mut audit = Self {
            config,
            file: None,
            bytes: 0,
            torn: false,
            written: 0,
            dropped: 0,
            last_error: None,
        };
        if let Err(error) = audit.reopen() {
            audit.fail(&error);
        }
        audit
    }

    /// Appends one line, given without its line break; answers whether it is in the file.
    pub fn append(&mut self, line: &str) -> bool {
        let appended = self.try_append(line);
        match &appended {
            Ok(()) => self.written += 1,
            Err(error) => {
                self.dropped += 1;
                self.fail(error);
            }
        }
        appended.is_ok()
    }

    /// Lines written.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Lines dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Why the last line was dropped, with the path; `None` if none was.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    fn try_append(&mut self, line: &str) -> io::Result<()> {
        let mut line = line.as_bytes().to_vec();
        line.push(b'\n');
        let length = line.len() as u64;
        if length > self.config.max_bytes {
            let text = format!("a line of {length} bytes is larger than the file may be");
            return Err(io::Error::new(ErrorKind::FileTooLarge, text));
        }
        if self.bytes + length > self.config.max_bytes {
            self.rotate()?;
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        if self.torn {
            line.insert(0, b'\n');
        }
        let Some(file) = &mut self.file else { return Err(ErrorKind::NotFound.into()) };
        // One call: a crash leaves the line whole, absent, or torn at the end of the file.
        let written = file.write(&line)?;
        self.bytes += written as u64;
        self.torn = written < line.len();
        if self.torn { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Moves each file one place on; the last falls off.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let keep = self.config.keep;
        if keep == 0 {
            std::fs::remove_file(&self.config.path)?;
        }
        for place in (0..keep).rev() {
            match std::fs::rename(self.place(place), self.place(place + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        self.reopen()
    }

    fn place(&self, place: u32) -> PathBuf {
        numbered(&self.config.path, place)
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Some(parent) = self.config.path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut options = OpenOptions::new();
        // Other users' tasks stand in it: for root and its group alone.
        options.create(true).read(true).append(true).mode(0o640);
        let mut file = options.open(&self.config.path)?;
        self.bytes = file.metadata()?.len();
        self.torn = self.bytes > 0 && last_byte(&mut file)? != b'\n';
        self.file = Some(file);
        Ok(())
    }

    fn fail(&mut self, error: &io::Error) {
        let text = format!("{}: {error}", self.config.path.display());
        tracing::warn!(dropped = self.dropped, "audit: {text}");
        self.last_error = Some(text);
    }
}

/// The file at a place; 0 is the one in use.
pub(super) fn numbered(path: &Path, place: u32) -> PathBuf {
    if place == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{place}"));
    name.into()
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}
