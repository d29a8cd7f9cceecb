// SPDX-License-Identifier: Apache-2.0
//! One value in one control file: the whole file, or the line of one device.

use crate::fault::Fault;
use crate::held::Held;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A place for a value in a control file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The file.
    pub file: Cow<'static, str>,
    /// The line, where the file has one a device.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<Line>,
}

/// One line of a file that has many: `key value`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Line {
    /// What it begins with: `default`, or a device as `8:0`.
    pub key: String,
    /// The value that a missing line stands for.
    pub absent: Cow<'static, str>,
}

impl Slot {
    /// A whole file.
    #[must_use]
    pub const fn file(name: &'static str) -> Self {
        Self { file: Cow::Borrowed(name), line: None }
    }

    /// One line of a file; `absent` is the value that stands for no such line.
    #[must_use]
    pub fn line(name: &'static str, key: impl Into<String>, absent: &'static str) -> Self {
        let line = Line { key: key.into(), absent: Cow::Borrowed(absent) };
        Self { file: Cow::Borrowed(name), line: Some(line) }
    }

    /// Its value now.
    pub(crate) fn read(&self, held: &Held) -> Result<String, Fault> {
        if self.file == V1_FREEZER {
            // `freezer.state` also tells of a frozen parent, and is FREEZING on its way: this is our own part alone.
            let frozen = held.read("freezer.self_freezing")? == "1";
            return Ok(if frozen { "FROZEN" } else { "THAWED" }.to_owned());
        }
        let text = held.read(&self.file)?;
        let Some(line) = &self.line else { return Ok(text) };
        let value = text.lines().find_map(|l| l.strip_prefix(&line.key)?.strip_prefix(' '));
        Ok(value.unwrap_or(&line.absent).trim_end().to_owned())
    }

    /// Gives it a value.
    pub(crate) fn write(&self, held: &Held, value: &str) -> Result<(), Fault> {
        match &self.line {
            None => held.write(&self.file, value),
            Some(line) => held.write(&self.file, &format!("{} {value}", line.key)),
        }
    }
}

/// `FROZEN` or `THAWED` is written here.
pub(crate) const V1_FREEZER: &str = "freezer.state";

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.line {
            None => f.write_str(&self.file),
            Some(line) => write!(f, "{} [{}]", self.file, line.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_whole_key() {
        let top = tempfile::tempdir().expect("a temporary directory");
        let text = "8:16 rbps=1 wbps=2\n8:1 rbps=3 wbps=4 \n";
        std::fs::write(top.path().join("io.max"), text).expect("write");
        let inode = Held::inode_of(top.path()).expect("it exists");
        let held = Held::open(top.path(), inode).expect("it exists");
        let read = |key: &str| Slot::line("io.max", key, "none").read(&held).expect("readable");
        assert_eq!(read("8:1"), "rbps=3 wbps=4");
        assert_eq!(read("8:16"), "rbps=1 wbps=2");
        assert_eq!(read("8"), "none");
        assert_eq!(
            Slot::file("io.max").read(&held).expect("readable"),
            text.trim_end_matches('\n')
        );
    }
}
